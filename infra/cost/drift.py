"""How what is measured now differs from the record: what has become dearer, and what the record overstates."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from infra.cost.prices import Book
from infra.cost.usage import Scenarios, Step

TOLERATED: Final = 0.10
LOOKED_AT: Final = ("runs", "calls", "read", "write", "stored", "sns", "kms", "mails", "logged")
"""The figures that explain a difference."""


@dataclass(frozen=True, slots=True)
class Change:
    """A step of a use case that costs more, or less, than its record says by more than is tolerated."""

    where: str
    measure: str
    before: float
    after: float
    why: str

    @property
    def is_dearer(self) -> bool:
        """False where it has become cheaper."""
        return self.after > self.before

    def __str__(self) -> str:
        share = f"{(self.after / self.before - 1) * 100:+.0f} %" if self.before else "new"
        return f"{self.where}: {self.measure} {self.before:.7g} → {self.after:.7g} ({share}){self.why}"


def changes(record: Scenarios, measured: Scenarios, book: Book) -> list[Change]:
    """Every step that differs by more than is tolerated, in calls, in what DynamoDB bills for it, or altogether."""
    measures: dict[str, Callable[[Step], float]] = {
        "calls": lambda step: step["calls"],
        "USD at DynamoDB": lambda step: step.storage_usd(book),
        "USD in all": lambda step: step.usd(book),
    }
    return [
        Change(where, measure, before, after, _why(old, new))
        for where, old, new in _pairs(record, measured)
        for measure, price in measures.items()
        if _differs(before := price(old) if old else 0.0, after := price(new) if new else 0.0)
    ]


def _pairs(record: Scenarios, measured: Scenarios) -> Iterator[tuple[str, Step | None, Step | None]]:
    old = {(step.scenario, step.name): step for steps in record.values() for step in steps}
    new = {(step.scenario, step.name): step for steps in measured.values() for step in steps}
    for scenario, name in sorted(old.keys() | new.keys()):
        yield f"{scenario} / {name}", old.get((scenario, name)), new.get((scenario, name))


def _differs(before: float, after: float) -> bool:
    return abs(after - before) > TOLERATED * before


def _why(old: Step | None, new: Step | None) -> str:
    if old is None or new is None:
        return ", not done before" if old is None else ", no longer done"
    moved = [f"{what} {old[what]:g} → {new[what]:g}" for what in LOOKED_AT if old[what] != new[what]]
    return f", {', '.join(moved)}" if moved else ""
