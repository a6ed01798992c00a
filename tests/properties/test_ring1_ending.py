"""Ring 1, ending: payment, expiry, cancel, hold and reversal meet over one order, under every fault, in every order.

Whatever comes first, the end is explained: what was paid is a confirmed order or is owed back, and the stock follows.
"""

import pytest

from chalicelib.payments.gateways.port import Kind
from tests.properties.ring.books import timelines
from tests.properties.ring.ending import Ending
from tests.properties.ring.schedules import Choices
from tests.properties.ring.search import searched
from tests.properties.ring.stage import Stage

LATE = ("pays", "expires", "expires'", "works", "doubles")
CANCELLED = ("pays", "says_again", "expires", "cancels", "works")
REVERSED = ("pays", "reverses", "works", "expires", "doubles")
ON_TIME = ("expires", "expires'", "posts", "works", "doubles")


@pytest.fixture(scope="module")
def stage():
    """One order is due, a second is not."""
    with Stage().open() as made:
        made.shop.sells("SARUNG", 4)
        made.placed = made.shop.places(("SARUNG", 2))
        made.shop.drain()
        made.pass_(minutes=61)
        made.shop.places(("SARUNG", 1))
        made.shop.drain()
        made.keep()
        yield made


class OnTime(Ending):
    """The buyer has paid before the time is up, and the bank's message is late: such an order never expires."""

    def __init__(self, stage):
        super().__init__(stage)
        stage.happens(self.reference, Kind.CAPTURED)

    def posts(self):
        self.stage.tells(self.reference)

    def check(self):
        assert self.state == "confirmed"
        assert timelines()[self.order_id]["order.expired"] == 0


@searched(50, actors=5)
def test_payment_and_expiry_end_explained(stage, choices):
    Ending(stage).run(choices, *LATE)


@searched(60, actors=5)
def test_payment_expiry_and_cancel_end_explained(stage, choices):
    Ending(stage).run(choices, *CANCELLED)


@searched(50, actors=5)
def test_payment_and_its_reversal_end_explained(stage, choices):
    Ending(stage).run(choices, *REVERSED)


@searched(40, actors=5)
def test_what_is_paid_on_time_never_expires(stage, choices):
    OnTime(stage).run(choices, *ON_TIME)


def test_without_faults_a_payment_confirms(stage):
    play = Ending(stage)

    assert play.run(Choices(), "pays", "works").faults == []
    assert play.state == "confirmed"
