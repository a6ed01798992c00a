"""Midtrans: Core API (virtual accounts, bills, QRIS, wallets, cards) and Snap, its own payment page.

Sources: docs.midtrans.com and the vendor's SDK. From memory only, so to be tried first in the sandbox: the request
objects of ``echannel`` and ``shopeepay``, status 406 for a repeated order_id, the address of a QR picture where only
the transaction is known, and Snap's ``expiry``. A signature key of its own is community lore, hence optional.

Three things to know. An amount is an integer going out and "44000.00" coming in. ``signature_key`` covers order_id,
status_code and gross_amount, so a notification is a hint and only ``fetch`` tells what happened. And the durable
idempotency is the unique order_id: the Idempotency-Key header lives for five minutes.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta, timezone
from typing import Any, Final
from urllib.parse import quote

from chalicelib.core import client, clock, crypto, secrets
from chalicelib.core.config import settings
from chalicelib.core.errors import Invalid, Upstream
from chalicelib.payments.errors import BadSignature, GatewayRefused, NotRefundable, UnknownMethod
from chalicelib.payments.gateways.midtrans_answers import (
    Transaction,
    facts,
    read_notification,
    read_status,
    read_transaction,
    unreadable,
)
from chalicelib.payments.gateways.port import (
    AppStep,
    BillStep,
    Charge,
    Kind,
    NextStep,
    NoStep,
    Notice,
    PaymentEvent,
    QrStep,
    RedirectStep,
    Refund,
    RetryStep,
    Started,
    VirtualAccountStep,
)

GMT7: Final = timezone(timedelta(hours=7))

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
REFUNDABLE: Final = frozenset({"credit_card", "gopay", "shopeepay", "dana", "ovo", "qris", "kredivo", "akulaku"})

OPEN: Final = frozenset({Kind.INFO, Kind.AUTHORIZED, Kind.CHALLENGED})
UNDER_WAY: Final = frozenset({Kind.CAPTURED, Kind.AUTHORIZED, Kind.CHALLENGED})

GIVEN, PENDING, NOT_FOUND, DUPLICATE, EXPIRED, UNCHANGEABLE = 200, 201, 404, 406, 407, 412
OURS_TO_MEND: Final = frozenset({401, 403, 429})
"""A wrong key, a forbidden address, too many calls: nothing that another payment could help."""


class Midtrans:
    """The adapter. Its keys are looked up at each use: ``midtrans-server-key``, and for notifications
    ``midtrans-signature-key`` (the server key where it is not set) and, while keys change,
    ``midtrans-signature-key-next``."""

    methods = frozenset({*PAYMENTS, "snap"})
    methods_by_token = frozenset({"card"})

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

        Where only the first answer told the step (a card's 3-D Secure page, a wallet's deeplink), a look-up gives
        the wallet's QR picture or RetryStep. Snap has no look-up: its page is given again within five minutes, after
        that GatewayRefused; its transaction_id is empty, since there is none until the buyer has chosen a method.
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
        deal = read_transaction(answer.body, charge.reference)
        if deal.money(deal.gross_amount) != charge.amount:
            raise GatewayRefused("Midtrans holds another amount under this reference.", gateway_status=str(DUPLICATE))
        known = tuple(fact for fact in facts(deal) if fact.kind is not Kind.INFO)
        return Started(deal.transaction_id, self._next_step(deal, known), known)

    def read_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[Notice]:  # noqa: ARG002 none is signed
        """Whom a notification is about. The signature does not cover ``transaction_id``: believe the reference."""
        note = read_notification(raw)
        signed = f"{note.order_id}{note.status_code}{note.gross_amount}"
        if not any(_is_signed(note.signature_key, signed, key) for key in _signature_keys()):
            raise BadSignature
        return [Notice(note.order_id, note.transaction_id)]

    def fetch(self, reference: str) -> list[PaymentEvent]:
        """The truth by ``GET status``; empty also for a Snap page on which nothing has been chosen yet."""
        deal = self._look_up(reference)
        return [] if deal is None else facts(deal)

    def cancel(self, reference: str) -> None:
        """Cancel, or expire what Midtrans will not cancel.

        Looks first: Midtrans' cancel also voids a captured card payment, and money that came in is not dropped here.
        A Snap page on which nothing was chosen cannot be cancelled; it ends by its expiry.
        """
        deal = self._look_up(reference)
        if deal is None or OPEN.isdisjoint(fact.kind for fact in facts(deal)):
            return
        answer = self._ask("POST", self._address(reference, "cancel"), {})
        if answer.status == UNCHANGEABLE:
            answer = self._ask("POST", self._address(reference, "expire"), {})
        if answer.status >= 400 and answer.status not in (NOT_FOUND, EXPIRED, UNCHANGEABLE):
            raise Upstream(partner="midtrans", partner_status=answer.status)

    def refund(self, refund: Refund) -> PaymentEvent:
        """Give back under ``refund.key``. A card payment must have settled (the day after); until then 412.

        A refund that is neither given nor refused yet (201) is asked about again: then its key is looked up first.
        """
        deal = self._look_up(refund.reference)
        if deal is None:
            raise GatewayRefused(gateway_status=str(NOT_FOUND))
        if deal.payment_type not in REFUNDABLE:
            raise NotRefundable(payment_type=deal.payment_type)
        if before := _refunded(facts(deal), refund.key):
            return before
        body = {"refund_key": refund.key, "amount": refund.amount.amount, "reason": refund.reason[:255]}
        answer = self._ask("POST", self._address(refund.reference, "refund"), body)
        if answer.status == DUPLICATE and (meanwhile := _refunded(self.fetch(refund.reference), refund.key)):
            return meanwhile
        if answer.status == PENDING:
            raise Upstream(partner="midtrans", partner_status=PENDING)
        if answer.status != GIVEN:
            raise GatewayRefused(gateway_status=str(answer.status))
        at = clock.now()
        return PaymentEvent(refund.reference, deal.transaction_id, Kind.REFUNDED, refund.amount, at, refund.key)

    def _start_snap(self, charge: Charge) -> Started:
        answer = self._ask("POST", f"{self._snap}/transactions", _snap_charge(charge), _once_only(charge))
        if answer.status >= 400:
            raise GatewayRefused(gateway_status=str(answer.status))
        url = answer.body.get("redirect_url")
        if not isinstance(url, str):
            raise unreadable()
        return Started("", RedirectStep(url=url))

    def _next_step(self, deal: Transaction, known: tuple[PaymentEvent, ...]) -> NextStep:
        if not known:
            return _account_step(deal) or self._screen_step(deal) or RetryStep(reason="step_lost")
        if UNDER_WAY.isdisjoint(fact.kind for fact in known):
            return RetryStep(reason=deal.transaction_status)
        return NoStep()

    def _screen_step(self, deal: Transaction) -> NextStep | None:
        if deal.payment_type == "credit_card":
            return RedirectStep(url=deal.redirect_url) if deal.redirect_url else None
        deeplink, picture = deal.action("deeplink-redirect"), deal.action("generate-qr-code")
        if picture is None and deal.payment_type in ("qris", "gopay"):
            picture = f"{self._api}/v2/{deal.payment_type}/{quote(deal.transaction_id, safe='')}/qr-code"
        if deeplink is not None:
            return AppStep(deeplink=deeplink, image_url=picture)
        return QrStep(image_url=picture, content=deal.qr_string) if picture else None

    def _look_up(self, reference: str) -> Transaction | None:
        answer = self._ask("GET", self._address(reference, "status"))
        if answer.status == NOT_FOUND:
            return None
        if answer.status >= 400 and answer.status != EXPIRED:
            raise Upstream(partner="midtrans", partner_status=answer.status)
        return read_transaction(answer.body, reference)

    def _address(self, reference: str, what: str) -> str:
        return f"{self._api}/v2/{quote(reference, safe='')}/{what}"

    def _ask(
        self,
        method: str,
        url: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> client.Reply:
        """Midtrans' answer under its own status. Every call may be repeated: an order_id and a refund_key are used
        once, and cancelling twice cancels once."""
        sent = {"Accept": "application/json", "Content-Type": "application/json", **_basic(), **(headers or {})}
        reply = client.call(method, url, headers=sent, body=body, repeatable=True, patience=self._patience)
        status = read_status(reply)
        same_is_running = reply.status == 202 and "transaction_status" not in reply.body
        if status in OURS_TO_MEND or status >= 500 or same_is_running:
            raise Upstream(partner="midtrans", partner_status=status)
        return client.Reply(status, reply.body)


def _check(charge: Charge) -> None:
    if charge.method not in Midtrans.methods:
        raise UnknownMethod(methods=sorted(Midtrans.methods))
    if charge.method == "card" and not charge.token:
        raise Invalid.field("/payment/token", "A card is charged by the token that Midtrans' script made of it.")
    if charge.amount.currency != "IDR":
        raise GatewayRefused("Midtrans takes rupiah only.", currency=charge.amount.currency)


def _once_only(charge: Charge) -> dict[str, str]:
    """Hashed, because Midtrans ignores a key of more than 46 characters without a word."""
    return {"Idempotency-Key": hashlib.sha256(f"charge {charge.reference}".encode()).hexdigest()[:46]}


def _basic() -> dict[str, str]:
    key = secrets.get("midtrans-server-key")
    if not key:
        raise Upstream("Midtrans is switched off: its server key is not set.", partner="midtrans")
    return {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}


def _core_charge(charge: Charge) -> dict[str, Any]:
    begin, minutes = _window(charge)
    expiry = {"order_time": begin, "expiry_duration": minutes, "unit": "minute"}
    body = {**PAYMENTS[charge.method], **_order(charge), "custom_expiry": expiry}
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
    payer = charge.customer
    return {
        "transaction_details": {"order_id": charge.reference, "gross_amount": charge.amount.amount},
        "item_details": [
            {"id": item.id[:50], "price": item.price.amount, "quantity": item.quantity, "name": item.name[:50]}
            for item in charge.items
        ],
        "customer_details": {"first_name": payer.name, "email": payer.email, "phone": payer.phone},
    }


def _window(charge: Charge) -> tuple[str, int]:
    """A beginning and whole minutes that end at ``expires_at`` to the second: it may lie a little in the past."""
    minutes = max(1, -((clock.now() - charge.expires_at) // timedelta(minutes=1)))
    begin = (charge.expires_at - timedelta(minutes=minutes)).astimezone(GMT7)
    return begin.strftime("%Y-%m-%d %H:%M:%S %z"), minutes


def _account_step(deal: Transaction) -> NextStep | None:
    if deal.permata_va_number:
        return VirtualAccountStep(bank="permata", number=deal.permata_va_number)
    if deal.va_numbers:
        return VirtualAccountStep(bank=deal.va_numbers[0].bank, number=deal.va_numbers[0].va_number)
    if deal.biller_code and deal.bill_key:
        return BillStep(biller_code=deal.biller_code, bill_key=deal.bill_key)
    return None


def _refunded(known: Iterable[PaymentEvent], key: str) -> PaymentEvent | None:
    return next((fact for fact in known if (fact.kind, fact.key) == (Kind.REFUNDED, key)), None)


def _signature_keys() -> list[str]:
    current = secrets.get("midtrans-signature-key") or secrets.get("midtrans-server-key")
    return [key for key in (current, secrets.get("midtrans-signature-key-next")) if key]


def _is_signed(signature: str, signed: str, key: str) -> bool:
    return signature.isascii() and crypto.matches(signature, hashlib.sha512(f"{signed}{key}".encode()).hexdigest())
