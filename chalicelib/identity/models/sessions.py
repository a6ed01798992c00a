"""Sessions stand under their account, so that they are listed and ended by one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, db
from chalicelib.core.config import settings
from chalicelib.core.vault import SealedAttribute

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
    def add(cls, tx: db.Transaction, session: Session, where: str | None) -> None:
        """Write a new session."""
        row = cls(
            pk=session.account,
            sk=f"{PREFIX}{session.id}",
            made_at=clock.stamp(session.made_at),
            used_at=clock.stamp(session.used_at),
            ends_at=clock.stamp(session.ends_at),
            stepped_up_at=clock.stamp(session.stepped_up_at),
            where=where,
            expires=int(session.ends_at.timestamp()),
        )
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
    def end(cls, tx: db.Transaction, session: Session) -> None:
        """Take it away; refused with WriteRefused if it is gone."""
        tx.delete(cls._at(session), condition=cls.pk.exists())

    @classmethod
    def of(cls, account: str) -> "Sequence[SessionRow]":
        """All sessions of an account, expired ones too."""
        return db.rows(cls, account, cls.sk.startswith(PREFIX))

    @classmethod
    def _at(cls, session: Session) -> "SessionRow":
        return cls(session.account, f"{PREFIX}{session.id}")

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
