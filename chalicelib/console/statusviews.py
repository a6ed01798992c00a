"""How the system is doing, on the wire."""

from datetime import datetime

import msgspec

from chalicelib.console.rules import SCHEDULES, Overall, Queue
from chalicelib.console.watch import Look, Part, Ran
from chalicelib.core import clock
from chalicelib.core.config import settings


class Health(msgspec.Struct, frozen=True):
    """That the API answers, and which version of it."""

    status: Overall
    stage: str
    version: str


class TroubleView(msgspec.Struct, frozen=True):
    """One thing that is not as it should be; `about` names the queue, schedule, table or part."""

    overall: Overall
    code: str
    about: str


class QueueView(msgspec.Struct, frozen=True):
    """A queue. Numbers are null where `error` says why they are not known; so is the age of an empty queue."""

    name: str
    waiting: int | None
    in_flight: int | None
    delayed: int | None
    dead_letters: int | None
    oldest_seconds: int | None
    error: str | None

    @classmethod
    def of(cls, name: str, part: Part[Queue], oldest_seconds: int | None) -> "QueueView":
        """From what was found out of it."""
        queue = part.value
        if queue is None:
            return cls(name, None, None, None, None, oldest_seconds, part.error)
        return cls(name, queue.waiting, queue.in_flight, queue.delayed, queue.dead, oldest_seconds, None)


class ScheduleView(msgspec.Struct, frozen=True):
    """A schedule and its last run; all of the run is null if there was none yet. `error` is what stopped it."""

    name: str
    every_seconds: int
    is_overdue: bool
    started_at: str | None
    ended_at: str | None
    succeeded_at: str | None
    seen: int | None
    done: int | None
    left: int | None
    error: str | None
    version: str | None


class CasesView(msgspec.Struct, frozen=True):
    """What waits for a person or for its time; null where it is not known. Each is counted up to 500."""

    messages_parked: int | None
    messages_quarantined: int | None
    refunds_waiting: int | None


class DrillView(msgspec.Struct, frozen=True):
    """The last restore drill. `last_at` is null if there never was one; then `age_days` counts from the beginning."""

    last_at: str | None
    age_days: int | None


class ReachView(msgspec.Struct, frozen=True):
    """A part of the cloud that this stage cannot do without."""

    name: str
    is_reachable: bool
    error: str | None


class StatusView(msgspec.Struct, frozen=True):
    """How the system is doing; each part fails alone, and is then null or carries an `error`."""

    overall: Overall
    at: str
    stage: str
    version: str
    troubles: list[TroubleView]
    backlog: int
    queues: list[QueueView]
    schedules: list[ScheduleView]
    events_oldest_seconds: int | None
    cases: CasesView
    drill: DrillView
    reached: list[ReachView]

    @classmethod
    def of(cls, look: Look, overall: Overall) -> "StatusView":
        """From one look at everything."""
        ages, ran, at = look.ages.value or {}, look.ran.value, look.at
        oldest = ran.oldest_event(at) if ran else None
        return cls(
            overall=overall,
            at=clock.stamp(at),
            stage=settings.stage,
            version=settings.version,
            troubles=[TroubleView(each.overall, each.code, each.about) for each in look.troubles],
            backlog=sum(each.value.waiting + each.value.delayed for each in look.queues.values() if each.value),
            queues=[
                QueueView.of(name, part, int(ages[name].total_seconds()) if name in ages else None)
                for name, part in look.queues.items()
            ],
            schedules=_schedules(ran, at) if ran else [],
            events_oldest_seconds=None if oldest is None else int(oldest.total_seconds()),
            cases=_cases(look),
            drill=_drill(ran, at),
            reached=[ReachView(name, part.error is None, part.error) for name, part in look.reached.items()],
        )


def _schedules(ran: Ran, now: datetime) -> list[ScheduleView]:
    return [_schedule(ran, each.name, is_overdue=each.is_overdue(now)) for each in ran.as_expected()]


def _schedule(ran: Ran, name: str, *, is_overdue: bool) -> ScheduleView:
    run = ran.schedules.get(name)
    has_run = run is not None and run.started_at is not None
    return ScheduleView(
        name=name,
        every_seconds=int(SCHEDULES[name].total_seconds()),
        is_overdue=is_overdue,
        started_at=_stamp(run.started_at if run else None),
        ended_at=_stamp(run.ended_at if run else None),
        succeeded_at=_stamp(run.succeeded_at if run else None),
        seen=run.counts.seen if run and has_run else None,
        done=run.counts.done if run and has_run else None,
        left=run.counts.left if run and has_run else None,
        error=run.error if run else None,
        version=run.version if run else None,
    )


def _cases(look: Look) -> CasesView:
    messages = look.messages.value
    return CasesView(
        messages_parked=messages.parked if messages else None,
        messages_quarantined=messages.quarantined if messages else None,
        refunds_waiting=look.refunds.value,
    )


def _drill(ran: Ran | None, now: datetime) -> DrillView:
    age = ran.drill_age(now) if ran else None
    last = ran.drill.succeeded_at if ran and ran.drill else None
    return DrillView(_stamp(last), None if age is None else age.days)


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else clock.stamp(at)
