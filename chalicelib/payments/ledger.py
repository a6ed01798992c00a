"""The one way by which facts come into the books: appended, folded, announced and settled in one transaction."""

from collections.abc import Callable, Sequence
from typing import Final

from chalicelib.core import clock, db, outbox
from chalicelib.core.errors import WriteRefused
from chalicelib.core.log import logger
from chalicelib.events.payments import PaymentFlagged
from chalicelib.payments.errors import AlreadySettled, PaymentNotFound
from chalicelib.payments.gateways.port import PaymentEvent
from chalicelib.payments.judgement import Judgement, judge, said, written
from chalicelib.payments.models.attempts import AttemptRow
from chalicelib.payments.models.books import FactRow, FlagRow, LedgerRow, RefundRow, read_books
from chalicelib.payments.rules import Books, Fact, standing

TRIES: Final = 6

Also = Callable[[db.Transaction, Judgement], None]
"""What else happens in the transaction; it may refuse, having seen the books as they are."""


def read(order_id: str) -> Books:
    """All that is kept of an order's payments. Raises PaymentNotFound."""
    books = read_books(order_id)
    if books is None:
        raise PaymentNotFound()
    return books


def append(
    order_id: str,
    gateway: str,
    events: Sequence[PaymentEvent],
    *,
    source: str,
    surplus: int = 0,
    also: Also | None = None,
) -> Books:
    """Add what ``gateway`` says and do ``also``, together or not at all; the books afterwards.

    Said again it changes nothing more, and ``also`` is done all the same. Whoever is overtaken reads again. ``source``
    says where the events can be read again. Raises PaymentNotFound for an attempt we do not know of, and whatever
    ``also`` is refused with.
    """
    now = clock.now()
    told = [Fact.of(event, gateway, now, source, surplus) for event in events]
    for attempt in range(TRIES):
        books = read(order_id)
        if any(books.attempt(fact.reference, gateway) is None for fact in told):
            raise PaymentNotFound()
        try:
            return _write(judge(books, told), also)
        except AlreadySettled:
            raise
        except WriteRefused:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _write(judgement: Judgement, also: Also | None) -> Books:
    books, after = judgement.books, written(judgement)
    order_id = books.ledger.order_id
    with db.transaction() as tx:
        for fact in judgement.new:
            FactRow.add(tx, order_id, fact)
        if judgement.moves_money:
            LedgerRow.set_figures(tx, books.ledger, judgement.figures)
        _write_moves(tx, judgement)
        for news, fact in judgement.news:
            outbox.publish(tx, said(news, fact, order_id, standing(after.ledger)))
        for flag in judgement.flags:
            FlagRow.raise_(tx, order_id, flag)
            outbox.publish(tx, PaymentFlagged(order_id, flag.oddity, flag.fact.gateway, flag.fact.source))
        if also is not None:
            also(tx, judgement)
    _tell(order_id, judgement)
    return after


def _write_moves(tx: db.Transaction, judgement: Judgement) -> None:
    books = judgement.books
    for attempt in books.attempts:
        if attempt.number in judgement.attempts:
            AttemptRow.set_state(tx, attempt, judgement.attempts[attempt.number])
    for refund in books.refunds:
        if refund.id in judgement.refunds:
            RefundRow.set_state(tx, books.ledger.order_id, refund, judgement.refunds[refund.id])


def _tell(order_id: str, judgement: Judgement) -> None:
    if judgement.new:
        logger.info("payment facts recorded", order_id=order_id, kinds=[fact.kind for fact in judgement.new])
    for flag in judgement.flags:
        logger.warning("payment flagged", order_id=order_id, oddity=flag.oddity, source=flag.fact.source)
