"""What is counted for CloudWatch, in lines that it turns into metrics by itself (the embedded metric format, EMF).

Each custom metric costs money for every hour in which it is said, whether anybody looks or not, so all of them stand
here. Whatever else one wants to know is in the log lines, where Logs Insights finds it at no standing cost.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from chalicelib.core import clock
from chalicelib.core.config import settings

NAMESPACE: Final = "Laris"
OUTCOMES: Final = ("succeeded", "refused", "failed")

THREES: Final[Mapping[str, str]] = {
    "checkout.place_order": "checkout",
    "payments.receive_message": "payment_webhook",
    "payments-on-webhook": "payment_settlement",
    "orders.refund_order": "refund",
    "orders.approve_refund": "refund",
    "orders-expire-unpaid": "order_expiry",
    "notices-send-letters": "letter",
}
"""The use cases about money, by door or worker, and what their counters are filed under."""

COUNTERS: Final = frozenset({"conflicts", "throttled", "unexpected"})
"""Transactions that met others, requests that AWS throttled, faults of ours."""

VALUES: Final = frozenset({"placed_value", "paid_value", "expired_value"})
"""What orders were worth, in the shop's currency: the sum is the money, the number of samples the orders."""

GAUGES: Final[Mapping[str, str]] = {
    "schedules_overdue": "Count",
    "events_oldest_seconds": "Seconds",
    "parked_payments": "Count",
    "drill_age_days": "None",
}
"""What the schedule that watches the others measures, and in what unit."""

STAGE: Final = ("stage",)


def outcome(use_case: str, ended: str) -> None:
    """Count how a use case ended, if it is one of those that are counted."""
    filed = THREES.get(use_case)
    if filed is not None and ended in OUTCOMES:
        _say({ended: (1, "Count")}, (*STAGE, "use_case"), {"use_case": filed})


def count(name: str) -> None:
    """Count one of ``COUNTERS``."""
    if name not in COUNTERS:
        raise ValueError(f"{name} is no counter")
    _say({name: (1, "Count")}, STAGE, {})


def value(name: str, amount: int) -> None:
    """Add to one of ``VALUES``. Call it once what it tells of is written."""
    if name not in VALUES:
        raise ValueError(f"{name} is no value")
    _say({name: (amount, "None")}, STAGE, {})


def gauge(measured: Mapping[str, int]) -> None:
    """Say how things stand: some of ``GAUGES``, those that are known."""
    if measured:
        _say({name: (amount, GAUGES[name]) for name, amount in measured.items()}, STAGE, {})


def _say(measured: Mapping[str, tuple[int, str]], dimensions: Sequence[str], places: Mapping[str, str]) -> None:
    if not settings.metrics:
        return
    about = {
        "Namespace": NAMESPACE,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in measured.items()],
    }
    line = {
        "_aws": {"Timestamp": int(clock.now().timestamp() * 1000), "CloudWatchMetrics": [about]},
        "stage": settings.stage,
        **places,
        **{name: amount for name, (amount, _) in measured.items()},
    }
    sys.stdout.write(json.dumps(line, separators=(",", ":")) + "\n")
