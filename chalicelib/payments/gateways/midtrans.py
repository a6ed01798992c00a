"""Midtrans: Core API (virtual accounts, bills, QRIS, wallets, cards) and Snap, its own payment page.

Sources: docs.midtrans.com and the vendor's SDK. From memory only, so to be tried first in the sandbox: ``echannel``'s
and ``shopeepay``'s request objects, 406 for a repeated order_id, the address of a QR picture where only the
transaction is known, the fields of a chargeback, and Snap's ``expiry``. A signature key of its own is community lore,
hence optional: without it the server key signs.

Three things to know. An amount is an integer going out and "44000.00" coming in. ``signature_key`` covers order_id,
status_code and gross_amount, so a notification is a hint and only ``fetch`` tells what happened. And the durable
idempotency is the unique order_id: the Idempotency-Key header lives for five minutes.
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any, Final
from urllib.parse import quote

import msgspec

from chalicelib.core import client, clock, crypto, secrets
from chalicelib.core.config import settings
from chalicelib.core.errors import Invalid, Malformed, Upstream
from chalicelib.core.log import logger
from chalicelib.core.money import Money
from chalicelib.payments.errors import BadSignature, GatewayRefused, NotRefundable, UnknownMethod
from chalicelib.payments.gateways.port import (
    AppStep,
    BillStep,
    Charge,
    Kind,
    NextStep,
    Notice,
    NoStep,
    PaymentEvent,
    QrStep,
    RedirectStep,
    Refund,
    RetryStep,
    Started,
    VirtualAccountStep,
)

GMT7: Final = timezone(timedelta(hours=7))
LARGEST_NOTIFICATION: Final = 256 * 1024
WHOLE_RUPIAH: Final = re.compile(r"([0-9]{1,15})(?:\.0{1,2})?")

PAYMENTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "bca_va": {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bca"}},
    "bni_va": {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bni"}},
    "bri_va": {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bri"}},
    "cimb_va": {"payment_type": "bank_transfer", "bank_transfer": {"bank": "cimb"}},
    "permata_va": {"payment_type": "bank_transfer", "bank_transfer": {"bank": "permata"}},
    "mandiri_bill": {"payment_type": "echannel"},
    "qris": {"payment_type": "qris", "qris": {"acquirer": "gopay"}},
    "gopay": {"payment_type": "gopay"},
    "shopeepay": {"payment_type": "shopeepay", "shopeepay": {}},
    "card": {"payment_type": "credit_card"},
}
REFUNDABLE: Final = frozenset(
    {"credit_card", "gopay", "shopeepay", "dana", "ovo", "qris", "kredivo", "akulaku"}
)

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
OPEN: Final = frozenset({Kind.INFO, Kind.AUTHORIZED, Kind.CHALLENGED})
UNDER_WAY: Final = frozenset({Kind.CAPTURED, Kind.AUTHORIZED, Kind.CHALLENGED})

NOT_FOUND, DUPLICATE, EXPIRED, UNCHANGEABLE = 404, 406, 407, 412
OURS_TO_MEND: Final = frozenset({401, 403, 429})
"""A wrong key, a forbidden address, too many calls: nothing the buyer or the order could help."""


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
    """A transaction as the answers to charge, status and refund tell it."""

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
            raise _unreadable()
        return Money(int(whole[1]), self.currency)

    def action(self, name: str) -> str | None:
        """The address of the action called ``name``."""
        return next((action.url for action in self.actions if action.name == name), None)


class Midtrans:
    """The adapter. Keys are looked up at each use: ``midtrans-server-key``, and for notifications
    ``midtrans-signature-key`` (the server key where it is not set) and, while keys change,
    ``midtrans-signature-key-next``."""

    methods = frozenset({*PAYMENTS, "snap"})

    def __init__(
        self,
        api_url: str = settings.midtrans_api_url,
        snap_url: str = settings.midtrans_snap_url,
        *,
        patience: float = client.PATIENCE,
    ) -> None:
        self._api = api_url.rstrip("/")
        self._snap = snap_url.rstrip("/")
        self._patience = patience

    def start(self, charge: Charge) -> Started:
        """Charge, or for an order_id charged before look up what came of it: the same step either way.

        Where only the first answer told the step (a card's 3-D Secure page, a wallet's deeplink), a look-up gives the
        wallet's QR picture or RetryStep. Snap knows no look-up: its page is given again within five minutes, after
        that GatewayRefused; its transaction_id is empty until the buyer has chosen a method.
        """
        _check(charge)
        if charge.method == "snap":
            return self._start_snap(charge)
        headers = {} if charge.method == "permata_va" else _once_only(charge)
        answer = self._ask("POST", f"{self._api}/v2/charge", _core_charge(charge), headers)
        if answer.status == DUPLICATE:
            answer = self._ask("GET", self._address(charge.reference, "status"))
        if answer.status >= 400 and answer.status != EXPIRED:
            raise GatewayRefused(gateway_status=str(answer.status))
        deal = _transaction(answer, charge.reference)
        if deal.money(deal.gross_amount) != charge.amount:
            raise GatewayRefused(
                "Midtrans holds another amount for this payment.", gateway_status=str(DUPLICATE)
            )
        known = tuple(fact for fact in _facts(deal) if fact.kind is not Kind.INFO)
        return Started(deal.transaction_id, self._next_step(deal, known), known)

    def read_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[Notice]:  # noqa: ARG002 nothing is signed there
        """Whom a notification is about. The signature does not cover ``transaction_id``: believe the reference."""
        note = _notification(raw)
        signed = f"{note.order_id}{note.status_code}{note.gross_amount}"
        if not any(_is_signed(note.signature_key, signed, key) for key in _signature_keys()):
            raise BadSignature
        return [Notice(note.order_id, note.transaction_id)]

    def fetch(self, reference: str) -> list[PaymentEvent]:
        """The truth by ``GET status``; empty also for a Snap page on which nothing has been chosen yet."""
        deal = self._look_up(reference)
        return [] if deal is None else _facts(deal)

    def cancel(self, reference: str) -> None:
        """Cancel, or expire what Midtrans will not cancel. Looks first, because its cancel also voids a captured
        card payment, and money that came in is not ours to drop here."""
        deal = self._look_up(reference)
        if deal is None or OPEN.isdisjoint(fact.kind for fact in _facts(deal)):
            return
        answer = self._ask("POST", self._address(reference, "cancel"), {})
        if answer.status == UNCHANGEABLE:
            answer = self._ask("POST", self._address(reference, "expire"), {})
        if answer.status >= 400 and answer.status not in (NOT_FOUND, EXPIRED, UNCHANGEABLE):
            raise Upstream(partner="midtrans", partner_status=answer.status)

    def refund(self, refund: Refund) -> PaymentEvent:
        """Give back under ``refund.key``. A card payment must have settled (the day after); until then 412."""
        deal = self._look_up(refund.reference)
        if deal is None:
            raise GatewayRefused(gateway_status=str(NOT_FOUND))
        if deal.payment_type not in REFUNDABLE:
            raise NotRefundable(payment_type=deal.payment_type)
        body = {"refund_key": refund.key, "amount": refund.amount.amount, "reason": refund.reason[:255]}
        answer = self._ask("POST", self._address(refund.reference, "refund"), body)
        if answer.status == DUPLICATE:
            return self._refunded_before(refund)
        if answer.status >= 400:
            raise GatewayRefused(gateway_status=str(answer.status))
        return PaymentEvent(
            refund.reference, deal.transaction_id, Kind.REFUNDED, refund.amount, clock.now(), refund.key
        )

    def _refunded_before(self, refund: Refund) -> PaymentEvent:
        for fact in self.fetch(refund.reference):
            if (fact.kind, fact.key) == (Kind.REFUNDED, refund.key):
                return fact
        raise GatewayRefused(gateway_status=str(DUPLICATE))

    def _start_snap(self, charge: Charge) -> Started:
        answer = self._ask("POST", f"{self._snap}/transactions", _snap_charge(charge), _once_only(charge))
        if answer.status >= 400:
            raise GatewayRefused(gateway_status=str(answer.status))
        url = answer.body.get("redirect_url")
        if not isinstance(url, str):
            raise _unreadable()
        return Started("", RedirectStep(url=url))

    def _next_step(self, deal: Transaction, known: tuple[PaymentEvent, ...]) -> NextStep:
        if not known:
            return _account_step(deal) or self._screen_step(deal) or RetryStep(reason="step_lost")
        if UNDER_WAY.isdisjoint(fact.kind for fact in known):
            return RetryStep(reason=deal.transaction_status)
        return NoStep()

    def _screen_step(self, deal: Transaction) -> NextStep | None:
        deeplink = deal.action("deeplink-redirect")
        picture = deal.action("generate-qr-code")
        if deal.payment_type in ("qris", "gopay") and picture is None:
            picture = f"{self._api}/v2/{deal.payment_type}/{quote(deal.transaction_id, safe='')}/qr-code"
        if deal.payment_type == "credit_card" and deal.redirect_url:
            return RedirectStep(url=deal.redirect_url)
        if deeplink:
            return AppStep(deeplink=deeplink, image_url=picture)
        return QrStep(image_url=picture, content=deal.qr_string) if picture else None

    def _look_up(self, reference: str) -> Transaction | None:
        answer = self._ask("GET", self._address(reference, "status"))
        if answer.status == NOT_FOUND:
            return None
        if answer.status >= 400 and answer.status != EXPIRED:
            raise Upstream(partner="midtrans", partner_status=answer.status)
        return _transaction(answer, reference)

    def _address(self, reference: str, what: str) -> str:
        return f"{self._api}/v2/{quote(reference, safe='')}/{what}"

    def _ask(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> client.Reply:
        """Midtrans' answer, its status the worse of HTTP's and the body's: errors come with HTTP 200 as well.

        Each call may be repeated: an order_id or a refund_key is used once, the others only repeat what they did.
        """
        key = secrets.get("midtrans-server-key")
        if not key:
            raise Upstream("Midtrans is switched off: its server key is not set.", partner="midtrans")
        basic = base64.b64encode(f"{key}:".encode()).decode()
        sent = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Authorization": f"Basic {basic}",
            **(headers or {}),
        }
        reply = client.call(method, url, headers=sent, body=body, repeatable=True, patience=self._patience)
        status = max(reply.status, _status_code(reply))
        same_is_running = reply.status == 202 and "transaction_status" not in reply.body
        if status in OURS_TO_MEND or status >= 500 or same_is_running:
            raise Upstream(partner="midtrans", partner_status=status)
        return client.Reply(status, reply.body)


def _check(charge: Charge) -> None:
    if charge.method not in Midtrans.methods:
        raise UnknownMethod(methods=sorted(Midtrans.methods))
    if charge.method == "card" and not charge.token:
        raise Invalid.field(
            "/payment/token", "A card is charged by the token that Midtrans' script made of it."
        )
    if charge.amount.currency != "IDR":
        raise GatewayRefused("Midtrans takes rupiah only.", currency=charge.amount.currency)


def _once_only(charge: Charge) -> dict[str, str]:
    """Hashed, because Midtrans ignores a key of more than 46 characters without a word."""
    return {"Idempotency-Key": hashlib.sha256(f"charge {charge.reference}".encode()).hexdigest()[:46]}


def _core_charge(charge: Charge) -> dict[str, Any]:
    begin, minutes = _window(charge)
    body = {
        **PAYMENTS[charge.method],
        **_order(charge),
        "custom_expiry": {"order_time": begin, "expiry_duration": minutes, "unit": "minute"},
    }
    if charge.method == "card":
        body["credit_card"] = {"token_id": charge.token, "authentication": True}
    elif charge.method == "mandiri_bill":
        body["echannel"] = {"bill_info1": "Pembayaran", "bill_info2": charge.reference}
    return body


def _snap_charge(charge: Charge) -> dict[str, Any]:
    begin, minutes = _window(charge)
    expiry = {"start_time": begin, "unit": "minutes", "duration": minutes}
    return {**_order(charge), "credit_card": {"secure": True}, "expiry": expiry}


def _order(charge: Charge) -> dict[str, Any]:
    items = [
        {
            "id": item.id[:50],
            "price": item.price.amount,
            "quantity": item.quantity,
            "name": item.name[:50],
        }
        for item in charge.items
    ]
    payer = charge.customer
    return {
        "transaction_details": {"order_id": charge.reference, "gross_amount": charge.amount.amount},
        "item_details": items,
        "customer_details": {"first_name": payer.name, "email": payer.email, "phone": payer.phone},
    }


def _window(charge: Charge) -> tuple[str, int]:
    """A beginning and whole minutes that end at the second ``expires_at``; an order_time just past is allowed."""
    minutes = max(1, -((clock.now() - charge.expires_at) // timedelta(minutes=1)))
    begin = (charge.expires_at - timedelta(minutes=minutes)).astimezone(GMT7)
    return begin.strftime("%Y-%m-%d %H:%M:%S %z"), minutes


def _status_code(reply: client.Reply) -> int:
    code = reply.body.get("status_code", reply.status)
    if isinstance(code, str) and re.fullmatch("[0-9]{3}", code):
        return int(code)
    if isinstance(code, int):
        return code
    raise _unreadable()


def _transaction(answer: client.Reply, reference: str) -> Transaction:
    try:
        deal = msgspec.convert(answer.body, Transaction)
    except ValueError as error:
        raise _unreadable() from error
    if deal.order_id != reference:
        raise _unreadable()
    return deal


def _unreadable() -> Upstream:
    return Upstream("Midtrans' answer could not be read.", partner="midtrans")


def _account_step(deal: Transaction) -> NextStep | None:
    if deal.permata_va_number:
        return VirtualAccountStep(bank="permata", number=deal.permata_va_number)
    if deal.va_numbers:
        return VirtualAccountStep(bank=deal.va_numbers[0].bank, number=deal.va_numbers[0].va_number)
    if deal.biller_code and deal.bill_key:
        return BillStep(biller_code=deal.biller_code, bill_key=deal.bill_key)
    return None


def _facts(deal: Transaction) -> list[PaymentEvent]:
    """What a transaction's present status says has happened. Card capture, then settlement: one CAPTURED."""
    kind = _kind(deal)
    at = deal.settlement_time if kind is Kind.CAPTURED and deal.settlement_time else deal.transaction_time
    return [_fact(deal, kind, deal.gross_amount, at), *_given_back(deal)]


def _kind(deal: Transaction) -> Kind:
    if deal.transaction_status == "capture":
        kind = KINDS_OF_CAPTURE.get(deal.fraud_status)
    else:
        kind = KINDS.get(deal.transaction_status)
    if kind is None:
        logger.warning(
            "midtrans status unknown",
            reference=deal.order_id,
            transaction_status=deal.transaction_status,
            fraud_status=deal.fraud_status,
        )
        return Kind.INFO
    return kind


def _given_back(deal: Transaction) -> Iterator[PaymentEvent]:
    """Refunds and chargebacks. Each refund has a key (Midtrans makes one up), so a chargeback is what has none."""
    if deal.transaction_status in REFUNDS:
        if not deal.refunds:
            raise _unreadable()
        yield from (_entry(deal, Kind.REFUNDED, entry) for entry in deal.refunds)
    elif deal.transaction_status in CHARGEBACKS:
        yield from (_entry(deal, Kind.REFUNDED, entry) for entry in deal.refunds if entry.refund_key)
        disputes = [entry for entry in deal.refunds if not entry.refund_key] or [_dispute(deal)]
        yield from (_entry(deal, Kind.CHARGEBACK, entry) for entry in disputes)


def _dispute(deal: Transaction) -> GivenBack:
    amount = deal.gross_amount if deal.transaction_status == "chargeback" else deal.refund_amount
    if amount is None:
        raise _unreadable()
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
        raise _unreadable() from error


def _notification(raw: bytes) -> Notification:
    try:
        return msgspec.convert(client.read_object(raw, LARGEST_NOTIFICATION), Notification)
    except ValueError as error:
        raise Malformed("The notification could not be read.") from error


def _signature_keys() -> list[str]:
    current = secrets.get("midtrans-signature-key") or secrets.get("midtrans-server-key")
    return [key for key in (current, secrets.get("midtrans-signature-key-next")) if key]


def _is_signed(signature: str, signed: str, key: str) -> bool:
    return signature.isascii() and crypto.matches(
        signature, hashlib.sha512(f"{signed}{key}".encode()).hexdigest()
    )
