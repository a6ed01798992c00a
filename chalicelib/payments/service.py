"""The door of payments: asking for an order's money, how it stands, and promising some of it back."""

from chalicelib.core import db, ids, outbox
from chalicelib.core.log import logger
from chalicelib.core.money import Money
from chalicelib.events.payments import RefundGranted, Standing
from chalicelib.payments import attempts, ledger, rules
from chalicelib.payments.attempts import SWITCHES, again, check, check_open, open, start  # noqa: A004 it is called payments.open
from chalicelib.payments.errors import RefundTooLarge
from chalicelib.payments.gateways.port import Customer, Item, NextStep
from chalicelib.payments.inbound import waiting
from chalicelib.payments.models.attempts import AttemptRow
from chalicelib.payments.models.books import LedgerRow, RefundRow
from chalicelib.payments.redaction import redact
from chalicelib.payments.rules import Account, Attempt, Fact, PaymentChoice, Purchase, Refund, Waiting
from chalicelib.payments.schemas import AskForProof, ProofUpload
from chalicelib.payments.states import RefundState
from chalicelib.payments.transfers import ask_for_proof

__all__ = [
    "SWITCHES",
    "Account",
    "AskForProof",
    "Attempt",
    "Customer",
    "Fact",
    "Item",
    "NextStep",
    "PaymentChoice",
    "ProofUpload",
    "Purchase",
    "Refund",
    "Standing",
    "Waiting",
    "again",
    "ask_for_proof",
    "check",
    "check_open",
    "open",
    "redact",
    "start",
    "waiting",
]


def lookup_attempt(order_id: str, number: int) -> "db.Lookup[Attempt | None]":
    """Reads an order's ``number``-th try to pay."""
    return AttemptRow.lookup(order_id, number)


def lookup_standing(order_id: str) -> db.Lookup[Standing]:
    """Reads how an order's money stands. Raises PaymentNotFound."""
    row = LedgerRow.lookup(order_id)
    return db.Lookup(row.keys, lambda rows: rules.standing(row.build(rows)))


def standing(order_id: str) -> Standing:
    """How an order's money stands. Raises PaymentNotFound."""
    return db.look(lookup_standing(order_id))[0]


def refresh(order_id: str) -> Standing:
    """How an order's money stands after every gateway that may still be paid at was asked.

    Raises PaymentNotFound; Upstream or UpstreamTimeout if a gateway cannot be asked, so that it is not known.
    """
    return rules.standing(attempts.refresh(order_id).ledger)


def account(order_id: str) -> Account:
    """Everything about an order's money: tries, facts, refunds. Raises PaymentNotFound."""
    books = ledger.read(order_id)
    return Account(rules.standing(books.ledger), books.attempts, books.facts, books.refunds)


def guard(tx: db.Transaction, order_id: str, standing: Standing) -> None:
    """Let ``tx`` hold only if the money still stands like that; refused with WriteRefused."""
    LedgerRow.guard(tx, order_id, standing.version)


def refundable(standing: Standing) -> int:
    """What may still be promised back of an order's money."""
    return rules.refundable(standing)


def grant_refund(
    tx: db.Transaction,
    order_id: str,
    standing: Standing,
    amount: Money,
    reason: str,
    *,
    lowers_payable: bool,
) -> str:
    """Promise ``amount`` back in ``tx``; the refund's id.

    ``lowers_payable`` where the order costs less now; not so for money that was paid too much. Raises RefundTooLarge;
    refused with WriteRefused if the money has moved since ``standing``, so that no two can promise the same money.
    """
    if amount.currency != standing.currency or not 0 < amount.amount <= rules.refundable(standing):
        raise RefundTooLarge(refundable=rules.refundable(standing), currency=standing.currency)
    refund = Refund(ids.new("ref"), RefundState.GRANTED, amount, reason, lowers_payable)
    LedgerRow.grant(tx, order_id, standing.version, amount.amount, lowers_payable=lowers_payable)
    RefundRow.add(tx, order_id, refund)
    outbox.publish(tx, RefundGranted(order_id, refund.id, amount.amount, amount.currency, reason))
    logger.info("refund granted", order_id=order_id, refund_id=refund.id, reason=reason)
    return refund.id
