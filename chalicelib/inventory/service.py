"""The door of the warehouse.

``hold``, ``consume``, ``release``, ``take`` and ``deallocate`` only add to the caller's transaction: stock moves with
the order or not at all. Each refuses with HoldMoved when the hold is not in the state expected: read it again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chalicelib.catalog import service as catalog
from chalicelib.catalog.errors import UnknownSku
from chalicelib.core import audit, db, ids, outbox
from chalicelib.core.counts import Counts
from chalicelib.core.errors import WriteRefused
from chalicelib.core.escrow import Holding, Part, State, gathered
from chalicelib.core.idempotency import Claim
from chalicelib.core.log import logger
from chalicelib.events.inventory import (
    StockAdjusted,
    StockAllocated,
    StockDeallocated,
    StockHeld,
    StockLine,
    StockReceived,
    StockReleased,
)
from chalicelib.inventory import rules
from chalicelib.inventory.errors import LocationExists, TooManyLines, TooManyLocations, UnknownLocation
from chalicelib.inventory.models import HoldRow, LocationsRow, MovementRow, StockRow, line_of, part_of
from chalicelib.inventory.rules import Adjustment, Delta, Discrepancy, Level, Location, Movement, plan

__all__ = ["Level", "Location", "plan"]

TRIES: Final = 8
GRACE: Final = timedelta(hours=24)
"""Orders end their own holds; what is overdue by so much was forgotten."""


@dataclass(frozen=True, slots=True)
class Held:
    """What an owner holds, or held, and how far that has come."""

    owner: str
    state: State
    lines: tuple[StockLine, ...]
    expires_at: datetime | None
    version: int

    @property
    def is_held(self) -> bool:
        """True while the stock is reserved."""
        return self.state is State.HELD

    @property
    def is_consumed(self) -> bool:
        """True while the stock is allocated."""
        return self.state is State.CONSUMED


@dataclass(frozen=True, slots=True)
class Receipt:
    """Goods that came in, and the levels after it."""

    id: str
    document: str
    levels: list[Level]


def lookup_locations() -> db.Lookup[tuple[Location, ...]]:
    """Reads all locations, the preferred first."""
    directory = LocationsRow.lookup()
    return db.Lookup(directory.keys, lambda rows: directory.build(rows).locations)


def add_location(location: Location) -> Location:
    """A new location. Raises LocationExists, TooManyLocations."""

    def added(locations: tuple[Location, ...]) -> tuple[Location, ...]:
        if any(each.id == location.id for each in locations):
            raise LocationExists(location=location.id)
        if len(locations) == rules.MOST_LOCATIONS:
            raise TooManyLocations(most=rules.MOST_LOCATIONS)
        audit.change(f"location:{location.id}", after=location)
        return (*locations, location)

    _change_locations(added)
    logger.info("location added", location=location.id)
    return location


def change_location(
    id_: str, *, name: str | None = None, priority: int | None = None, is_active: bool | None = None
) -> Location:
    """Change what is given. Raises UnknownLocation."""

    def changed_one(location: Location) -> Location:
        return Location(
            id_,
            name=location.name if name is None else name,
            priority=location.priority if priority is None else priority,
            is_active=location.is_active if is_active is None else is_active,
        )

    def changed(locations: tuple[Location, ...]) -> tuple[Location, ...]:
        _check_location(id_, locations)
        before = next(each for each in locations if each.id == id_)
        audit.change(f"location:{id_}", before=before, after=changed_one(before))
        return tuple(changed_one(each) if each.id == id_ else each for each in locations)

    locations = _change_locations(changed)
    logger.info("location changed", location=id_)
    return next(each for each in locations if each.id == id_)


def lookup_levels(skus: Iterable[str], locations: Iterable[Location]) -> db.Lookup[list[Level]]:
    """Reads the levels of the SKUs at the locations; there is none where nothing ever was."""
    return StockRow.lookup(skus, (location.id for location in locations))


def levels_of(sku: str) -> list[Level]:
    """The SKU's levels at every location that ever had it. Raises UnknownSku."""
    levels = StockRow.all_of(sku) if len(sku) <= rules.LONGEST_SKU else []
    if not levels:
        _check_skus([sku], db.look(catalog.lookup_offers([sku]))[0])
    return levels


def movements_of(sku: str, *, limit: int, cursor: str | None) -> db.Page[Movement]:
    """What moved the SKU's stock, newest first. Raises UnknownSku."""
    locations = [level.location for level in levels_of(sku)]
    return MovementRow.page(sku, locations, limit=limit, cursor=cursor)


def hold(tx: db.Transaction, owner: str, lines: Iterable[StockLine], *, expires_at: datetime) -> None:
    """Reserve ``lines`` for ``owner``, who holds nothing yet. Refused with OutOfStock. Raises TooManyLines."""
    parts = _parts(lines)
    HoldRow.hold(tx, owner, parts, expires_at=expires_at)
    outbox.publish(tx, StockHeld(owner, _lines(parts)))


def lookup_hold(owner: str) -> db.Lookup[Held | None]:
    """Reads what ``owner`` holds or held."""
    holding = HoldRow.lookup(owner)

    def build(rows: list[HoldRow | None]) -> Held | None:
        found = holding.build(rows)
        return _held(found) if found else None

    return db.Lookup(holding.keys, build)


def consume(tx: db.Transaction, held: Held) -> None:
    """What is held is promised for good: reserved → allocated."""
    HoldRow.consume(tx, _holding(held))
    outbox.publish(tx, StockAllocated(held.owner, held.lines))


def release(tx: db.Transaction, held: Held) -> None:
    """What is held can be sold again: reserved → available."""
    HoldRow.release(tx, _holding(held))
    outbox.publish(tx, StockReleased(held.owner, held.lines))


def take(tx: db.Transaction, owner: str, lines: Iterable[StockLine], *, previous: Held | None) -> None:
    """Promise ``lines`` for good at once, without a hold before: available → allocated.

    ``previous`` is what the owner held and gave back, if anything. Refused with OutOfStock. Raises TooManyLines.
    """
    parts = _parts(lines)
    HoldRow.take(tx, owner, parts, previous=_holding(previous) if previous else None)
    outbox.publish(tx, StockHeld(owner, _lines(parts)))
    outbox.publish(tx, StockAllocated(owner, _lines(parts)))


def deallocate(tx: db.Transaction, held: Held) -> None:
    """What was promised for good can be sold again: allocated → available."""
    HoldRow.give_back(tx, _holding(held))
    outbox.publish(tx, StockDeallocated(held.owner, held.lines))


def sweep_due(now: datetime) -> Counts:
    """Release holds that were forgotten. Safe twice, safe to miss."""
    return HoldRow.sweep(now - GRACE, lambda tx, holding: release(tx, _held(holding)))


def receive(location: str, document: str, lines: Iterable[StockLine], claim: Claim) -> Receipt:
    """Take in goods, once per ``claim``, whatever moves at the same time.

    Raises UnknownLocation, UnknownSku, TooManyLines, TooMuchStock; Replayed, KeyReused, InProgress by the claim.
    """
    wanted = _lines(_parts(lines))
    skus = [line.sku for line in wanted]
    receipt, locations, offers = db.look(claim.lookup(), lookup_locations(), catalog.lookup_offers(skus))
    if receipt is None:
        _check_location(location, locations)
        _check_skus(skus, offers)
        receipt = ids.new("rcp")
        audit.change(f"receipt:{receipt}", after={"document": document, "lines": wanted})
        with db.transaction() as tx:
            claim.record(tx, receipt)
            for line in wanted:
                StockRow.receive(tx, line, owner=receipt, document=document)
            outbox.publish(tx, StockReceived(receipt, document, wanted))
        logger.info("stock received", receipt=receipt, location=location, lines=len(wanted))
    (levels,) = db.look(StockRow.lookup(skus, [location]))
    return Receipt(receipt, document, levels)


def adjust(asked: Adjustment, claim: Claim) -> Level:
    """Correct the books, if the stock is what the caller believes it is; the level after it. Once per ``claim``.

    Raises UnknownLocation, UnknownSku, StaleStock, NotEnoughStock, TooMuchStock; Replayed, KeyReused, InProgress.
    """
    for _ in range(TRIES):
        made, locations, offers, level = db.look(
            claim.lookup(),
            lookup_locations(),
            catalog.lookup_offers([asked.sku]),
            _lookup_level(asked.sku, asked.location),
        )
        if made is not None:
            return level
        _check_location(asked.location, locations)
        _check_skus([asked.sku], offers)
        try:
            _write_adjustment(level, asked, claim)
        except WriteRefused:
            continue
        return db.look(_lookup_level(asked.sku, asked.location))[0]
    raise WriteRefused()


def show_availability(*skus: str) -> None:
    """Tell the catalogue how much of the SKUs can be sold; an older telling than it knows changes nothing."""
    (directory,) = db.look(LocationsRow.lookup())
    (levels,) = db.look(StockRow.lookup(skus, [location.id for location in directory.locations]))
    active = {location.id for location in directory.locations if location.is_active}
    told = {}
    for sku in skus:
        its = [level for level in levels if level.sku == sku]
        available = sum(max(0, level.available) for level in its if level.location in active)
        told[sku] = available, directory.version + sum(level.version for level in its)
    catalog.set_availability(told)


def verify(sku: str) -> list[Discrepancy]:
    """Where the SKU's counters disagree with themselves (I1), with the movements (I2) or with the holds (I3).

    Raises UnknownSku, and WriteRefused if the stock never stood still for long enough to look.
    """
    for _ in range(TRIES):
        levels = levels_of(sku)
        movements = MovementRow.all_of(sku)
        (holdings,) = db.look(HoldRow.lookup_all(rules.open_owners(movements)))
        if StockRow.all_of(sku) == levels:
            return [each for level in levels for each in _discrepancies(level, movements, holdings)]
    raise WriteRefused("The stock moves too much to be looked at; repeat it in a quieter minute.")


def _change_locations(
    change: Callable[[tuple[Location, ...]], tuple[Location, ...]],
) -> tuple[Location, ...]:
    for _ in range(TRIES):
        (directory,) = db.look(LocationsRow.lookup())
        changed = tuple(sorted(change(directory.locations), key=lambda each: (each.priority, each.id)))
        try:
            with db.transaction() as tx:
                LocationsRow.replace(tx, directory, changed)
        except WriteRefused:
            continue
        return changed
    raise WriteRefused()


def _write_adjustment(level: Level, asked: Adjustment, claim: Claim) -> None:
    delta = rules.change(level, asked)
    adjustment = ids.new("adj")
    line = StockLine(asked.sku, asked.location, delta.available)
    before, after = rules.counters(level, Delta()), rules.counters(level, delta)
    audit.changed(f"stock:{asked.sku}", {"location": asked.location, **before}, {"location": asked.location, **after})
    with db.transaction() as tx:
        claim.record(tx, adjustment)
        StockRow.adjust(tx, level, delta, owner=adjustment, reason=asked.reason)
        outbox.publish(tx, StockAdjusted(adjustment, asked.reason, (line,)))
    logger.info("stock adjusted", adjustment=adjustment, sku=asked.sku, reason=asked.reason)


def _lookup_level(sku: str, location: str) -> db.Lookup[Level]:
    levels = StockRow.lookup([sku], [location])
    return db.Lookup(levels.keys, lambda rows: next(iter(levels.build(rows)), Level(sku, location)))


def _discrepancies(level: Level, movements: Iterable[Movement], holdings: Iterable[Holding]) -> list[Discrepancy]:
    promised = {State.HELD: 0, State.CONSUMED: 0, State.RELEASED: 0, State.RETURNED: 0}
    for holding in holdings:
        for line in _lines(holding.parts):
            if (line.sku, line.location) == (level.sku, level.location):
                promised[holding.state] += line.quantity
    here = [each for each in movements if each.location == level.location]
    return rules.discrepancies(level, here, held=promised[State.HELD], consumed=promised[State.CONSUMED])


def _check_location(id_: str, locations: Iterable[Location]) -> None:
    if all(location.id != id_ for location in locations):
        raise UnknownLocation(location=id_)


def _check_skus(skus: Iterable[str], offers: dict[str, catalog.Offer]) -> None:
    for sku in skus:
        if sku not in offers:
            raise UnknownSku(sku=sku)


def _parts(lines: Iterable[StockLine]) -> tuple[Part, ...]:
    """One part per SKU and location, in the order of their keys. Raises TooManyLines."""
    parts = gathered(part_of(line) for line in lines)
    if len(parts) > rules.MOST_LINES:
        raise TooManyLines(most=rules.MOST_LINES)
    return parts


def _lines(parts: Iterable[Part]) -> tuple[StockLine, ...]:
    return tuple(line_of(part) for part in parts)


def _held(holding: Holding) -> Held:
    return Held(
        owner=holding.owner,
        state=holding.state,
        lines=_lines(holding.parts),
        expires_at=holding.expires_at,
        version=holding.version,
    )


def _holding(held: Held) -> Holding:
    parts = tuple(part_of(line) for line in held.lines)
    return Holding(held.owner, held.state, parts, held.expires_at, held.version)
