"""Who may call a door. Every route declares one of these rules; a route without one fails a test.

Here stand the rules that need to know nobody. Who people are is the business of ``identity``, whose service has the
rules for staff, customers and keys.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from chalicelib.core import crypto
from chalicelib.core.errors import LarisError, NotFound, Unauthenticated

ANYBODY: Final = "anybody"
LONGEST_TOKEN: Final = 512
"""What is longer is none of ours, and would not fit into a key of DynamoDB."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request before anybody is let in: ``headers`` by lower-case name, the path's parameters, whence it comes."""

    headers: Mapping[str, str]
    path: Mapping[str, str]
    source: str
    """The caller's network address."""

    @property
    def bearer(self) -> str:
        """The token that the request shows. Raises Unauthenticated if it shows none."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not token.strip() or len(token) > LONGEST_TOKEN:
            raise Unauthenticated()
        return token.strip()

    @property
    def shows_token(self) -> bool:
        """True if the request claims to come from somebody in particular."""
        return "authorization" in self.headers


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking.

    ``actor`` is written into the record: guest, customer:cus_…, staff:stf_…, key:… or partner. ``principal`` tells one
    from another; Idempotency-Keys and limits are the principal's own.
    """

    actor: str
    principal: str
    account: str | None = None
    """The id of the staff member or customer; None for guests, keys and partners."""
    session: str | None = None
    """The id of the session, where there is one."""
    scopes: frozenset[str] = frozenset()
    is_public: bool = False
    """True for a key that stands in storefronts' pages: anybody may have it, so what it tries tells nothing."""


@dataclass(frozen=True, slots=True)
class Access:
    """A rule of admission: ``admit`` gives the caller or raises Unauthenticated, Forbidden or NotFound."""

    name: str
    scheme: str | None
    """The security scheme of the API reference, None where nothing is asked."""
    admit: Callable[[Visit], Caller]
    refusals: tuple[type[LarisError], ...] = ()
    """What it may raise."""
    scope: str | None = None
    """The scope that staff and keys need."""
    optional: str | None = None
    """A security scheme that may be shown where none is asked."""
    privileged: bool = False
    """True where each change, and each refusal of one, goes into the audit trail."""


def _anybody(_visit: Visit) -> Caller:
    return Caller("guest", ANYBODY)


public: Final = Access("public", None, _anybody)
"""Anybody. What stands under an unguessable id, such as a cart, is open to who knows the id."""

partner_signature: Final = Access("partner signature", "partner_signature", _anybody)
"""Anybody may knock; the door verifies the partner's signature over the raw bytes before anything else."""


def holder_of(thing: str, parameter: str) -> Access:
    """Who holds the access token of the ``thing`` whose id is the path's ``parameter``."""

    def admit(visit: Visit) -> Caller:
        if not crypto.matches(visit.bearer, token_for(thing, visit.path[parameter])):
            raise NotFound()
        return Caller("guest", f"{thing}:{visit.path[parameter]}")

    return Access(f"holder of the {thing}'s access token", "access_token", admit, (Unauthenticated, NotFound))


def token_for(thing: str, id_: str) -> str:
    """The access token of the ``thing`` called ``id_``: derived from a secret, so it can be given again."""
    return crypto.sign(f"access:{thing}", id_)
