"""An order from the basket to the end, whichever end that is."""

import pytest

from chalicelib.payments.gateways.port import Kind
from tests.kit.api import call
from tests.kit.shop import PRICE, SHIPPING, Stock

TOTAL = 2 * PRICE + SHIPPING


@pytest.fixture
def placed(shop):
    """Two of ten are ordered."""
    shop.sells("KEMEJA-M", 10)
    return shop.places(("KEMEJA-M", 2))


def ids(placed):
    return placed["order"]["id"], placed["payment"]["reference"]


def test_a_placed_order_holds_its_stock_and_says_how_to_pay(shop, placed):
    order, payment = placed["order"], placed["payment"]

    assert (order["state"], order["payment_status"]) == ("pending", "unpaid")
    assert order["totals"]["total"] == {"amount": TOTAL, "currency": "IDR"}
    assert order["totals"]["tax"]["amount"] == 200_000 - round(200_000 * 100 / 111)
    assert payment["next_step"] == {"kind": "virtual_account", "bank": "bca", "number": "1234567890"}
    assert payment["reference"] == f"{order['id']}-1"
    assert shop.stock_of("KEMEJA-M") == Stock(available=8, reserved=2)
    assert shop.bank.charges[payment["reference"]].amount.amount == TOTAL
    assert sum(item.price.amount * item.quantity for item in shop.bank.charges[payment["reference"]].items) == TOTAL


def test_money_that_covers_an_order_confirms_it(shop, placed):
    order_id, reference = ids(placed)

    shop.pays(reference)
    shop.drain()

    order = shop.order(order_id)
    assert (order["state"], order["payment_status"]) == ("confirmed", "paid")
    assert shop.stock_of("KEMEJA-M") == Stock(available=8, allocated=2)
    assert shop.timeline(order_id) == [
        "order.placed",
        "stock.held",
        "payment.started",
        "payment.captured",
        "order.confirmed",
        "stock.allocated",
    ]


def test_said_again_and_again_it_ends_the_same(shop, placed):
    order_id, reference = ids(placed)
    shop.pays(reference)
    shop.drain()
    before = shop.order(order_id)

    for again in range(3):
        assert shop.tells(reference, again=again).status == 200
        assert shop.tells(reference).status == 200
        shop.drain()

    assert shop.order(order_id) == before


def test_a_buyer_sees_his_order_by_its_token_alone(shop, placed):
    order_id, _ = ids(placed)
    other = shop.places(("KEMEJA-M", 1))
    mine = {"Authorization": f"Bearer {placed['access_token']}"}

    seen = call("GET", f"/store/orders/{order_id}", headers=mine)

    assert seen.status == 200
    assert seen.body["contact"]["phone"] == "+6281234567890"
    assert seen.body["payments"][0]["next_step"]["kind"] == "virtual_account"
    assert call("GET", f"/store/orders/{other['order']['id']}", headers=mine).status == 404
    assert call("GET", f"/store/orders/{order_id}").status == 401


def test_an_unpaid_order_expires_and_gives_its_stock_back(shop, placed, clock):
    order_id, reference = ids(placed)
    clock.pass_(minutes=59)
    shop.runs("orders-expire-unpaid")
    assert shop.order(order_id)["state"] == "pending"

    clock.pass_(minutes=2)
    shop.runs("orders-expire-unpaid")
    shop.runs("orders-expire-unpaid")
    shop.drain()

    assert shop.order(order_id)["state"] == "expired"
    assert shop.stock_of("KEMEJA-M") == Stock(available=10)
    assert shop.bank.cancelled == [reference]
    assert shop.timeline(order_id).count("order.expired") == 1


def test_an_order_paid_at_the_last_moment_is_not_expired(shop, placed, clock):
    """The webhook is still on its way; the gateway, asked first, says that the money came."""
    order_id, reference = ids(placed)
    shop.bank.happens(reference, Kind.CAPTURED)
    clock.pass_(minutes=61)

    shop.runs("orders-expire-unpaid")
    shop.drain()

    assert shop.order(order_id)["state"] == "confirmed"
    assert shop.stock_of("KEMEJA-M") == Stock(available=8, allocated=2)


def test_an_order_whose_gateway_cannot_be_asked_is_left_alone(shop, placed, clock):
    order_id, _ = ids(placed)
    clock.pass_(minutes=61)
    shop.bank.is_down = True

    shop.runs("orders-expire-unpaid")

    assert shop.order(order_id)["state"] == "pending"
    assert shop.stock_of("KEMEJA-M") == Stock(available=8, reserved=2)


def expired(shop, placed, clock):
    clock.pass_(minutes=61)
    shop.runs("orders-expire-unpaid")
    shop.drain()
    assert shop.order(placed["order"]["id"])["state"] == "expired"


def paid_just_too_late(shop, placed, clock):
    """The buyer pays after we asked the gateway, and before we could tell it that it is over."""
    clock.pass_(minutes=61)
    shop.runs("orders-expire-unpaid")
    shop.bank.happens(placed["payment"]["reference"], Kind.CAPTURED)
    assert shop.order(placed["order"]["id"])["state"] == "expired"


def test_late_money_confirms_the_order_if_the_goods_are_still_there(shop, placed, clock):
    order_id, reference = ids(placed)
    paid_just_too_late(shop, placed, clock)

    shop.tells(reference)
    shop.drain()

    assert shop.order(order_id)["state"] == "confirmed"
    assert shop.stock_of("KEMEJA-M") == Stock(available=8, allocated=2)


def test_late_money_goes_back_if_the_goods_are_gone(shop, placed, clock):
    order_id, reference = ids(placed)
    paid_just_too_late(shop, placed, clock)
    shop.places(("KEMEJA-M", 9))

    shop.tells(reference)
    shop.drain()
    shop.tells(reference, again=1)
    shop.drain()

    assert shop.order(order_id)["state"] == "expired"
    assert shop.timeline(order_id).count("refund.granted") == 1
    assert shop.timeline(order_id).count("order.case_opened") == 1
    assert granted(shop, order_id) == TOTAL
    assert shop.stock_of("KEMEJA-M") == Stock(available=1, reserved=9)


def granted(shop, order_id):
    facts = [entry["data"] for entry in shop.order(order_id)["timeline"] if entry["type"] == "refund.granted"]
    return sum(fact["amount"] for fact in facts)


def cancel(shop, order_id, **body):
    return shop.staff("POST", f"/admin/orders/{order_id}/cancel", {"reason": "pembeli batal", **body})


def test_a_pending_order_is_cancelled_and_its_payment_ended(shop, placed):
    order_id, reference = ids(placed)

    assert cancel(shop, order_id).body["state"] == "cancelled"
    shop.drain()

    assert shop.stock_of("KEMEJA-M") == Stock(available=10)
    assert shop.bank.cancelled == [reference]
    assert granted(shop, order_id) == 0


def test_a_paid_order_is_cancelled_and_its_money_owed_back(shop, placed):
    order_id, reference = ids(placed)
    shop.pays(reference)
    shop.drain()

    assert cancel(shop, order_id).body["state"] == "cancelled"
    shop.drain()

    assert shop.stock_of("KEMEJA-M") == Stock(available=10)
    assert granted(shop, order_id) == TOTAL


def test_money_for_a_cancelled_order_goes_back_once(shop, placed):
    order_id, reference = ids(placed)
    cancel(shop, order_id)

    shop.pays(reference)
    shop.drain()
    shop.tells(reference, again=1)
    shop.drain()

    assert shop.order(order_id)["state"] == "cancelled"
    assert granted(shop, order_id) == TOTAL


def test_a_second_cancel_is_refused_and_names_what_may_follow(shop, placed):
    order_id, _ = ids(placed)
    cancel(shop, order_id)

    again = cancel(shop, order_id)

    assert (again.status, again.code, again.body["state"], again.body["legal"]) == (
        409,
        "illegal_move",
        "cancelled",
        ["late_payment"],
    )
    assert shop.stock_of("KEMEJA-M") == Stock(available=10)


def test_a_cancel_of_what_was_read_earlier_is_refused(shop, placed):
    order_id, reference = ids(placed)
    shop.pays(reference)
    shop.drain()

    stale = cancel(shop, order_id, version=1)

    assert (stale.status, stale.code, stale.body["version"]) == (409, "stale_order", 2)
    assert shop.order(order_id)["state"] == "confirmed"


@pytest.mark.parametrize(
    ("amount", "state", "status", "back"),
    [
        (TOTAL - 1, "pending", "partially_paid", 0),
        (TOTAL + 1, "confirmed", "overpaid", 1),
    ],
)
def test_a_wrong_amount_is_taken_for_what_it_is(shop, placed, amount, state, status, back):
    order_id, reference = ids(placed)

    shop.pays(reference, amount)
    shop.drain()

    order = shop.order(order_id)
    assert (order["state"], order["payment_status"]) == (state, status)
    assert granted(shop, order_id) == back
    assert "payment.flagged" in shop.timeline(order_id)


def test_a_part_that_came_in_goes_back_when_the_order_expires(shop, placed, clock):
    order_id, reference = ids(placed)
    shop.pays(reference, TOTAL - 1)
    shop.drain()

    expired(shop, placed, clock)

    assert granted(shop, order_id) == TOTAL - 1
    assert shop.stock_of("KEMEJA-M") == Stock(available=10)


def test_a_reversal_stops_the_order_and_money_again_lets_it_go_on(shop, placed):
    order_id, reference = ids(placed)
    shop.pays(reference)
    shop.drain()

    shop.bank.happens(reference, Kind.DENIED)
    shop.tells(reference, again=1)
    shop.drain()

    order = shop.order(order_id)
    assert (order["state"], order["hold_reason"], order["payment_status"]) == (
        "on_hold",
        "payment_reversed",
        "reversed",
    )
    refused = shop.staff("POST", f"/admin/orders/{order_id}/release")
    assert (refused.status, refused.code) == (409, "illegal_move")


def test_deny_before_and_after_settlement_end_the_same(shop):
    shop.sells("KEMEJA-M", 10)
    ends = []
    for kinds in ([Kind.CAPTURED, Kind.DENIED], [Kind.DENIED, Kind.CAPTURED]):
        order_id, reference = ids(shop.places(("KEMEJA-M", 1)))
        for step, kind in enumerate(kinds):
            shop.bank.happens(reference, kind)
            shop.tells(reference, step=step)
            shop.drain()
        ends.append(shop.order(order_id)["payment_status"])

    assert ends == ["reversed", "reversed"]


def test_staff_hold_and_release(shop, placed):
    order_id, reference = ids(placed)
    early = shop.staff("POST", f"/admin/orders/{order_id}/hold", {"reason": "fraud"})
    shop.pays(reference)
    shop.drain()

    held = shop.staff("POST", f"/admin/orders/{order_id}/hold", {"reason": "fraud"})
    released = shop.staff("POST", f"/admin/orders/{order_id}/release")

    assert (early.status, early.code) == (409, "illegal_move")
    assert (held.body["state"], held.body["hold_reason"]) == ("on_hold", "fraud")
    assert (released.body["state"], released.body["hold_reason"]) == ("confirmed", None)


def test_a_gateway_that_is_down_does_not_lose_the_order(shop):
    shop.sells("KEMEJA-M", 10)
    shop.bank.is_down = True
    placed = shop.places(("KEMEJA-M", 2))
    assert placed["payment"]["next_step"]["kind"] == "retry"
    shop.bank.is_down = False

    again = call(
        "POST",
        f"/store/orders/{placed['order']['id']}/payments",
        {"gateway": "fake", "method": "va"},
        headers={"Authorization": f"Bearer {placed['access_token']}", "Idempotency-Key": "again"},
    )

    assert again.status == 201, again.text
    assert again.body["reference"] == f"{placed['order']['id']}-2"
    shop.pays(again.body["reference"])
    shop.drain()
    assert shop.order(placed["order"]["id"])["state"] == "confirmed"


def test_an_order_that_has_ended_takes_no_other_payment(shop, placed, clock):
    expired(shop, placed, clock)

    again = call(
        "POST",
        f"/store/orders/{placed['order']['id']}/payments",
        {"gateway": "fake", "method": "va"},
        headers={"Authorization": f"Bearer {placed['access_token']}", "Idempotency-Key": "again"},
    )

    assert (again.status, again.code) == (409, "not_payable")


def test_two_ways_to_pay_both_paid_owe_one_back(shop, placed):
    order_id, reference = ids(placed)
    token = {"Authorization": f"Bearer {placed['access_token']}", "Idempotency-Key": "again"}
    second = call("POST", f"/store/orders/{order_id}/payments", {"gateway": "fake", "method": "va"}, headers=token)

    shop.pays(reference)
    shop.pays(second.body["reference"])
    shop.drain()

    assert shop.order(order_id)["state"] == "confirmed"
    assert granted(shop, order_id) == TOTAL
    assert shop.stock_of("KEMEJA-M") == Stock(available=8, allocated=2)


def test_a_hold_swept_too_early_still_ends_well(shop, placed, clock):
    """The order's expiry could not run for a day, the warehouse gave the stock up, and then the money came."""
    order_id, reference = ids(placed)
    clock.pass_(hours=27)
    shop.runs("inventory-sweep-holds")
    assert shop.stock_of("KEMEJA-M") == Stock(available=10)

    shop.pays(reference)
    shop.drain()

    assert shop.order(order_id)["state"] == "confirmed"
    assert shop.stock_of("KEMEJA-M") == Stock(available=8, allocated=2)


def test_late_money_that_is_not_enough_beside_what_was_promised_back_does_not_buy(shop, placed, clock):
    """A part had come in and was promised back at expiry; the rest, late, is not the price of the goods."""
    order_id, reference = ids(placed)
    shop.pays(reference, 40_000)
    shop.drain()
    second = again(placed)
    clock.pass_(minutes=61)
    shop.runs("orders-expire-unpaid")
    shop.bank.happens(second.body["reference"], Kind.CAPTURED)
    shop.tells(second.body["reference"])
    shop.drain()

    order = shop.order(order_id)
    assert order["state"] == "expired"
    assert granted(shop, order_id) == TOTAL
    assert shop.stock_of("KEMEJA-M") == Stock(available=10)


def again(placed):
    token = {"Authorization": f"Bearer {placed['access_token']}", "Idempotency-Key": "again"}
    path = f"/store/orders/{placed['order']['id']}/payments"
    return call("POST", path, {"gateway": "fake", "method": "va"}, headers=token)


def test_a_reversal_is_not_forgotten_by_a_hold_and_its_release(shop, placed):
    order_id, reference = ids(placed)
    shop.pays(reference)
    shop.drain()
    shop.staff("POST", f"/admin/orders/{order_id}/hold", {"reason": "fraud"})
    shop.bank.happens(reference, Kind.DENIED)
    shop.tells(reference, again=1)
    shop.drain()

    released = shop.staff("POST", f"/admin/orders/{order_id}/release")

    assert (released.status, released.code) == (409, "illegal_move")
    order = shop.order(order_id)
    assert (order["state"], order["hold_reason"], order["payment_status"]) == ("on_hold", "fraud", "reversed")
    assert shop.timeline(order_id).count("order.held") == 1


def test_money_that_goes_away_by_another_door_opens_a_case(shop, placed):
    order_id, reference = ids(placed)
    shop.pays(reference)
    shop.drain()

    shop.bank.happens(reference, Kind.VOIDED)
    shop.tells(reference, again=1)
    shop.drain()
    shop.tells(reference, again=2)
    shop.drain()

    assert shop.timeline(order_id).count("order.case_opened") == 1


def test_a_card_denied_first_and_paid_then_is_found_before_expiry(shop, placed, clock):
    """Its gateway lets the buyer try again under one reference; the second webhook is lost."""
    order_id, reference = ids(placed)
    shop.bank.happens(reference, Kind.ATTEMPT_FAILED)
    shop.tells(reference)
    shop.drain()
    shop.bank.happens(reference, Kind.CAPTURED)
    clock.pass_(minutes=61)

    shop.runs("orders-expire-unpaid")
    shop.drain()

    assert shop.order(order_id)["state"] == "confirmed"
