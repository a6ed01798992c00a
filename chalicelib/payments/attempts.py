"""Tries to pay: opened with the order, started at a gateway, tried again, and ended with the order."""

import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from chalicelib.core import clock, db, flags, ids, outbox
from chalicelib.core.errors import Invalid, LarisError, WriteRefused
from chalicelib.core.flags import Switch
from chalicelib.core.idempotency import Claim
from chalicelib.core.log import logger
from chalicelib.core.money import Money
from chalicelib.core.texts import LocalText
from chalicelib.events.payments import PaymentStarted
from chalicelib.payments import ledger
from chalicelib.payments.errors import (
    AlreadyCovered,
    GatewayRefused,
    PaymentWayClosed,
    TooManyAttempts,
    UnknownMethod,
)
from chalicelib.payments.gateways import gateway
from chalicelib.payments.gateways.port import LARGEST_CODE, Charge, RetryStep, Started
from chalicelib.payments.models.attempts import AttemptRow
from chalicelib.payments.models.books import LedgerRow
from chalicelib.payments.models.claims import CodeRow
from chalicelib.payments.rules import (
    MOST_ATTEMPTS,
    TRANSFER,
    Attempt,
    Books,
    PaymentChoice,
    Purchase,
    receipt,
    reference,
)
from chalicelib.payments.states import AttemptState

TRIES: Final = 5
CODE_TRIES: Final = 20
CODE_OUTLASTS: Final = timedelta(days=1)
"""A transfer may be a day on its way; until then its amount is given to nobody else."""
CLOSED: Final = LocalText(
    "Cara pembayaran ini sedang tidak tersedia. Silakan pilih cara lain.",
    "This way to pay is not available at the moment. Please choose another.",
)
SWITCHES: Final = {
    "midtrans": Switch(
        name="payments.midtrans",
        meaning=LocalText(
            "Pembayaran lewat Midtrans ditawarkan. Pembayaran yang sudah dimulai tetap diproses.",
            "Payment by Midtrans is offered. Payments that have begun go on.",
        ),
        when_off=CLOSED,
        refusal=PaymentWayClosed,
    ),
    "transfer": Switch(
        name="payments.transfer",
        meaning=LocalText(
            "Transfer bank dengan bukti ditawarkan. Pembayaran yang sudah dimulai tetap diproses.",
            "Bank transfer with proof is offered. Payments that have begun go on.",
        ),
        when_off=CLOSED,
        refusal=PaymentWayClosed,
    ),
}
"""By gateway: whether new payments may begin there. What has begun is always carried to its end."""


def check(choice: PaymentChoice) -> None:
    """Raises UnknownGateway or UnknownMethod if there is no way to pay like that, Invalid if its token is missing."""
    way = gateway(choice.gateway)
    if choice.method not in way.methods:
        raise UnknownMethod(methods=sorted(way.methods))
    if choice.method in way.methods_by_token and not choice.token:
        raise Invalid.field("/payment/token", "this method needs the token that the gateway made in the browser")


def check_open(choice: PaymentChoice, *who: str | None) -> None:
    """Raises PaymentWayClosed where the gateway is not offered to the buyer, known by their ids."""
    switch = SWITCHES.get(choice.gateway)
    if switch is not None:
        flags.check(switch, *who)


def open(  # noqa: A001 it is called payments.open
    tx: db.Transaction, order_id: str, choice: PaymentChoice, *, amount: Money, expires_at: datetime
) -> Attempt:
    """Write the ledger of a new order and its first attempt in ``tx``."""
    attempt = _draft(order_id, 1, choice, amount, expires_at)
    LedgerRow.add(tx, order_id, amount)
    AttemptRow.add(tx, attempt)
    return attempt


def start(attempt: Attempt, purchase: Purchase) -> Attempt:
    """Ask the gateway for the money and keep what the buyer does next.

    Safe to repeat: asked twice under one reference, a gateway asks the buyer once. A gateway that is down or refuses
    does not raise: ``next_step`` is then RetryStep. Where it was down, starting the same attempt again goes on. One
    that ended before it was started is given with RetryStep too.
    """
    if attempt.state is not AttemptState.STARTING:
        return _with_step(attempt)
    if clock.now() >= attempt.expires_at:
        return _retry(attempt, "expired")
    try:
        attempt = _with_code(attempt)
        if attempt.state is not AttemptState.STARTING:
            return _with_step(attempt)
        started = gateway(attempt.gateway).start(_charge(attempt, purchase))
    except LarisError as error:
        logger.warning("payment not started", payment_id=attempt.payment_id, code=error.code)
        return _retry(attempt, "gateway_unreachable") if error.retry else _refused(attempt)
    return _started(attempt, started)


def again(
    order_id: str,
    choice: PaymentChoice,
    purchase: Purchase,
    claim: Claim,
    *,
    expires_at: datetime,
    customer: str | None = None,
) -> Attempt:
    """A further attempt for what is still missing, started; ``customer`` is who is logged in.

    Raises UnknownGateway, UnknownMethod, PaymentWayClosed, PaymentNotFound, AlreadyCovered, TooManyAttempts;
    Replayed, KeyReused and InProgress by the claim.
    """
    check(choice)
    for _ in range(TRIES):
        made, money = db.look(claim.lookup(), LedgerRow.lookup(order_id))
        if made is not None:
            return start(_stored(order_id, int(made)), purchase)
        check_open(choice, customer, order_id)
        if not money.missing:
            raise AlreadyCovered()
        if money.attempts >= MOST_ATTEMPTS:
            raise TooManyAttempts()
        attempt = _draft(order_id, money.attempts + 1, choice, money.missing, expires_at)
        with suppress(WriteRefused):
            with db.transaction() as tx:
                claim.record(tx, str(attempt.number))
                LedgerRow.count_attempt(tx, money)
                AttemptRow.add(tx, attempt)
            return start(attempt, purchase)
    raise WriteRefused()


def refresh(order_id: str) -> Books:
    """The books after asking about every attempt that may still be paid. Raises Upstream, UpstreamTimeout."""
    books = ledger.read(order_id)
    for attempt in books.attempts:
        if attempt.is_open or attempt.state is AttemptState.FAILED:  # a card that was denied may be tried again there
            books = _look_up(attempt) or books
    return books


def end_all(order_id: str) -> None:
    """End every open attempt of an order that has ended, so that it can no longer be paid.

    What the gateway says at the end is recorded: an attempt that was paid at the last moment is paid. Raises Upstream,
    UpstreamTimeout; then it goes on where it stopped when repeated.
    """
    for attempt in ledger.read(order_id).attempts:
        if attempt.is_open:
            gateway(attempt.gateway).cancel(attempt.reference)
            _look_up(attempt)
            _close(attempt)


def free_code(attempt: Attempt) -> None:
    """Let the amount of a transfer that has ended be another's."""
    if attempt.code is not None:
        with suppress(WriteRefused), db.transaction() as tx:
            CodeRow.release(tx, attempt.expected, attempt.payment_id)


def _draft(order_id: str, number: int, choice: PaymentChoice, amount: Money, expires_at: datetime) -> Attempt:
    return Attempt(
        payment_id=ids.new("pay"),
        order_id=order_id,
        number=number,
        reference=reference(order_id, number),
        gateway=choice.gateway,
        method=choice.method,
        amount=amount,
        state=AttemptState.STARTING,
        next_step=None,
        expires_at=expires_at,
        token=choice.token if choice.gateway != TRANSFER else None,
    )


def _charge(attempt: Attempt, purchase: Purchase) -> Charge:
    return Charge(
        reference=attempt.reference,
        amount=attempt.amount,
        method=attempt.method,
        items=receipt(purchase, attempt.amount),
        customer=purchase.customer,
        expires_at=attempt.expires_at,
        token=attempt.token,
    )


def _with_code(attempt: Attempt) -> Attempt:
    """A transfer with a unique code of its own: one that no open transfer of the shop comes to as well."""
    if attempt.gateway != TRANSFER or attempt.token is not None:
        return attempt
    for _ in range(CODE_TRIES):
        code = 1 + secrets.randbelow(LARGEST_CODE)
        amount = attempt.amount + Money(code, attempt.amount.currency)
        with suppress(WriteRefused):
            with db.transaction() as tx:
                CodeRow.claim(tx, amount, attempt.payment_id, attempt.expires_at + CODE_OUTLASTS)
                AttemptRow.give_token(tx, attempt, str(code))
            return replace(attempt, token=str(code))
        stored = _stored(attempt.order_id, attempt.number)
        if stored.token is not None or stored.state is not AttemptState.STARTING:
            return stored
    raise GatewayRefused("Every unique code for this amount is taken.")


def _started(attempt: Attempt, started: Started) -> Attempt:
    about = PaymentStarted(
        order_id=attempt.order_id,
        payment_id=attempt.payment_id,
        gateway=attempt.gateway,
        method=attempt.method,
        amount=attempt.amount.amount,
        currency=attempt.amount.currency,
    )
    try:
        with db.transaction() as tx:
            AttemptRow.set_started(tx, attempt, started)
            outbox.publish(tx, about)
    except WriteRefused:
        if started.events:
            ledger.append(attempt.order_id, attempt.gateway, started.events, source="start")
        return _overtaken(attempt)
    logger.info("payment started", payment_id=attempt.payment_id, gateway=attempt.gateway, method=attempt.method)
    after = replace(attempt, state=AttemptState.AWAITING, next_step=started.next_step, token=None)
    if started.events:
        books = ledger.append(attempt.order_id, attempt.gateway, started.events, source="start")
        state = next(each.state for each in books.attempts if each.number == attempt.number)
        after = replace(after, state=state)
    return after


def _overtaken(attempt: Attempt) -> Attempt:
    """Somebody else started it too, or the order ended meanwhile: then the gateway must not go on asking."""
    stored = _stored(attempt.order_id, attempt.number)
    if stored.is_open:
        return stored
    with suppress(LarisError):
        gateway(attempt.gateway).cancel(attempt.reference)
    return _with_step(stored)


def _refused(attempt: Attempt) -> Attempt:
    try:
        with db.transaction() as tx:
            AttemptRow.set_failed(tx, attempt, "gateway_refused")
    except WriteRefused:
        return _stored(attempt.order_id, attempt.number)
    return replace(_retry(attempt, "gateway_refused"), state=AttemptState.FAILED, token=None)


def _with_step(attempt: Attempt) -> Attempt:
    """An attempt that is no longer to be started always says what the buyer does next."""
    return attempt if attempt.next_step else _retry(attempt, attempt.state)


def _retry(attempt: Attempt, reason: str) -> Attempt:
    return replace(attempt, next_step=RetryStep(reason=reason))


def _look_up(attempt: Attempt) -> Books | None:
    """The books after the gateway was asked about ``attempt``; None where it has nothing to say."""
    events = gateway(attempt.gateway).fetch(attempt.reference)
    return ledger.append(attempt.order_id, attempt.gateway, events, source="status") if events else None


def _close(attempt: Attempt) -> None:
    """It can no longer be started; a transfer keeps its amount to itself, since the money may be on its way."""
    stored = _stored(attempt.order_id, attempt.number)
    if stored.is_open:
        with db.transaction() as tx:
            AttemptRow.set_state(tx, stored, AttemptState.CLOSED)


def _stored(order_id: str, number: int) -> Attempt:
    (attempt,) = db.look(AttemptRow.lookup(order_id, number))
    if attempt is None:
        raise AssertionError(f"attempt {number} of {order_id} is gone")
    return attempt
