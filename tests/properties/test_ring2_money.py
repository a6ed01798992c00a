"""Ring 2: money told of, asked for back and overtaken by others in threads, on DynamoDB Local, ends counted once."""

import random
import time
from collections import Counter
from functools import partial

import pytest

from chalicelib.core import db
from chalicelib.core.errors import WriteRefused
from chalicelib.core.money import Money
from chalicelib.core.worker import BatchFailed
from chalicelib.payments import service as payments
from chalicelib.payments.errors import RefundTooLarge
from tests.kit.shop import PRICE, SHIPPING, Stock
from tests.properties.ring2 import books
from tests.properties.ring2.bank import bank  # noqa: F401
from tests.properties.ring2.cloud import aws, clock, dynamodb_local, pumps  # noqa: F401
from tests.properties.ring2.crowd import at_once

SKU = "KEMEJA-M"
TOTAL = 2 * PRICE + SHIPPING
ORDERS = 30
TELLERS = 10
GRANTERS = 20

ONCE = ("order.placed", "stock.held", "payment.started", "payment.captured", "order.confirmed", "stock.allocated")


@pytest.mark.parametrize("told", ["one webhook", "a webhook each"])
def test_a_payment_told_of_by_many_at_once_is_taken_once(shop, pumps, told):  # noqa: F811
    shop.sells(SKU, 10)
    for sale in range(1, 4):
        placed = shop.places((SKU, 2))
        order_id, reference = placed["order"]["id"], placed["payment"]["reference"]
        assert shop.bank.is_paid(reference)
        more = [{} if told == "one webhook" else {"teller": number} for number in range(TELLERS)]

        with pumps.at_work():
            answers = at_once([partial(shop.tells, reference, **each) for each in more])

        assert [answer.status for answer in answers] == [200] * TELLERS
        assert books.facts(order_id) == sorted(ONCE)
        assert [(fact["kind"], fact["amount"]) for fact in books.entries(order_id, "FACT")] == [("captured", TOTAL)]
        assert (books.money(order_id)["captured"], books.orders()[order_id]["state"]) == (TOTAL, "confirmed")
        assert shop.stock_of(SKU) == Stock(available=10 - 2 * sale, allocated=2 * sale)
    books.check_stock(SKU)
    only_overtaken(pumps)


def only_overtaken(pumps):  # noqa: F811
    """Workers gave messages back, if anything, and never for good."""
    assert {type(error) for _, error in pumps.failures} <= {BatchFailed}
    assert pumps.buried() == []


class Ends:
    """Orders that are due, and all that can end one."""

    def __init__(self, shop, clock, seed):  # noqa: F811
        self.shop, self.chance = shop, random.Random(seed)
        shop.sells(SKU, ORDERS)
        placed = at_once([partial(shop.places, (SKU, 1))] * ORDERS)
        self.references = {each["order"]["id"]: each["payment"]["reference"] for each in placed}
        self.cancels: Counter[tuple[int, str | None]] = Counter()
        clock.pass_(minutes=61)

    def works(self):
        """Payers and cancellers, of some orders both, and clocks that strike; each at its own moment."""
        for order_id, reference in self.references.items():
            if self.chance.random() < 0.7:
                yield partial(self._later, partial(self._pays, reference))
            if self.chance.random() < 0.5:
                yield partial(self._later, partial(self._cancels, order_id))
        for _ in range(2):
            yield partial(self._strikes, times=3)

    def _later(self, work):
        time.sleep(self.chance.uniform(0, 2))
        work()

    def _pays(self, reference):
        if self.shop.bank.is_paid(reference):
            assert self.shop.tells(reference).status == 200

    def _cancels(self, order_id):
        answer = self.shop.staff("POST", f"/admin/orders/{order_id}/cancel", {"reason": "batal"})
        self.cancels[answer.status, answer.code] += 1

    def _strikes(self, times):
        for _ in range(times):
            time.sleep(self.chance.uniform(0, 0.2))
            self.shop.pumps.run_schedule("orders-expire-unpaid")


@pytest.mark.parametrize("seed", [1, 2])
def test_orders_paid_cancelled_and_expired_at_once_all_end_explained(shop, clock, pumps, seed):  # noqa: F811
    ends = Ends(shop, clock, seed)

    with pumps.at_work():
        at_once(list(ends.works()))

    after = books.orders()
    for order_id, reference in ends.references.items():
        explained(shop, after[order_id], reference)
    states = Counter(order["state"] for order in after.values())
    assert shop.stock_of(SKU) == Stock(available=ORDERS - states["confirmed"], allocated=states["confirmed"])
    books.check_stock(SKU)
    only_overtaken(pumps)
    assert {status for status, _ in ends.cancels} <= {200, 409}
    print(f"\nseed {seed}: {dict(states)}, cancels {dict(ends.cancels)}, given back {len(pumps.failures)}")
    everything_said_again_changes_nothing(shop, pumps, ends, after)


def explained(shop, order, reference):
    """The order stands as its money does: confirmed with all of it, or ended with all of it owed back."""
    money, said = books.money(order["pk"]), Counter(books.facts(order["pk"]))
    total = PRICE + SHIPPING
    captured = total if shop.bank.has_money(reference) else 0

    assert (money["captured"], money["refunded"]) == (captured, 0)
    if order["state"] == "confirmed":
        assert (captured, money["granted"]) == (total, 0)
    else:
        assert order["state"] in {"expired", "cancelled"}
        assert money["granted"] == captured
    assert sum(refund["amount"] for refund in books.entries(order["pk"], "REFUND")) == money["granted"]
    assert said["stock.allocated"] - said["stock.deallocated"] == (order["state"] == "confirmed")
    assert said["stock.held"] - said["stock.released"] == said["stock.allocated"]
    assert said["payment.captured"] == (captured > 0)
    assert max(said["order.confirmed"], said["order.cancelled"], said["order.expired"]) <= 1


def everything_said_again_changes_nothing(shop, pumps, ends, before):  # noqa: F811
    with pumps.at_work():
        at_once([partial(shop.tells, reference, again=True) for reference in ends.references.values()])
        pumps.run_schedule("orders-expire-unpaid")

    assert books.orders() == before


@pytest.mark.parametrize("parts", [[TOTAL // 10], [TOTAL // 3, 7_000, 1, TOTAL]])
def test_refunds_granted_at_once_never_come_to_more_than_was_paid(shop, parts):
    shop.sells(SKU, 2)
    placed = shop.places((SKU, 2))
    order_id = placed["order"]["id"]
    shop.pays(placed["payment"]["reference"])
    shop.drain()

    granted = [each for got in at_once([partial(grants, order_id, parts)] * GRANTERS) for each in got]

    stored = books.entries(order_id, "REFUND")
    assert sorted(refund["sk"] for refund in stored) == sorted(f"REFUND#{each}" for each in granted)
    assert sum(refund["amount"] for refund in stored) == books.money(order_id)["granted"] <= TOTAL
    assert TOTAL - books.money(order_id)["granted"] < parts[0], "somebody was refused what was still there"
    assert books.facts(order_id).count("refund.granted") == len(granted)


def grants(order_id, parts):
    """Promise each of ``parts`` back, whoever else does; the ids of those that could be."""
    granted = []
    for part in parts:
        while True:
            try:
                with db.transaction() as tx:
                    standing = payments.standing(order_id)
                    refund_id = payments.grant_refund(
                        tx, order_id, standing, Money(part), "goodwill", lowers_payable=True
                    )
            except WriteRefused:
                continue
            except RefundTooLarge:
                break
            granted.append(refund_id)
            break
    return granted
