"""What is due without an order: what stands there, what waits, and what runs by the clock."""

from collections.abc import Iterator
from typing import Final

from chalicelib.core import metrics
from infra.cost.basis import ALWAYS_COLD, Basis, Item
from infra.cost.prices import platform
from infra.cost.resources import Schedule
from infra.cost.usage import Step

QUIET: Final = "schedule {}, nothing to do"
"""How the scenario of a schedule's idle run is called."""

RARER: Final = "a rarer clock; each schedule is safe to miss"
UNTRACED: Final = "tracing can be switched off: logs carry correlation ids without it"
KEY: Final = (
    "must stay: without it nothing personal can be read; each of its first two yearly rotations adds another dollar"
)


def standing(basis: Basis) -> Iterator[Item]:
    """The lines of a month in which nobody comes."""
    yield from _watching(basis)
    keys = basis.stage.counted["AWS::KMS::Key"]
    yield Item("kms_key_months", "keys of our own (personal data; alarms and logs)", keys, is_idle=True, advice=KEY)
    yield _waiting(basis)
    yield Item("s3_gb_months", "packages and heads of the trail", platform("bucket_gb"), is_idle=True)
    base = platform("base_gb")
    yield Item("dynamodb_gb_months", "catalogue, stock, staff", base, is_idle=True)
    yield Item("dynamodb_pitr_gb_months", "the same, to go back to any second", base, is_idle=True)
    yield from _running(basis)


def _watching(basis: Basis) -> Iterator[Item]:
    counted = basis.stage.counted
    if basis.has("waf"):
        few = "`firewall = false` in a stage's settings, where nobody from outside comes"
        yield Item("waf_acls", "web ACLs", counted["AWS::WAFv2::WebACL"], is_idle=True, advice=few)
        yield Item("waf_rules", "rules of web ACLs", basis.stage.waf_rules, is_idle=True, advice=few)
    if basis.has("dashboard"):
        some = "three are free in an account"
        yield Item("dashboards", "dashboard", counted["AWS::CloudWatch::Dashboard"], is_idle=True, advice=some)
    if basis.has("alarms"):
        some = "ten are free in an account"
        yield Item("alarms", "metrics that alarms watch", basis.stage.alarm_metrics, is_idle=True, advice=some)
    some = "ten are free in an account"
    yield Item("metrics", "metrics that are said by the clock", said_by_the_clock(basis), is_idle=True, advice=some)


def said_by_the_clock(basis: Basis) -> int:
    """Metrics of our own that are said whether anything happens or not."""
    counted = {metrics.THREES[each.name] for each in basis.stage.schedules if each.name in metrics.THREES}
    return len(metrics.GAUGES) + len(counted)


def _waiting(basis: Basis) -> Item:
    queues = basis.stage.queues
    polls, least = sum(queue.polls for queue in queues), sum(queue.polls_at_least for queue in queues)
    saved = basis.book.usd("sqs_requests", polls - least)
    advice = (
        "the mappings of a stage that sleeps can be switched off; Lambda may poll less by itself where no maximum"
        f" concurrency is set, which would save {saved:.2f}"
    )
    return Item("sqs_requests", f"Lambda waiting at {len(queues)} queues", polls, is_idle=True, advice=advice)


def _running(basis: Basis) -> Iterator[Item]:
    """Schedules that find nothing to do."""
    each = [(schedule, step) for schedule in basis.stage.schedules for step in _quiet(basis, schedule)]

    def total(what: str) -> float:
        return sum(schedule.runs * step[what] for schedule, step in each)

    def line(price: str, what: str, quantity: float, advice: str = "") -> Item:
        return Item(price, what, quantity, is_idle=True, advice=advice)

    seconds = sum(schedule.runs * basis.gb_seconds(step) for schedule, step in each)
    starting = sum(
        schedule.runs * _cold(schedule) * basis.starting_gb_seconds(step.function) for schedule, step in each
    )
    logged = sum(schedule.runs * step.quantities()["log_gb"] for schedule, step in each)
    tables = {(step.function, table): schedule.runs for schedule, step in each for table in step.tables}
    yield line("schedule_runs", "schedules", total("runs"))
    yield line("lambda_requests", "schedules with nothing to do", total("runs"), RARER)
    yield line("lambda_gb_seconds", "schedules with nothing to do", seconds, RARER)
    yield line("lambda_gb_seconds", "starting copies for schedules", starting)
    yield line("dynamodb_read_units", "schedules with nothing to do", total("read"), RARER)
    yield line("dynamodb_write_units", "schedules with nothing to do", total("write"), RARER)
    yield line(
        "kms_requests", "the keys of tables that schedules read", basis.table_keys(tables), "AWS's own key is free"
    )
    yield line("log_gb", "logs of schedules", logged, RARER)
    yield line("log_gb_months", "logs of schedules, kept", logged * platform("log_months"))
    if basis.is_traced:
        yield line("xray_traces", "schedules with nothing to do", total("runs"), UNTRACED)


def _quiet(basis: Basis, schedule: Schedule) -> tuple[Step, ...]:
    """What an idle run was recorded to ask; nothing yet for a schedule that is newer than the record."""
    return basis.scenarios.get(QUIET.format(schedule.name), ())


def _cold(schedule: Schedule) -> float:
    """1 where a copy has been dropped by the time of the next run."""
    return 1.0 if schedule.minutes > platform("warm_minutes") else ALWAYS_COLD
