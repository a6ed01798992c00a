"""The invariants of reliability.md 2.2 that hold once nothing is under way: every end is explained."""

import json
from collections import Counter
from typing import Final

from chalicelib.core import clock
from chalicelib.payments import ledger
from chalicelib.payments.gateways.port import Kind
from chalicelib.payments.models.messages import message_id
from chalicelib.payments.rules import Books, Figures, fold, status
from tests.kit.gateways import posted
from tests.properties.ring.books import ENDED, Row, hold_states, order_rows, rows, timelines
from tests.properties.ring.stage import Stage

HOLDS: Final = {
    "pending": {"held", "released"},
    "confirmed": {"consumed"},
    "on_hold": {"consumed"},
    "cancelled": {"released", "returned"},
    "expired": {"released", "returned"},
}
ONCE: Final = ("order.placed", "order.confirmed", "order.expired", "order.cancelled")
MONEY: Final = frozenset(Kind) - {Kind.VOIDED, Kind.INFO}
"""That a charge was called off is not always told to us; whatever moves money is."""


def check(stage: Stage, *, is_fair: bool) -> None:
    """Raise AssertionError if an order, some stock, money or message is left unexplained.

    ``is_fair`` where nothing was lost: then no ended order can still be paid at the bank either.
    """
    orders, told = order_rows(), timelines()
    assert {reference.rpartition("-")[0] for reference in stage.bank.charges} <= orders.keys(), "charged for nothing"
    for order_id, order in orders.items():
        books = ledger.read(order_id)
        _check_order(order, books, told[order_id])
        _check_bank(stage, order, books, is_fair=is_fair)
    _check_carts(orders)
    _check_messages(stage)
    _check_storefront()


def _check_order(order: Row, books: Books, told: Counter[str]) -> None:
    """Payment status and state follow from the facts (9, 22); the stock follows the state (16)."""
    figures = fold(books.facts)
    assert books.ledger.figures == figures
    total = json.loads(order["totals"])["total"]
    assert books.ledger.due.amount == total
    assert order["payment_status"] == status(figures, total=total, payable=books.ledger.payable), order
    assert all(told[kind] <= 1 for kind in ONCE), told
    assert told["refund.granted"] == len(books.refunds), told
    state, hold = order["state"], hold_states()[order["pk"]]
    assert hold in HOLDS[state], f"{state} and {hold}"
    _check_money(order, books.ledger.granted, figures, total, told)


def _check_money(order: Row, granted: int, figures: Figures, total: int, told: Counter[str]) -> None:
    has, state = figures.captured - figures.charged_back, order["state"]
    if state == "pending":
        assert has < total, "paid, and nobody noticed"
        assert order["expires_at"] > clock.stamp(clock.now()), "due, and nobody noticed"
    elif granted > has:
        assert told["order.case_opened"], "more promised back than is left, and nobody told"
    elif state in ENDED:
        assert granted == has, f"{granted} of {has} owed back for an order that has ended"
    elif state == "confirmed":
        assert has >= total, f"confirmed for {has}"
        assert granted == has - total, f"{granted} of {has - total} owed back for what was paid too much"
    else:
        assert order["hold_reason"] != "payment_reversed" or has < total, "stopped though paid"


def _check_bank(stage: Stage, order: Row, books: Books, *, is_fair: bool) -> None:
    """The bank's own book says what ours says (18)."""
    theirs = Counter(
        (event.reference, event.kind, event.key, event.amount.amount)
        for reference, events in stage.bank.book.items()
        for event in events
        if reference.rpartition("-")[0] == order["pk"] and event.kind in MONEY
    )
    ours = Counter(
        (fact.reference, fact.kind, fact.key, fact.amount.amount) for fact in books.facts if fact.kind in MONEY
    )
    assert ours == theirs, f"our book says {ours}, the bank's {theirs}"
    if is_fair and order["state"] in ENDED:
        open_ = [attempt.reference for attempt in books.attempts if stage.bank.is_open(attempt.reference)]
        assert not open_, f"an order has ended and can still be paid: {open_}"


def _check_carts(orders: dict[str, Row]) -> None:
    """Every order is of one cart that is closed, and every closed cart of one order (12)."""
    made = Counter(row["order_id"] for row in rows("carts") if row["state"] == "closed")
    assert made == Counter(list(orders)), f"carts say {made}"


def _check_messages(stage: Stage) -> None:
    """What was accepted is processed, or put aside with a reason; nothing was given up (15)."""
    kept = {row["pk"]: row for row in rows("payments") if row["sk"] == "RAW"}
    for (reference, number), is_heard in stage.posts.items():
        message = kept.get(message_id("fake", posted(reference, number=number)[0]))
        assert not is_heard or message is not None, "a message was accepted and is gone"
    for message in kept.values():
        assert message["state"] in {"processed", "parked", "quarantined"}, message
        assert message["state"] == "processed" or message["reason"], message
    assert stage.dead_letters() == []


def _check_storefront() -> None:
    """What the catalogue shows as available is what the warehouse says (17)."""
    available: Counter[str] = Counter()
    for row in rows("inventory"):
        if row["sk"].startswith("STOCK#"):
            available[row["pk"]] += row["available"]
    shown = {
        sku: int(about["M"]["available"]["N"])
        for row in rows("catalog")
        if row["sk"] == "PRODUCT"
        for sku, about in row["availability"].items()
    }
    assert shown == dict(available), f"shown {shown}, there are {dict(available)}"
