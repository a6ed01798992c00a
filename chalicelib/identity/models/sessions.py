"""Sessions stand under their account, so that they are listed and ended by one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, db
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError
from chalicelib.core.vault import DataKey, SealedAttribute

PREFIX = "SESSION#"


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in that lasts. ``id`` is the digest of its secret, so it can be shown and named."""

    id: str
    account: str
    made_at: datetime
    used_at: datetime
    ends_at: datetime
    stepped_up_at: datetime


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a session began: the network address, and what the browser calls itself."""

    address: str = ""
    agent: str = ""


class SessionRow(db.Row):
    """pk = account id, sk = "SESSION#" and the digest of the secret; ``where`` is sealed (address and agent)."""

    class Meta:
        table_name = settings.table("identity")

    made_at = UnicodeAttribute()
    used_at = UnicodeAttribute()
    ends_at = UnicodeAttribute()
    stepped_up_at = UnicodeAttribute()
    where = SealedAttribute(null=True)
    expires = NumberAttribute()

    @classmethod
    def lookup(cls, account: str, id_: str) -> "db.Lookup[Session | None]":
        """Reads one session, whether it still counts or not."""
        return db.Lookup(((cls, account, f"{PREFIX}{id_}"),), lambda rows: rows[0].session() if rows[0] else None)

    @classmethod
    def add(cls, tx: db.Transaction, session: Session, key: DataKey | None, where: Whereabouts | None) -> None:
        """Write a new session, with where it began sealed under ``key``."""
        row = cls(
            pk=session.account,
            sk=f"{PREFIX}{session.id}",
            made_at=clock.stamp(session.made_at),
            used_at=clock.stamp(session.used_at),
            ends_at=clock.stamp(session.ends_at),
            stepped_up_at=clock.stamp(session.stepped_up_at),
            expires=int(session.ends_at.timestamp()),
        )
        if key and where:
            row.where = key.seal(row.place, where)
        tx.put(row)

    @classmethod
    def use(cls, tx: db.Transaction, session: Session, at: datetime) -> None:
        """Say that it was used; refused with WriteRefused if it has been ended."""
        tx.update(cls._at(session), [cls.used_at.set(clock.stamp(at))], condition=cls.pk.exists())

    @classmethod
    def step_up(cls, tx: db.Transaction, session: Session, at: datetime) -> None:
        """Say that its owner has proven themselves once more; refused with WriteRefused if it has been ended."""
        tx.update(cls._at(session), [cls.stepped_up_at.set(clock.stamp(at))], condition=cls.pk.exists())

    @classmethod
    def end(cls, tx: db.Transaction, account: str, id_: str, refusal: LarisError) -> None:
        """Take it away; refused if it is gone."""
        tx.delete(cls(account, f"{PREFIX}{id_}"), condition=cls.pk.exists(), refusal=refusal)

    @classmethod
    def of(cls, account: str) -> "Sequence[SessionRow]":
        """All sessions of an account, expired ones too."""
        return db.rows(cls, account, cls.sk.startswith(PREFIX))

    @classmethod
    def _at(cls, session: Session) -> "SessionRow":
        return cls(session.account, f"{PREFIX}{session.id}")

    def opened(self, key: DataKey) -> Whereabouts:
        """Where it began."""
        if not self.where:
            return Whereabouts()
        where: Whereabouts = key.open(self.place, self.where, Whereabouts)
        return where

    @property
    def place(self) -> str:
        """Where the sealed whereabouts stand."""
        return f"{self.Meta.table_name}|{self.pk}|{self.sk}|where"

    def session(self) -> Session:
        """The row as a value."""
        return Session(
            id=self.sk.removeprefix(PREFIX),
            account=self.pk,
            made_at=clock.instant(self.made_at),
            used_at=clock.instant(self.used_at),
            ends_at=clock.instant(self.ends_at),
            stepped_up_at=clock.instant(self.stepped_up_at),
        )
