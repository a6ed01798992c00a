"""What a bill is made from, and what its lines are."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from infra.cost.prices import Book, assumptions, platform
from infra.cost.resources import Stage
from infra.cost.usage import API, Scenarios, Step

PARTS: Final = ("tracing", "waf", "dashboard", "alarms")
"""What a stage can do without."""

ALWAYS_COLD: Final = 0.005
"""The share of runs that begin a copy however busy a function is: new ones beside it, and old ones that AWS ends."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a bill: how much of what has a price, and how to pay less for it."""

    price: str
    what: str
    quantity: float
    is_idle: bool = False
    """True for what is due without an order too."""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Basis:
    """One stage, one record of usage, one price list, and one set of assumptions about traffic."""

    stage: Stage
    scenarios: Scenarios
    traffic: Mapping[str, float]
    book: Book
    free_tier: bool = False
    without: frozenset[str] = frozenset()
    """Those of ``PARTS`` that are switched off."""

    def has(self, part: str) -> bool:
        """Whether a part is switched on."""
        return part not in self.without

    def less(self, part: str) -> "Basis":
        """The same without a part."""
        return replace(self, without=self.without | {part})

    @property
    def is_traced(self) -> bool:
        """True where X-Ray is told of runs."""
        return self.stage.is_traced and self.has("tracing")

    def gigabytes(self, function: str) -> float:
        """The memory of a function."""
        return self.stage.memory_of(function) / 1024

    def gb_seconds(self, step: Step) -> float:
        """What the runs of a step are billed for their time."""
        memory = self.stage.memory_of(step.function)
        return step.milliseconds(memory) / 1000 * memory / 1024

    def starting_gb_seconds(self, function: str) -> float:
        """What it is billed to start one copy of a function."""
        about = assumptions()["functions"]["init_cpu_ms"]
        share = min(1.0, self.stage.memory_of(function) / platform("full_vcpu_mb"))
        return float(about[API if function == API else "worker"]) / share / 1000 * self.gigabytes(function)

    def table_keys(self, runs: Mapping[tuple[str, str], float]) -> float:
        """Requests by which DynamoDB fetches the keys of tables, from the runs by function and table: once in a while
        for each."""
        most = platform("month_hours") * 60 / platform("table_key_minutes")
        return sum(min(count, most) for (_, table), count in runs.items() if table in self.stage.tables_with_keys)
