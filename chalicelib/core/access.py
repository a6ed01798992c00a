"""Who may call a door. Every route declares one of these; a route without one fails a test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib.core import crypto, secrets
from chalicelib.core.errors import NotFound, Unauthenticated


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking: ``actor`` for the record (guest, staff, partner), ``principal`` to tell one from another."""

    actor: str
    principal: str


@dataclass(frozen=True, slots=True)
class Access:
    """A rule of admission: ``admit`` gives the caller or raises Unauthenticated, Forbidden or NotFound."""

    name: str
    scheme: str | None
    """The security scheme of the API reference, None where nothing is asked."""
    admit: Callable[[Mapping[str, str], Mapping[str, str]], Caller]


def _anybody(_headers: Mapping[str, str], _path: Mapping[str, str]) -> Caller:
    return Caller("guest", "anybody")


public: Final = Access("public", None, _anybody)
"""Anybody. What stands under an unguessable id, such as a cart, is open to who knows the id."""

partner_signature: Final = Access("partner signature", "partner_signature", _anybody)
"""Anybody may knock; the door verifies the partner's signature over the raw bytes before anything else."""


def holder_of(thing: str, parameter: str) -> Access:
    """Who holds the access token of the ``thing`` whose id is the path's ``parameter``."""

    def admit(headers: Mapping[str, str], path: Mapping[str, str]) -> Caller:
        if not crypto.matches(_bearer(headers), token_for(thing, path[parameter])):
            raise NotFound()
        return Caller("guest", f"{thing}:{path[parameter]}")

    return Access(f"holder of the {thing}'s access token", "access_token", admit)


def token_for(thing: str, id_: str) -> str:
    """The access token of the ``thing`` called ``id_``: derived from a secret, so it can be given again."""
    return crypto.sign(f"access:{thing}", id_)


def staff(scope: str) -> Access:
    """Staff and integrations with the admin key, which opens every ``scope`` (such as orders:write) for now."""

    def admit(headers: Mapping[str, str], _path: Mapping[str, str]) -> Caller:
        key = secrets.get("admin-key")
        if not key or not crypto.matches(_bearer(headers), key):
            raise Unauthenticated()
        return Caller("staff", "staff:admin-key")

    return Access(scope, "admin_key", admit)


def _bearer(headers: Mapping[str, str]) -> str:
    kind, _, token = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise Unauthenticated()
    return token.strip()
