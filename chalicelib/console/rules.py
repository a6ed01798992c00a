"""What is looked at to know how the system is doing, and when that is trouble: pure decisions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

QUEUES: Final = (
    "catalog",
    "identity",
    "inventory",
    "notices",
    "notices-feedback",
    "order-letters",
    "orders",
    "payment-webhooks",
    "payments",
    "privacy",
)
OUTLETS: Final = ("events-relay", "schedules")
"""No queues, but what the stream and the schedules gave up lies in dead-letter queues too."""
TABLES: Final = (
    "carts",
    "catalog",
    "customers",
    "events",
    "idempotency",
    "identity",
    "inventory",
    "keys",
    "limits",
    "notices",
    "orders",
    "payments",
    "privacy",
    "runs",
    "sendings",
)
SCHEDULES: Final[Mapping[str, timedelta]] = {
    "console-watch": timedelta(minutes=15),
    "identity-keep-heads": timedelta(days=1),
    "inventory-sweep-holds": timedelta(minutes=5),
    "orders-expire-unpaid": timedelta(minutes=1),
    "payments-retry-parked": timedelta(minutes=5),
    "privacy-apply-retention": timedelta(days=1),
    "privacy-carry-out": timedelta(hours=1),
}
"""Every schedule and how often it runs. The API does not load workers, so tests hold all these lists to the code."""

SLACK: Final = timedelta(minutes=5)
LATE: Final = timedelta(minutes=15)
"""A message that waits longer than this, waits for something that is broken."""
EVENTS_LATE: Final = timedelta(minutes=10)
"""As the alarm has it; the watch comes by less often, so it sees a relay that stands still the first time."""
DRILL_EVERY: Final = timedelta(days=35)


class Overall(StrEnum):
    """``degraded``: something waits for a person, or is not known. ``failing``: buyers notice, or will soon."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILING = "failing"


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is not as it should be; ``about`` names the queue, schedule, table or part."""

    overall: Overall
    code: str
    about: str


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits in a queue, is being worked on, is delayed, and what its dead-letter queue holds."""

    name: str
    waiting: int
    in_flight: int
    delayed: int
    dead: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule and when it was first expected, last got through and last failed, in whatever way."""

    name: str
    every: timedelta
    since: datetime | None
    error: str | None = None

    def is_overdue(self, now: datetime) -> bool:
        """True if it missed two turns and a little more; what was never expected is not missed."""
        return self.since is not None and now - self.since > 2 * self.every + SLACK


def of_queues(queues: Iterable[Queue], ages: Mapping[str, timedelta]) -> list[Trouble]:
    """Dead letters, and messages that wait too long."""
    found = []
    for queue in queues:
        if queue.dead:
            found.append(Trouble(Overall.DEGRADED, "dead_letters", queue.name))
        if ages.get(queue.name, timedelta()) > LATE:
            found.append(Trouble(Overall.FAILING, "messages_late", queue.name))
    return found


def of_schedules(schedules: Iterable[Schedule], now: datetime) -> list[Trouble]:
    """Schedules that do not run, and those whose last run failed."""
    found = []
    for schedule in schedules:
        if schedule.is_overdue(now):
            found.append(Trouble(Overall.FAILING, "schedule_overdue", schedule.name))
        elif schedule.error is not None:
            found.append(Trouble(Overall.DEGRADED, "schedule_failed", schedule.name))
    return found


def of_events(oldest: timedelta | None) -> list[Trouble]:
    """Events that do not reach the topic."""
    is_late = oldest is not None and oldest > EVENTS_LATE
    return [Trouble(Overall.FAILING, "events_late", "events-relay")] if is_late else []


def of_drill(age: timedelta | None) -> list[Trouble]:
    """Backups that nobody has tried to restore for too long."""
    is_old = age is not None and age > DRILL_EVERY
    return [Trouble(Overall.DEGRADED, "drill_overdue", "backups")] if is_old else []


def worst(troubles: Iterable[Trouble]) -> Overall:
    """What all of it comes to."""
    order = list(Overall)
    return max((trouble.overall for trouble in troubles), key=order.index, default=Overall.OK)
