"""What ran last: schedules, and what else is done now and then, each with a row that its next run writes over."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

from chalicelib.core import clock, db
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.errors import WriteRefused
from chalicelib.core.log import logger

PROBE: Final = "probe"
DRILL: Final = "restore"
PROBE_LOST_AFTER: Final = timedelta(hours=1)


class Kind(StrEnum):
    """What can run: a schedule; a drill, for whoever watches over backups; the probe that the relay carries."""

    SCHEDULE = "SCHEDULE"
    DRILL = "DRILL"
    RELAY = "RELAY"


class RunRow(db.Row):
    """pk = kind, sk = name. ``first_at`` is when it ran, or was waited for, for the first time."""

    class Meta:
        table_name = settings.table("runs")

    first_at = UnicodeAttribute()
    started_at = UnicodeAttribute(null=True)
    ended_at = UnicodeAttribute(null=True)
    succeeded_at = UnicodeAttribute(null=True)
    waiting_since = UnicodeAttribute(null=True)
    seen = NumberAttribute(null=True)
    done = NumberAttribute(null=True)
    left = NumberAttribute(null=True)
    error = UnicodeAttribute(null=True)
    version = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True)
class Run:
    """The last run of something; ``error`` is the kind of what stopped it. Times are None until it ran."""

    name: str
    first_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    succeeded_at: datetime | None = None
    """When it last got through, which may be longer ago."""
    waiting_since: datetime | None = None
    """Of the probe: since when one has been on its way."""
    counts: Counts = field(default_factory=Counts)
    error: str | None = None
    version: str | None = None


@dataclass(slots=True)
class Noted:
    """What a run has to say for itself, to be filled in before it ends."""

    counts: Counts = field(default_factory=Counts)


@contextmanager
def noted(kind: Kind, name: str) -> Iterator[Noted]:
    """What happens inside is noted as the last run, in one write; that this could not be written stops nothing."""
    said, started_at, error = Noted(), clock.now(), None
    try:
        yield said
    except Exception as stopped:
        error = type(stopped).__name__
        raise
    finally:
        with _whatever_happens(kind, name):
            _write(kind, name, _about(started_at, said.counts, error))


def of(kind: Kind) -> dict[str, Run]:
    """The last runs of a kind by name."""
    return {row.sk: _run(row) for row in db.rows(RunRow, kind)}


def await_first(name: str) -> None:
    """Note that a schedule is to run from now on: it is overdue if it then does not."""
    _write(Kind.SCHEDULE, name, [])


def send_probe(tx: db.Transaction, at: datetime) -> None:
    """Note in ``tx`` that an event is on its way, by which it is seen how far the relay has come.

    Refused with WriteRefused while one is; after an hour it is taken for lost, and one more may go.
    """
    lost = RunRow.waiting_since < clock.stamp(at - PROBE_LOST_AFTER)
    since = RunRow.waiting_since.set(RunRow.waiting_since | clock.stamp(at))
    first = RunRow.first_at.set(RunRow.first_at | clock.stamp(at))
    tx.update(RunRow(Kind.RELAY, PROBE), [first, since], condition=RunRow.waiting_since.does_not_exist() | lost)


def carried(sent_at: str) -> None:
    """Note that the relay has carried on the probe that was sent then; said twice, it counts once."""
    now = clock.stamp(clock.now())
    actions: list[Action] = [
        RunRow.started_at.set(sent_at),
        RunRow.ended_at.set(now),
        RunRow.succeeded_at.set(now),
        RunRow.waiting_since.remove(),
    ]
    with _whatever_happens(Kind.RELAY, PROBE), suppress(WriteRefused), db.transaction() as tx:
        tx.update(RunRow(Kind.RELAY, PROBE), actions, condition=RunRow.waiting_since <= sent_at)


def _about(started_at: datetime, counts: Counts, error: str | None) -> list[Action]:
    started, now = clock.stamp(started_at), clock.stamp(clock.now())
    return [
        RunRow.started_at.set(started),
        RunRow.ended_at.set(now),
        RunRow.seen.set(counts.seen),
        RunRow.done.set(counts.done),
        RunRow.left.set(counts.left),
        RunRow.version.set(settings.version),
        RunRow.error.set(error) if error else RunRow.error.remove(),
        *([] if error else [RunRow.succeeded_at.set(now)]),
    ]


@contextmanager
def _whatever_happens(kind: Kind, name: str) -> Iterator[None]:
    """What ran did run, whether or not that can be noted."""
    try:
        yield
    except Exception:  # noqa: BLE001 - see above
        logger.exception("run not noted", kind=kind, run=name)


def _write(kind: Kind, name: str, actions: list[Action]) -> None:
    first = RunRow.first_at.set(RunRow.first_at | clock.stamp(clock.now()))
    with db.translated():
        RunRow(kind, name).update(actions=[first, *actions])


def _run(row: RunRow) -> Run:
    return Run(
        name=row.sk,
        first_at=clock.instant(row.first_at),
        counts=Counts(*(int(each or 0) for each in (row.seen, row.done, row.left))),
        error=row.error,
        version=row.version,
        **_instants(row),
    )


def _instants(row: RunRow) -> Mapping[str, Any]:
    names = ("started_at", "ended_at", "succeeded_at", "waiting_since")
    return {name: clock.instant(getattr(row, name)) for name in names if getattr(row, name)}
