"""What Midtrans says, read: transactions and notifications as it writes them, and the facts that follow.

The shape of a chargeback is from memory, everything else from docs.midtrans.com.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec

from chalicelib.core import client
from chalicelib.core.errors import Malformed, Upstream
from chalicelib.core.log import logger
from chalicelib.core.money import Money
from chalicelib.payments.gateways.port import Kind, PaymentEvent

LARGEST_NOTIFICATION: Final = 256 * 1024
WHOLE_RUPIAH: Final = re.compile(r"([0-9]{1,15})(?:\.0{1,2})?")

KINDS: Final[Mapping[str, Kind]] = {
    "pending": Kind.INFO,
    "authorize": Kind.AUTHORIZED,
    "settlement": Kind.CAPTURED,
    "deny": Kind.DENIED,
    "failure": Kind.ATTEMPT_FAILED,
    "cancel": Kind.VOIDED,
    "expire": Kind.EXPIRED,
    "refund": Kind.CAPTURED,
    "partial_refund": Kind.CAPTURED,
    "chargeback": Kind.CAPTURED,
    "partial_chargeback": Kind.CAPTURED,
}
KINDS_OF_CAPTURE: Final[Mapping[str | None, Kind]] = {
    None: Kind.CAPTURED,
    "accept": Kind.CAPTURED,
    "challenge": Kind.CHALLENGED,
    "deny": Kind.DENIED,
}
REFUNDS: Final = frozenset({"refund", "partial_refund"})
CHARGEBACKS: Final = frozenset({"chargeback", "partial_chargeback"})


class Notification(msgspec.Struct, frozen=True):
    """What is read of a notification; the characters are those Midtrans allows in an order_id."""

    order_id: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._~-]{1,50}\Z")]
    transaction_id: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._-]{1,64}\Z")]
    status_code: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{3}\Z")]
    gross_amount: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,15}(\.[0-9]{1,2})?\Z")]
    signature_key: str = ""


class GivenBack(msgspec.Struct, frozen=True):
    """An entry of ``refunds``."""

    refund_amount: str
    refund_key: str | None = None
    refund_chargeback_id: int | str | None = None
    created_at: str | None = None


class AccountNumber(msgspec.Struct, frozen=True):
    """An entry of ``va_numbers``."""

    bank: str
    va_number: str


class Action(msgspec.Struct, frozen=True):
    """An entry of ``actions``: what the buyer may be shown."""

    name: str
    url: str


class Transaction(msgspec.Struct, frozen=True):
    """A transaction as the answers to charge and status tell it."""

    order_id: str
    transaction_id: Annotated[str, msgspec.Meta(min_length=1)]
    transaction_status: str
    transaction_time: str
    gross_amount: str
    payment_type: str
    currency: Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]{3}\Z")] = "IDR"
    settlement_time: str | None = None
    fraud_status: str | None = None
    refunds: tuple[GivenBack, ...] = ()
    refund_chargeback_id: int | str | None = None
    refund_amount: str | None = None
    va_numbers: tuple[AccountNumber, ...] = ()
    permata_va_number: str | None = None
    biller_code: str | None = None
    bill_key: str | None = None
    qr_string: str | None = None
    redirect_url: str | None = None
    actions: tuple[Action, ...] = ()

    def money(self, amount: str) -> Money:
        """Whole rupiah from "44000.00". Raises Upstream on a fraction: better no truth than a wrong one."""
        whole = WHOLE_RUPIAH.fullmatch(amount)
        if whole is None:
            raise unreadable()
        return Money(int(whole[1]), self.currency)

    def action(self, name: str) -> str | None:
        """The address of the action called ``name``."""
        return next((action.url for action in self.actions if action.name == name), None)


def read_notification(raw: bytes) -> Notification:
    """A notification, not yet believed. Raises Malformed."""
    try:
        return msgspec.convert(client.read_object(raw, LARGEST_NOTIFICATION), Notification)
    except ValueError as error:
        raise Malformed("The notification could not be read.") from error


def read_transaction(body: Mapping[str, Any], reference: str) -> Transaction:
    """The transaction called ``reference``. Raises Upstream if it cannot be read or is another's."""
    try:
        deal = msgspec.convert(body, Transaction)
    except ValueError as error:
        raise unreadable() from error
    if deal.order_id != reference:
        raise unreadable()
    return deal


def read_status(reply: client.Reply) -> int:
    """The worse of HTTP's status and the body's, because errors come with HTTP 200 as well."""
    code = str(reply.body.get("status_code", reply.status))
    if not re.fullmatch("[0-9]{3}", code):
        raise unreadable()
    return max(reply.status, int(code))


def unreadable() -> Upstream:
    """The error for an answer that makes no sense."""
    return Upstream("Midtrans' answer could not be read.", partner="midtrans")


def facts(deal: Transaction) -> list[PaymentEvent]:
    """What a transaction's present status says has happened. Card capture, then settlement: one CAPTURED.

    A refund or chargeback says two things: the money came, and it (or some of it) went.
    """
    kind = _kind(deal)
    at = (deal.settlement_time if kind is Kind.CAPTURED else None) or deal.transaction_time
    return [_fact(deal, kind, deal.gross_amount, at), *_given_back(deal)]


def _kind(deal: Transaction) -> Kind:
    if deal.transaction_status == "capture":
        kind = KINDS_OF_CAPTURE.get(deal.fraud_status)
    else:
        kind = KINDS.get(deal.transaction_status)
    if kind is not None:
        return kind
    logger.warning(
        "midtrans status unknown",
        reference=deal.order_id,
        transaction_status=deal.transaction_status,
        fraud_status=deal.fraud_status,
    )
    return Kind.INFO


def _given_back(deal: Transaction) -> Iterator[PaymentEvent]:
    """Every refund has a key (Midtrans makes one up where none is given), so what has none is a chargeback."""
    if deal.transaction_status in REFUNDS:
        if not deal.refunds:
            raise unreadable()
        yield from (_entry(deal, Kind.REFUNDED, entry) for entry in deal.refunds)
    elif deal.transaction_status in CHARGEBACKS:
        yield from (_entry(deal, Kind.REFUNDED, entry) for entry in deal.refunds if entry.refund_key)
        disputes = [entry for entry in deal.refunds if not entry.refund_key] or [_dispute(deal)]
        yield from (_entry(deal, Kind.CHARGEBACK, entry) for entry in disputes)


def _dispute(deal: Transaction) -> GivenBack:
    amount = deal.gross_amount if deal.transaction_status == "chargeback" else deal.refund_amount
    if amount is None:
        raise unreadable()
    return GivenBack(amount, refund_chargeback_id=deal.refund_chargeback_id)


def _entry(deal: Transaction, kind: Kind, entry: GivenBack) -> PaymentEvent:
    number = "" if entry.refund_chargeback_id is None else str(entry.refund_chargeback_id)
    at = entry.created_at or deal.transaction_time
    return _fact(deal, kind, entry.refund_amount, at, entry.refund_key or number)


def _fact(deal: Transaction, kind: Kind, amount: str, at: str, key: str = "") -> PaymentEvent:
    return PaymentEvent(deal.order_id, deal.transaction_id, kind, deal.money(amount), _instant(at), key)


def _instant(text: str) -> datetime:
    """Midtrans writes its times without a zone and means GMT+7."""
    try:
        return datetime.strptime(f"{text} +0700", "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
    except ValueError as error:
        raise unreadable() from error
