"""How the system is doing. All parts are asked at the same time, and each fails alone: what is broken hides nothing."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, Final, Generic, TypeVar

from chalicelib.console import rules
from chalicelib.console.rules import OUTLETS, QUEUES, SCHEDULES, TABLES, Overall, Queue, Schedule, Trouble
from chalicelib.core import aws, clock, db, log, metrics, outbox, runs, vault
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.errors import WriteRefused
from chalicelib.core.runs import Kind, Run
from chalicelib.events.console import RelayProbed
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.payments.service import Waiting

AT_ONCE: Final = 12
PATIENCE: Final = timedelta(seconds=4)
"""For all parts together; the slowest look takes no longer, whatever does not answer."""
NO_ANSWER: Final = "no_answer"
SERVICES: Final = ("master-key", "secrets")
MOST_COUNTED: Final = 500
AGES: Final = timedelta(minutes=15)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """What was found out, or the code of why it could not be."""

    value: T | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """The last runs as they stand."""

    schedules: Mapping[str, Run]
    drill: Run | None
    probe: Run | None

    def drill_age(self, now: datetime) -> timedelta | None:
        """Since the last drill, or where there was none since the stage began to run; None before that."""
        if self.drill is not None and self.drill.succeeded_at is not None:
            return now - self.drill.succeeded_at
        began = min((run.first_at for run in self.schedules.values()), default=None)
        return None if began is None else now - began

    def oldest_event(self, now: datetime) -> timedelta | None:
        """For how long the oldest event waits for the relay, or how long the last one took; None if not known yet."""
        if self.probe is None:
            return None
        if self.probe.waiting_since is not None:
            return now - self.probe.waiting_since
        if self.probe.started_at is None or self.probe.ended_at is None:
            return None
        return self.probe.ended_at - self.probe.started_at

    def as_expected(self) -> list[Schedule]:
        """Every schedule that there is, whether or not it ever ran."""
        return [self._expected(name, every) for name, every in SCHEDULES.items()]

    def _expected(self, name: str, every: timedelta) -> Schedule:
        run = self.schedules.get(name)
        if run is None:
            return Schedule(name, every, since=None)
        return Schedule(name, every, run.succeeded_at or run.first_at, run.error)


@dataclass(frozen=True, slots=True)
class Look:
    """How everything stood at one moment."""

    at: datetime
    queues: Mapping[str, Part[Queue]]
    ages: Part[dict[str, timedelta]]
    ran: Part[Ran]
    messages: Part[Waiting]
    refunds: Part[int]
    reached: Mapping[str, Part[None]]

    @property
    def troubles(self) -> list[Trouble]:
        """All that is not as it should be, the worst first."""
        found = self._unknown()
        queues = [part.value for part in self.queues.values() if part.value]
        found += rules.of_queues(queues, self.ages.value or {})
        if self.ran.value:
            found += rules.of_schedules(self.ran.value.as_expected(), self.at)
            found += rules.of_events(self.ran.value.oldest_event(self.at))
            found += rules.of_drill(self.ran.value.drill_age(self.at))
        return sorted(found, key=lambda trouble: trouble.overall is not Overall.FAILING)

    def _unknown(self) -> list[Trouble]:
        parts: dict[str, Part[Any]] = {
            "queue_ages": self.ages,
            "runs": self.ran,
            "payment_messages": self.messages,
            "refunds": self.refunds,
            **self.queues,
        }
        unknown = [Trouble(Overall.DEGRADED, "unknown", name) for name, part in parts.items() if part.error]
        gone = [name for name, part in self.reached.items() if part.error]
        return unknown + [Trouble(Overall.FAILING, "unreachable", name) for name in gone]


def look() -> Look:
    """Ask every part. Raises nothing: what does not answer says so."""
    found = _asked(
        {
            **{f"queue:{name}": partial(_queue, name) for name in QUEUES},
            **{f"queue:{name}": partial(_outlet, name) for name in OUTLETS},
            **{f"table:{name}": partial(db.reach, settings.table(name)) for name in TABLES},
            "master-key": vault.check,
            "secrets": _secrets,
            "ages": _ages,
            "ran": _ran,
            "messages": payments.waiting,
            "refunds": partial(orders.refunds_waiting, MOST_COUNTED),
        }
    )
    reached = {**{name: found[f"table:{name}"] for name in TABLES}, **{name: found[name] for name in SERVICES}}
    return Look(
        at=clock.now(),
        queues={name: found[f"queue:{name}"] for name in (*QUEUES, *OUTLETS)},
        ages=found["ages"],
        ran=found["ran"],
        messages=found["messages"],
        refunds=found["refunds"],
        reached=reached,
    )


def measure() -> Counts:
    """Say the gauges that alarms look at, and send a probe after the events; ``left`` are the schedules overdue.

    A gauge that cannot be measured is not said, and its alarm sees that it is missing.
    """
    found = _asked({"ran": _ran, "messages": payments.waiting})
    now = clock.now()
    gauges: dict[str, int] = {}
    overdue: list[Schedule] = []
    ran: Part[Ran] = found["ran"]
    if ran.value:
        _expect(SCHEDULES.keys() - ran.value.schedules.keys())
        overdue = [each for each in ran.value.as_expected() if each.is_overdue(now)]
        gauges["schedules_overdue"] = len(overdue)
        gauges |= _seconds("events_oldest_seconds", ran.value.oldest_event(now), timedelta(seconds=1))
        gauges |= _seconds("drill_age_days", ran.value.drill_age(now), timedelta(days=1))
    if found["messages"].value:
        gauges["parked_payments"] = found["messages"].value.parked
    metrics.gauge(gauges)
    for name, part in found.items():
        if part.error:
            log.logger.warning("part not measured", part=name, code=part.error)
    _probe(now)
    return Counts(seen=len(SCHEDULES), done=len(gauges), left=len(overdue))


def _seconds(name: str, time: timedelta | None, unit: timedelta) -> dict[str, int]:
    return {} if time is None else {name: time // unit}


def _expect(names: set[str]) -> None:
    for name in sorted(names):
        log.logger.info("schedule expected from now on", schedule=name)
        runs.await_first(name)


def _probe(now: datetime) -> None:
    """One is on its way at a time: how long it takes is how late events are."""
    with suppress(WriteRefused), db.transaction() as tx:
        runs.send_probe(tx, now)
        outbox.publish(tx, RelayProbed(runs.PROBE, clock.stamp(now)))


def _asked(parts: Mapping[str, Callable[[], Any]]) -> dict[str, Part[Any]]:
    """Each part's answer, asked all at once and waited for no longer than the patience."""
    from concurrent.futures import ThreadPoolExecutor, wait

    pool = ThreadPoolExecutor(AT_ONCE)
    with aws.within(PATIENCE):
        asked = {name: pool.submit(copy_context().run, part) for name, part in parts.items()}
    wait(asked.values(), timeout=PATIENCE.total_seconds())
    pool.shutdown(wait=False, cancel_futures=True)
    return {name: _answer(future) for name, future in asked.items()}


def _answer(future: Any) -> Part[Any]:
    if not future.done() or future.cancelled():
        return Part(error=NO_ANSWER)
    error = future.exception()
    return Part(value=future.result()) if error is None else Part(error=_why(error))


def _why(error: BaseException) -> str:
    told = log.told(error)
    return str(getattr(error, "code", None) or told.get("aws_code") or type(error).__name__)


def _queue(name: str) -> Queue:
    waiting, in_flight, delayed = _numbers(settings.queue(name))
    dead, _, _ = _numbers(f"{settings.queue(name)}-dlq")
    return Queue(name, waiting, in_flight, delayed, dead)


def _outlet(name: str) -> Queue:
    dead, _, _ = _numbers(f"{settings.queue(name)}-dlq")
    return Queue(name, waiting=0, in_flight=0, delayed=0, dead=dead)


def _numbers(queue: str) -> tuple[int, int, int]:
    names = [f"ApproximateNumberOfMessages{what}" for what in ("", "NotVisible", "Delayed")]
    told = aws.client("sqs").get_queue_attributes(QueueUrl=_url(queue), AttributeNames=names)["Attributes"]
    waiting, in_flight, delayed = (int(told.get(name, 0)) for name in names)
    return waiting, in_flight, delayed


@cache
def _url(queue: str) -> str:
    return str(aws.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"])


def _ages() -> dict[str, timedelta]:
    """How old the oldest message of each queue is, as CloudWatch last saw it; SQS itself does not say."""
    now = clock.now()
    queries = [_age_query(f"q{number}", settings.queue(name)) for number, name in enumerate(QUEUES)]
    told = aws.client("cloudwatch").get_metric_data(
        MetricDataQueries=queries, StartTime=now - AGES, EndTime=now, ScanBy="TimestampDescending"
    )
    newest = {each["Id"]: each["Values"][0] for each in told["MetricDataResults"] if each["Values"]}
    ages = {name: newest.get(f"q{number}") for number, name in enumerate(QUEUES)}
    return {name: timedelta(seconds=int(age)) for name, age in ages.items() if age is not None}


def _age_query(id_: str, queue: str) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateAgeOfOldestMessage",
        "Dimensions": [{"Name": "QueueName", "Value": queue}],
    }
    return {"Id": id_, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}


def _ran() -> Ran:
    return Ran(runs.of(Kind.SCHEDULE), runs.of(Kind.DRILL).get(runs.DRILL), runs.of(Kind.RELAY).get(runs.PROBE))


def _secrets() -> None:
    aws.client("ssm").get_parameter(Name=settings.secret("signing-key"), WithDecryption=False)
