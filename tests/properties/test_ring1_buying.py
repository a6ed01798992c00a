"""Ring 1, buying: buyers, double clicks and second tabs race for the last unit, under every fault, in every order."""

import json

import pytest

from tests.kit.api import call
from tests.kit.shop import Stock
from tests.properties.ring.books import hold_states, ledgers, order_rows, rows
from tests.properties.ring.play import Play
from tests.properties.ring.schedules import Choices
from tests.properties.ring.search import searched
from tests.properties.ring.stage import Stage

RACE = ("ani", "ani'", "budi", "citra")
TABS = ("tab", "tab'", "other_tab", "edits", "works")


@pytest.fixture(scope="module")
def stage():
    with Stage().open() as made:
        made.shop.sells("TERAKHIR", 1)
        made.shop.sells("SARUNG", 3)
        made.carts = {
            "ani": made.shop.cart(("TERAKHIR", 1), ("SARUNG", 1)),
            "budi": made.shop.cart(("SARUNG", 1), ("TERAKHIR", 1)),
            "citra": made.shop.cart(("SARUNG", 1)),
        }
        made.shop.drain()
        made.keep()
        yield made


class Buying(Play):
    """Everybody checks out, and repeats as the answer says."""

    asking = ("ani", "budi", "citra", "tab", "other_tab", "edits")

    def ani(self):
        return self.shop.checks_out(self.stage.carts["ani"], "k-ani")

    def budi(self):
        return self.shop.checks_out(self.stage.carts["budi"], "k-budi")

    def citra(self):
        return self.shop.checks_out(self.stage.carts["citra"], "k-citra")

    def tab(self):
        return self.shop.checks_out(self.stage.carts["citra"], "k-tab")

    def other_tab(self):
        return self.shop.checks_out(self.stage.carts["citra"], "k-other-tab")

    def edits(self):
        return call("PUT", f"/store/carts/{self.stage.carts['citra']}/lines/SARUNG", {"quantity": 2})

    def sold(self):
        return {name for name, reply in self.answers.items() if reply.status == 201}


class Race(Buying):
    """Two carts want the last unit; a third wants what there is enough of."""

    def check(self):
        answers, sold = self.answers, self.sold()
        codes = {name: (reply.status, reply.code) for name, reply in answers.items()}
        assert codes["ani"] == codes["ani'"]
        assert ("ani" in sold) != ("budi" in sold), codes
        assert "citra" in sold, codes
        assert all(code == (409, "out_of_stock") for name, code in codes.items() if name not in sold), codes
        assert answers["ani"].text == answers["ani'"].text or "ani" not in sold
        orders = order_rows()
        assert set(orders) == {answers[name].body["order"]["id"] for name in sold}
        assert len(orders) == 2
        assert set(ledgers()) == set(orders)
        assert set(hold_states().values()) == {"held"}
        assert self.shop.stock_of("TERAKHIR") == Stock(available=0, reserved=1)
        assert self.shop.stock_of("SARUNG") == Stock(available=1, reserved=2)


class Tabs(Buying):
    """One cart is ordered from two tabs while a third changes it: one order, of what the cart was at that moment."""

    def check(self):
        answers, sold = self.answers, self.sold()
        ((order_id, order),) = order_rows().items()
        assert answers["tab"].text == answers["tab'"].text or "tab" not in sold
        assert ("tab" in sold) == ("tab'" in sold) != ("other_tab" in sold)
        assert all(answers[name].body["order"]["id"] == order_id for name in sold)
        for name in {"tab", "tab'", "other_tab"} - sold:  # the other tab may have bought what this one still wanted
            assert (answers[name].status, answers[name].code) in {(409, "cart_closed"), (409, "out_of_stock")}
        (cart,) = [row for row in rows("carts") if row["state"] == "closed"]
        bought = {line["sku"]: line["quantity"] for line in json.loads(order["lines"])}
        assert bought == {sku: quantity for sku, quantity, _ in json.loads(cart["lines"])}
        assert self.shop.stock_of("SARUNG") == Stock(3 - bought["SARUNG"], reserved=bought["SARUNG"])


@searched(110, actors=4)
def test_the_last_unit_is_sold_once_and_every_answer_is_true(stage, choices):
    Race(stage).run(choices, *RACE)


@searched(70, actors=5)
def test_a_cart_becomes_one_order_however_often_it_is_asked_for(stage, choices):
    Tabs(stage).run(choices, *TABS)


def test_without_faults_the_first_who_comes_gets_it(stage):
    outcome = Race(stage).run(Choices(), *RACE)

    assert outcome.faults == []
