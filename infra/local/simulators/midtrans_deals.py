"""A Midtrans transaction, how it may go on, and how Midtrans writes it down.

From memory only: the shape of a chargeback and the wording of status messages.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from infra.local.simulators.controls import Wish

GMT7: Final = timezone(timedelta(hours=7))
MERCHANT: Final = "G000000001"

REFUNDABLE: Final = frozenset({"credit_card", "gopay", "shopeepay", "qris"})
ALL_OR_NOTHING: Final = frozenset({"shopeepay"})
"""Refunded in full only."""

CODES: Final[Mapping[str, str]] = {"pending": "201", "challenge": "201", "deny": "202", "expire": "202"}
"""Of notifications, where it is not 200."""

MOVES: Final[Mapping[str, frozenset[str]]] = {
    "settle": frozenset({"pending", "capture"}),
    "capture": frozenset({"pending", "challenge"}),
    "challenge": frozenset({"pending", "capture"}),
    "deny": frozenset({"pending", "challenge", "capture", "settlement"}),
    "expire": frozenset({"pending"}),
    "cancel": frozenset({"pending", "challenge", "capture"}),
    "refund": frozenset({"settlement", "partial_refund"}),
    "chargeback": frozenset({"settlement", "partial_refund"}),
}
"""From which stages; deny after settlement is the reversal that Midtrans documents."""

CARDS_ONLY: Final = frozenset({"capture", "challenge", "chargeback"})
PAYING: Final = frozenset({"settle", "capture"})
GIVING_BACK: Final = frozenset({"refund", "chargeback"})


@dataclass(slots=True)
class GivenBack:
    """An entry of ``refunds``; one without a key is a chargeback."""

    number: int
    amount: int
    at: datetime
    key: str | None = None
    reason: str | None = None
    confirmed_at: datetime | None = None


@dataclass(slots=True)
class Deal:
    """A transaction, or a Snap page on which nothing was chosen yet: then without ``payment_type`` and ``status``.

    ``details`` is told wherever the transaction is told, ``steps`` only in the answer to its charge. ``due`` is when
    it expires by itself.
    """

    order_id: str
    asked: int
    opened_at: datetime
    amount: int
    token: str = ""
    transaction_id: str = ""
    payment_type: str = ""
    status: str = ""
    fraud: str = "accept"
    expires_at: datetime | None = None
    due: datetime | None = None
    settled_at: datetime | None = None
    details: dict[str, Any] = field(default_factory=dict)
    steps: dict[str, Any] = field(default_factory=dict)
    given_back: list[GivenBack] = field(default_factory=list)

    @property
    def stage(self) -> str:
        """The status, with a capture under review told apart."""
        return "challenge" if (self.status, self.fraud) == ("capture", "challenge") else self.status

    @property
    def is_card(self) -> bool:
        """Whether a card is charged."""
        return self.payment_type == "credit_card"

    @property
    def returned(self) -> int:
        """What went back to the buyer."""
        return sum(each.amount for each in self.given_back)

    def allows(self, action: str) -> bool:
        """Whether ``action`` is possible now."""
        if action in CARDS_ONLY and not self.is_card:
            return False
        if action == "refund" and self.payment_type not in REFUNDABLE:
            return False
        return self.stage in MOVES[action]


def settle(deal: Deal, wish: Wish, at: datetime) -> Iterator[None]:
    """The money arrives, of a card after its capture. Like every move it yields where Midtrans notifies."""
    if deal.is_card and deal.stage != "capture":
        yield from capture(deal, wish, at)
    _pay(deal, wish, at)
    deal.status, deal.fraud, deal.settled_at = "settlement", "accept", at
    yield


def capture(deal: Deal, wish: Wish, at: datetime) -> Iterator[None]:
    """The card is charged, or the fraud desk accepts what it had held."""
    _pay(deal, wish, at)
    deal.status, deal.fraud = "capture", "accept"
    yield


def challenge(deal: Deal, wish: Wish, at: datetime) -> Iterator[None]:
    """The card is charged, and the fraud desk wants to look at it."""
    _pay(deal, wish, at)
    deal.status, deal.fraud = "capture", "challenge"
    yield


def deny(deal: Deal) -> Iterator[None]:
    """The bank or the fraud desk says no, or what was settled is reversed."""
    deal.fraud = "deny" if deal.stage == "challenge" else deal.fraud
    deal.status = "deny"
    yield


def end(deal: Deal, status: str) -> Iterator[None]:
    """``cancel`` or ``expire``."""
    deal.status = status
    yield


def give_back(deal: Deal, given: GivenBack) -> Iterator[None]:
    """A refund: it is notified twice, the second time with the bank's confirmation."""
    deal.given_back.append(given)
    deal.status = "refund" if deal.returned >= deal.amount else "partial_refund"
    yield
    given.confirmed_at = given.at
    yield


def take_back(deal: Deal, given: GivenBack) -> Iterator[None]:
    """A chargeback by the card's bank."""
    deal.given_back.append(given)
    deal.status = "chargeback" if deal.returned >= deal.amount else "partial_chargeback"
    yield


def signature(order_id: str, status_code: str, gross_amount: str, server_key: str) -> str:
    """Midtrans' signature_key: SHA-512 of the four, one after the other."""
    return hashlib.sha512(f"{order_id}{status_code}{gross_amount}{server_key}".encode()).hexdigest()


def money(amount: int) -> str:
    """As Midtrans writes rupiah: "44000.00"."""
    return f"{amount}.00"


def local(moment: datetime) -> str:
    """As Midtrans writes times: Jakarta's, without saying so."""
    return moment.astimezone(GMT7).strftime("%Y-%m-%d %H:%M:%S")


def notification(deal: Deal, server_key: str) -> dict[str, Any]:
    """What Midtrans posts about the transaction as it is now."""
    return _signed(deal, CODES.get(deal.stage, "200"), "midtrans payment notification", server_key)


def told(deal: Deal, server_key: str) -> dict[str, Any]:
    """The answer to ``GET status``."""
    code = "407" if deal.status == "expire" else CODES.get(deal.stage, "200")
    return _signed(deal, code, "Success, transaction is found", server_key)


def charged(deal: Deal) -> dict[str, Any]:
    """The answer to a charge."""
    what = deal.payment_type.replace("_", " ").title()
    message = f"Success, {what} transaction is created"
    if deal.status == "deny":
        message = "Deny by Bank with code [05] and message [Do not honour]"
    return changed(deal, CODES.get(deal.stage, "200"), message) | deal.steps


def changed(deal: Deal, code: str, message: str) -> dict[str, Any]:
    """The answer to a call that changed the transaction."""
    return {"status_code": code, "status_message": message, **_facts(deal)}


def _signed(deal: Deal, code: str, message: str, server_key: str) -> dict[str, Any]:
    facts = changed(deal, code, message)
    return facts | {"signature_key": signature(deal.order_id, code, facts["gross_amount"], server_key)}


def _facts(deal: Deal) -> dict[str, Any]:
    facts = {
        "transaction_id": deal.transaction_id,
        "order_id": deal.order_id,
        "merchant_id": MERCHANT,
        "gross_amount": money(deal.amount),
        "currency": "IDR",
        "payment_type": deal.payment_type,
        "transaction_time": local(deal.opened_at),
        "transaction_status": deal.status,
        "fraud_status": deal.fraud,
        **deal.details,
    }
    if deal.expires_at:
        facts["expiry_time"] = local(deal.expires_at)
    if deal.settled_at:
        facts["settlement_time"] = local(deal.settled_at)
    if deal.given_back:
        facts["refund_amount"] = money(deal.returned)
        facts["refunds"] = [_entry(given) for given in deal.given_back]
    return facts


def _entry(given: GivenBack) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "refund_chargeback_id": given.number,
        "refund_amount": money(given.amount),
        "created_at": local(given.at),
        "reason": given.reason or "",
    }
    if given.key:
        entry |= {"refund_key": given.key, "refund_method": "Payment Provider"}
    if given.confirmed_at:
        entry["bank_confirmed_at"] = local(given.confirmed_at)
    return entry


def _pay(deal: Deal, wish: Wish, at: datetime) -> None:
    """Note what was paid, and what is known only of a payment."""
    deal.amount = wish.amount or deal.amount
    match deal.payment_type:
        case "bank_transfer" if any(each["bank"] == "bni" for each in deal.details.get("va_numbers", ())):
            deal.details["payment_amounts"] = [{"paid_at": local(at), "amount": money(deal.amount)}]
        case "qris":
            deal.details |= {"issuer": deal.details["acquirer"], "transaction_type": "on-us"}
        case "credit_card":
            deal.details |= {"approval_code": f"{int(at.timestamp()):010}"}
