"""A payment gateway in memory: keeps its own book, signs what it posts, and can be down, slow or unwilling."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from chalicelib.core import client
from chalicelib.core.errors import Malformed, UpstreamTimeout
from chalicelib.core.money import Money
from chalicelib.payments.errors import BadSignature, GatewayRefused
from chalicelib.payments.gateways.port import (
    Charge,
    Kind,
    NextStep,
    Notice,
    PaymentEvent,
    Refund,
    Started,
    VirtualAccountStep,
)

SECRET = b"a-secret-of-the-fake"
AT = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
ENDED = {Kind.CAPTURED, Kind.DENIED, Kind.VOIDED, Kind.EXPIRED}


class FakeGateway:
    """``book`` holds what happened to each reference; tests write into it with ``happens``."""

    methods = frozenset({"va", "card"})
    methods_by_token: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.book: dict[str, list[PaymentEvent]] = {}
        self.charges: dict[str, Charge] = {}
        self.cancelled: list[str] = []
        self.calls: list[str] = []
        self.step: NextStep = VirtualAccountStep(bank="bca", number="1234567890")
        self.is_down = False
        self.loses_answers = False
        self.refuses = False
        self.tells_at_once = False

    def start(self, charge: Charge) -> Started:
        self._answer("start")
        if self.refuses:
            raise GatewayRefused(gateway_status="400")
        self.charges.setdefault(charge.reference, charge)
        self.book.setdefault(charge.reference, [])
        if self.loses_answers:
            raise UpstreamTimeout()
        events = self.book[charge.reference] if self.tells_at_once else []
        return Started(transaction_id(charge.reference), self.step, tuple(events))

    def read_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[Notice]:
        try:
            about = client.read_object(raw)
            notices = [Notice(reference, transaction_id(reference)) for reference in about["references"]]
        except (ValueError, KeyError, TypeError) as error:
            raise Malformed() from error
        if not hmac.compare_digest(headers.get("x-signature", ""), _signature(raw)):
            raise BadSignature()
        return notices

    def fetch(self, reference: str) -> list[PaymentEvent]:
        self._answer("fetch")
        return list(self.book.get(reference, []))

    def cancel(self, reference: str) -> None:
        self._answer("cancel")
        self.cancelled.append(reference)
        events = self.book.get(reference)
        if events is not None and not ENDED & {event.kind for event in events}:
            self.happens(reference, Kind.VOIDED)

    def refund(self, refund: Refund) -> PaymentEvent:
        self._answer("refund")
        return self.happens(refund.reference, Kind.REFUNDED, refund.amount.amount, key=refund.key)

    def happens(
        self, reference: str, kind: Kind, amount: int | None = None, *, currency: str = "IDR", key: str = ""
    ) -> PaymentEvent:
        """Something happens at the gateway; without ``amount`` it is of what was charged."""
        money = self.charges[reference].amount if amount is None else Money(amount, currency)
        event = PaymentEvent(reference, transaction_id(reference), kind, money, AT, key)
        self.book.setdefault(reference, []).append(event)
        return event

    def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.is_down:
            raise UpstreamTimeout()


def transaction_id(reference: str) -> str:
    """What the fake calls its transaction."""
    return f"txn-{reference}"


def posted(*references: str, **more: object) -> tuple[bytes, dict[str, str]]:
    """The body and headers of a webhook about ``references``, signed."""
    raw = json.dumps({"references": references, **more}).encode()
    return raw, {"x-signature": _signature(raw), "authorization": "Bearer nobody's business"}


def _signature(raw: bytes) -> str:
    return hmac.new(SECRET, raw, hashlib.sha256).hexdigest()
