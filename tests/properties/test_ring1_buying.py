"""Ring 1, buying: two buyers and a double click race for the last unit, under every fault, in every order.

`LARIS_RING=20000 python -m pytest tests/properties/test_ring1_buying.py` looks longer.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings

from chalicelib.core.errors import LarisError
from tests.kit.shop import Stock
from tests.properties.ring.books import Books, hold_states, ledgers, order_rows, rows
from tests.properties.ring.scheduler import run
from tests.properties.ring.schedules import Choices, schedules
from tests.properties.ring.stage import Stage, wants_repeat

EXAMPLES = int(os.environ.get("LARIS_RING", "150"))
SEARCH = settings(
    max_examples=EXAMPLES,
    database=None,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


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


def race(stage, choices):
    """Everybody checks out, and repeats as the answer says; what comes of it is explained to the last unit."""
    stage.reset()
    books = Books()
    answers = {}

    def buys(name, key):
        def buy():
            answers[name] = stage.shop.checks_out(stage.carts[name.partition("'")[0]], key)

        return buy

    def drain(outcome):
        again = [name for name in outcome.actors if wants_repeat(answers.get(name))]
        if again:
            stage.pass_(seconds=40)
        for name in again:
            outcome.restart(name)
        return stage.settles() or bool(again)

    def quiet(_):
        check_ends(stage, answers)

    actors = {"ani": buys("ani", "k-ani"), "ani'": buys("ani'", "k-ani"), "budi": buys("budi", "k-budi")}
    actors["citra"] = buys("citra", "k-citra")
    return run(actors, choices, always=books.check, drain=drain, quiet=quiet, expected=(LarisError,), most_steps=1500)


def check_ends(stage, answers):
    codes = {name: (reply.status, reply.code) for name, reply in answers.items()}
    sold = {name for name, (status, _) in codes.items() if status == 201}
    assert codes["ani"] == codes["ani'"]
    assert ("ani" in sold) != ("budi" in sold), codes
    assert "citra" in sold, codes
    assert all(code == (409, "out_of_stock") for name, code in codes.items() if name not in sold), codes
    assert answers["ani"].text == answers["ani'"].text or "ani" not in sold
    orders = order_rows()
    assert len(orders) == 2
    assert set(hold_states()) == set(ledgers()) == set(orders)
    assert set(hold_states().values()) == {"held"}
    assert stage.shop.stock_of("TERAKHIR") == Stock(available=0, reserved=1)
    assert stage.shop.stock_of("SARUNG") == Stock(available=1, reserved=2)
    carts = {row["order_id"] for row in rows("carts") if row["state"] == "closed"}
    assert carts == set(orders)
    # A gateway that was not reached loses no order: its payment says to try again.
    assert {charge.reference.rpartition("-")[0] for charge in stage.bank.charges.values()} <= set(orders)
    assert stage.pumps.failures == []


@SEARCH
@given(schedules(4))
def test_the_last_unit_is_sold_once_and_every_answer_is_true(stage, choices):
    race(stage, choices)


def test_without_faults_the_first_who_comes_gets_it(stage):
    outcome = race(stage, Choices())

    assert outcome.faults == []
