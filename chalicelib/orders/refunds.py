"""Refunds by staff: up to one's own limit at once, above it by a second person whose limit suffices (ASVS 2.3.5).

The limit holds for all that staff give back of an order together, so that it cannot be passed in small steps. What the
order costs is lowered by as much; what was paid too much goes back by itself (``moves``) and is none of this.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from chalicelib.core import audit, clock, db, outbox
from chalicelib.core.access import Caller
from chalicelib.core.errors import Invalid, WriteRefused
from chalicelib.core.idempotency import Claim
from chalicelib.core.log import logger
from chalicelib.core.money import Money
from chalicelib.events.orders import RefundDeclined, RefundRequested
from chalicelib.events.payments import Standing
from chalicelib.identity import service as identity
from chalicelib.orders import rules
from chalicelib.orders.errors import (
    IllegalMove,
    RefundLimitTooLow,
    RefundRequestDecided,
    SecondPersonNeeded,
    StaleOrder,
)
from chalicelib.orders.models.orders import OrderRow
from chalicelib.orders.models.refunds import RefundRequest, RefundRequestRow, RequestState, new_id, order_of
from chalicelib.orders.rules import Order
from chalicelib.orders.states import legal
from chalicelib.payments import service as payments
from chalicelib.payments.errors import RefundTooLarge

__all__ = ["RefundRequest", "RequestState", "approve", "decline", "get", "refund", "waiting"]

TRIES: Final = 4
BY_STAFF: Final = "by_staff"
"""What the ledger says of why; the words are kept here, where they can be forgotten."""


def refund(order_id: str, amount: Money, reason: str, *, caller: Caller, claim: Claim) -> RefundRequest:
    """Give back ``amount`` of what an order's buyer paid: at once within the caller's limit, else when approved.

    Raises OrderNotFound, IllegalMove (no order that stands), Invalid (no amount in its currency), RefundTooLarge;
    Replayed, KeyReused and InProgress by the claim.
    """
    limit = identity.refund_limit(caller)
    asked = RefundRequest(
        id=new_id(order_id),
        order_id=order_id,
        amount=amount,
        reason=reason,
        state=RequestState.WAITING,
        asked_by=_person(caller),
        asked_at=clock.now(),
    )
    audit.change(f"refund:{asked.id}", after={"order_id": order_id, "amount": amount})

    def once() -> RefundRequest:
        made, order, standing = db.look(claim.lookup(), OrderRow.lookup(order_id), payments.lookup_standing(order_id))
        if made is not None:
            return get(made)
        _check_refundable(order, standing, amount)
        is_allowed = identity.is_within(order.given_back + amount.amount, limit)
        with db.transaction() as tx:
            claim.record(tx, asked.id)
            return _granted(tx, order, standing, asked) if is_allowed else _put_aside(tx, asked)

    return _with_fresh_reads(once)


def get(request_id: str) -> RefundRequest:
    """A refund that staff asked for. Raises RefundRequestNotFound."""
    return db.look(RefundRequestRow.lookup(request_id))[0]


def waiting(*, limit: int, cursor: str | None) -> db.Page[RefundRequest]:
    """The refunds that wait for a second person, the oldest first."""
    return RefundRequestRow.waiting(limit=limit, cursor=cursor)


def approve(request_id: str, caller: Caller) -> RefundRequest:
    """Grant a refund that waits, as another person than who asked.

    Raises RefundRequestNotFound, RefundRequestDecided, SecondPersonNeeded, RefundLimitTooLow, IllegalMove,
    RefundTooLarge (more than is left of the money by now).
    """
    limit = identity.refund_limit(caller)
    audit.change(f"refund:{request_id}", before=RequestState.WAITING, after=RequestState.GRANTED)

    def once() -> RefundRequest:
        request, order, standing = _read(request_id)
        _check_decider(request, order, caller, limit)
        _check_refundable(order, standing, request.amount)
        with db.transaction() as tx:
            refund_id = _grant(tx, order, standing, request.amount)
            RefundRequestRow.decide(tx, request, state=RequestState.GRANTED, by=_person(caller), refund=refund_id)
        logger.info("refund approved", order_id=order.id, refund_id=refund_id)
        return get(request_id)

    return _with_fresh_reads(once)


def decline(request_id: str, caller: Caller) -> RefundRequest:
    """Turn down a refund that waits, as another person than who asked.

    Raises RefundRequestNotFound, RefundRequestDecided, SecondPersonNeeded, RefundLimitTooLow.
    """
    limit = identity.refund_limit(caller)
    audit.change(f"refund:{request_id}", before=RequestState.WAITING, after=RequestState.DECLINED)
    request, order, _ = _read(request_id)
    _check_decider(request, order, caller, limit)
    with db.transaction() as tx:
        RefundRequestRow.decide(tx, request, state=RequestState.DECLINED, by=_person(caller), refund="")
        outbox.publish(tx, RefundDeclined(order.id, request_id))
    return get(request_id)


def _read(request_id: str) -> tuple[RefundRequest, Order, Standing]:
    order_id = order_of(request_id)
    return db.look(RefundRequestRow.lookup(request_id), OrderRow.lookup(order_id), payments.lookup_standing(order_id))


def _check_refundable(order: Order, standing: Standing, amount: Money) -> None:
    if order.state not in rules.STANDING:
        raise IllegalMove(state=order.state, legal=legal(order.state))
    if amount.currency != order.currency:
        raise Invalid.field("/amount/currency", f"the order was paid in {order.currency}")
    if rules.owed(order, standing, keeps=order.keeps):
        raise WriteRefused("What was paid too much is just being given back.")
    left = payments.refundable(standing)
    if not 0 < amount.amount <= left:
        raise RefundTooLarge(refundable=left, currency=order.currency)


def _check_decider(request: RefundRequest, order: Order, caller: Caller, limit: int | None) -> None:
    if request.state is not RequestState.WAITING:
        raise RefundRequestDecided(state=request.state)
    if request.asked_by == caller.account:
        raise SecondPersonNeeded()
    if not identity.is_within(order.given_back + request.amount.amount, limit):
        raise RefundLimitTooLow(limit=limit)


def _granted(tx: db.Transaction, order: Order, standing: Standing, asked: RefundRequest) -> RefundRequest:
    refund_id = _grant(tx, order, standing, asked.amount)
    done = replace(
        asked,
        state=RequestState.GRANTED,
        decided_by=asked.asked_by,
        decided_at=asked.asked_at,
        refund_id=refund_id,
    )
    RefundRequestRow.add(tx, done)
    return done


def _put_aside(tx: db.Transaction, asked: RefundRequest) -> RefundRequest:
    RefundRequestRow.add(tx, asked)
    outbox.publish(tx, RefundRequested(asked.order_id, asked.id, asked.amount.amount, asked.amount.currency))
    logger.info("refund waits for a second person", order_id=asked.order_id, request_id=asked.id)
    return asked


def _grant(tx: db.Transaction, order: Order, standing: Standing, amount: Money) -> str:
    """Promise the money; the transaction holds only if neither the order nor its money has moved."""
    OrderRow.change(tx, order, replace(order, given_back=order.given_back + amount.amount))
    return payments.grant_refund(tx, order.id, standing, amount, BY_STAFF, lowers_payable=True)


def _person(caller: Caller) -> str:
    """Whose deed it is; the doors let only people in."""
    return caller.account or caller.principal


def _with_fresh_reads(once: Callable[[], RefundRequest]) -> RefundRequest:
    """Do ``once``, which reads and writes; again if it was overtaken."""
    for attempt in range(TRIES):
        try:
            return once()
        except (WriteRefused, StaleOrder) as overtaken:
            if attempt == TRIES - 1:
                raise WriteRefused() from overtaken
            db.back_off(attempt)
    raise AssertionError("unreachable")
