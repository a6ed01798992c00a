"""Ring 1 is worth what it finds: each of these plants one bug, and the ring must find it.

This is the one place where our own code is patched: a net that never caught anything proves nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from chalicelib.core import db
from chalicelib.core.idempotency import Claim
from chalicelib.inventory.models import HoldRow, StockRow
from chalicelib.orders import moves
from chalicelib.orders.models import OrderRow
from chalicelib.payments.models.books import LedgerRow
from tests.properties import test_ring1_buying as buying
from tests.properties import test_ring1_ending as ending
from tests.properties.ring.schedules import schedules

SEARCH = settings(
    max_examples=200,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)

buyers_stage = buying.stage
enders_stage = ending.stage


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
def no_claim() -> Iterator[None]:
    """The use of an Idempotency-Key is not written with its effect."""
    with patch.object(Claim, "record", lambda *_: None):
        yield


@contextmanager
def no_grant() -> Iterator[None]:
    """Nobody promises money back."""
    with patch.object(moves, "_grant", lambda *_, **__: None):
        yield


@contextmanager
def no_release() -> Iterator[None]:
    """An order that ends keeps its stock."""
    with patch.object(moves, "_give_back", lambda *_: None):
        yield


@pytest.mark.parametrize("bug", [lambda: unconditional(StockRow), no_claim], ids=["stock", "claim"])
def test_a_bug_in_buying_is_found(buyers_stage, bug):
    @SEARCH
    @given(schedules(4))
    def search(choices):
        buying.race(buyers_stage, choices)

    with bug(), pytest.raises(AssertionError):
        search()


@pytest.mark.parametrize(
    "bug",
    # Order, hold, ledger and stock cover for each other: a move that three of them let pass is refused by the fourth.
    [lambda: unconditional(OrderRow, HoldRow, LedgerRow, StockRow), no_grant, no_release],
    ids=["conditions", "grant", "release"],
)
def test_a_bug_in_ending_is_found(enders_stage, bug):
    @SEARCH
    @given(schedules(5))
    def search(choices):
        ending.end(enders_stage, choices, "pays", "says_again", "expires", "cancels", "works")

    with bug(), pytest.raises(AssertionError):
        search()
