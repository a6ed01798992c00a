"""What Laris asks of a payment gateway, in Laris' own words; one adapter per partner speaks the partner's."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from chalicelib.core.money import Money

LARGEST_CODE: Final = 999
"""Of the rupiah added to a transfer, so that its amount is its own."""


class Kind(StrEnum):
    """What can happen to a gateway's transaction (after Saleor's transaction events)."""

    CHALLENGED = "challenged"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    DENIED = "denied"
    VOIDED = "voided"
    EXPIRED = "expired"
    ATTEMPT_FAILED = "attempt_failed"
    REFUND_REQUESTED = "refund_requested"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    REFUND_REVERSED = "refund_reversed"
    CHARGEBACK = "chargeback"
    CHARGEBACK_REVERSED = "chargeback_reversed"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class PaymentEvent:
    """One fact about one transaction, as the gateway itself says it.

    ``reference`` is what we called the attempt. ``key`` tells several facts of one kind apart: a refund key, a capture
    or chargeback id; empty where there can be only one. Same (transaction_id, kind, key) means the same fact.
    """

    reference: str
    transaction_id: str
    kind: Kind
    amount: Money
    occurred_at: datetime
    key: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A webhook that was verified: about which attempt it speaks. What happened is asked of the gateway itself."""

    reference: str
    transaction_id: str


@dataclass(frozen=True, slots=True)
class Item:
    """A line for the gateway's receipt; negative for a discount. The items of a charge sum to its amount."""

    id: str
    name: str
    price: Money
    quantity: int


@dataclass(frozen=True, slots=True)
class Customer:
    """Who pays, as gateways want it."""

    name: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class Charge:
    """What to ask of the buyer. ``reference`` is unique per attempt: asking twice asks once."""

    reference: str
    amount: Money
    method: str
    items: tuple[Item, ...]
    customer: Customer
    expires_at: datetime
    token: str | None = None
    """A card token made by the gateway's own script in the buyer's browser; no card number ever comes here."""


@dataclass(frozen=True, slots=True)
class Refund:
    """What to give back. ``key`` is unique per refund: asking twice gives back once."""

    key: str
    reference: str
    amount: Money
    reason: str


class Step(msgspec.Struct, frozen=True, tag_field="kind", kw_only=True):
    """What the buyer does next; ``kind`` says which of these it is."""


class VirtualAccountStep(Step, tag="virtual_account", frozen=True, kw_only=True):
    """Transfer to this account number of the bank; the bank knows the amount."""

    bank: str
    number: str


class BillStep(Step, tag="bill", frozen=True, kw_only=True):
    """Pay the bill at a Mandiri channel under these two numbers."""

    biller_code: str
    bill_key: str


class QrStep(Step, tag="qr", frozen=True, kw_only=True):
    """Scan the picture at ``image_url`` with any QRIS app; ``content`` is the code itself where it was given."""

    image_url: str
    content: str | None = None


class AppStep(Step, tag="app", frozen=True, kw_only=True):
    """Open the wallet by ``deeplink`` on a phone, or scan the picture from another screen."""

    deeplink: str
    image_url: str | None = None


class RedirectStep(Step, tag="redirect", frozen=True, kw_only=True):
    """Go to this page of the gateway (3-D Secure, or its own choice of methods)."""

    url: str


class BankAccount(msgspec.Struct, frozen=True):
    """An account of the shop's."""

    bank: str
    number: str
    holder: str


class TransferStep(Step, tag="transfer", frozen=True, kw_only=True):
    """Transfer exactly ``amount`` to one of the accounts: its last digits (``unique_code``) tell whose it is."""

    amount: Money
    unique_code: int
    accounts: tuple[BankAccount, ...]


class NoStep(Step, tag="none", frozen=True, kw_only=True):
    """Nothing: the gateway took the money at once, or wants no more of the buyer."""


class RetryStep(Step, tag="retry", frozen=True, kw_only=True):
    """The gateway could not be asked, or refused; the order stands. Start another payment for it."""

    reason: str


NextStep = VirtualAccountStep | BillStep | QrStep | AppStep | RedirectStep | TransferStep | NoStep | RetryStep


@dataclass(frozen=True, slots=True)
class Started:
    """What a gateway answered to a charge: its own id for it, what the buyer does next, and facts already known."""

    transaction_id: str
    next_step: NextStep
    events: tuple[PaymentEvent, ...] = ()


class Gateway(Protocol):
    """A payment partner. Every method may raise Upstream or UpstreamTimeout (the effect is then unknown)."""

    methods: frozenset[str]
    """The methods a buyer may choose."""
    methods_by_token: frozenset[str]
    """Those of them that need ``Charge.token``."""

    def start(self, charge: Charge) -> Started:
        """Ask for the money. Idempotent by ``charge.reference``. Raises GatewayRefused if the partner says no."""

    def read_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[Notice]:
        """Verify a webhook over its raw bytes and say whom it is about.

        Raises Malformed if it cannot be read and BadSignature if it is not the partner's. ``headers`` are lower-case.
        """

    def fetch(self, reference: str) -> list[PaymentEvent]:
        """The truth about an attempt as the partner tells it now; empty if the partner knows no such attempt."""

    def cancel(self, reference: str) -> None:
        """End an attempt that is not paid, so that it can no longer be; no error if it has ended already."""

    def refund(self, refund: Refund) -> PaymentEvent:
        """Give money back. Idempotent by ``refund.key``. Raises GatewayRefused, NotRefundable."""
