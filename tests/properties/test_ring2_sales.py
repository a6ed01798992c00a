"""Ring 2: buyers at the same moment, on DynamoDB Local, get exactly what is there, on a good day and on a bad one."""

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

import pytest

from tests.kit.api import Reply
from tests.kit.shop import Stock
from tests.properties.ring2 import books
from tests.properties.ring2.cloud import aws, clock, dynamodb_local, pumps  # noqa: F401
from tests.properties.ring2.crowd import at_once, insisting, is_final
from tests.properties.ring2.trouble import BAD_DAY, BLACK_DAY, planted

SKU = "KEMEJA-M"
ROUNDS = 8
LATER = 3
OUT_OF_STOCK = (409, "out_of_stock")
ORDERED = (201, None)
SAID_LATER = {(409, "in_progress"), (409, "write_refused"), (429, "too_many_requests"), (503, "unanswered")}


class Crowd:
    """So many buyers with a cart each; who got an order takes a new cart to the next sale."""

    def __init__(self, shop, clock, size):  # noqa: F811
        self.shop, self.clock = shop, clock
        self.ordered: list[str] = []
        self.carts = [""] * size
        shop.sells(SKU, 0)

    def takes_carts(self) -> None:
        """Whoever has none takes one and puts a unit in."""
        without = [number for number, cart in enumerate(self.carts) if not cart]
        for number, cart in zip(without, at_once([partial(self.shop.cart, (SKU, 1))] * len(without)), strict=True):
            self.carts[number] = cart

    def storms(self) -> list[list[Reply]]:
        """All check out at the same moment; all the answers of each."""
        asks = [partial(self.shop.checks_out, cart, self.shop.key()) for cart in self.carts]
        answers = at_once([partial(insisting, ask) for ask in asks])
        for _ in range(LATER):
            unsettled = [number for number, got in enumerate(answers) if not is_final(got[-1])]
            self.clock.pass_(minutes=1)
            for number in unsettled:
                answers[number] += insisting(asks[number])
        for number, got in enumerate(answers):
            if got[-1].status == 201:
                self.ordered.append(got[-1].body["order"]["id"])
                self.carts[number] = ""
        return answers


@pytest.fixture
def crowd(shop, clock):  # noqa: F811
    return partial(Crowd, shop, clock)


def said(answers: Sequence[Reply]) -> Counter[tuple[int, str | None]]:
    return Counter((reply.status, reply.code) for reply in answers)


def each_has_its_order(crowd, reserved):
    """Every order that was acknowledged is there, no other is, and the stock is theirs."""
    orders = books.orders()

    assert sorted(orders) == sorted(crowd.ordered)
    assert {order["state"] for order in orders.values()} == {"pending"}
    assert crowd.shop.stock_of(SKU) == Stock(available=0, reserved=reserved)
    books.check_stock(SKU)


@pytest.mark.parametrize(("buyers", "units", "rounds"), [(32, 10, 4), (50, 1, 8)])
def test_buyers_at_once_get_exactly_what_is_there(shop, crowd, buyers, units, rounds):
    crowd = crowd(buyers)
    slowest = 0.0

    for sale in range(1, rounds + 1):
        crowd.takes_carts()
        shop.receives(SKU, units)
        began = time.monotonic()
        answers = crowd.storms()
        slowest = max(slowest, time.monotonic() - began)

        assert said([got[-1] for got in answers]) == {ORDERED: units, OUT_OF_STOCK: buyers - units}
        assert said([reply for got in answers for reply in got[:-1]]).keys() <= SAID_LATER
        each_has_its_order(crowd, reserved=sale * units)

    print(f"\n{buyers} buyers for {units}: {rounds} sales, {len(crowd.ordered)} orders, slowest {slowest:.2f} s")


@pytest.mark.parametrize(("chances", "seed"), [(BAD_DAY, 1), (BAD_DAY, 2), (BLACK_DAY, 3), (BLACK_DAY, 4)])
def test_on_a_bad_day_nothing_is_oversold_and_nothing_acknowledged_is_lost(shop, crowd, chances, seed):
    crowd = crowd(24)
    crowd.takes_carts()
    shop.receives(SKU, 10)

    with planted(chances, seed) as trouble:
        answers = crowd.storms()

    assert said([got[-1] for got in answers]) == {ORDERED: 10, OUT_OF_STOCK: 14}
    assert said([reply for got in answers for reply in got[:-1]]).keys() <= SAID_LATER
    each_has_its_order(crowd, reserved=10)
    print(f"\nseed {seed}: {trouble.calls} calls, {dict(trouble.met)}, {said([r for g in answers for r in g])}")
    assert trouble.met


def test_the_same_request_ten_times_at_once_is_one_order(shop):
    shop.sells(SKU, ROUNDS)
    for sale in range(1, ROUNDS + 1):
        cart, key = shop.cart((SKU, 1)), shop.key()

        answers = at_once([partial(insisting, partial(shop.checks_out, cart, key))] * 10)

        assert said([got[-1] for got in answers]) == {ORDERED: 10}
        assert len({got[-1].text for got in answers}) == 1
        assert said([reply for got in answers for reply in got[:-1]]).keys() <= {(409, "in_progress")}
        assert len(books.orders()) == sale
        assert shop.stock_of(SKU) == Stock(available=ROUNDS - sale, reserved=sale)
    books.check_stock(SKU)
