"""Ring 1 is worth what it finds: each of these plants one bug, and the ring must find it.

This is the one place where our own code is patched: a net that never caught anything proves nothing. What one
condition lets pass another often refuses (order, hold, ledger and stock stand in one transaction), so a bug is
planted where nothing else covers for it, or with what covers for it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest.mock import patch

import pytest

from chalicelib.carts.models import Cart
from chalicelib.core import db, worker
from chalicelib.core.escrow import Hold, Holding
from chalicelib.core.idempotency import Claim
from chalicelib.inventory.models import HoldRow, StockRow
from chalicelib.orders import moves
from chalicelib.orders.models.orders import OrderRow
from chalicelib.payments import inbound
from chalicelib.payments import service as payments
from chalicelib.payments.models.books import LedgerRow
from chalicelib.payments.states import MessageState
from tests.properties import test_ring1_buying as buying
from tests.properties import test_ring1_ending as ending
from tests.properties import test_ring1_payment as payment
from tests.properties import test_ring1_stock as stock
from tests.properties import test_ring1_stopping as stopping
from tests.properties.ring.ending import Ending
from tests.properties.ring.search import hunted

Bug = Callable[[], AbstractContextManager[None]]

EXAMPLES = 250
CLAIMS = ["unclaimed", "claimed apart"]


@contextmanager
def stage_of(play: Any) -> Iterator[Any]:
    """The stage that a file of the ring sets."""
    yield from play.stage.__wrapped__() if hasattr(play.stage, "__wrapped__") else play.stage()


# Bugs


@contextmanager
def unconditional(*models: type[db.Row]) -> Iterator[None]:
    """Every change of such rows is made whatever stands there."""
    update, check = db.Transaction.update, db.Transaction.check

    def blind_update(self: Any, row: Any, actions: Any, *, condition: Any, refusal: Any = None) -> None:
        update(self, row, actions, condition=_there(row, condition), refusal=refusal)

    def blind_check(self: Any, row: Any, *, condition: Any, refusal: Any = None) -> None:
        check(self, row, condition=_there(row, condition), refusal=refusal)

    def _there(row: Any, condition: Any) -> Any:
        return type(row).pk.exists() if isinstance(row, models) else condition

    with patch.object(db.Transaction, "update", blind_update), patch.object(db.Transaction, "check", blind_check):
        yield


@contextmanager
def claimed_apart() -> Iterator[None]:
    """The use of an Idempotency-Key is written before its effect, in a transaction of its own."""
    record = Claim.record

    def apart(self: Claim, _: db.Transaction, resource: str) -> None:
        with db.transaction() as own:
            record(self, own, resource)

    with patch.object(Claim, "record", apart):
        yield


@contextmanager
def unclaimed() -> Iterator[None]:
    """The use of an Idempotency-Key is not written with its effect."""
    with patch.object(Claim, "record", lambda *_: None):
        yield


@contextmanager
def marked_first() -> Iterator[None]:
    """A webhook is marked as processed, and then acted upon."""
    settle = inbound._settle

    def mark_and_settle(message: Any) -> None:
        inbound._mark(message, MessageState.PROCESSED, "")
        settle(message)

    with patch.object(inbound, "_settle", mark_and_settle), patch.object(inbound, "_mark_in", lambda *_: None):
        yield


@contextmanager
def unasked() -> Iterator[None]:
    """An order expires without its gateway being asked."""
    with patch.object(payments, "refresh", payments.standing):
        yield


@contextmanager
def ungranted() -> Iterator[None]:
    """Nobody promises money back."""
    with patch.object(moves, "_grant", lambda *_, **__: None):
        yield


@contextmanager
def unreleased() -> Iterator[None]:
    """An order that ends keeps its stock."""
    with patch.object(moves, "_give_back", lambda *_: None):
        yield


@contextmanager
def consumed_blindly() -> Iterator[None]:
    """What is consumed or released may have been swept meanwhile: the hold's state is not looked at."""
    settle = Hold._settle.__func__  # type: ignore[attr-defined]

    def blind_settle(cls: type[Hold], tx: Any, move: Any, holding: Holding, parts: Any, actions: Any) -> None:
        with unconditional(HoldRow):
            settle(cls, tx, move, holding, parts, actions)

    with patch.object(Hold, "_settle", classmethod(blind_settle)):
        yield


@contextmanager
def forgetful() -> Iterator[None]:
    """A message that failed is taken for done."""
    with patch.object(worker, "_settle", lambda *_: None):
        yield


# The hunt


def hunt(stage: Any, bug: Bug, play: type[Any], *actors: str) -> None:
    @hunted(EXAMPLES, actors=len(actors))
    def search(choices: Any) -> None:
        play(stage).run(choices, *actors)

    with bug(), pytest.raises(AssertionError):
        search()


@pytest.mark.parametrize("bug", [lambda: unconditional(StockRow), unclaimed, claimed_apart], ids=["stock", *CLAIMS])
def test_a_bug_in_buying_is_found(bug):
    with stage_of(buying) as stage:
        hunt(stage, bug, buying.Race, *buying.RACE)


def test_a_cart_that_becomes_an_order_though_it_changed_is_found():
    with stage_of(buying) as stage:
        hunt(stage, lambda: unconditional(Cart), buying.Tabs, *buying.TABS)


@pytest.mark.parametrize(
    "bug",
    # Order, hold, ledger and stock cover for each other: a move that three of them let pass is refused by the fourth.
    [lambda: unconditional(OrderRow, HoldRow, LedgerRow, StockRow), ungranted, unreleased],
    ids=["conditions", "grant", "release"],
)
def test_a_bug_in_ending_is_found(bug):
    with stage_of(ending) as stage:
        hunt(stage, bug, Ending, *ending.CANCELLED)


def test_an_order_that_expires_unasked_is_found():
    with stage_of(ending) as stage:
        hunt(stage, unasked, ending.OnTime, *ending.ON_TIME)


@pytest.mark.parametrize("bug", [forgetful, marked_first])
def test_a_bug_in_paying_is_found(bug):
    with stage_of(payment) as stage:
        hunt(stage, bug, payment.TwoWays, *payment.TWO_WAYS)


def test_a_reversal_that_moves_nothing_it_should_is_found():
    with stage_of(stopping) as stage:
        hunt(stage, ungranted, Ending, *stopping.STOPPED)


def test_a_hold_that_is_swept_and_consumed_is_found():
    with stage_of(stock) as stage:
        hunt(stage, consumed_blindly, stock.Warehouse, *stock.FORGOTTEN)
