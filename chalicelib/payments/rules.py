"""Payments as values, and the fold: what a set of facts comes to. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from chalicelib.core.money import Money
from chalicelib.events.payments import Standing
from chalicelib.payments.errors import WrongTransferAmount
from chalicelib.payments.gateways.port import Customer, Item, Kind, NextStep, PaymentEvent, TransferStep
from chalicelib.payments.states import (
    OPEN_ATTEMPTS,
    AttemptState,
    MessageState,
    PaymentStatus,
    RefundState,
    TransactionState,
    transaction_state,
)

TRANSFER: Final = "transfer"
"""The gateway whose facts are written by staff."""

MOST_ATTEMPTS: Final = 50

FactId = tuple[str, str, Kind, str]


@dataclass(frozen=True, slots=True)
class PaymentChoice:
    """How a buyer wants to pay. ``token`` is a card token of the gateway's own script, where it wants one."""

    gateway: str
    method: str
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is paid for and by whom, as a gateway's receipt wants it."""

    items: tuple[Item, ...]
    customer: Customer


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to pay; ``reference`` is what the gateway calls it."""

    payment_id: str
    order_id: str
    number: int
    reference: str
    gateway: str
    method: str
    amount: Money
    state: AttemptState
    next_step: NextStep | None
    expires_at: datetime
    token: str | None = field(default=None, repr=False)
    """What the gateway needs to be asked with; forgotten once it has been asked."""
    proof: str | None = None
    """Where the buyer may have put a picture of the transfer."""

    @property
    def is_open(self) -> bool:
        """True while it can still be paid."""
        return self.state in OPEN_ATTEMPTS

    @property
    def expected(self) -> Money:
        """What is to arrive: for a transfer, the unique code's rupiah too."""
        return self.next_step.amount if isinstance(self.next_step, TransferStep) else self.amount

    @property
    def code(self) -> int | None:
        """The unique code of a transfer."""
        return self.next_step.unique_code if isinstance(self.next_step, TransferStep) else None


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to a transaction, kept for good. ``surplus`` arrived with it, but was not owed."""

    gateway: str
    reference: str
    transaction_id: str
    kind: Kind
    key: str
    amount: Money
    occurred_at: datetime
    received_at: datetime
    source: str = ""
    """Where it stands to be read again: a message of the gateway's, a line of the bank's statement, or a look-up."""
    surplus: int = 0

    @property
    def id(self) -> FactId:
        """What makes it this fact and no other."""
        return self.gateway, self.transaction_id, self.kind, self.key

    @classmethod
    def of(cls, event: PaymentEvent, gateway: str, received_at: datetime, source: str, surplus: int = 0) -> "Fact":
        """What a gateway says, as a fact."""
        return cls(
            gateway=gateway,
            reference=event.reference,
            transaction_id=event.transaction_id,
            kind=event.kind,
            key=event.key,
            amount=event.amount,
            occurred_at=event.occurred_at,
            received_at=received_at,
            source=source,
            surplus=surplus,
        )


@dataclass(frozen=True, slots=True)
class Refund:
    """Money promised back."""

    id: str
    state: RefundState
    amount: Money
    reason: str
    lowers_payable: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What the facts come to."""

    captured: int = 0
    refunded: int = 0
    charged_back: int = 0
    authorized: int = 0
    """Reserved at buyers' banks and not captured yet."""
    is_reversed: bool = False
    """True if some transaction's money was taken back."""

    @property
    def net(self) -> int:
        """What is left of the money."""
        return self.captured - self.refunded - self.charged_back

    @property
    def is_possible(self) -> bool:
        """False if more went back than came in: never clamped, always alarmed."""
        return self.net >= 0 and self.refunded >= 0 and self.charged_back >= 0


@dataclass(frozen=True, slots=True)
class Ledger:
    """An order's money: what is due, what was promised back, and the fold of the facts."""

    order_id: str
    due: Money
    granted: int
    lowered: int
    """The part of ``granted`` that lowers what is payable: what the order no longer costs."""
    figures: Figures
    attempts: int
    version: int

    @property
    def payable(self) -> int:
        """What the order still costs, all in all."""
        return self.due.amount - self.lowered

    @property
    def missing(self) -> Money:
        """What is still to be paid."""
        return Money(max(0, self.payable - self.figures.net), self.due.currency)


@dataclass(frozen=True, slots=True)
class Books:
    """All that is kept of an order's payments, as read at one moment."""

    ledger: Ledger
    attempts: tuple[Attempt, ...] = ()
    facts: tuple[Fact, ...] = ()
    refunds: tuple[Refund, ...] = ()
    flags: frozenset[str] = frozenset()

    def attempt(self, reference: str, gateway: str) -> Attempt | None:
        """The try that ``gateway`` knows by ``reference``."""
        found = (each for each in self.attempts if each.reference == reference and each.gateway == gateway)
        return next(found, None)


@dataclass(frozen=True, slots=True)
class Account:
    """An order's payments, to be looked at."""

    standing: Standing
    attempts: tuple[Attempt, ...]
    facts: tuple[Fact, ...]
    refunds: tuple[Refund, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What a partner posted: whom it is about, and how far it has come. The raw bytes are kept beside it."""

    id: str
    gateway: str
    notices: tuple[tuple[str, str], ...]
    """The reference and the gateway's transaction id of each thing it speaks of."""
    received_at: datetime
    state: MessageState
    reason: str = ""

    @property
    def about(self) -> str | None:
        """The order that it speaks of first."""
        return next((order for order in map(order_of, dict(self.notices)) if order), None)


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many messages wait to be understood, and how many are put aside for somebody to look at."""

    parked: int
    quarantined: int


def fold(facts: Iterable[Fact]) -> Figures:
    """What a set of facts comes to; neither their order nor repeats matter."""
    by_id = {fact.id: fact for fact in facts}
    by_transaction: dict[tuple[str, str], list[Fact]] = {}
    for fact in by_id.values():
        by_transaction.setdefault((fact.gateway, fact.transaction_id), []).append(fact)
    states = {each: transaction_state({fact.kind for fact in told}) for each, told in by_transaction.items()}

    def in_state(state: TransactionState) -> list[Fact]:
        return [fact for each, told in by_transaction.items() if states[each] is state for fact in told]

    return Figures(
        captured=_sum(in_state(TransactionState.CAPTURED), Kind.CAPTURED),
        refunded=_sum(by_id.values(), Kind.REFUNDED) - _sum(by_id.values(), Kind.REFUND_REVERSED),
        charged_back=_sum(by_id.values(), Kind.CHARGEBACK) - _sum(by_id.values(), Kind.CHARGEBACK_REVERSED),
        authorized=_sum(in_state(TransactionState.AUTHORIZED), Kind.AUTHORIZED),
        is_reversed=TransactionState.REVERSED in states.values(),
    )


def status(figures: Figures, *, total: int, payable: int) -> PaymentStatus:
    """How an order's money stands: the first row of domain.md 5.2 that fits."""
    net = figures.net
    rows: tuple[tuple[bool, PaymentStatus], ...] = (
        ((figures.is_reversed or figures.charged_back > 0) and net < payable, PaymentStatus.REVERSED),
        (figures.refunded > 0 and net == 0, PaymentStatus.REFUNDED),
        (figures.refunded > 0 and 0 < net < total, PaymentStatus.PARTIALLY_REFUNDED),
        (net > payable, PaymentStatus.OVERPAID),
        (net == payable, PaymentStatus.PAID),
        (0 < net < payable, PaymentStatus.PARTIALLY_PAID),
        (figures.authorized >= payable, PaymentStatus.AUTHORIZED),
    )
    return next((status for fits, status in rows if fits), PaymentStatus.UNPAID)


def standing(ledger: Ledger) -> Standing:
    """The ledger as others see it."""
    figures = ledger.figures
    return Standing(
        status=status(figures, total=ledger.due.amount, payable=ledger.payable),
        captured=figures.captured,
        refunded=figures.refunded,
        charged_back=figures.charged_back,
        granted=ledger.granted,
        net=figures.net,
        payable=ledger.payable,
        currency=ledger.due.currency,
        version=ledger.version,
    )


def refundable(standing: Standing) -> int:
    """What may still be promised back: what came in and was neither taken back, paid back nor promised."""
    return standing.captured - standing.charged_back - max(standing.granted, standing.refunded)


def reference(order_id: str, number: int) -> str:
    """What gateways call an order's ``number``-th try."""
    return f"{order_id}-{number}"


def order_of(reference: str) -> str | None:
    """The order that a reference names; None for a text that is no reference of ours."""
    order_id, _, number = reference.rpartition("-")
    return order_id if order_id and number.isdecimal() else None


def settled(attempt: Attempt, arrived: Money, *, accept_difference: bool) -> tuple[Money, int]:
    """What a transfer counts as, and the surplus that was not owed: the unique code's rupiah.

    Raises WrongTransferAmount unless exactly what was asked for arrived, or the difference is accepted: then it counts
    as what it is.
    """
    if arrived == attempt.expected:
        return attempt.amount, arrived.amount - attempt.amount.amount
    if not accept_difference or arrived.currency != attempt.amount.currency or arrived.amount <= 0:
        raise WrongTransferAmount(expected=msgspec.to_builtins(attempt.expected))
    return arrived, 0


def is_decided(attempt: Attempt, facts: Iterable[Fact]) -> bool:
    """True if it was rejected, or its money was recorded. A transfer that comes after its order ended can be both."""
    seen = by_reference(facts).get(attempt.reference, frozenset())
    return attempt.state is AttemptState.FAILED or Kind.CAPTURED in seen


def receipt(purchase: Purchase, amount: Money) -> tuple[Item, ...]:
    """The items of a charge, which must sum to it: one line where only the rest is asked for."""
    asked = sum(item.price.amount * item.quantity for item in purchase.items)
    return purchase.items if asked == amount.amount else (Item("REMAINDER", "Sisa pembayaran", amount, 1),)


def by_reference(facts: Iterable[Fact]) -> Mapping[str, frozenset[Kind]]:
    """The kinds of ``facts`` by whose they are."""
    found: dict[str, set[Kind]] = {}
    for fact in facts:
        found.setdefault(fact.reference, set()).add(fact.kind)
    return {each: frozenset(kinds) for each, kinds in found.items()}


def _sum(facts: Iterable[Fact], kind: Kind) -> int:
    return sum(fact.amount.amount for fact in facts if fact.kind is kind)
