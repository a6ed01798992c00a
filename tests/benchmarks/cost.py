"""What 1,000 paid orders cost at AWS's prices (``prices.json``), from what was measured: no free tier, and nothing that
is due without an order (idle polling of queues, alarms, keys).
"""

import json
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import Any

from infra.local.env import ROOT
from tests.benchmarks.tables import table

BOOK = json.loads(Path(__file__).with_name("prices.json").read_text())
ASSUMED = BOOK["assumed"]
ORDERS = 1000
GB = 1024**3


def measure(cpu: dict[str, Any], usage: dict[str, Any]) -> dict[str, Any]:
    """USD per 1,000 orders by line, with the quantity behind it."""
    memory = json.loads((ROOT / ".chalice" / "config.json").read_text())["lambda_memory_size"]
    requests = [name for name in usage if not name.startswith("worker ")]
    runs = sum(each["runs"] for each in usage.values())
    busy, idle = _seconds(cpu, usage, memory)
    stored = _total(usage, "stored") / GB
    quantities = {
        "api_requests": len(requests),
        "lambda_requests": runs,
        "lambda_gb_seconds: our CPU": busy * memory / 1024,
        "lambda_gb_seconds: waiting for AWS and partners": idle * memory / 1024,
        "dynamodb_write_units": _total(usage, "write"),
        "dynamodb_read_units": _total(usage, "read"),
        "dynamodb_gb_month: kept, first month": stored,
        "dynamodb_pitr_gb_month: the same, backed up": stored,
        "sns_publishes": _total(usage, "sns"),
        "sqs_requests": _total(usage, "sqs") + 2 * _consumed(usage),
        "log_gb": (cpu["log_bytes"] + runs * ASSUMED["lambda_log_lines_bytes"]) / GB,
    }
    return {name: {"per_order": number, "usd": _usd(name, number)} for name, number in quantities.items()}


def show(figures: dict[str, Any]) -> str:
    """The figures as a table, in both currencies."""
    rows = [(name, f"{each['per_order']:.4g}", *_both(each["usd"])) for name, each in figures.items()]
    rows.append(("all of it", "", *_both(sum(each["usd"] for each in figures.values()))))
    exchange = BOOK["exchange"]
    return "\n".join(
        [
            table(
                f"Cost of {ORDERS:,} paid orders, prices of {BOOK['region']} read {BOOK['read_on']}",
                ("line", "per order", "USD", "IDR"),
                rows,
            ),
            f"Why {BOOK['region']}: {BOOK['why']}",
            f"IDR {exchange['idr_per_usd']:,} a dollar: {exchange['source']}.",
            f"Assumed: {', '.join(f'{name} {number}' for name, number in ASSUMED.items())}.",
        ]
    )


def _seconds(cpu: dict[str, Any], usage: dict[str, Any], memory: int) -> tuple[float, float]:
    """Billed seconds of an order: its CPU at the share of a core that the memory buys, and its waits."""
    share = min(1.0, memory / ASSUMED["full_vcpu_mb"])
    busy = sum(ceil(cpu["ms"][name] / share) for name in usage)
    idle = (
        _total(usage, "round_trips") * ASSUMED["dynamodb_round_trip_ms"]
        + (_total(usage, "sns") + _total(usage, "sqs")) * ASSUMED["other_aws_round_trip_ms"]
        + _total(usage, "partner") * ASSUMED["partner_round_trip_ms"]
    )
    return busy / 1000, idle / 1000


def _consumed(usage: dict[str, Any]) -> int:
    """Batches taken from queues: each is received and deleted by Lambda's poller."""
    return sum(each["runs"] for name, each in usage.items() if name.startswith("worker ") and "relay" not in name)


def _total(usage: dict[str, Any], what: str) -> float:
    return float(sum(each[what] for each in usage.values()))


def _usd(name: str, per_order: float) -> float:
    price = BOOK["prices"][name.partition(":")[0]]
    return float(Decimal(price["usd"]) * ORDERS / price["per"]) * per_order


def _both(usd: float) -> tuple[str, str]:
    return f"{usd:.4f}", f"{usd * BOOK['exchange']['idr_per_usd']:,.0f}"
