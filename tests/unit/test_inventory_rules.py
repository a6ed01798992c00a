"""From where a demand is served, what an adjustment does, and when the books disagree."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chalicelib.events.inventory import StockLine
from chalicelib.inventory.errors import NotEnoughStock, OutOfStock, StaleStock, TooMuchStock
from chalicelib.inventory.rules import (
    MOST_UNITS,
    Adjustment,
    Delta,
    Discrepancy,
    Kind,
    Level,
    Location,
    Movement,
    Reason,
    change,
    discrepancies,
    open_owners,
    plan,
)

JAKARTA = Location("jkt", "Gudang Jakarta", 1)
SURABAYA = Location("sby", "Gudang Surabaya", 2)
MEDAN = Location("mdn", "Gudang Medan", 3)
ALL = (JAKARTA, SURABAYA, MEDAN)


def at(location, **available):
    return [Level(sku, location.id, on_hand=units, available=units) for sku, units in available.items()]


# Planning


def test_one_location_that_has_everything_wins_over_a_preferred_one_that_has_not():
    levels = at(JAKARTA, KEMEJA=5) + at(SURABAYA, KEMEJA=5, SARUNG=1)

    assert plan({"KEMEJA": 2, "SARUNG": 1}, levels, ALL) == (
        StockLine("KEMEJA", "sby", 2),
        StockLine("SARUNG", "sby", 1),
    )


def test_of_two_that_have_everything_the_preferred_one_serves():
    levels = at(SURABAYA, KEMEJA=90) + at(JAKARTA, KEMEJA=2)

    assert plan({"KEMEJA": 2}, levels, ALL) == (StockLine("KEMEJA", "jkt", 2),)


def test_of_two_equally_preferred_the_better_stocked_one_serves():
    levels = at(JAKARTA, KEMEJA=3) + at(SURABAYA, KEMEJA=4)

    assert plan({"KEMEJA": 2}, levels, [JAKARTA, replace(SURABAYA, priority=1)]) == (StockLine("KEMEJA", "sby", 2),)


def test_a_line_is_split_only_where_nobody_has_all_of_it():
    levels = at(JAKARTA, KEMEJA=2, SARUNG=3) + at(SURABAYA, KEMEJA=3)

    assert plan({"SARUNG": 3, "KEMEJA": 5}, levels, ALL) == (
        StockLine("KEMEJA", "jkt", 2),
        StockLine("KEMEJA", "sby", 3),
        StockLine("SARUNG", "jkt", 3),
    )


def test_a_split_line_takes_no_more_pieces_than_it_needs():
    levels = at(JAKARTA, KEMEJA=2) + at(SURABAYA, KEMEJA=3) + at(MEDAN, KEMEJA=1, SARUNG=1)

    assert plan({"KEMEJA": 5, "SARUNG": 1}, levels, ALL) == (
        StockLine("KEMEJA", "jkt", 2),
        StockLine("KEMEJA", "sby", 3),
        StockLine("SARUNG", "mdn", 1),
    )


def test_a_location_that_is_not_active_serves_nothing():
    levels = at(JAKARTA, KEMEJA=5) + at(SURABAYA, KEMEJA=1)

    with pytest.raises(OutOfStock) as refused:
        plan({"KEMEJA": 2}, levels, [replace(JAKARTA, is_active=False), SURABAYA])

    assert refused.value.facts == {"sku": "KEMEJA", "available": 1}


def test_too_little_names_the_first_sku_in_short_supply_and_what_there_is():
    levels = at(JAKARTA, KEMEJA=5, SARUNG=1) + at(SURABAYA, SARUNG=1)

    with pytest.raises(OutOfStock) as refused:
        plan({"KEMEJA": 5, "SARUNG": 3, "PECI": 1}, levels, ALL)

    assert refused.value.facts == {"sku": "SARUNG", "available": 2}


def test_oversold_stock_at_one_location_does_not_hide_what_another_has():
    levels = [*at(JAKARTA, KEMEJA=2), Level("KEMEJA", "sby", available=-3)]

    assert plan({"KEMEJA": 2}, levels, ALL) == (StockLine("KEMEJA", "jkt", 2),)


def test_nothing_wanted_is_nothing_planned():
    assert plan({}, [], ALL) == ()


def test_among_very_many_locations_the_best_stocked_are_taken():
    locations = [Location(f"toko-{number:02}", "Toko", 1) for number in range(30)]
    levels = [level for number, each in enumerate(locations, 1) for level in at(each, KEMEJA=number)]

    lines = plan({"KEMEJA": 30 + 29 + 28 + 27 + 26 + 25 + 1}, levels, locations)

    assert [(line.location, line.quantity) for line in lines] == [
        ("toko-23", 1),
        *((f"toko-{number}", number + 1) for number in range(24, 30)),
    ]


def ways(wanted: int, available: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every way to take ``wanted`` from places that have ``available``."""
    for taken in product(*(range(units + 1) for units in available)):
        if sum(taken) == wanted:
            yield taken


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=2),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=3),
    st.lists(st.integers(1, 2), min_size=3, max_size=3),
)
def test_no_way_of_serving_a_demand_is_better_than_the_plan(wanted, stock, priorities):
    demand = {f"SKU-{n}": units for n, units in enumerate(wanted)}
    locations = [replace(each, priority=priority) for each, priority in zip(ALL, priorities, strict=True)]
    levels = [
        Level(sku, location.id, available=stock[place][n])
        for place, location in enumerate(locations)
        for n, sku in enumerate(demand)
    ]
    every_way = list(
        product(*(ways(units, tuple(each[n] for each in stock)) for n, units in enumerate(demand.values())))
    )
    assume(every_way)

    lines = plan(demand, levels, locations)

    def cost(taken):
        used = [place for place in range(3) if any(units[place] for units in taken)]
        stocked = sum(stock[place][n] for place in used for n in range(len(demand)))
        return len(used), sorted(priorities[place] for place in used), -stocked, sorted(ALL[each].id for each in used)

    def pieces(taken):
        return sum(1 for units in taken for one in units if one)

    planned = tuple(
        tuple(sum(line.quantity for line in lines if (line.sku, line.location) == (sku, each.id)) for each in ALL)
        for sku in demand
    )
    best = min(cost(each) for each in every_way)
    assert planned in every_way
    assert cost(planned) == best
    assert pieces(planned) == min(pieces(each) for each in every_way if cost(each) == best)


# Adjusting

SHELF = Level(
    "KEMEJA",
    "jkt",
    on_hand=10,
    available=5,
    reserved=2,
    allocated=1,
    unavailable=2,
    version=7,
    unavailable_by_reason={"damaged": 2, "quality_control": 0, "safety": 0},
)


def asked(reason, **what):
    return Adjustment(sku="KEMEJA", location="jkt", reason=reason, **{"expected_on_hand": 10, **what})


@pytest.mark.parametrize(
    ("adjustment", "delta"),
    [
        (asked(Reason.COUNTED, quantity=12), Delta(on_hand=2, available=2)),
        (asked(Reason.COUNTED, quantity=10), Delta()),
        (asked(Reason.COUNTED, quantity=5), Delta(on_hand=-5, available=-5)),
        (asked(Reason.LOST, delta=-5), Delta(on_hand=-5, available=-5)),
        (asked(Reason.FOUND, delta=1), Delta(on_hand=1, available=1)),
        (asked(Reason.CORRECTION, delta=-1), Delta(on_hand=-1, available=-1)),
        (asked(Reason.DAMAGED, delta=5), Delta(available=-5, unavailable=5)),
        (asked(Reason.DAMAGED, delta=-2), Delta(available=2, unavailable=-2)),
        (asked(Reason.DAMAGED, quantity=3), Delta(available=-1, unavailable=1)),
        (asked(Reason.SAFETY, quantity=4), Delta(available=-4, unavailable=4)),
        (asked(Reason.QUALITY_CONTROL, delta=1, expected_on_hand=None, expected_version=7), Delta(0, -1, 0, 0, 1)),
    ],
)
def test_an_adjustment_changes_what_its_reason_says(adjustment, delta):
    assert change(SHELF, adjustment) == delta


@pytest.mark.parametrize("expected", [{"expected_on_hand": 9}, {"expected_version": 6}])
def test_an_adjustment_of_stock_that_is_not_as_expected_is_refused_with_the_current_numbers(expected):
    with pytest.raises(StaleStock) as refused:
        change(SHELF, asked(Reason.COUNTED, quantity=12, **expected))

    assert refused.value.facts["on_hand"] == 10
    assert refused.value.facts["version"] == 7


@pytest.mark.parametrize(
    "adjustment",
    [
        asked(Reason.COUNTED, quantity=4),
        asked(Reason.LOST, delta=-6),
        asked(Reason.DAMAGED, delta=6),
        asked(Reason.DAMAGED, delta=-3),
        asked(Reason.SAFETY, delta=-1),
    ],
)
def test_an_adjustment_never_leaves_less_than_nothing(adjustment):
    with pytest.raises(NotEnoughStock) as refused:
        change(SHELF, adjustment)

    assert refused.value.facts == {"sku": "KEMEJA", "location": "jkt", "available": 5}


def test_an_adjustment_never_leaves_more_than_a_location_holds():
    with pytest.raises(TooMuchStock):
        change(SHELF, asked(Reason.FOUND, delta=MOST_UNITS))


# Auditing


def moved(kind, delta, owner="ord_1", reason=None, location="jkt"):
    return Movement(
        id="mov_1",
        sku="KEMEJA",
        location=location,
        kind=kind,
        delta=delta,
        owner=owner,
        reason=reason,
        occurred_at=datetime(2026, 11, 24, tzinfo=UTC),
        business_date=date(2026, 11, 24),
    )


HISTORY = [
    moved(Kind.RECEIVED, Delta(on_hand=10, available=10), owner="rcp_1"),
    moved(Kind.HELD, Delta(available=-3, reserved=3), owner="ord_1"),
    moved(Kind.CONSUMED, Delta(reserved=-3, allocated=3), owner="ord_1"),
    moved(Kind.HELD, Delta(available=-2, reserved=2), owner="ord_2"),
    moved(Kind.HELD, Delta(available=-1, reserved=1), owner="ord_3"),
    moved(Kind.RELEASED, Delta(available=1, reserved=-1), owner="ord_3"),
    moved(Kind.SET_ASIDE, Delta(available=-1, unavailable=1), owner="adj_1", reason="damaged"),
]
BOOKS = Level(
    "KEMEJA",
    "jkt",
    on_hand=10,
    available=4,
    reserved=2,
    allocated=3,
    unavailable=1,
    version=7,
    unavailable_by_reason={"damaged": 1, "quality_control": 0, "safety": 0},
)


def test_books_that_agree_have_no_discrepancies():
    assert discrepancies(BOOKS, HISTORY, held=2, consumed=3) == []


@pytest.mark.parametrize(
    ("level", "held", "found"),
    [
        (replace(BOOKS, on_hand=11), 2, {("I1", "on_hand", 11, 10), ("I2", "on_hand", 11, 10)}),
        (replace(BOOKS, version=8), 2, {("I2", "version", 8, 7)}),
        (BOOKS, 3, {("I3", "reserved", 2, 3)}),
        (
            replace(BOOKS, unavailable_by_reason={"damaged": 0, "quality_control": 1, "safety": 0}),
            2,
            {("I2", "damaged", 0, 1), ("I2", "quality_control", 1, 0)},
        ),
        (
            replace(BOOKS, available=-1, unavailable=6),
            2,
            {("I1", "available", -1, 0), ("I2", "available", -1, 4), ("I2", "unavailable", 6, 1)},
        ),
    ],
)
def test_each_disagreement_is_named(level, held, found):
    expected = {Discrepancy("KEMEJA", "jkt", *each) for each in found}

    assert set(discrepancies(level, HISTORY, held=held, consumed=3)) == expected


def test_who_still_has_stock_is_read_from_the_movements():
    assert open_owners(HISTORY) == ["ord_1", "ord_2"]
