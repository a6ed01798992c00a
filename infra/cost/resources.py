"""What a stage is made of, as far as it is billed: read from the template, the app and Chalice's config."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml
from chalice.app import ScheduledEventConfig, SQSEventConfig

from infra.cost.prices import platform
from infra.expand import expanded
from infra.local.cloud import TEMPLATE
from infra.local.env import ROOT

ACCESS_LOG: Final = "/aws/apigateway/"
MINUTES: Final = {"minute": 1, "hour": 60, "day": 24 * 60}


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue that a function reads. ``is_limited`` where the mapping has a maximum concurrency."""

    name: str
    function: str
    is_limited: bool

    @property
    def polls(self) -> float:
        """Requests a month by which Lambda waits for messages, whether any come or not."""
        return platform("pollers") * platform("month_hours") * 3600 / platform("poll_seconds")

    @property
    def polls_at_least(self) -> float:
        """The same where Lambda has found out that little comes."""
        pollers = platform("pollers" if self.is_limited else "pollers_at_least")
        return pollers * platform("month_hours") * 3600 / platform("poll_seconds")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A function that runs by the clock."""

    name: str
    minutes: float

    @property
    def runs(self) -> float:
        """Runs a month."""
        return platform("month_hours") * 60 / self.minutes


@dataclass(frozen=True, slots=True)
class Stage:
    """All of it."""

    queues: tuple[Queue, ...]
    schedules: tuple[Schedule, ...]
    memory: Mapping[str, int]
    """MB by function, for those that differ from ``usual_memory``."""
    usual_memory: int
    is_traced: bool
    counted: Counter[str]
    """How many resources of each kind the template has."""
    tables_with_keys: frozenset[str]
    """The departments whose tables are not under the key that AWS keeps for nothing."""
    waf_rules: int
    alarm_metrics: int
    """The metrics that alarms watch: each is billed."""
    has_access_log: bool

    def memory_of(self, function: str) -> int:
        """MB of a function."""
        return self.memory.get(function, self.usual_memory)


@cache
def stage() -> Stage:
    """The stage that this checkout would deploy."""
    template = expanded(yaml.safe_load(TEMPLATE.read_text()))["Resources"]
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    return Stage(
        queues=_queues(),
        schedules=_schedules(),
        memory=_memories(config),
        usual_memory=config["lambda_memory_size"],
        is_traced=config.get("xray", False),
        counted=Counter(about["Type"] for about in template.values()),
        tables_with_keys=frozenset(_tables_with_keys(template)),
        waf_rules=sum(len(about["Properties"]["Rules"]) for about in _of(template, "AWS::WAFv2::WebACL")),
        alarm_metrics=sum(map(_watched, _of(template, "AWS::CloudWatch::Alarm"))),
        has_access_log=any(ACCESS_LOG in str(about["Properties"]) for about in _of(template, "AWS::Logs::LogGroup")),
    )


def _sources() -> list[Any]:
    from app import app

    return list(app.event_sources)


def _queues() -> tuple[Queue, ...]:
    sources = [source for source in _sources() if isinstance(source, SQSEventConfig)]
    return tuple(Queue(str(each.queue), each.name, each.maximum_concurrency is not None) for each in sources)


def _schedules() -> tuple[Schedule, ...]:
    sources = [source for source in _sources() if isinstance(source, ScheduledEventConfig)]
    return tuple(Schedule(each.name, _minutes(each.schedule_expression)) for each in sources)


def _minutes(expression: Any) -> float:
    """Of ``rate(5 minutes)``; a cron expression is taken to run once a day, as ours do."""
    text = expression if isinstance(expression, str) else expression.to_string()
    if not text.startswith("rate("):
        return MINUTES["day"]
    number, unit = text.removeprefix("rate(").removesuffix(")").split()
    return int(number) * MINUTES[unit.removesuffix("s")]


def _memories(config: Mapping[str, Any]) -> dict[str, int]:
    named = config.get("lambda_functions", {})
    sizes = {name: about["lambda_memory_size"] for name, about in named.items() if "lambda_memory_size" in about}
    return {"api" if name == "api_handler" else name: size for name, size in sizes.items()}


def _of(template: Mapping[str, Any], kind: str) -> list[Any]:
    return [about for about in template.values() if about["Type"] == kind]


def _watched(alarm: Mapping[str, Any]) -> int:
    queries = alarm["Properties"].get("Metrics", [])
    return max(1, sum("MetricStat" in query for query in queries))


def _tables_with_keys(template: Mapping[str, Any]) -> Iterator[str]:
    for about in _of(template, "AWS::DynamoDB::Table"):
        properties = about["Properties"]
        if properties.get("SSESpecification", {}).get("SSEEnabled"):
            yield properties["TableName"]["Fn::Sub"].rpartition("-")[2]
