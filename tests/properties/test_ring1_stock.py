"""Ring 1, stock: orders, receipts, corrections and the sweep move one SKU, under every fault, in every order."""

import pytest

from tests.properties.ring.books import order_rows, rows
from tests.properties.ring.play import Play
from tests.properties.ring.schedules import Choices
from tests.properties.ring.search import searched
from tests.properties.ring.stage import Stage

SKU = "BATIK"
UNITS = 3
COMES = 2
WAREHOUSE = ("ani", "receives", "receives'", "adjusts", "works")
FORGOTTEN = ("sweeps", "sweeps'", "pays", "ani", "works")
OVERDUE = ("sweeps", "pays", "expires", "ani", "receives")


@pytest.fixture(scope="module")
def stage():
    """Two of three are held for an order that was forgotten for more than a day, one for an order of today."""
    with Stage().open() as made:
        made.shop.sells(SKU, UNITS)
        made.placed = made.shop.places((SKU, 2))
        made.shop.drain()
        made.pass_(hours=27)
        made.shop.places((SKU, 1))
        made.shop.receives(SKU, 1)
        made.carts = {"ani": made.shop.cart((SKU, 2)), "budi": made.shop.cart((SKU, 1))}
        made.shop.drain()
        made.keep()
        yield made


class Warehouse(Play):
    """What is on hand in the end is what was, what came in once, and what was lost if that was taken."""

    asking = ("ani", "budi", "receives", "adjusts")

    def ani(self):
        return self.shop.checks_out(self.stage.carts["ani"], "k-ani")

    def receives(self):
        receipt = {"location": "jkt", "document": "PO-2", "lines": [{"sku": SKU, "quantity": COMES}]}
        return self.shop.staff("POST", "/admin/stock/receipts", receipt, **{"Idempotency-Key": "k-receipt"})

    def adjusts(self):
        lost = {"sku": SKU, "location": "jkt", "reason": "lost", "delta": -1, "expected_on_hand": UNITS + 1}
        return self.shop.staff("POST", "/admin/stock/adjustments", lost, **{"Idempotency-Key": "k-lost"})

    def pays(self):
        self.pay(self.stage.placed["payment"]["reference"])

    def check(self):
        answers = self.answers
        codes = {name: (reply.status, reply.code) for name, reply in answers.items()}
        came = COMES if "receives" in answers else 0
        lost = codes.get("adjusts") == (201, None)
        (stock,) = [row for row in rows("inventory") if row["sk"] == "STOCK#jkt"]
        assert stock["on_hand"] == UNITS + 1 + came - lost
        assert codes.get("receives", (201, None)) == (201, None)
        assert "receives'" not in answers or answers["receives"].text == answers["receives'"].text
        assert lost or codes.get("adjusts", (409, "stale_stock")) in {(409, "stale_stock"), (409, "not_enough_stock")}
        assert codes["ani"] in {(201, None), (409, "out_of_stock")}
        assert len(order_rows()) == 2 + (codes["ani"] == (201, None))
        assert order_rows()[self.stage.placed["order"]["id"]]["state"] in {"confirmed", "expired"}


@searched(60, actors=5)
def test_orders_receipts_and_corrections_move_one_stock(stage, choices):
    Warehouse(stage).run(choices, *WAREHOUSE)


@searched(60, actors=5)
def test_a_hold_is_swept_or_consumed_and_never_both(stage, choices):
    Warehouse(stage).run(choices, *FORGOTTEN)


@searched(60, actors=5)
def test_sweep_expiry_payment_and_a_new_buyer_share_what_is_there(stage, choices):
    Warehouse(stage).run(choices, *OVERDUE)


def test_without_faults_everybody_gets_an_answer(stage):
    assert Warehouse(stage).run(Choices(), *WAREHOUSE).faults == []
