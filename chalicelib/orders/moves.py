"""The moves of an order, each in one transaction with its effects on stock and money; ``service`` is the door."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from chalicelib.core import audit, clock, db, metrics, outbox
from chalicelib.core.counts import Counts
from chalicelib.core.errors import LarisError, WriteRefused
from chalicelib.core.log import logger
from chalicelib.events.orders import (
    OrderCancelled,
    OrderCaseOpened,
    OrderConfirmed,
    OrderExpired,
    OrderHeld,
    OrderReleased,
)
from chalicelib.events.payments import Standing
from chalicelib.inventory import service as inventory
from chalicelib.inventory.errors import OutOfStock
from chalicelib.inventory.service import Held
from chalicelib.orders import rules
from chalicelib.orders.errors import IllegalMove, StaleOrder
from chalicelib.orders.models.orders import OrderRow
from chalicelib.orders.rules import Order
from chalicelib.orders.states import Event, HoldReason, State, move
from chalicelib.payments import service as payments

TRIES: Final = 4
OVERPAID: Final = "overpaid"
"""The one reason for giving back that leaves the price as it is."""
DUE_AT_ONCE: Final = 200
RUNS_AT_MOST: Final = timedelta(seconds=15)
"""What is left when the schedule's Lambda nears its end comes in a minute."""


def follow_payment(order_id: str) -> None:
    """Let the order follow its money, whatever was told and however often: the ledger is read, not the message.

    Money that covers a pending order confirms it; money for an ended one reserves the goods again or goes back; money
    taken back stops fulfilment.
    """

    def once(order: Order, standing: Standing, held: Held | None) -> None:
        _follow(order, standing, held)

    _with_fresh_reads(order_id, once)


def cancel(order_id: str, reason: str, version: int | None = None) -> Order:
    """Call the order off: its stock is available again, and what was paid is owed back.

    Raises OrderNotFound, IllegalMove, StaleOrder (if ``version`` is given and not the current one).
    """

    def once(order: Order, standing: Standing, held: Held | None) -> None:
        _check_version(order, version)
        if order.is_handed_over:
            raise IllegalMove("Something was handed over already; take it back as a return.", state=order.state)
        after = replace(_moved(order, Event.CANCEL, standing), cancel_reason=reason)
        _tell(order, after)
        with db.transaction() as tx:
            OrderRow.change(tx, order, after)
            outbox.publish(tx, OrderCancelled(order.id))
            _give_back(tx, held)
            _grant(tx, order, standing, keeps=0, reason="cancelled")
        logger.info("order cancelled", order_id=order.id)

    _with_fresh_reads(order_id, once, again=(WriteRefused,) if version else (WriteRefused, StaleOrder))
    return _get(order_id)


def hold(order_id: str, reason: HoldReason) -> Order:
    """Stop the fulfilment of a confirmed order. Raises OrderNotFound, IllegalMove."""

    def once(order: Order, standing: Standing, _: Held | None) -> None:
        after = replace(_moved(order, Event.HOLD, standing), hold_reason=reason)
        _tell(order, after)
        with db.transaction() as tx:
            OrderRow.change(tx, order, after)
            outbox.publish(tx, OrderHeld(order.id, reason))

    _with_fresh_reads(order_id, once)
    return _get(order_id)


def release(order_id: str) -> Order:
    """Let the fulfilment of a held order go on.

    Raises OrderNotFound, and IllegalMove also while money for it is missing.
    """

    def once(order: Order, standing: Standing, _: Held | None) -> None:
        if order.state is State.ON_HOLD and not rules.is_covered(standing):
            raise IllegalMove(state=order.state, event=Event.RELEASE, legal=[Event.CANCEL])
        _release(order, standing)

    _with_fresh_reads(order_id, once)
    return _get(order_id)


def expire_due(now: datetime) -> Counts:
    """Expire what nobody paid for in time, after asking the gateway. Safe twice, safe to miss.

    An order whose gateway cannot be asked is left for the next time: it may have been paid.
    """
    counts = Counts()
    due = OrderRow.due(now, DUE_AT_ONCE)
    random.shuffle(due)  # some that fail each time must not keep the others from their turn
    for order_id in due:
        if clock.now() - now > RUNS_AT_MOST:
            return counts + Counts(left=len(due) - counts.seen)
        try:
            counts += Counts(seen=1, done=int(_expire(order_id, now)))
        except LarisError as error:
            logger.warning("order not expired", order_id=order_id, code=error.code)
            counts += Counts(seen=1, left=1)
        except Exception:  # noqa: BLE001 - one broken order must not keep the others' stock
            logger.exception("order not expired", order_id=order_id)
            counts += Counts(seen=1, left=1)
    return counts


def _get(order_id: str) -> Order:
    return db.look(OrderRow.lookup(order_id))[0]


def _expire(order_id: str, now: datetime) -> bool:
    payments.refresh(order_id)
    expired = False

    def once(order: Order, standing: Standing, held: Held | None) -> None:
        nonlocal expired
        if order.state is not State.PENDING or order.expires_at > now:
            return
        if rules.is_covered(standing):
            _follow(order, standing, held)
            return
        _write_expiry(order, standing, held)
        expired = True

    _with_fresh_reads(order_id, once)
    return expired


def _write_expiry(order: Order, standing: Standing, held: Held | None) -> None:
    with db.transaction() as tx:
        OrderRow.change(tx, order, _moved(order, Event.EXPIRE, standing))
        outbox.publish(tx, OrderExpired(order.id))
        _give_back(tx, held)
        _grant(tx, order, standing, keeps=0, reason="expired")
    logger.info("order expired", order_id=order.id)
    metrics.value("expired_value", order.totals.total)


def _follow(order: Order, standing: Standing, held: Held | None) -> None:
    match rules.reaction(order, standing):
        case Event.PAY_COVERED:
            _confirm(order, standing, held)
        case Event.LATE_PAYMENT if order.state is State.EXPIRED and rules.owed(order, standing, keeps=0) >= order.total:
            _confirm_late(order, standing, held)
        case Event.LATE_PAYMENT:
            _return_late_money(order, standing)
        case Event.PAYMENT_REVERSED:
            _stop_for_reversal(order, standing)
        case Event.RELEASE:
            _release(order, standing)
        case _:
            _note_standing(order, standing)


def _confirm(order: Order, standing: Standing, held: Held | None) -> None:
    """PENDING → CONFIRMED: what is reserved becomes allocated."""
    if held is None or not held.is_held:
        _expire_swept(order, standing)
        return
    with db.transaction() as tx:
        OrderRow.change(tx, order, _moved(order, Event.PAY_COVERED, standing))
        outbox.publish(tx, OrderConfirmed(order.id, late=False))
        inventory.consume(tx, held)
        _grant(tx, order, standing, keeps=order.totals.total, reason=OVERPAID)
    logger.info("order confirmed", order_id=order.id)
    metrics.value("paid_value", order.totals.total)


def _expire_swept(order: Order, standing: Standing) -> None:
    """The hold was swept while the order waited: it has expired in all but name, and its money is late."""
    with db.transaction() as tx:
        OrderRow.change(tx, order, _moved(order, Event.EXPIRE, standing))
        outbox.publish(tx, OrderExpired(order.id))
    raise WriteRefused("The order had lost its stock; its payment is looked at again as a late one.")


def _confirm_late(order: Order, standing: Standing, held: Held | None) -> None:
    """EXPIRED → CONFIRMED if the goods can be had again; else the money goes back."""
    (locations,) = db.look(inventory.lookup_locations())
    (levels,) = db.look(inventory.lookup_levels(order.demand, locations))
    try:
        lines = inventory.plan(order.demand, levels, locations)
    except OutOfStock:
        _return_late_money(order, standing)
        return
    try:
        with db.transaction() as tx:
            OrderRow.change(tx, order, _moved(order, Event.LATE_PAYMENT, standing))
            outbox.publish(tx, OrderConfirmed(order.id, late=True))
            inventory.take(tx, order.id, lines, previous=held)
            _grant(tx, order, standing, keeps=order.totals.total, reason=OVERPAID)
    except OutOfStock as lost_race:
        raise WriteRefused("Somebody else took the goods meanwhile; there may be some elsewhere.") from lost_race
    logger.info("order confirmed late", order_id=order.id)
    metrics.value("paid_value", order.totals.total)


def _return_late_money(order: Order, standing: Standing) -> None:
    """The order stays ended; all of the money is owed back, and somebody is told."""
    with db.transaction() as tx:
        OrderRow.change(tx, order, _seen(order, standing))
        outbox.publish(tx, OrderCaseOpened(order.id, "late_payment"))
        _grant(tx, order, standing, keeps=0, reason="late_payment")
    logger.warning("late payment goes back", order_id=order.id)


def _stop_for_reversal(order: Order, standing: Standing) -> None:
    after = _moved(order, Event.PAYMENT_REVERSED, standing)
    is_stopped_now = after.state is State.ON_HOLD and order.state is not State.ON_HOLD
    if is_stopped_now:  # one that was stopped for another reason stays so when the money is back
        after = replace(after, hold_reason=HoldReason.PAYMENT_REVERSED)
    with db.transaction() as tx:
        OrderRow.change(tx, order, after)
        if is_stopped_now:
            outbox.publish(tx, OrderHeld(order.id, HoldReason.PAYMENT_REVERSED))
        if order.is_handed_over or after.state is State.COMPLETED or rules.is_overpromised(standing):
            outbox.publish(tx, OrderCaseOpened(order.id, "payment_reversed"))
    logger.warning("payment reversed", order_id=order.id, state=after.state)


def _release(order: Order, standing: Standing) -> None:
    after = replace(_moved(order, Event.RELEASE, standing), hold_reason=None)
    _tell(order, after)
    with db.transaction() as tx:
        OrderRow.change(tx, order, after)
        outbox.publish(tx, OrderReleased(order.id))


def _note_standing(order: Order, standing: Standing) -> None:
    """No move; the payment axis follows, and what a confirmed order was paid too much is owed back."""
    excess = rules.owed(order, standing, keeps=order.keeps)
    if order.standing_version == standing.version and not excess:
        return
    with db.transaction() as tx:
        OrderRow.change(tx, order, _seen(order, standing))
        if rules.is_overpromised(standing) or rules.is_unpaid_though_confirmed(order, standing):
            outbox.publish(tx, OrderCaseOpened(order.id, "money_gone"))
        if order.state is not State.PENDING:
            _grant(tx, order, standing, keeps=order.keeps, reason=OVERPAID)


def _give_back(tx: db.Transaction, held: Held | None) -> None:
    if held is not None and held.is_held:
        inventory.release(tx, held)
    elif held is not None and held.is_consumed:
        inventory.deallocate(tx, held)


def _grant(tx: db.Transaction, order: Order, standing: Standing, *, keeps: int, reason: str) -> None:
    """Promise back what is owed; either way the transaction holds only if the money has not moved since it was read."""
    owed = rules.owed(order, standing, keeps=keeps)
    if owed:
        payments.grant_refund(tx, order.id, standing, owed, reason, lowers_payable=reason != OVERPAID)
    else:
        payments.guard(tx, order.id, standing)


def _tell(before: Order, after: Order) -> None:
    """Into the audit trail. Why it was cancelled may tell of the buyer, and stands with the order."""
    told = [
        {"state": order.state, "hold_reason": order.hold_reason, "payment_status": order.payment_status}
        for order in (before, after)
    ]
    audit.change(f"order:{before.id}", before=told[0], after=told[1])


def _moved(order: Order, event: Event, standing: Standing) -> Order:
    return replace(_seen(order, standing), state=move(order.state, event))


def _seen(order: Order, standing: Standing) -> Order:
    return replace(order, payment_status=standing.status, standing_version=standing.version)


def _check_version(order: Order, version: int | None) -> None:
    if version is not None and version != order.version:
        raise StaleOrder(version=order.version)


def _with_fresh_reads(
    order_id: str,
    once: Callable[[Order, Standing, Held | None], None],
    again: tuple[type[LarisError], ...] = (WriteRefused, StaleOrder),
) -> None:
    """Read the order with its money and its stock, and do ``once``; read again and repeat if it was overtaken."""
    for attempt in range(TRIES):
        reads = db.look(OrderRow.lookup(order_id), payments.lookup_standing(order_id), inventory.lookup_hold(order_id))
        try:
            once(*reads)
        except again as overtaken:
            if attempt == TRIES - 1:
                raise WriteRefused() from overtaken
            db.back_off(attempt)
        else:
            return
