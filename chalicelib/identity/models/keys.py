"""API keys, each under its own id; only the digest of the secret is kept. All ids stand together under ``KEYS``."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from chalicelib.core import clock, db
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError
from chalicelib.identity.errors import KeyNotFound, KeyRevoked

ALL: Final = "KEYS"


class KeyKind(StrEnum):
    """PUBLISHABLE: in a storefront's pages, for the store surface alone. INTEGRATION: secret and scoped."""

    PUBLISHABLE = "publishable"
    INTEGRATION = "integration"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. ``name`` says whose it is."""

    id: str
    kind: KeyKind
    digest: str
    name: str
    scopes: frozenset[str]
    made_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None
    made_by: str
    addresses: tuple[str, ...] = ()
    """The networks it may be used from, as CIDR; none for anywhere."""


class KeyRow(db.Row):
    """pk = "KEY#" and the key's id, sk = "KEY"."""

    class Meta:
        table_name = settings.table("identity")

    kind = UnicodeAttribute()
    digest = UnicodeAttribute()
    name = UnicodeAttribute()
    scopes: JSONAttribute = JSONAttribute()
    addresses: JSONAttribute = JSONAttribute(null=True)
    made_at = UnicodeAttribute()
    made_by = UnicodeAttribute()
    expires_at = UnicodeAttribute(null=True)
    revoked_at = UnicodeAttribute(null=True)
    used_at = UnicodeAttribute(null=True)

    @classmethod
    def lookup(cls, id_: str) -> "db.Lookup[ApiKey | None]":
        """Reads one key, whether it still counts or not."""
        return db.Lookup(((cls, f"KEY#{id_}", "KEY"),), lambda rows: rows[0].key() if rows[0] else None)

    @classmethod
    def page(cls, *, limit: int, cursor: str | None) -> "db.Page[ApiKey]":
        """Keys, the newest first, revoked and expired ones too."""
        found = db.page(KeyListRow, ALL, limit=limit, cursor=cursor, newest_first=True)
        places = tuple((cls, f"KEY#{row.key_id}", "KEY") for row in found.items)
        (keys,) = db.look(db.Lookup(places, lambda rows: [row.key() for row in rows if row]))
        return db.Page(keys, found.next_cursor)

    @classmethod
    def add(cls, tx: db.Transaction, key: ApiKey) -> None:
        """Write a new key."""
        row = cls(
            pk=f"KEY#{key.id}",
            sk="KEY",
            kind=key.kind,
            digest=key.digest,
            name=key.name,
            scopes=sorted(key.scopes),
            addresses=list(key.addresses) or None,
            made_at=clock.stamp(key.made_at),
            made_by=key.made_by,
            expires_at=clock.stamp(key.expires_at) if key.expires_at else None,
        )
        tx.put(row)
        tx.put(KeyListRow(pk=ALL, sk=f"{row.made_at}#{key.id}", key_id=key.id))

    @classmethod
    def renew(cls, tx: db.Transaction, key: ApiKey, digest: str) -> None:
        """Give it another secret, if it was never used nor revoked; refused with WriteRefused."""
        unused = cls.pk.exists() & cls.used_at.does_not_exist() & cls.revoked_at.does_not_exist()
        tx.update(cls(f"KEY#{key.id}", "KEY"), [cls.digest.set(digest)], condition=unused)

    @classmethod
    def use(cls, tx: db.Transaction, key: ApiKey, at: datetime, every: timedelta) -> None:
        """Say that it was used, no more often than ``every``; else refused with WriteRefused."""
        stale = cls.used_at.does_not_exist() | (cls.used_at <= clock.stamp(at - every))
        tx.update(cls(f"KEY#{key.id}", "KEY"), [cls.used_at.set(clock.stamp(at))], condition=cls.pk.exists() & stale)

    @classmethod
    def revoke(cls, tx: db.Transaction, id_: str, at: datetime) -> None:
        """End it for good. Refused with KeyNotFound, KeyRevoked."""
        standing = cls.pk.exists() & cls.revoked_at.does_not_exist()
        row = cls(f"KEY#{id_}", "KEY")
        tx.update(row, [cls.revoked_at.set(clock.stamp(at))], condition=standing, refusal=_refused)

    def key(self) -> ApiKey:
        """The row as a value."""
        scopes: list[str] = self.scopes
        addresses: list[str] = self.addresses or []
        return ApiKey(
            id=self.pk.removeprefix("KEY#"),
            kind=KeyKind(self.kind),
            digest=self.digest,
            name=self.name,
            scopes=frozenset(scopes),
            made_at=clock.instant(self.made_at),
            expires_at=_instant(self.expires_at),
            revoked_at=_instant(self.revoked_at),
            used_at=_instant(self.used_at),
            made_by=self.made_by,
            addresses=tuple(addresses),
        )


class KeyListRow(db.Row):
    """pk = "KEYS", sk = when the key was made and its id."""

    class Meta:
        table_name = settings.table("identity")

    key_id = UnicodeAttribute()


def _instant(text: str | None) -> datetime | None:
    return clock.instant(text) if text else None


def _refused(row: Any) -> LarisError:
    return KeyRevoked() if row else KeyNotFound()
