"""What each use case was measured to ask, as committed in ``usage.json``, and its price.

``python -m tests.benchmarks.usage --write`` makes the record; a test measures anew and compares.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from pathlib import Path
from typing import Any, Final

from infra.cost.prices import Book, assumptions, platform

RECORD: Final = Path(__file__).with_name("usage.json")
GB: Final = 1024**3
WORKER: Final = "worker "
API: Final = "api"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a scenario: the runs of one function for it, and all they ask."""

    scenario: str
    name: str
    figures: Mapping[str, Any]

    def __getitem__(self, what: str) -> float:
        return float(self.figures[what])

    @property
    def tables(self) -> tuple[str, ...]:
        """The departments whose tables are asked."""
        return tuple(self.figures["tables"])

    @property
    def function(self) -> str:
        """The function that runs it, as our tables call it."""
        return self.name.removeprefix(WORKER) if self.is_worker else API

    @property
    def is_worker(self) -> bool:
        """False for a request to the API."""
        return self.name.startswith(WORKER)

    def usd(self, book: Book) -> float:
        """What it costs, without the time of Lambda: what it asks, its requests, letters, logs and answers."""
        return sum(book.usd(price, quantity) for price, quantity in self.quantities().items())

    def storage_usd(self, book: Book) -> float:
        """The part of it that DynamoDB bills for reading and writing."""
        return book.usd("dynamodb_read_units", self["read"]) + book.usd("dynamodb_write_units", self["write"])

    def quantities(self) -> dict[str, float]:
        """What is billed for it, by the name of its price; how long it runs and what is stored stay out."""
        requests = 0 if self.is_worker else self["runs"]
        return {
            "lambda_requests": self["runs"],
            "api_requests": requests,
            "waf_requests": requests,
            "dynamodb_read_units": self["read"],
            "dynamodb_write_units": self["write"],
            "sns_publishes": self["sns"],
            "sqs_requests": self["sqs"],
            "kms_requests": self["kms"],
            "s3_writes": self["s3"],
            "ses_letters": self["mails"],
            "ses_gb": self["mail_bytes"] / GB,
            "log_gb": (self["logged"] + self["runs"] * platform("platform_log_bytes")) / GB,
            "transfer_gb": self["answered"] / GB,
        }

    def milliseconds(self, memory: int) -> float:
        """How long all its runs take with ``memory`` MB: CPU at the share of a core that this buys, and waiting."""
        share = min(1.0, memory / platform("full_vcpu_mb"))
        others = self["calls"] - self["round_trips"] - self["partner"]
        waiting = (
            self["round_trips"] * platform("round_trip_ms")
            + others * platform("other_round_trip_ms")
            + self["partner"] * platform("partner_ms")
        )
        return ceil(self._cpu_ms() / share + waiting)

    def _cpu_ms(self) -> float:
        about = assumptions()["functions"]
        key = f"{self.scenario}/{self.name}"
        hashing = about["hashes"].get(key, 0) * about["hashes"]["ms"]
        supposed = self["runs"] * about["cpu_ms_per_run"] + self["calls"] * about["cpu_ms_per_call"]
        return float(about["cpu_ms"].get(key, supposed) + hashing)


Scenarios = Mapping[str, tuple[Step, ...]]


def parse(figures: Mapping[str, Any]) -> Scenarios:
    """The steps by scenario, from what was measured."""
    return {
        scenario: tuple(Step(scenario, name, about) for name, about in steps.items())
        for scenario, steps in figures.items()
    }


@cache
def record() -> Scenarios:
    """The committed record."""
    return parse(json.loads(RECORD.read_text(encoding="utf-8"))["scenarios"])
