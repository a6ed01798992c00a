"""The register of breaches: one short list, and under each breach whom it affects."""

from datetime import datetime
from typing import Any, Final

import msgspec
from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

from chalicelib.core import clock, db
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError
from chalicelib.privacy.errors import BreachNotCounted, BreachNotFound
from chalicelib.privacy.rules import Breach, Reach

REGISTER: Final = "BREACHES"
SUBJECT: Final = "SUBJECT#"


class BreachRow(db.Row):
    """pk = "BREACHES", sk = the breach's id. ``affected`` once all were found, ``notified_at`` once all were told."""

    class Meta:
        table_name = settings.table("privacy")

    what = UnicodeAttribute()
    remedy = UnicodeAttribute()
    data_classes: JSONAttribute = JSONAttribute()
    discovered_at = UnicodeAttribute()
    occurred_from = UnicodeAttribute()
    occurred_to = UnicodeAttribute()
    recorded_at = UnicodeAttribute()
    recorded_by = UnicodeAttribute()
    reach: JSONAttribute = JSONAttribute()
    affected = NumberAttribute(null=True)
    position = UnicodeAttribute(null=True)
    notice_ordered_at = UnicodeAttribute(null=True)
    notified = NumberAttribute()
    notified_at = UnicodeAttribute(null=True)

    @classmethod
    def lookup(cls, breach_id: str) -> "db.Lookup[Breach]":
        """Reads one breach. Raises BreachNotFound."""

        def build(rows: list[BreachRow | None]) -> Breach:
            if rows[0] is None:
                raise BreachNotFound()
            return rows[0].breach()

        return db.Lookup(((cls, REGISTER, breach_id),), build)

    @classmethod
    def page(cls, limit: int, cursor: str | None) -> "db.Page[Breach]":
        """The register, newest first."""
        found = db.page(cls, REGISTER, limit=limit, cursor=cursor, newest_first=True)
        return db.Page([row.breach() for row in found.items], found.next_cursor)

    @classmethod
    def unfinished(cls) -> list[Breach]:
        """The breaches whose subjects are not all found, or not all told though they are to be."""
        breaches = [row.breach() for row in db.rows(cls, REGISTER)]
        return [each for each in breaches if each.affected is None or (each.notice_ordered_at and not each.notified_at)]

    @classmethod
    def add(cls, tx: db.Transaction, breach: Breach, recorded_by: str) -> None:
        """Write a new entry."""
        row = cls(
            pk=REGISTER,
            sk=breach.id,
            what=breach.what,
            remedy=breach.remedy,
            data_classes=list(breach.data_classes),
            discovered_at=clock.stamp(breach.discovered_at),
            occurred_from=clock.stamp(breach.occurred_from),
            occurred_to=clock.stamp(breach.occurred_to),
            recorded_at=clock.stamp(breach.recorded_at),
            recorded_by=recorded_by,
            reach=_plain(breach.reach),
            notified=0,
        )
        tx.put(row)

    @classmethod
    def move(cls, tx: db.Transaction, breach: Breach, position: str) -> None:
        """Go on there; refused with WriteRefused if another run has."""
        tx.update(cls._at(breach), [cls.position.set(position)], condition=cls._as_read(breach))

    @classmethod
    def set_affected(cls, tx: db.Transaction, breach: Breach, affected: int) -> None:
        """All are found; refused with WriteRefused if another run has moved it."""
        actions = [cls.affected.set(affected), cls.position.remove()]
        tx.update(cls._at(breach), actions, condition=cls._as_read(breach))

    @classmethod
    def order_notice(cls, tx: db.Transaction, breach: Breach, now: datetime) -> None:
        """All are to be told; refused with BreachNotCounted while they are being found out."""
        actions = [cls.notice_ordered_at.set(clock.stamp(now))]
        ready = cls.affected.exists() & cls.notice_ordered_at.does_not_exist()
        tx.update(cls._at(breach), actions, condition=ready, refusal=_not_ready)

    @classmethod
    def count_told(cls, tx: db.Transaction, breach: Breach, told: int, position: str | None) -> None:
        """So many more were told; without ``position`` they were the last. Refused with WriteRefused."""
        actions: list[Action] = [cls.notified.add(told)]
        if position is None:
            actions += [cls.notified_at.set(clock.stamp(clock.now())), cls.position.remove()]
        else:
            actions.append(cls.position.set(position))
        tx.update(cls._at(breach), actions, condition=cls._as_read(breach))

    @classmethod
    def _at(cls, breach: Breach) -> "BreachRow":
        return cls(REGISTER, breach.id)

    @classmethod
    def _as_read(cls, breach: Breach) -> Any:
        return cls.position.does_not_exist() if breach.position is None else cls.position == breach.position

    def breach(self) -> Breach:
        """The row as a value."""
        classes: list[str] = self.data_classes
        affected: Any = self.affected
        return Breach(
            id=self.sk,
            what=self.what,
            remedy=self.remedy,
            data_classes=tuple(classes),
            discovered_at=clock.instant(self.discovered_at),
            occurred_from=clock.instant(self.occurred_from),
            occurred_to=clock.instant(self.occurred_to),
            recorded_at=clock.instant(self.recorded_at),
            reach=msgspec.convert(self.reach, Reach),
            affected=int(affected) if affected is not None else None,
            position=self.position,
            notice_ordered_at=clock.instant(self.notice_ordered_at) if self.notice_ordered_at else None,
            notified=int(self.notified),
            notified_at=clock.instant(self.notified_at) if self.notified_at else None,
        )


class SubjectRow(db.Row):
    """pk = the breach's id, sk = "SUBJECT#" and the customer's id: somebody whom the breach affects."""

    class Meta:
        table_name = settings.table("privacy")

    found_at = UnicodeAttribute()

    @classmethod
    def note(cls, tx: db.Transaction, breach_id: str, customer_id: str) -> None:
        """Say that the customer is affected; said twice, it is said once."""
        row = cls(pk=breach_id, sk=f"{SUBJECT}{customer_id}", found_at=clock.stamp(clock.now()))
        tx.put(row, condition=cls.pk.exists() | cls.pk.does_not_exist())

    @classmethod
    def after(cls, breach_id: str, customer_id: str | None, limit: int) -> list[str]:
        """Customers whom the breach affects, in the order of their ids, after ``customer_id``."""
        follows = cls.sk.between(f"{SUBJECT}{customer_id or ''}~" if customer_id else SUBJECT, f"{SUBJECT}~")
        return [row.sk.removeprefix(SUBJECT) for row in db.rows(cls, breach_id, follows, limit=limit)]


def _plain(reach: Reach) -> dict[str, Any]:
    return dict(msgspec.to_builtins(reach))


def _not_ready(row: BreachRow | None) -> LarisError:
    if row is None:
        return BreachNotFound()
    return BreachNotCounted()
