"""Keys, roles and passkeys on the wire."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from chalicelib.core import clock
from chalicelib.core.personal import SECRET
from chalicelib.identity.keys import ApiKey, KeyKind, KeyWish
from chalicelib.identity.passkeys import Passkey
from chalicelib.identity.roles import BUILT_IN, Role

Scope = Annotated[str, msgspec.Meta(max_length=40)]


class ListKeys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class MakeKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What kind of key, and how far it goes.

    A `publishable` key has no `scopes` and lasts until it is revoked; an `integration`'s has some of your own, and ends
    after 90 days unless `expires_at`, within a year, says otherwise. `addresses` are the networks it may be used from,
    such as `203.0.113.0/24`; none for anywhere.
    """

    kind: KeyKind
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"\S")]
    scopes: Annotated[list[Scope], msgspec.Meta(max_length=100)] = []
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    addresses: Annotated[list[Annotated[str, msgspec.Meta(max_length=50)]], msgspec.Meta(max_length=50)] = []

    def wish(self) -> KeyWish:
        """For the key cupboard."""
        return KeyWish(self.kind, self.name.strip(), frozenset(self.scopes), self.expires_at, tuple(self.addresses))


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret; ``used_at`` is true to the hour."""

    id: str
    kind: KeyKind
    name: str
    scopes: list[str]
    addresses: list[str]
    made_at: str
    made_by: str
    expires_at: str | None
    revoked_at: str | None
    used_at: str | None

    @classmethod
    def of(cls, key: ApiKey) -> "KeyView":
        """On the wire."""
        return cls(**_key(key))


class MadeKey(KeyView, frozen=True, kw_only=True):
    """A new key with its ``token``, which is never shown again."""

    token: Annotated[str, SECRET]

    @classmethod
    def with_token(cls, key: ApiKey, token: str) -> "MadeKey":
        """On the wire."""
        return cls(**_key(key), token=token)


class KeyList(msgspec.Struct, frozen=True):
    """Keys, the newest first."""

    items: list[KeyView]
    next_cursor: str | None


class PutRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What those who have the role may do; a ``refund_limit`` in the shop's currency, null for none."""

    scopes: Annotated[list[Scope], msgspec.Meta(max_length=100)]
    refund_limit: Annotated[int, msgspec.Meta(ge=0, le=10**15)] | None = 0

    def role(self, name: str) -> Role:
        """For the book of roles."""
        return Role(name, frozenset(self.scopes), self.refund_limit)


class RoleView(msgspec.Struct, frozen=True):
    """A role; one that is ``built_in`` cannot be changed."""

    name: str
    scopes: list[str]
    refund_limit: int | None
    built_in: bool

    @classmethod
    def of(cls, role: Role) -> "RoleView":
        """On the wire."""
        return cls(role.name, sorted(role.scopes), role.refund_limit, role.name in BUILT_IN)


class RoleList(msgspec.Struct, frozen=True):
    """All roles, and what each scope lets do."""

    items: list[RoleView]
    scopes: dict[str, str]


class PasskeyView(msgspec.Struct, frozen=True):
    """A passkey: ``model`` is the AAGUID of the authenticator, ``is_synced`` tells one that lives in an account."""

    id: str
    model: str
    is_synced: bool
    made_at: str
    used_at: str | None

    @classmethod
    def of(cls, passkey: Passkey) -> "PasskeyView":
        """On the wire."""
        used_at = clock.stamp(passkey.used_at) if passkey.used_at else None
        return cls(passkey.id, passkey.model, passkey.is_synced, clock.stamp(passkey.made_at), used_at)


class PasskeyList(msgspec.Struct, frozen=True):
    """Your passkeys, the oldest first."""

    items: list[PasskeyView]


class PasskeyOptions(msgspec.Struct, frozen=True):
    """`public_key` is for `navigator.credentials.create`, by `PublicKeyCredential.parseCreationOptionsFromJSON`."""

    public_key: dict[str, Any]


class AddPasskey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `navigator.credentials.create` gave, by its `toJSON`."""

    credential: dict[str, Any]


def _key(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "kind": key.kind,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "addresses": list(key.addresses),
        "made_at": clock.stamp(key.made_at),
        "made_by": key.made_by,
        "expires_at": clock.stamp(key.expires_at) if key.expires_at else None,
        "revoked_at": clock.stamp(key.revoked_at) if key.revoked_at else None,
        "used_at": clock.stamp(key.used_at) if key.used_at else None,
    }
