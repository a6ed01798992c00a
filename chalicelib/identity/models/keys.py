"""API keys, each under its own id; only the digest of the secret is kept."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from chalicelib.core import clock, db
from chalicelib.core.config import settings


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


class KeyRow(db.Row):
    """pk = "KEY#" and the key's id, sk = "KEY"."""

    class Meta:
        table_name = settings.table("identity")

    kind = UnicodeAttribute()
    digest = UnicodeAttribute()
    name = UnicodeAttribute()
    scopes: JSONAttribute = JSONAttribute()
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
    def add(cls, tx: db.Transaction, key: ApiKey, made_by: str) -> None:
        """Write a new key."""
        row = cls(
            pk=f"KEY#{key.id}",
            sk="KEY",
            kind=key.kind,
            digest=key.digest,
            name=key.name,
            scopes=sorted(key.scopes),
            made_at=clock.stamp(key.made_at),
            made_by=made_by,
            expires_at=clock.stamp(key.expires_at) if key.expires_at else None,
        )
        tx.put(row)

    def key(self) -> ApiKey:
        """The row as a value."""
        scopes: list[str] = self.scopes
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
        )


def _instant(text: str | None) -> datetime | None:
    return clock.instant(text) if text else None
