"""Exports, erasures and legal holds stand under the customer's id; certificates, which name nobody, by themselves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.core import clock, crypto, db
from chalicelib.core.config import settings
from chalicelib.privacy.errors import ErasureUnderWay, UnderLegalHold
from chalicelib.privacy.rules import EXPORTS_LAST, Erasure, Export
from chalicelib.privacy.states import ErasureState, ExportState, Step

OPEN: Final = "open"
EXPORT: Final = "EXPORT#"
ERASURE: Final = "ERASURE"
HOLD: Final = "HOLD"
CERTIFICATES: Final = "CERTIFICATES"
PURPOSE: Final = "holds"
"""Why a hold stands is kept locked: it may tell of its customer."""


class ExportRow(db.Row):
    """pk = customer id, sk = "EXPORT#" and the export's id; gone when the file is."""

    class Meta:
        table_name = settings.table("privacy")

    state = UnicodeAttribute()
    language = UnicodeAttribute()
    asked_at = UnicodeAttribute()
    asked_by = UnicodeAttribute()
    ready_at = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute()
    expires = NumberAttribute()

    @classmethod
    def lookup(cls, customer_id: str, export_id: str) -> "db.Lookup[Export | None]":
        """Reads one export."""
        key = (cls, customer_id, f"{EXPORT}{export_id}")
        return db.Lookup((key,), lambda rows: rows[0].export() if rows[0] else None)

    @classmethod
    def of(cls, customer_id: str) -> list[Export]:
        """All exports of a customer, oldest first."""
        return [row.export() for row in db.rows(cls, customer_id, cls.sk.startswith(EXPORT))]

    @classmethod
    def add(cls, tx: db.Transaction, export: Export, asked_by: str) -> None:
        """Write a new wish for an export."""
        row = cls(
            pk=export.customer_id,
            sk=f"{EXPORT}{export.id}",
            state=export.state,
            language=export.language,
            asked_at=clock.stamp(export.asked_at),
            asked_by=asked_by,
            expires_at=clock.stamp(export.expires_at),
            expires=int(export.expires_at.timestamp()),
        )
        tx.put(row)

    @classmethod
    def set_ready(cls, tx: db.Transaction, export: Export, now: datetime) -> None:
        """ASKED → READY for seven days; refused with WriteRefused if it is not ASKED any more."""
        ends = now + EXPORTS_LAST
        actions = [
            cls.state.set(ExportState.READY),
            cls.ready_at.set(clock.stamp(now)),
            cls.expires_at.set(clock.stamp(ends)),
            cls.expires.set(int(ends.timestamp())),
        ]
        row = cls(export.customer_id, f"{EXPORT}{export.id}")
        tx.update(row, actions, condition=cls.state == ExportState.ASKED)

    @classmethod
    def remove(cls, tx: db.Transaction, export: Export) -> None:
        """Take it away; refused with WriteRefused if it is gone."""
        tx.delete(cls(export.customer_id, f"{EXPORT}{export.id}"), condition=cls.pk.exists())

    def export(self) -> Export:
        """The row as a value."""
        return Export(
            id=self.sk.removeprefix(EXPORT),
            customer_id=self.pk,
            state=ExportState(self.state),
            language=self.language,
            asked_at=clock.instant(self.asked_at),
            ready_at=clock.instant(self.ready_at) if self.ready_at else None,
            expires_at=clock.instant(self.expires_at),
        )


class ByOpen(GlobalSecondaryIndex["ErasureRow"]):
    """The erasures that are not done, oldest first."""

    class Meta:
        index_name = "by_open"
        projection = KeysOnlyProjection()

    open_shard = UnicodeAttribute(hash_key=True)
    asked_at = UnicodeAttribute(range_key=True)


class ErasureRow(db.Row):
    """pk = customer id, sk = "ERASURE"; ``open_shard`` while it is not done."""

    class Meta:
        table_name = settings.table("privacy")

    state = UnicodeAttribute()
    asked_at = UnicodeAttribute()
    asked_by = UnicodeAttribute()
    begun_at = UnicodeAttribute(null=True)
    done: JSONAttribute = JSONAttribute()
    subjects: JSONAttribute = JSONAttribute()
    waits_for: JSONAttribute = JSONAttribute()
    certificate_id = UnicodeAttribute(null=True)
    version = NumberAttribute()
    open_shard = UnicodeAttribute(null=True)

    by_open = ByOpen()

    @classmethod
    def lookup(cls, customer_id: str) -> "db.Lookup[Erasure | None]":
        """Reads one erasure."""
        return db.Lookup(((cls, customer_id, ERASURE),), lambda rows: rows[0].erasure() if rows[0] else None)

    @classmethod
    def add(cls, tx: db.Transaction, erasure: Erasure, asked_by: str) -> None:
        """Write a new wish; refused with ErasureUnderWay if there is one."""
        row = cls(
            pk=erasure.customer_id,
            sk=ERASURE,
            state=erasure.state,
            asked_at=clock.stamp(erasure.asked_at),
            asked_by=asked_by,
            done=[],
            subjects=[],
            waits_for=[],
            version=1,
            open_shard=OPEN,
        )
        tx.put(row, refusal=ErasureUnderWay())

    @classmethod
    def wait(cls, tx: db.Transaction, erasure: Erasure, waits_for: Sequence[str]) -> None:
        """Say what it waits for; refused with WriteRefused if it has moved."""
        actions: list[Action] = [cls.waits_for.set(list(waits_for)), cls.version.set(erasure.version + 1)]
        tx.update(cls._at(erasure), actions, condition=cls._as_read(erasure))

    @classmethod
    def begin(cls, tx: db.Transaction, erasure: Erasure, subjects: Sequence[str]) -> None:
        """WAITING → RUNNING, for these profiles; refused with WriteRefused if it has moved."""
        actions: list[Action] = [
            cls.state.set(ErasureState.RUNNING),
            cls.begun_at.set(clock.stamp(clock.now())),
            cls.subjects.set(list(subjects)),
            cls.waits_for.set([]),
            cls.version.set(erasure.version + 1),
        ]
        tx.update(cls._at(erasure), actions, condition=cls._as_read(erasure))

    @classmethod
    def note(cls, tx: db.Transaction, erasure: Erasure, step: Step, subjects: Sequence[str]) -> None:
        """Say that a step is done, and for which profiles it goes on; refused with WriteRefused if it has moved."""
        actions: list[Action] = [
            cls.done.set([*erasure.done, step]),
            cls.subjects.set(list(subjects)),
            cls.version.set(erasure.version + 1),
        ]
        tx.update(cls._at(erasure), actions, condition=cls._as_read(erasure))

    @classmethod
    def end(cls, tx: db.Transaction, erasure: Erasure, certificate_id: str) -> None:
        """RUNNING → DONE with its last step; refused with WriteRefused if it has moved."""
        actions: list[Action] = [
            cls.state.set(ErasureState.DONE),
            cls.done.set([*erasure.done, Step.KEY]),
            cls.certificate_id.set(certificate_id),
            cls.version.set(erasure.version + 1),
            cls.open_shard.remove(),
        ]
        tx.update(cls._at(erasure), actions, condition=cls._as_read(erasure))

    @classmethod
    def open(cls, limit: int) -> list[str]:
        """The customers whose erasure is not done, who asked longest ago first."""
        return [row.pk for row in db.rows(cls, OPEN, index=cls.by_open, limit=limit)]

    @classmethod
    def _at(cls, erasure: Erasure) -> "ErasureRow":
        return cls(erasure.customer_id, ERASURE)

    @classmethod
    def _as_read(cls, erasure: Erasure) -> Condition:
        return cls.version == erasure.version

    def erasure(self) -> Erasure:
        """The row as a value."""
        done: list[str] = self.done
        subjects: list[str] = self.subjects
        waits_for: list[str] = self.waits_for
        return Erasure(
            customer_id=self.pk,
            state=ErasureState(self.state),
            asked_at=clock.instant(self.asked_at),
            begun_at=clock.instant(self.begun_at) if self.begun_at else None,
            done=tuple(map(Step, done)),
            subjects=tuple(subjects),
            waits_for=tuple(waits_for),
            certificate_id=self.certificate_id,
            version=int(self.version),
        )


class HoldRow(db.Row):
    """pk = customer id, sk = "HOLD": nothing of theirs may be erased while it stands."""

    class Meta:
        table_name = settings.table("privacy")

    reason = UnicodeAttribute()
    set_by = UnicodeAttribute()
    set_at = UnicodeAttribute()

    @classmethod
    def lookup(cls, customer_id: str) -> db.Lookup[bool]:
        """Reads whether a hold stands."""
        return db.Lookup(((cls, customer_id, HOLD),), lambda rows: rows[0] is not None)

    @classmethod
    def set(cls, tx: db.Transaction, customer_id: str, reason: str, set_by: str) -> None:
        """Let it stand, in place of one that stood before."""
        locked = crypto.lock_text(PURPOSE, customer_id, reason)
        row = cls(pk=customer_id, sk=HOLD, reason=locked, set_by=set_by, set_at=clock.stamp(clock.now()))
        tx.put(row, condition=cls.pk.exists() | cls.pk.does_not_exist())

    @classmethod
    def lift(cls, tx: db.Transaction, customer_id: str) -> None:
        """Let it stand no more, whether it stood or not."""
        tx.delete(cls(customer_id, HOLD), condition=cls.pk.exists() | cls.pk.does_not_exist())

    @classmethod
    def check(cls, tx: db.Transaction, customer_id: str) -> None:
        """Go on only while none stands. Refused with UnderLegalHold."""
        tx.check(cls(customer_id, HOLD), condition=cls.pk.does_not_exist(), refusal=UnderLegalHold())


class CertificateRow(db.Row):
    """pk = "CERTIFICATES", sk = its id: that somebody was forgotten, when and how; ``subject`` is a digest."""

    class Meta:
        table_name = settings.table("privacy")

    subject = UnicodeAttribute()
    asked_at = UnicodeAttribute()
    completed_at = UnicodeAttribute()
    steps: JSONAttribute = JSONAttribute()
    orders_kept = NumberAttribute()

    @classmethod
    def add(cls, tx: db.Transaction, certificate_id: str, erasure: Erasure, subject: str, orders_kept: int) -> None:
        """Write a new certificate."""
        row = cls(
            pk=CERTIFICATES,
            sk=certificate_id,
            subject=subject,
            asked_at=clock.stamp(erasure.asked_at),
            completed_at=clock.stamp(clock.now()),
            steps=[*erasure.done, Step.KEY],
            orders_kept=orders_kept,
        )
        tx.put(row)


class ProgressRow(db.Row):
    """pk = "PROGRESS", sk = the job: where a job that goes through many goes on next time."""

    class Meta:
        table_name = settings.table("privacy")

    position = UnicodeAttribute(null=True)

    @classmethod
    def position_of(cls, job: str) -> str | None:
        """Where the job goes on; None for its beginning."""
        row = db.get(cls, "PROGRESS", job)
        return row.position if row else None

    @classmethod
    def note(cls, job: str, position: str | None) -> None:
        """Go on there next time. Two that run at once do some of it twice, which is harmless."""
        with db.transaction() as tx:
            row = cls(pk="PROGRESS", sk=job, position=position)
            tx.put(row, condition=cls.pk.exists() | cls.pk.does_not_exist())
