"""Pure decisions: from which locations a demand is served, what an adjustment does, whether the books agree."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import combinations
from math import comb
from typing import Final

from chalicelib.events.inventory import StockLine
from chalicelib.inventory.errors import NotEnoughStock, OutOfStock, StaleStock, TooMuchStock

MOST_LINES: Final = 40
"""Pairs of SKU and location of one owner or receipt: two writes each, and a transaction takes 100."""
MOST_LOCATIONS: Final = 20
LONGEST_SKU: Final = 100
MOST_UNITS: Final = 10_000_000
MOST_COMBINATIONS: Final = 5_000
"""Above so many choices of a number of locations, a good one is taken instead of the best."""


class Kind(StrEnum):
    """What moved stock."""

    RECEIVED = "received"
    ADJUSTED = "adjusted"
    SET_ASIDE = "set_aside"
    HELD = "held"
    CONSUMED = "consumed"
    RELEASED = "released"
    TAKEN = "taken"
    DEALLOCATED = "deallocated"


class Reason(StrEnum):
    """Why stock is adjusted."""

    COUNTED = "counted"
    LOST = "lost"
    FOUND = "found"
    CORRECTION = "correction"
    DAMAGED = "damaged"
    QUALITY_CONTROL = "quality_control"
    SAFETY = "safety"


SET_ASIDE: Final = (Reason.DAMAGED, Reason.QUALITY_CONTROL, Reason.SAFETY)
"""Reasons that move between available and unavailable; the others change what is on hand."""


@dataclass(frozen=True, slots=True)
class Location:
    """A place with stock; a lower ``priority`` is asked first, one that is not active serves no orders."""

    id: str
    name: str
    priority: int
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Level:
    """The counters of one SKU at one location; ``version`` grows with every movement."""

    sku: str
    location: str
    on_hand: int = 0
    available: int = 0
    reserved: int = 0
    allocated: int = 0
    unavailable: int = 0
    incoming: int = 0
    version: int = 0
    unavailable_by_reason: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SET_ASIDE, 0))


@dataclass(frozen=True, slots=True)
class Delta:
    """What a movement adds to each counter; a negative number takes away."""

    on_hand: int = 0
    available: int = 0
    reserved: int = 0
    allocated: int = 0
    unavailable: int = 0
    incoming: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One change of the counters of a SKU at a location, and what it was for."""

    id: str
    sku: str
    location: str
    kind: Kind
    delta: Delta
    owner: str
    """The order, receipt or adjustment that moved it."""
    reason: str | None = None
    document: str | None = None
    occurred_at: datetime
    business_date: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """What staff ask for: a new number (``quantity``) or a difference (``delta``), and what they believe is there."""

    sku: str
    location: str
    reason: Reason
    quantity: int | None = None
    delta: int | None = None
    expected_on_hand: int | None = None
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A counter that is not what it must be, by which invariant: I1 its sum, I2 the movements, I3 the holds."""

    sku: str
    location: str
    invariant: str
    counter: str
    stored: int
    expected: int


def plan(demand: Mapping[str, int], levels: Iterable[Level], locations: Iterable[Location]) -> tuple[StockLine, ...]:
    """From which active locations to take ``demand``: the fewest, then the preferred, then the best stocked.

    A line is split only where no chosen location has all of it. The same input gives the same plan, in the order of
    SKU and location. Raises OutOfStock naming the first SKU of which there is too little.
    """
    active = {location.id: location for location in locations if location.is_active}
    stock: dict[str, dict[str, int]] = {}
    for level in levels:
        if level.location in active and level.sku in demand and level.available > 0:
            stock.setdefault(level.location, {})[level.sku] = level.available
    for sku, wanted in demand.items():
        available = _available(stock, stock, sku)
        if available < wanted:
            raise OutOfStock(sku=sku, available=available)
    return _split(demand, _chosen(demand, stock, active), stock, active)


def change(level: Level, asked: Adjustment) -> Delta:
    """What ``asked`` does to ``level``. Raises StaleStock, NotEnoughStock, TooMuchStock."""
    if asked.expected_on_hand not in (None, level.on_hand) or asked.expected_version not in (None, level.version):
        raise StaleStock(**asdict(level))
    is_aside = asked.reason in SET_ASIDE
    base = level.unavailable_by_reason[asked.reason] if is_aside else level.on_hand
    difference = asked.delta if asked.quantity is None else asked.quantity - base
    assert difference is not None
    available = level.available + (-difference if is_aside else difference)
    if available < 0 or base + difference < 0:
        raise NotEnoughStock(sku=level.sku, location=level.location, available=level.available)
    if base + difference > MOST_UNITS:
        raise TooMuchStock(sku=level.sku, location=level.location, most=MOST_UNITS)
    if is_aside:
        return Delta(available=-difference, unavailable=difference)
    return Delta(on_hand=difference, available=difference)


def counters(level: Level, delta: Delta) -> dict[str, int]:
    """The counters of ``level`` once ``delta`` is added."""
    return {name: getattr(level, name) + getattr(delta, name) for name in Delta.__slots__}


def open_owners(movements: Iterable[Movement]) -> list[str]:
    """Who, by the movements, has stock reserved or allocated."""
    open_by_owner: dict[str, tuple[int, int]] = {}
    for each in movements:
        reserved, allocated = open_by_owner.get(each.owner, (0, 0))
        open_by_owner[each.owner] = reserved + each.delta.reserved, allocated + each.delta.allocated
    return [owner for owner, counters in open_by_owner.items() if any(counters)]


def discrepancies(level: Level, movements: Sequence[Movement], *, held: int, consumed: int) -> list[Discrepancy]:
    """Where ``level`` disagrees with itself, with all its ``movements``, or with what owners hold and have consumed."""
    parts = level.available + level.reserved + level.allocated + level.unavailable
    checks = [("I1", "on_hand", level.on_hand, parts)]
    checks += [("I2", name, getattr(level, name), _sum(movements, name)) for name in Delta.__slots__]
    checks += [
        ("I2", reason, level.unavailable_by_reason[reason], _sum(movements, "unavailable", reason))
        for reason in SET_ASIDE
    ]
    checks += [
        ("I2", "version", level.version, len(movements)),
        ("I3", "reserved", level.reserved, held),
        ("I3", "allocated", level.allocated, consumed),
    ]
    checks += [("I1", name, getattr(level, name), max(0, getattr(level, name))) for name in Delta.__slots__]
    return [
        Discrepancy(level.sku, level.location, invariant, counter, stored, expected)
        for invariant, counter, stored, expected in checks
        if stored != expected
    ]


def _sum(movements: Iterable[Movement], counter: str, reason: str | None = None) -> int:
    return sum(getattr(each.delta, counter) for each in movements if reason in (None, each.reason))


def _available(stock: Mapping[str, Mapping[str, int]], chosen: Iterable[str], sku: str) -> int:
    return sum(stock[location].get(sku, 0) for location in chosen)


def _chosen(
    demand: Mapping[str, int], stock: Mapping[str, Mapping[str, int]], active: Mapping[str, Location]
) -> tuple[str, ...]:
    """The locations to take from: every choice of one, then of two and so on is looked at until one has all."""

    def preference(chosen: tuple[str, ...]) -> tuple[list[int], int, list[str]]:
        units = sum(_available(stock, chosen, sku) for sku in demand)
        return sorted(active[each].priority for each in chosen), -units, sorted(chosen)

    for number in range(1, len(stock) + 1):
        if comb(len(stock), number) > MOST_COMBINATIONS:
            break
        serving = [chosen for chosen in combinations(stock, number) if _serves(demand, stock, chosen)]
        if serving:
            return min(serving, key=preference)
    return _greedy(demand, stock, active)


def _serves(demand: Mapping[str, int], stock: Mapping[str, Mapping[str, int]], chosen: Sequence[str]) -> bool:
    return all(_available(stock, chosen, sku) >= wanted for sku, wanted in demand.items())


def _greedy(
    demand: Mapping[str, int], stock: Mapping[str, Mapping[str, int]], active: Mapping[str, Location]
) -> tuple[str, ...]:
    """One location after the other, each time the one that has most of what is still missing."""
    chosen: list[str] = []
    while not _serves(demand, stock, chosen):
        missing = {sku: wanted - _available(stock, chosen, sku) for sku, wanted in demand.items()}
        rest = {each: stock[each] for each in stock if each not in chosen}
        chosen.append(_most_useful(missing, rest, active))
    return tuple(chosen)


def _most_useful(
    missing: Mapping[str, int], stock: Mapping[str, Mapping[str, int]], active: Mapping[str, Location]
) -> str:
    def rank(location: str) -> tuple[int, int, int, str]:
        there = stock[location]
        served = sum(min(there.get(sku, 0), max(0, short)) for sku, short in missing.items())
        return -served, active[location].priority, -sum(there.values()), location

    return min(stock, key=rank)


def _split(
    demand: Mapping[str, int],
    chosen: Sequence[str],
    stock: Mapping[str, Mapping[str, int]],
    active: Mapping[str, Location],
) -> tuple[StockLine, ...]:
    lines = [
        line
        for sku, wanted in demand.items()
        for line in _line(sku, wanted, {each: stock[each][sku] for each in chosen if sku in stock[each]}, active)
    ]
    return tuple(sorted(lines, key=lambda line: (line.sku, line.location)))


def _line(sku: str, wanted: int, there: Mapping[str, int], active: Mapping[str, Location]) -> Iterator[StockLine]:
    whole = [each for each in there if there[each] >= wanted]
    if whole:
        yield StockLine(sku, min(whole, key=lambda each: (active[each].priority, -there[each], each)), wanted)
        return
    for location in sorted(there, key=lambda each: (-there[each], active[each].priority, each)):
        taken = min(there[location], wanted)
        if taken:
            yield StockLine(sku, location, taken)
        wanted -= taken
