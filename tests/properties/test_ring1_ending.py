"""Ring 1, ending: payment, expiry and cancel meet over one order, under every fault, in every order.

Whatever comes first, the end is explained: what was paid is a confirmed order or is owed back, and the stock follows.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from chalicelib.core.errors import LarisError
from chalicelib.payments.gateways.port import Kind
from tests.kit.shop import Stock
from tests.properties.ring.books import Books, hold_states, ledgers, order_rows, unsettled_messages
from tests.properties.ring.scheduler import run
from tests.properties.ring.schedules import Choices, schedules
from tests.properties.ring.stage import Stage

EXAMPLES = int(os.environ.get("LARIS_RING", "60"))
SEARCH = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
HOLDS = {"pending": "held", "confirmed": "consumed", "expired": "released"}


@pytest.fixture(scope="module")
def stage():
    with Stage().open() as made:
        made.shop.sells("SARUNG", 3)
        made.placed = made.shop.places(("SARUNG", 2))
        made.shop.drain()
        made.pass_(minutes=61)
        made.keep()
        yield made


class Ending:
    """One order whose time is up, and everything that may happen to it."""

    def __init__(self, stage):
        self.stage, self.answers = stage, {}
        self.order_id, self.reference = stage.placed["order"]["id"], stage.placed["payment"]["reference"]

    def pays(self):
        if Kind.CAPTURED not in self.kinds() and Kind.VOIDED not in self.kinds():
            self.stage.bank.happens(self.reference, Kind.CAPTURED)
        self.answers["pays"] = self.stage.shop.tells(self.reference)

    def says_again(self):
        self.answers["again"] = self.stage.shop.tells(self.reference, again=1)

    def reverses(self):
        if Kind.CAPTURED in self.kinds() and Kind.DENIED not in self.kinds():
            self.stage.bank.happens(self.reference, Kind.DENIED)
        self.answers["reverses"] = self.stage.shop.tells(self.reference, reversed=1)

    def cancels(self):
        path = f"/admin/orders/{self.order_id}/cancel"
        self.answers["cancels"] = self.stage.shop.staff("POST", path, {"reason": "batal"})

    def expires(self):
        self.stage.pumps.run_schedule("orders-expire-unpaid")

    def works(self):
        self.stage.turns(3)

    def kinds(self):
        return {event.kind for event in self.stage.bank.book[self.reference]}

    def drain(self, outcome):
        again = [name for name in ("pays", "again", "reverses") if name in outcome.actors and self.unheard(name)]
        for name in again:
            outcome.restart(name)
        self.stage.pumps.failures.clear()
        moved = self.stage.settles()
        if not moved and order_rows()[self.order_id]["state"] == "pending":
            self.expires()
            return True
        return moved or bool(again)

    def unheard(self, name):
        """The gateway posts until it is told that it was heard."""
        reply = self.answers.get(name)
        return reply is None or reply.status != 200

    def check(self):
        order, ledger = order_rows()[self.order_id], ledgers()[self.order_id]
        kinds = self.kinds()
        has_money = Kind.CAPTURED in kinds and not {Kind.DENIED, Kind.VOIDED} & kinds
        assert (ledger["captured"] > 0) == has_money, "our book is not the gateway's"
        assert unsettled_messages() == []
        self.check_state(order, ledger, has_money)
        held = {"held": "reserved", "consumed": "allocated"}.get(hold_states()[self.order_id])
        stock = self.stage.shop.stock_of("SARUNG")
        assert stock == (Stock(1, **{held: 2}) if held else Stock(3)), stock
        told = [entry["type"] for entry in self.stage.shop.order(self.order_id)["timeline"]]
        assert max(told.count("order.confirmed"), told.count("order.expired"), told.count("order.cancelled")) <= 1

    def check_state(self, order, ledger, has_money):
        state, hold = order["state"], hold_states()[self.order_id]
        assert state in {"confirmed", "on_hold", "expired", "cancelled"}, state
        if has_money and state in {"expired", "cancelled"}:
            assert ledger["granted"] == ledger["captured"], "money of an ended order is not owed back"
        if state in {"confirmed", "on_hold"}:
            assert hold == "consumed"
            assert ledger["granted"] == 0
        if state == "confirmed":
            assert has_money
            assert order["payment_status"] == "paid"
        if state == "on_hold":
            assert order["payment_status"] == "reversed"
        if state in {"expired", "cancelled"}:
            assert hold in {"released", "returned"}


def end(stage, choices, *names):
    stage.reset()
    ending = Ending(stage)
    actors = {name: getattr(ending, name.rstrip("'")) for name in names}
    actors = {{"says_again": "again"}.get(name, name): work for name, work in actors.items()}
    return run(
        actors,
        choices,
        always=Books().check,
        drain=ending.drain,
        quiet=lambda _: ending.check(),
        expected=(LarisError,),
        most_steps=1500,
    )


@SEARCH
@given(schedules(4))
def test_payment_and_expiry_end_explained(stage, choices):
    end(stage, choices, "pays", "expires", "works", "works'")


@SEARCH
@given(schedules(5))
def test_payment_expiry_and_cancel_end_explained(stage, choices):
    end(stage, choices, "pays", "says_again", "expires", "cancels", "works")


@SEARCH
@given(schedules(5))
def test_payment_and_its_reversal_end_explained(stage, choices):
    end(stage, choices, "pays", "reverses", "works", "expires", "works'")


def test_without_faults_a_payment_confirms(stage):
    assert end(stage, Choices(), "pays", "works").faults == []
    assert order_rows()[stage.placed["order"]["id"]]["state"] == "confirmed"
