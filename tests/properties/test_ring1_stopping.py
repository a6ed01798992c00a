"""Ring 1, stopping: a paid order is held, released, cancelled and loses its money, in every order, under faults."""

import pytest

from chalicelib.payments.gateways.port import Kind
from tests.properties.ring.ending import Ending
from tests.properties.ring.schedules import Choices
from tests.properties.ring.search import searched
from tests.properties.ring.stage import Stage

STOPPED = ("stops", "goes_on", "cancels", "reverses", "works")


@pytest.fixture(scope="module")
def stage():
    """The order is paid and confirmed."""
    with Stage().open() as made:
        made.shop.sells("SARUNG", 4)
        made.placed = made.shop.places(("SARUNG", 2))
        made.happens(made.placed["payment"]["reference"], Kind.CAPTURED)
        made.tells(made.placed["payment"]["reference"])
        made.shop.drain()
        made.keep()
        yield made


@searched(60, actors=5)
def test_hold_release_cancel_and_reversal_end_explained(stage, choices):
    Ending(stage).run(choices, *STOPPED)


def test_without_faults_a_hold_and_its_release_leave_it_confirmed(stage):
    play = Ending(stage)

    assert play.run(Choices(), "stops", "goes_on", "works").faults == []
    assert play.state == "confirmed"
