"""What orders bring: each scenario as often as it happens for a paid order."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from chalicelib.core import metrics
from infra.cost.basis import ALWAYS_COLD, Basis, Item
from infra.cost.prices import assumptions, platform
from infra.cost.standing import UNTRACED, said_by_the_clock
from infra.cost.usage import API, GB, Step

PAID: Final = "paid order"
LETTER: Final = "letter's fate"
PREFLIGHT_SECONDS: Final = 0.002
PREFLIGHTS_COUNT: Final = frozenset({"api_requests", "waf_requests", "lambda_requests"})
BILLED: Final = {
    "api_requests": "requests and preflights",
    "waf_requests": "requests looked at",
    "lambda_requests": "runs of functions",
    "dynamodb_write_units": "writes",
    "dynamodb_read_units": "reads",
    "sns_publishes": "events",
    "kms_requests": "keys of people unwrapped, at most",
    "s3_writes": "files",
    "ses_letters": "letters",
    "ses_gb": "letters, by their size",
    "log_gb": "logs",
    "transfer_gb": "answers",
}
"""What steps are billed for by the piece. Requests to SQS are counted by the batch instead, see ``_messages``."""

Steps = list[tuple[Step, float]]


def moving(basis: Basis, orders: float) -> Iterator[Item]:
    """The lines that ``orders`` paid orders a month add."""
    steps = _steps(basis, orders)
    preflights = orders * basis.traffic["preflights-per-order"]
    for price, what in BILLED.items():
        quantity = _asked(basis, price, steps)
        if price != "waf_requests" or (basis.has("waf") and basis.stage.waf_rules):
            yield Item(price, what, quantity + (preflights if price in PREFLIGHTS_COUNT else 0))
    yield Item("sns_publishes", "what becomes of letters, told by SES", _letters(steps))
    yield Item("sqs_requests", "messages: sent on, received, deleted", _messages(basis, steps))
    yield from _running(basis, steps, preflights)
    yield from _kept(basis, steps)
    yield Item("metrics", "metrics that are said when something happens", _said(basis, orders))


def _asked(basis: Basis, price: str, steps: Steps) -> float:
    quantity = sum(step.quantities()[price] * count for step, count in steps)
    if price == "log_gb" and basis.stage.has_access_log:
        requests = sum(step["runs"] * count for step, count in steps if not step.is_worker)
        quantity += requests * platform("access_log_bytes") / GB
    return quantity


def _steps(basis: Basis, orders: float) -> Steps:
    times: dict[str, float] = {PAID: orders}
    for scenario, per_order in assumptions()["scenarios"].items():
        times[scenario] = orders * basis.traffic[per_order]
    steps = [(step, count) for scenario, count in times.items() for step in basis.scenarios[scenario]]
    return [*steps, *((step, _letters(steps)) for step in basis.scenarios[LETTER])]


def _letters(steps: Steps) -> float:
    return sum(step["mails"] * count for step, count in steps)


def _messages(basis: Basis, steps: Steps) -> float:
    """Three requests a batch: into the queue, whether from the topic or from our code, out of it, and its deletion."""
    reading = {queue.function for queue in basis.stage.queues}
    return sum(3 * step["runs"] * count for step, count in steps if step.function in reading)


def _running(basis: Basis, steps: Steps, preflights: float) -> Iterator[Item]:
    runs = Counter({API: preflights})
    for step, count in steps:
        runs[step.function] += step["runs"] * count  # type: ignore[assignment]
    seconds = sum(count * basis.gb_seconds(step) for step, count in steps)
    preflight_seconds = preflights * basis.gigabytes(API) * PREFLIGHT_SECONDS
    yield Item("lambda_gb_seconds", "our code, and its waiting", seconds + preflight_seconds)
    starting = sum(count * _cold(count) * basis.starting_gb_seconds(function) for function, count in runs.items())
    yield Item("lambda_gb_seconds", "starting copies of functions", starting)
    if basis.is_traced:
        traced = sum(map(_traced, runs.values()))
        yield Item("xray_traces", "the first run of each second, then 5 %", traced, advice=UNTRACED)


def _cold(runs: float) -> float:
    """The share of a month's runs that begin a copy since none came for a while, if they come by chance."""
    minutes = platform("month_hours") * 60
    return max(math.exp(-runs / minutes * platform("warm_minutes")), ALWAYS_COLD)


def _traced(runs: float) -> float:
    most = platform("month_hours") * 3600 * platform("traced_per_second")
    return min(runs, most) + platform("traced_share") * max(0.0, runs - most)


def _kept(basis: Basis, steps: Steps) -> Iterator[Item]:
    months = basis.traffic["months-kept"]
    stored = sum(step["stored"] * count for step, count in steps) / GB * months
    logged = _asked(basis, "log_gb", steps)
    yield Item("dynamodb_gb_months", f"{months:g} months of such orders", stored)
    yield Item("dynamodb_pitr_gb_months", f"{months:g} months of them, to go back to any second", stored)
    yield Item("log_gb_months", "logs, kept", logged * platform("log_months"))
    yield Item("kms_requests", "the keys of tables", basis.table_keys(_table_runs(steps)))


def _table_runs(steps: Steps) -> Mapping[tuple[str, str], float]:
    runs: dict[tuple[str, str], float] = {}
    for step, count in steps:
        for table in step.tables:
            runs[step.function, table] = runs.get((step.function, table), 0.0) + step["runs"] * count
    return runs


def _said(basis: Basis, orders: float) -> float:
    """Metric-months: a metric is billed for the hours in which it is said. Refusals and failures are supposed rare."""
    by_clock = said_by_the_clock(basis) - len(metrics.GAUGES)
    named = len(set(metrics.THREES.values())) - by_clock + len(metrics.VALUES)
    return named * (1 - math.exp(-orders / platform("month_hours")))
