"""Ring 1, payment: what comes in is counted once and kept once, whatever is lost, said twice or out of order."""

import pytest

from chalicelib.payments.gateways.port import Kind
from tests.kit.shop import PRICE, SHIPPING
from tests.properties.ring.books import ledgers, order_rows, timelines
from tests.properties.ring.play import Play
from tests.properties.ring.schedules import Choices
from tests.properties.ring.search import searched
from tests.properties.ring.stage import Stage

TOTAL = PRICE + SHIPPING
TWO_WAYS = ("pays", "pays_otherwise", "pays_otherwise'", "works", "doubles")
PURCHASE = ("buys", "buys'", "works", "calls_off", "doubles")


@pytest.fixture(scope="module")
def stage():
    with Stage().open() as made:
        made.shop.sells("SARUNG", 3)
        made.placed = made.shop.places(("SARUNG", 1))
        made.carts = {"ani": made.shop.cart(("SARUNG", 1))}
        made.shop.drain()
        made.keep()
        yield made


class TwoWays(Play):
    """An order that is not due is paid by two ways at once: one of the two is owed back."""

    asking = ("pays_otherwise",)

    def pays(self):
        self.pay(self.stage.placed["payment"]["reference"])

    def pays_otherwise(self):
        reply = self.pay_again(self.stage.placed, "k-otherwise")
        if reply.status == 201:
            self.pay(reply.body["reference"])
        return reply

    def check(self):
        order_id = self.stage.placed["order"]["id"]
        paid = sum(Kind.CAPTURED in self.bank.kinds(reference) for reference in self.bank.charges)
        ledger = ledgers()[order_id]
        assert paid
        assert order_rows()[order_id]["state"] == "confirmed"
        assert (ledger["captured"], ledger["granted"]) == (paid * TOTAL, (paid - 1) * TOTAL)
        assert ledger["attempts"] <= 2
        first, second = self.answers["pays_otherwise"], self.answers["pays_otherwise'"]
        assert first.status != 201 or second.status != 201 or first.text == second.text


class Purchase(Play):
    """From the basket to the money, with a double click, while staff call the order off as soon as they see it."""

    asking = ("buys", "calls_off")

    def buys(self):
        reply = self.shop.checks_out(self.stage.carts["ani"], "k-ani")
        if reply.status == 201:
            self.pay(self._reference(reply.body))
        return reply

    def _reference(self, placed):
        if placed["payment"]["next_step"]["kind"] != "retry":
            return placed["payment"]["reference"]
        again = self.pay_again(placed, "k-again")
        return again.body["reference"] if again.status == 201 else placed["payment"]["reference"]

    def calls_off(self):
        mine = [order_id for order_id in order_rows() if order_id != self.stage.placed["order"]["id"]]
        return self.cancel(mine[0] if mine else "ord_0")

    def check(self):
        (mine,) = [order for order_id, order in order_rows().items() if order_id != self.stage.placed["order"]["id"]]
        is_off = self.answers["calls_off"].status == 200
        assert mine["state"] in ({"cancelled"} if is_off else {"cancelled", "confirmed", "pending"})
        assert timelines()[mine["pk"]]["order.cancelled"] == (mine["state"] == "cancelled")
        assert self.answers["buys"].text == self.answers["buys'"].text


@searched(90, actors=5)
def test_money_that_comes_by_two_ways_is_kept_once(stage, choices):
    TwoWays(stage).run(choices, *TWO_WAYS)


@searched(70, actors=5)
def test_a_purchase_ends_explained_from_its_basket_on(stage, choices):
    Purchase(stage).run(choices, *PURCHASE)


def test_without_faults_the_second_way_is_not_taken(stage):
    """The first has paid before the second is asked for."""
    outcome = TwoWays(stage).run(Choices([(0, None, 9), (3, None, 30), (0, None, 99)]), *TWO_WAYS)

    assert outcome.faults == []


def test_a_checkout_that_is_resumed_after_its_order_was_called_off_says_to_try_again(stage):
    """Its first answer is lost, staff cancel, and the payment ends before a gateway was asked: no step to take."""
    play = Purchase(stage)

    play.run(Choices([(0, "outcome unknown", 4), (1, None, 0)]), *PURCHASE)

    step = {"kind": "retry", "reason": "closed"}
    assert [play.answers[name].body["payment"]["next_step"] for name in ("buys", "buys'")] == [step, step]
