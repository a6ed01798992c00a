"""Stock under any sequence of operations, each possibly said twice or by somebody who read too early.

A plain model says what every operation must do; after each one the stored counters are the model's, and the invariants
of reliability.md 2.2 hold: nothing is negative (1), everything received is somewhere (2), what is reserved or allocated
is what the holds say (3).
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.core import clock as time
from chalicelib.core import db, escrow
from chalicelib.core.counts import Counts
from chalicelib.core.errors import InProgress, LarisError
from chalicelib.core.escrow import STEPS, HoldMoved, Move, Part, State
from chalicelib.events.inventory import StockLine
from chalicelib.inventory import service as inventory
from chalicelib.inventory.errors import NotEnoughStock, OutOfStock, StaleStock
from chalicelib.inventory.models import HoldRow, StockRow
from chalicelib.inventory.rules import SET_ASIDE, Adjustment, Level, Reason
from tests.conftest import Clock
from tests.kit import cloud
from tests.kit.stock import claim, open_locations, sell

SKUS = ("KEMEJA-M", "SARUNG")
PLACES = ("jkt", "sby")
OWNERS = ("ord_1", "ord_2")

quantities = st.integers(1, 3)
lines = st.lists(
    st.builds(StockLine, st.sampled_from(SKUS), st.sampled_from(PLACES), quantities), min_size=1, max_size=3
)
ago = st.sampled_from([0, 0, 0, 1, 2])
"""By how many changes of a hold somebody is behind."""
operations = st.one_of(
    st.tuples(st.just("receive"), st.sampled_from(PLACES), st.sampled_from(SKUS), quantities),
    st.tuples(
        st.just("adjust"),
        st.sampled_from(PLACES),
        st.sampled_from(SKUS),
        st.sampled_from([*Reason]),
        st.integers(-4, 4),
        st.sampled_from([True, True, False]),
    ),
    *[st.tuples(st.just("hold"), st.sampled_from(OWNERS), lines)] * 2,
    st.tuples(st.just("take"), st.sampled_from(OWNERS), lines, ago),
    *[st.tuples(st.sampled_from(["consume", "release", "give_back"]), st.sampled_from(OWNERS), ago)] * 4,
    st.tuples(st.just("sweep"), st.integers(0, 30)),
)


@dataclass
class Model:
    """What the stock must be."""

    levels: dict[tuple[str, str], Level] = field(default_factory=dict)
    histories: dict[str, list[inventory.Held]] = field(default_factory=dict)
    """Each owner's hold in all the states that it was in."""

    @property
    def holds(self) -> dict[str, inventory.Held]:
        return {owner: history[-1] for owner, history in self.histories.items()}

    def move(self, line: StockLine, **delta: int) -> None:
        level = self.levels.get((line.sku, line.location), Level(line.sku, line.location))
        changed = {name: getattr(level, name) + number for name, number in delta.items()}
        self.levels[line.sku, line.location] = replace(level, **changed, version=level.version + 1)

    def available(self, line: StockLine) -> int:
        return self.levels.get((line.sku, line.location), Level("", "")).available


class Warehouse:
    """Carries out operations on the real thing and on the model, each twice."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.model = clock, Model()

    def run(self, operation: tuple[Any, ...]) -> None:
        name, *arguments = operation
        getattr(self, name)(*arguments)

    def begin_with(self, quantity: int) -> None:
        for place in PLACES:
            first = [StockLine(sku, place, quantity) for sku in SKUS]
            inventory.receive(place, "SJ-0", first, claim())
            for line in first:
                self.model.move(line, on_hand=quantity, available=quantity)

    def receive(self, place: str, sku: str, quantity: int) -> None:
        line, once = StockLine(sku, place, quantity), claim()
        receipt = inventory.receive(place, "SJ-1", [line], once)
        self.model.move(line, on_hand=quantity, available=quantity)

        with pytest.raises(InProgress):
            inventory.receive(place, "SJ-1", [line], once)
        self.clock.pass_(minutes=1)
        assert inventory.receive(place, "SJ-1", [line], once).id == receipt.id

    def adjust(self, place: str, sku: str, reason: Reason, delta: int, is_right: bool) -> None:
        level = self.model.levels.get((sku, place), Level(sku, place))
        expected = level.on_hand if is_right else level.on_hand + 1
        asked = Adjustment(sku=sku, location=place, reason=reason, delta=delta, expected_on_hand=expected)
        is_aside = reason in SET_ASIDE
        aside = level.unavailable_by_reason.get(reason, 0)
        once = claim()
        if not is_right:
            self.refused(StaleStock, lambda: inventory.adjust(asked, once))
        elif level.available + (-delta if is_aside else delta) < 0 or (is_aside and aside + delta < 0):
            self.refused(NotEnoughStock, lambda: inventory.adjust(asked, once))
        else:
            inventory.adjust(asked, once)
            if is_aside:
                self.model.levels[sku, place] = replace(
                    level, unavailable_by_reason={**level.unavailable_by_reason, reason: aside + delta}
                )
                self.model.move(StockLine(sku, place, 0), available=-delta, unavailable=delta)
            else:
                self.model.move(StockLine(sku, place, 0), available=delta, on_hand=delta)
            self.refused(InProgress, lambda: inventory.adjust(asked, once))

    def hold(self, owner: str, wanted: list[StockLine]) -> None:
        expires_at = time.now() + timedelta(hours=1)

        def write() -> None:
            with db.transaction() as tx:
                inventory.hold(tx, owner, wanted, expires_at=expires_at)

        if owner in self.model.holds:
            self.refused(HoldMoved, write)
        elif self.is_short(wanted):
            self.refused(OutOfStock, write)
        else:
            write()
            self.begin(owner, wanted, State.HELD, expires_at, "available", "reserved")
            self.refused(HoldMoved, write)

    def take(self, owner: str, wanted: list[StockLine], behind: int) -> None:
        previous = self.read(owner, behind)

        def write() -> None:
            with db.transaction() as tx:
                inventory.take(tx, owner, wanted, previous=previous)

        is_free = previous is None or previous.state in (State.RELEASED, State.RETURNED)
        if previous != self.model.holds.get(owner) or not is_free:
            self.refused(HoldMoved, write)
        elif self.is_short(wanted):
            self.refused(OutOfStock, write)
        else:
            write()
            self.begin(owner, wanted, State.CONSUMED, None, "available", "allocated")
            self.refused(HoldMoved, write)

    def consume(self, owner: str, behind: int) -> None:
        self.settle(inventory.consume, owner, behind, State.HELD, State.CONSUMED, source="reserved", target="allocated")

    def release(self, owner: str, behind: int) -> None:
        self.settle(inventory.release, owner, behind, State.HELD, State.RELEASED, source="reserved", target="available")

    def give_back(self, owner: str, behind: int) -> None:
        self.settle(
            inventory.deallocate,
            owner,
            behind,
            State.CONSUMED,
            State.RETURNED,
            source="allocated",
            target="available",
        )

    def settle(self, move, owner, behind, before, after, *, source, target) -> None:
        held = self.read(owner, behind)
        if held is None:
            return

        def write() -> None:
            with db.transaction() as tx:
                move(tx, held)

        if held != self.model.holds[owner] or held.state is not before:
            self.refused(HoldMoved, write)
        else:
            write()
            self.end(held, after, source, target)
            self.refused(HoldMoved, write)

    def sweep(self, hours: int) -> None:
        self.clock.pass_(hours=hours)
        now = time.now()
        overdue = [
            held
            for held in self.model.holds.values()
            if held.is_held and held.expires_at and held.expires_at < now - inventory.GRACE
        ]

        assert inventory.sweep_due(now) == Counts(seen=len(overdue), done=len(overdue))
        for held in overdue:
            self.end(held, State.RELEASED, "reserved", "available")
        assert inventory.sweep_due(now) == Counts()

    def begin(self, owner, wanted, state, expires_at, source, target) -> None:
        parts = together(wanted)
        previous = self.model.holds.get(owner)
        version = previous.version + 1 if previous else 1
        held = inventory.Held(owner, state, parts, expires_at, version)
        self.model.histories.setdefault(owner, []).append(held)
        self.shift(held, source, target)

    def end(self, held, state, source, target) -> None:
        self.model.histories[held.owner].append(replace(held, state=state, version=held.version + 1))
        self.shift(held, source, target)

    def shift(self, held, source, target) -> None:
        for line in held.lines:
            self.model.move(line, **{source: -line.quantity, target: line.quantity})

    def read(self, owner: str, behind: int) -> inventory.Held | None:
        """The owner's hold as somebody sees it who is ``behind`` by so many changes."""
        history = self.model.histories.get(owner, [])
        return history[-1 - behind] if behind < len(history) else None

    def is_short(self, wanted: list[StockLine]) -> bool:
        return any(self.model.available(line) < line.quantity for line in together(wanted))

    def refused(self, error: type[LarisError], write) -> None:
        """That nothing changed is seen when the stock is compared with the model, which does not change here."""
        with pytest.raises(error):
            write()


def together(wanted: list[StockLine]) -> tuple[StockLine, ...]:
    units: dict[tuple[str, str], int] = {}
    for line in wanted:
        units[line.sku, line.location] = units.get((line.sku, line.location), 0) + line.quantity
    return tuple(StockLine(*key, quantity) for key, quantity in sorted(units.items()))


def stored() -> tuple[dict[tuple[str, str], Level], dict[str, inventory.Held]]:
    levels = {(level.sku, level.location): level for sku in SKUS for level in StockRow.all_of(sku)}
    holds = db.look(*(inventory.lookup_hold(owner) for owner in OWNERS))
    return levels, {held.owner: held for held in holds if held}


def check_invariants(levels: dict[tuple[str, str], Level], holds: dict[str, inventory.Held]) -> None:
    for (sku, place), level in levels.items():
        counters = level.available, level.reserved, level.allocated, level.unavailable
        assert min(counters) >= 0
        assert sum(counters) == level.on_hand
        assert level.reserved == promised(holds, State.HELD, sku, place)
        assert level.allocated == promised(holds, State.CONSUMED, sku, place)


def promised(holds: dict[str, inventory.Held], state: State, sku: str, place: str) -> int:
    return sum(
        line.quantity
        for held in holds.values()
        if held.state is state
        for line in held.lines
        if (line.sku, line.location) == (sku, place)
    )


@given(st.lists(operations, min_size=10, max_size=16))
@settings(max_examples=25, deadline=None)
def test_stock_is_what_the_sequence_of_operations_makes_it(sequence):
    cloud.start()
    cloud.wipe()
    clock = Clock()
    with time.use(clock.now, clock.sleep):
        sell(*SKUS)
        open_locations(*PLACES)
        warehouse = Warehouse(clock)
        warehouse.begin_with(4)

        for operation in sequence:
            warehouse.run(operation)

            levels, holds = stored()
            assert (levels, holds) == (warehouse.model.levels, warehouse.model.holds)
            check_invariants(levels, holds)
        assert [inventory.verify(sku) for sku in SKUS] == [[], []]


@pytest.mark.parametrize("state", [*State])
@pytest.mark.parametrize(
    ("move", "call"),
    [
        (Move.CONSUME, HoldRow.consume),
        (Move.RELEASE, HoldRow.release),
        (Move.GIVE_BACK, HoldRow.give_back),
        (
            Move.TAKE,
            lambda tx, holding: HoldRow.take(tx, holding.owner, holding.parts, previous=holding),
        ),
    ],
)
def test_a_move_that_is_not_in_the_table_adds_nothing_to_the_transaction(state, move, call):
    tx = db.Transaction()
    holding = escrow.Holding("ord_1", state, (Part("KEMEJA-M", "STOCK#jkt", 1),), None, 1)

    if (state, move) in STEPS:
        call(tx, holding)
    else:
        with pytest.raises(HoldMoved):
            call(tx, holding)

    assert len(tx) == (3 if (state, move) in STEPS else 0)


@given(lines)
def test_parts_of_one_pool_are_put_together_in_one_order_and_lose_nothing(wanted):
    parts = [Part(line.sku, line.location, line.quantity) for line in wanted]

    gathered = escrow.gathered(parts)

    assert gathered == escrow.gathered(reversed(parts))
    assert [(part.pk, part.sk) for part in gathered] == sorted({(part.pk, part.sk) for part in parts})
    assert sum(part.quantity for part in gathered) == sum(part.quantity for part in parts)


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_part_of_nothing_or_less_is_a_bug_of_the_caller(quantity):
    with pytest.raises(ValueError, match="a part of"):
        escrow.gathered([Part("KEMEJA-M", "STOCK#jkt", quantity)])
