"""API keys: made, known again, revoked."""

import secrets
from datetime import datetime
from typing import Final

from chalicelib.core import clock, crypto, db, ids
from chalicelib.identity.errors import KeyRefused
from chalicelib.identity.models.keys import ApiKey, KeyKind, KeyRow

PREFIXES: Final = {KeyKind.PUBLISHABLE: "lk_pub_", KeyKind.INTEGRATION: "lk_sec_"}
ID_LENGTH: Final = 16


def make(
    kind: KeyKind, name: str, scopes: frozenset[str], *, expires_at: datetime | None, made_by: str
) -> tuple[ApiKey, str]:
    """A new key, and the token that is shown this once: prefix, id and 256 bits of chance."""
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        id=ids.chance(ID_LENGTH),
        kind=kind,
        digest=crypto.digest(secret),
        name=name,
        scopes=scopes,
        made_at=clock.now(),
        expires_at=expires_at,
        revoked_at=None,
        used_at=None,
    )
    with db.transaction() as tx:
        KeyRow.add(tx, key, made_by)
    return key, f"{PREFIXES[kind]}{key.id}_{secret}"


def of(token: str) -> ApiKey:
    """The key that a token belongs to. Raises KeyRefused if it is unknown, expired or revoked."""
    kind = next((kind for kind, prefix in PREFIXES.items() if token.startswith(prefix)), None)
    if kind is None:
        raise KeyRefused()
    id_, _, secret = token.removeprefix(PREFIXES[kind]).partition("_")
    (key,) = db.look(KeyRow.lookup(id_))
    if key is None or key.kind is not kind or not crypto.matches(crypto.digest(secret), key.digest):
        raise KeyRefused()
    if key.revoked_at or (key.expires_at and key.expires_at <= clock.now()):
        raise KeyRefused()
    return key
