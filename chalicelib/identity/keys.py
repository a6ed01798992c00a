"""API keys: made, known again, revoked."""

import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from chalicelib.core import audit, clock, crypto, db, ids
from chalicelib.core.access import Caller
from chalicelib.core.errors import Invalid, TooMany, Unavailable, WriteRefused
from chalicelib.core.idempotency import Claim
from chalicelib.identity.errors import KeyNotFound, KeyRefused
from chalicelib.identity.models.keys import ApiKey, KeyKind, KeyRow
from chalicelib.identity.roles import NOT_FOR_KEYS, SCOPES, check_granted

__all__ = ["ApiKey", "KeyKind", "KeyWish", "get", "issue", "make", "of", "page", "revoke", "storefront"]

PREFIXES: Final = {KeyKind.PUBLISHABLE: "lk_pub_", KeyKind.INTEGRATION: "lk_sec_"}
ID_LENGTH: Final = 16
LONGEST_LIFE: Final = timedelta(days=366)
USUAL_LIFE: Final = timedelta(days=90)
"""Of an integration's key, where nothing else is said; a storefront's lasts until it is revoked."""
NOTED_EVERY: Final = timedelta(hours=1)
"""Use is written down no more often than that."""
KEPT_FOR: Final = timedelta(seconds=30)
"""How long a storefront's key, once verified, is taken for good without being read again."""
MOST_KEPT: Final = 200

_kept: Final[dict[str, tuple[datetime, ApiKey]]] = {}
"""Storefronts' keys by the digest of their token, and when each was read."""


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A key that somebody asks for."""

    kind: KeyKind
    name: str
    scopes: frozenset[str] = frozenset()
    expires_at: datetime | None = None
    addresses: tuple[str, ...] = field(default=())


def make(
    kind: KeyKind, name: str, scopes: frozenset[str], *, expires_at: datetime | None, made_by: str
) -> tuple[ApiKey, str]:
    """A new key of the house's own making, held to no policy, and the token that is shown this once."""
    key, secret = _draft(KeyWish(kind, name, scopes, expires_at), made_by)
    with db.transaction() as tx:
        KeyRow.add(tx, key)
    return key, _token(key, secret)


def issue(wish: KeyWish, caller: Caller, claim: Claim) -> tuple[ApiKey, str]:
    """A new key for ``caller``, and its token: prefix, id and 256 bits of chance, shown this once.

    Raises Invalid (a scope no key may have, a life too long, no network), BeyondOwnScopes; Replayed, KeyReused and
    InProgress by the claim.
    """
    (made,) = db.look(claim.lookup())
    if made is not None:
        return _shown_again(made)
    key, secret = _draft(_checked(wish, caller), caller.actor)
    audit.change(f"key:{key.id}", after=_facts(key))
    with db.transaction() as tx:
        claim.record(tx, key.id)
        KeyRow.add(tx, key)
    return key, _token(key, secret)


def get(id_: str) -> ApiKey:
    """A key, whether it still counts or not. Raises KeyNotFound."""
    (key,) = db.look(KeyRow.lookup(id_))
    if key is None:
        raise KeyNotFound()
    return key


def page(*, limit: int, cursor: str | None) -> db.Page[ApiKey]:
    """Keys, the newest first, revoked and expired ones too."""
    return KeyRow.page(limit=limit, cursor=cursor)


def revoke(id_: str) -> ApiKey:
    """End a key: an integration's at once, a storefront's within half a minute. Raises KeyNotFound, KeyRevoked."""
    key = get(id_)
    audit.change(f"key:{id_}", before=_facts(key))
    with db.transaction() as tx:
        KeyRow.revoke(tx, id_, clock.now())
    for digest in [digest for digest, (_, kept) in _kept.items() if kept.id == id_]:
        del _kept[digest]
    return get(id_)


def of(token: str, source: str) -> ApiKey:
    """The key that a token belongs to, used from the network address ``source``.

    Raises KeyRefused if it is unknown, expired or revoked, or not to be used from there.
    """
    key = _read(token)
    _check_usable(key, source)
    if key.used_at is None or clock.now() - key.used_at >= NOTED_EVERY:
        with suppress(WriteRefused, TooMany, Unavailable), db.transaction() as tx:
            KeyRow.use(tx, key, clock.now(), NOTED_EVERY)
    return key


def storefront(token: str, source: str) -> ApiKey:
    """The publishable key that a token belongs to, read at most twice a minute. Raises KeyRefused."""
    if not token.startswith(PREFIXES[KeyKind.PUBLISHABLE]):
        raise KeyRefused()
    digest, now = crypto.digest(token), clock.now()
    kept_at, kept = _kept.get(digest, (None, None))
    if kept_at is not None and kept is not None and timedelta() <= now - kept_at < KEPT_FOR:
        _check_usable(kept, source)
        return kept
    _kept.pop(digest, None)
    key = of(token, source)
    if len(_kept) >= MOST_KEPT:
        _kept.pop(next(iter(_kept)))
    _kept[digest] = now, key
    return key


def _read(token: str) -> ApiKey:
    kind = next((kind for kind, prefix in PREFIXES.items() if token.startswith(prefix)), None)
    if kind is None:
        raise KeyRefused()
    id_, _, secret = token.removeprefix(PREFIXES[kind]).partition("_")
    (key,) = db.look(KeyRow.lookup(id_))
    if key is None or key.kind is not kind or not crypto.matches(crypto.digest(secret), key.digest):
        raise KeyRefused()
    return key


def _check_usable(key: ApiKey, source: str) -> None:
    if key.revoked_at or (key.expires_at and key.expires_at <= clock.now()):
        raise KeyRefused()
    if key.addresses and not _is_within(source, key.addresses):
        raise KeyRefused()


def _is_within(source: str, networks: tuple[str, ...]) -> bool:
    try:
        address = ip_address(source)
    except ValueError:
        return False
    return any(address in ip_network(network) for network in networks)


def _checked(wish: KeyWish, caller: Caller) -> KeyWish:
    """The wish, its open parts filled in. Raises Invalid, BeyondOwnScopes."""
    now = clock.now()
    if wish.kind is KeyKind.PUBLISHABLE and wish.scopes:
        raise Invalid.field("/scopes", "a publishable key has none: it is for the store surface alone")
    if wish.kind is KeyKind.INTEGRATION and not wish.scopes:
        raise Invalid.field("/scopes", "an integration's key needs one at least")
    strange = wish.scopes - (SCOPES.keys() - NOT_FOR_KEYS)
    if strange:
        raise Invalid.field("/scopes", f"not for keys: {', '.join(sorted(strange))}")
    check_granted(wish.scopes, caller.scopes)
    ends = wish.expires_at or (now + USUAL_LIFE if wish.kind is KeyKind.INTEGRATION else None)
    if ends is not None and not now < ends <= now + LONGEST_LIFE:
        raise Invalid.field("/expires_at", "must be within a year from now")
    return KeyWish(wish.kind, wish.name, wish.scopes, ends, _networks(wish.addresses))


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    """CIDR texts in their normal form. Raises Invalid."""
    found = []
    for place, text in enumerate(texts):
        try:
            found.append(str(ip_network(text)))
        except ValueError:
            raise Invalid.field(f"/addresses/{place}", "must be a network such as 203.0.113.0/24") from None
    return tuple(dict.fromkeys(found))


def _draft(wish: KeyWish, made_by: str) -> tuple[ApiKey, str]:
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        id=ids.chance(ID_LENGTH),
        kind=wish.kind,
        digest=crypto.digest(secret),
        name=wish.name,
        scopes=wish.scopes,
        made_at=clock.now(),
        expires_at=wish.expires_at,
        revoked_at=None,
        used_at=None,
        made_by=made_by,
        addresses=wish.addresses,
    )
    return key, secret


def _shown_again(id_: str) -> tuple[ApiKey, str]:
    """A key whose maker died before its token was shown: it gets another secret."""
    key, secret = get(id_), secrets.token_urlsafe(32)
    with db.transaction() as tx:
        KeyRow.renew(tx, key, crypto.digest(secret))
    return key, _token(key, secret)


def _token(key: ApiKey, secret: str) -> str:
    return f"{PREFIXES[key.kind]}{key.id}_{secret}"


def _facts(key: ApiKey) -> dict[str, object]:
    return {
        "kind": key.kind,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "expires_at": clock.stamp(key.expires_at) if key.expires_at else None,
        "addresses": list(key.addresses),
    }
