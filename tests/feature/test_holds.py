"""Stock that is held for an order, promised, given back or forgotten, and what the shop is told."""

from datetime import timedelta

import pytest

from chalicelib.catalog import service as catalog
from chalicelib.core import clock as time
from chalicelib.core import db, outbox
from chalicelib.core.counts import Counts
from chalicelib.core.escrow import HoldMoved, State, Unbalanced
from chalicelib.inventory import service as inventory
from chalicelib.inventory.errors import OutOfStock, TooManyLines
from chalicelib.inventory.models import HoldRow
from tests.kit import calls, faults
from tests.kit.stock import (
    ORDER,
    ask,
    held,
    hold,
    kinds,
    level,
    line,
    open_locations,
    overtaken,
    receive,
    sell,
    tamper,
    write,
)


@pytest.fixture(autouse=True)
def goods(aws):
    """Two SKUs in the catalogue and two locations, all empty."""
    open_locations("jkt", "sby")
    return sell("KEMEJA-M", "SARUNG")


def test_a_hold_goes_from_available_to_reserved_to_allocated_and_back(goods):
    receive("jkt", KEMEJA_M=5)

    hold(line(2))
    assert (level(), held().is_held, held().lines) == ((5, 3, 2, 0, 0), True, (line(2),))
    write(inventory.consume, held())
    assert (level(), held().is_consumed) == ((5, 3, 0, 2, 0), True)
    write(inventory.deallocate, held())
    assert (level(), held().state) == ((5, 5, 0, 0, 0), State.RETURNED)

    assert kinds() == ["deallocated", "consumed", "held", "received"]
    assert [fact.type for fact in outbox.history(ORDER)] == ["stock.held", "stock.allocated", "stock.deallocated"]
    assert inventory.verify("KEMEJA-M") == []


def test_a_released_hold_can_be_taken_anew_with_other_lines(goods):
    receive("jkt", KEMEJA_M=5)
    receive("sby", SARUNG=5)
    hold(line(2))
    write(inventory.release, held())
    assert (level(), held().state) == ((5, 5, 0, 0, 0), State.RELEASED)

    write(inventory.take, ORDER, [line(3, "SARUNG", "sby")], previous=held())

    assert level("SARUNG", "sby") == (5, 2, 0, 3, 0)
    assert (held().is_consumed, held().lines, held().expires_at) == (True, (line(3, "SARUNG", "sby"),), None)
    told = [fact.type for fact in outbox.history(ORDER)]
    assert told == ["stock.held", "stock.released", "stock.held", "stock.allocated"]


def test_stock_can_be_promised_without_a_hold_before(goods):
    receive("jkt", KEMEJA_M=5)

    write(inventory.take, ORDER, [line(2)], previous=None)

    assert (level(), held().is_consumed) == ((5, 3, 0, 2, 0), True)
    assert inventory.sweep_due(time.now() + timedelta(days=365)) == Counts()


def test_lines_of_the_same_stock_are_held_as_one(goods):
    receive("jkt", KEMEJA_M=5)

    hold(line(2), line(1), line(1))

    assert (level(), held().lines) == ((5, 1, 4, 0, 0), (line(4),))


def test_lines_of_the_same_stock_that_are_too_many_together_are_refused(goods):
    receive("jkt", KEMEJA_M=5)

    with pytest.raises(OutOfStock):
        hold(line(3), line(3))

    assert (level(), held()) == ((5, 5, 0, 0, 0), None)


def test_a_hold_of_more_than_there_is_names_the_sku_and_changes_nothing(goods):
    receive("jkt", KEMEJA_M=5, SARUNG=1)

    with pytest.raises(OutOfStock) as refused:
        hold(line(5), line(2, "SARUNG"))

    assert refused.value.facts == {"sku": "SARUNG", "available": 1}
    assert (level(), level("SARUNG"), held()) == ((5, 5, 0, 0, 0), (1, 1, 0, 0, 0), None)
    assert outbox.history(ORDER) == []
    assert kinds() == ["received"]


def test_a_hold_where_there_never_was_stock_is_out_of_stock(goods):
    with pytest.raises(OutOfStock) as refused:
        hold(line(1))

    assert refused.value.facts == {"sku": "KEMEJA-M", "available": 0}
    assert (level(), held()) == (None, None)


@pytest.mark.parametrize("begin", [inventory.hold, inventory.take])
def test_more_lines_than_a_transaction_takes_are_refused_before_anything_is_written(aws, begin):
    tx = db.Transaction()
    more = [line(1, f"SKU-{number}") for number in range(41)]
    rest = {"expires_at": time.now()} if begin is inventory.hold else {"previous": None}

    with pytest.raises(TooManyLines) as refused:
        begin(tx, ORDER, more, **rest)

    assert refused.value.facts == {"most": 40}
    assert len(tx) == 0


def test_forty_lines_leave_room_for_the_order(aws):
    tx = db.Transaction()

    inventory.hold(tx, ORDER, [line(1, f"SKU-{number}") for number in range(40)], expires_at=time.now())

    assert len(tx) == 82


@pytest.mark.parametrize("move", [inventory.consume, inventory.release])
def test_a_hold_moves_once(goods, move):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))
    before = held()
    write(move, before)
    after = level()

    with pytest.raises(HoldMoved):
        write(move, before)
    with pytest.raises(HoldMoved):
        write(move, held())

    assert level() == after


def test_an_owner_holds_once(goods):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))

    with pytest.raises(HoldMoved):
        hold(line(1))
    with pytest.raises(HoldMoved):
        write(inventory.take, ORDER, [line(1)], previous=None)
    with pytest.raises(HoldMoved):
        write(inventory.take, ORDER, [line(1)], previous=held())

    assert (level(), held().lines) == ((5, 3, 2, 0, 0), (line(2),))


def test_what_was_read_before_stock_was_returned_and_taken_anew_moves_nothing(goods):
    receive("jkt", KEMEJA_M=5)
    write(inventory.take, ORDER, [line(3)], previous=None)
    read_early = held()
    write(inventory.deallocate, read_early)
    write(inventory.take, ORDER, [line(1)], previous=held())

    with pytest.raises(HoldMoved):
        write(inventory.deallocate, read_early)

    assert (level(), held().lines) == ((5, 4, 0, 1, 0), (line(1),))


def test_a_move_only_adds_to_the_transaction(goods):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))
    read = held()

    with calls.recorded() as log:
        for move in (inventory.consume, inventory.release):
            move(db.Transaction(), read)
        inventory.hold(db.Transaction(), "ord_2", [line(1)], expires_at=time.now())
        inventory.take(db.Transaction(), "ord_3", [line(1)], previous=None)

    assert log.calls == []


def test_levels_and_holds_and_locations_are_read_together(goods):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))
    places = db.look(inventory.lookup_locations())[0]

    with calls.recorded() as log:
        levels, found = db.look(inventory.lookup_levels(["KEMEJA-M", "SARUNG"], places), inventory.lookup_hold(ORDER))

    assert [(each.sku, each.location, each.available) for each in levels] == [("KEMEJA-M", "jkt", 3)]
    assert found == held()
    assert log.round_trips == 1


# Forgotten holds


def test_a_hold_is_swept_a_day_after_it_ended_and_not_before(goods, clock):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))

    clock.pass_(hours=25)
    assert inventory.sweep_due(clock.now()) == Counts()
    assert held().is_held
    clock.pass_(hours=2)
    assert inventory.sweep_due(clock.now()) == Counts(seen=1, done=1)
    assert inventory.sweep_due(clock.now()) == Counts()

    assert (level(), held().state) == ((5, 5, 0, 0, 0), State.RELEASED)
    assert outbox.history(ORDER)[-1].type == "stock.released"


@pytest.mark.parametrize("settle", [inventory.consume, inventory.release])
def test_the_index_of_due_holds_has_only_what_is_held(goods, settle):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))
    assert db.rows(HoldRow, ORDER)[0].due_shard is not None

    write(settle, held())

    assert db.rows(HoldRow, ORDER)[0].due_shard is None


def test_a_hold_that_was_settled_while_it_was_being_swept_stays_as_it_is(goods, clock):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))
    clock.pass_(days=3)

    with faults.on_dynamodb("TransactWriteItems", [overtaken(4, 0)]):
        assert inventory.sweep_due(clock.now()) == Counts(seen=1)

    assert (level(), held().is_held) == ((5, 3, 2, 0, 0), True)


def test_a_hold_that_the_books_contradict_is_left_for_somebody_to_look_at(goods, clock):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))
    hold(line(1), owner="ord_2")
    tamper(reserved=1)
    clock.pass_(days=3)

    with pytest.raises(Unbalanced):
        write(inventory.release, held())
    assert inventory.sweep_due(clock.now()) == Counts(seen=2, done=1, left=1)

    assert (held().is_held, held("ord_2").state) == (True, State.RELEASED)


# What the shop is told


def shown(goods, sku="KEMEJA-M"):
    product = next(each for each in goods if each.slug == sku.lower())
    return catalog.get(product.id).available.get(sku)


def test_the_shop_shows_what_is_available_at_active_locations(goods, pumps):
    ask("PATCH", "/locations/sby", {"is_active": False})
    receive("jkt", KEMEJA_M=5)
    receive("sby", KEMEJA_M=9)
    hold(line(2))

    pumps.drain()

    assert (shown(goods), pumps.failures) == (3, [])


def test_what_the_shop_shows_follows_the_closing_of_a_location_with_the_next_news(goods):
    receive("jkt", KEMEJA_M=5)
    receive("sby", KEMEJA_M=9)
    inventory.show_availability("KEMEJA-M")
    assert shown(goods) == 14

    inventory.change_location("sby", is_active=False)
    inventory.show_availability("KEMEJA-M")

    assert shown(goods) == 5


def test_what_the_shop_shows_follows_a_hold_to_its_end(goods, pumps):
    receive("jkt", KEMEJA_M=5)
    hold(line(5))
    pumps.drain()
    assert shown(goods) == 0

    write(inventory.release, held())
    pumps.drain()

    assert shown(goods) == 5


def test_old_news_does_not_change_what_the_shop_shows(goods):
    receive("jkt", KEMEJA_M=5)
    inventory.show_availability("KEMEJA-M")
    receive("jkt", KEMEJA_M=5)
    inventory.show_availability("KEMEJA-M")

    catalog.set_availability({"KEMEJA-M": (5, 2)})

    assert shown(goods) == 10


def test_the_schedule_sweeps_forgotten_holds(goods, pumps, clock):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))
    clock.pass_(days=3)

    pumps.run_schedule("inventory-sweep-holds")

    assert (held().state, pumps.failures) == (State.RELEASED, [])
