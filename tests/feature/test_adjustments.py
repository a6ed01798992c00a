"""Correcting the books: only if the stock is what the caller believes, and never below nothing."""

import pytest

from chalicelib.core.errors import WriteRefused
from chalicelib.inventory import service as inventory
from chalicelib.inventory.rules import MOST_UNITS, Adjustment, Reason
from tests.kit import faults
from tests.kit.stock import (
    ask,
    claim,
    hold,
    level,
    line,
    open_locations,
    overtaken,
    receive,
    sell,
)


@pytest.fixture(autouse=True)
def goods(aws):
    """Two SKUs in the catalogue and two locations, all empty."""
    open_locations("jkt", "sby")
    return sell("KEMEJA-M", "SARUNG")


def adjustment(reason, **what):
    return {"sku": "KEMEJA-M", "location": "jkt", "reason": reason, "expected_on_hand": 5} | what


@pytest.mark.parametrize(
    ("body", "after"),
    [
        (adjustment("counted", quantity=7), (7, 7, 0, 0, 0)),
        (adjustment("lost", delta=-2), (3, 3, 0, 0, 0)),
        (adjustment("found", delta=1), (6, 6, 0, 0, 0)),
        (adjustment("damaged", delta=2), (5, 3, 0, 0, 2)),
        (adjustment("safety", quantity=5), (5, 0, 0, 0, 5)),
        (adjustment("correction", delta=-5, expected_on_hand=None, expected_version=1), (0, 0, 0, 0, 0)),
    ],
)
def test_an_adjustment_of_stock_that_is_as_expected_is_made(goods, body, after):
    receive("jkt", KEMEJA_M=5)

    answer = ask("POST", "/adjustments", body, key="k1")

    assert answer.status == 201
    assert answer.headers["Location"] == "/admin/stock/KEMEJA-M"
    assert (answer.body["on_hand"], answer.body["available"], answer.body["version"]) == (after[0], after[1], 2)
    assert level() == after
    assert inventory.verify("KEMEJA-M") == []


def test_what_was_set_aside_can_come_back(goods):
    receive("jkt", KEMEJA_M=5)
    ask("POST", "/adjustments", adjustment("quality_control", delta=3), key="k1")

    answer = ask("POST", "/adjustments", adjustment("quality_control", delta=-2), key="k2")

    assert answer.body["unavailable_by_reason"] == {"damaged": 0, "quality_control": 1, "safety": 0}
    assert level() == (5, 4, 0, 0, 1)


def test_stock_can_be_found_where_there_never_was_any(goods):
    answer = ask("POST", "/adjustments", adjustment("found", delta=2, expected_on_hand=0), key="k1")

    assert answer.status == 201
    assert level() == (2, 2, 0, 0, 0)


def test_an_adjustment_repeated_with_its_key_is_made_once(goods):
    receive("jkt", KEMEJA_M=5)
    first = ask("POST", "/adjustments", adjustment("lost", delta=-2), key="k1")

    second = ask("POST", "/adjustments", adjustment("lost", delta=-2), key="k1")

    assert second.text == first.text
    assert level() == (3, 3, 0, 0, 0)


def test_an_adjustment_whose_answer_was_lost_is_finished_by_its_repeat(goods, clock):
    receive("jkt", KEMEJA_M=5)
    with faults.on_dynamodb("TransactWriteItems", [faults.response_lost] * 3):
        lost = ask("POST", "/adjustments", adjustment("lost", delta=-2), key="k1")
    clock.pass_(minutes=1)
    answer = ask("POST", "/adjustments", adjustment("lost", delta=-2), key="k1")

    assert (lost.status, answer.status, answer.body["on_hand"]) == (503, 201, 3)
    assert level() == (3, 3, 0, 0, 0)


@pytest.mark.parametrize("expected", [{"expected_on_hand": 4}, {"expected_on_hand": None, "expected_version": 2}])
def test_an_adjustment_of_stock_that_is_not_as_expected_is_refused_with_what_there_is(goods, expected):
    receive("jkt", KEMEJA_M=5)

    answer = ask("POST", "/adjustments", adjustment("counted", quantity=9, **expected), key="k1")

    assert (answer.status, answer.code) == (409, "stale_stock")
    assert (answer.body["on_hand"], answer.body["available"], answer.body["version"]) == (5, 5, 1)
    assert level() == (5, 5, 0, 0, 0)


def test_an_adjustment_never_takes_what_is_promised(goods):
    receive("jkt", KEMEJA_M=5)
    hold(line(3))

    answer = ask("POST", "/adjustments", adjustment("counted", quantity=2), key="k1")

    assert (answer.status, answer.code, answer.body["available"]) == (409, "not_enough_stock", 2)
    assert level() == (5, 2, 3, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        adjustment("counted"),
        adjustment("counted", quantity=1, delta=1),
        adjustment("counted", quantity=1, expected_on_hand=None),
        adjustment("counted", quantity=-1),
        adjustment("lost", delta=1),
        adjustment("found", delta=-1),
        adjustment("stolen", delta=-1),
        adjustment("counted", quantity=MOST_UNITS + 1),
        adjustment("counted", quantity=1.0),
    ],
)
def test_an_adjustment_that_makes_no_sense_is_refused(goods, body):
    receive("jkt", KEMEJA_M=5)

    answer = ask("POST", "/adjustments", body, key="k1")

    assert (answer.status, answer.code) == (422, "invalid")
    assert level() == (5, 5, 0, 0, 0)


@pytest.mark.parametrize(
    ("what", "code"), [({"sku": "GHOST"}, "unknown_sku"), ({"location": "mars"}, "unknown_location")]
)
def test_an_adjustment_of_what_is_not_there_is_refused(goods, what, code):
    answer = ask("POST", "/adjustments", adjustment("found", delta=1, expected_on_hand=0, **what), key="k1")

    assert (answer.status, answer.code) == (404, code)


def test_an_adjustment_that_was_overtaken_is_made_on_what_there_is_now(goods):
    receive("jkt", KEMEJA_M=5)
    asked = Adjustment(sku="KEMEJA-M", location="jkt", reason=Reason.LOST, delta=-1, expected_on_hand=5)

    with faults.on_dynamodb("TransactWriteItems", [somebody_holds(2)]):
        after = inventory.adjust(asked, claim())

    assert (after.on_hand, after.available, after.reserved, after.version) == (4, 2, 2, 3)
    assert inventory.verify("KEMEJA-M") == []


def test_an_adjustment_that_would_take_what_was_held_meanwhile_is_refused(goods):
    receive("jkt", KEMEJA_M=5)

    with faults.on_dynamodb("TransactWriteItems", [somebody_holds(2)]):
        answer = ask("POST", "/adjustments", adjustment("lost", delta=-4), key="k1")

    assert (answer.status, answer.code) == (409, "not_enough_stock")
    assert level() == (5, 3, 2, 0, 0)


def test_an_adjustment_of_a_version_that_was_overtaken_is_refused(goods):
    receive("jkt", KEMEJA_M=5)
    body = adjustment("lost", delta=-1, expected_on_hand=None, expected_version=1)

    with faults.on_dynamodb("TransactWriteItems", [somebody_holds(2)]):
        answer = ask("POST", "/adjustments", body, key="k1")

    assert (answer.status, answer.code, answer.body["version"]) == (409, "stale_stock", 2)
    assert level() == (5, 3, 2, 0, 0)


def test_an_adjustment_that_is_always_overtaken_gives_up(goods):
    receive("jkt", KEMEJA_M=5)
    asked = Adjustment(sku="KEMEJA-M", location="jkt", reason=Reason.LOST, delta=-1, expected_on_hand=5)

    with (
        faults.on_dynamodb("TransactWriteItems", [overtaken(4, 1)] * inventory.TRIES),
        pytest.raises(WriteRefused),
    ):
        inventory.adjust(asked, claim())

    assert level() == (5, 5, 0, 0, 0)


def somebody_holds(quantity):
    """Between an adjustment's reading and its writing."""

    def meanwhile(request, send):
        hold(line(quantity))

    return meanwhile
