"""What keeps a letter back: addresses that nothing is sent to, and people who want no more of a kind.

An address stands here as its blind index alone: enough to know it again, too little to read it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, crypto, db
from chalicelib.core.config import settings
from chalicelib.notices.rules import normal_address

INDEX: Final = "notice-address"
MOST_SOFT: Final = 5
"""So many soft bounces in a row, and the address counts as dead."""


class Why(StrEnum):
    """What blocked an address: BOUNCE (it does not exist), COMPLAINT (its owner called us spam), SOFT (full, again
    and again)."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    SOFT = "soft_bounces"


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address as we know it: ``why`` is None while it only bounced softly."""

    id: str
    why: Why | None
    soft: int
    at: datetime


class SuppressionRow(db.Row):
    """pk = "ADDRESS#" and its blind index, sk = "BLOCK"."""

    class Meta:
        table_name = settings.table("notices")

    why = UnicodeAttribute(null=True)
    soft = NumberAttribute()
    at = UnicodeAttribute()

    @classmethod
    def lookup(cls, email: str) -> "db.Lookup[Suppression | None]":
        """Reads what is known of an address, under whichever key it was noted; blocks first."""
        keys = tuple((cls, f"ADDRESS#{each}", "BLOCK") for each in crypto.blinds(INDEX, normal_address(email)))

        def build(rows: "list[SuppressionRow | None]") -> Suppression | None:
            found = [row.suppression() for row in rows if row is not None]
            return next(iter(sorted(found, key=lambda each: each.why is None)), None)

        return db.Lookup(keys, build)

    @classmethod
    def block(cls, tx: db.Transaction, email: str, why: Why) -> None:
        """Send nothing there any more."""
        row = cls._of(email)
        actions = [cls.why.set(why), cls.soft.set(cls.soft | 0), cls.at.set(clock.stamp(clock.now()))]
        tx.update(row, actions, condition=_ANY)

    @classmethod
    def count_soft(cls, tx: db.Transaction, email: str, before: Suppression | None) -> None:
        """One more soft bounce; too many block the address. Refused with WriteRefused if it changed meanwhile."""
        soft = (before.soft if before else 0) + 1
        actions = [cls.soft.set(soft), cls.at.set(clock.stamp(clock.now()))]
        if soft >= MOST_SOFT:
            actions.append(cls.why.set(cls.why | Why.SOFT))
        tx.update(cls._of(email), actions, condition=cls.soft == before.soft if before else cls.pk.does_not_exist())

    @classmethod
    def lift(cls, tx: db.Transaction, suppression: Suppression) -> None:
        """Forget what was known of it; refused with WriteRefused if it changed meanwhile."""
        tx.delete(cls(suppression.id, "BLOCK"), condition=cls.at == clock.stamp(suppression.at))

    @classmethod
    def _of(cls, email: str) -> "SuppressionRow":
        return cls(f"ADDRESS#{crypto.blind(INDEX, normal_address(email))}", "BLOCK")

    def suppression(self) -> Suppression:
        """The row as a value."""
        return Suppression(self.pk, Why(self.why) if self.why else None, int(self.soft), clock.instant(self.at))


_ANY: Final = SuppressionRow.pk.exists() | SuppressionRow.pk.does_not_exist()


class StopRow(db.Row):
    """pk = subject, sk = "STOP#" and the purpose: what was asked for until ``stopped_at`` is not sent any more."""

    class Meta:
        table_name = settings.table("notices")

    stopped_at = UnicodeAttribute()

    @classmethod
    def lookup(cls, subject: str, purpose: str) -> "db.Lookup[datetime | None]":
        """Reads when a person last wanted no more of this."""
        key = (cls, subject, f"STOP#{purpose}")
        return db.Lookup((key,), lambda rows: clock.instant(rows[0].stopped_at) if rows[0] else None)

    @classmethod
    def set_(cls, tx: db.Transaction, subject: str, purpose: str) -> None:
        """Send nothing of this that was asked for until now."""
        row = cls(subject, f"STOP#{purpose}")
        anyway = cls.pk.exists() | cls.pk.does_not_exist()
        tx.update(row, [cls.stopped_at.set(clock.stamp(clock.now()))], condition=anyway)

    @classmethod
    def of(cls, subject: str) -> "list[StopRow]":
        """All that a person wants no more of."""
        return db.rows(cls, subject, cls.sk.startswith("STOP#"))
