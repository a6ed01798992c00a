"""What a gateway's report means for an order's books: what is new, moves, is said, does not fit. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from chalicelib.core.money import Money
from chalicelib.events.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentChallenged,
    PaymentFailed,
    PaymentRefunded,
    PaymentReversed,
    Standing,
)
from chalicelib.payments.gateways.port import Kind
from chalicelib.payments.rules import Books, Fact, Figures, Refund, by_reference, fold
from chalicelib.payments.states import (
    AttemptState,
    RefundState,
    TransactionState,
    attempt_after,
    refund_after,
    transaction_state,
)

News = PaymentAuthorized | PaymentCaptured | PaymentChallenged | PaymentFailed | PaymentRefunded | PaymentReversed

BY_KIND: Final[Mapping[Kind, type[News]]] = {
    Kind.REFUND_REQUESTED: PaymentRefunded,
    Kind.REFUNDED: PaymentRefunded,
    Kind.REFUND_FAILED: PaymentRefunded,
    Kind.REFUND_REVERSED: PaymentRefunded,
    Kind.CHARGEBACK: PaymentReversed,
    Kind.CHARGEBACK_REVERSED: PaymentCaptured,
    Kind.ATTEMPT_FAILED: PaymentFailed,
}
BY_STATE: Final[Mapping[TransactionState, type[News]]] = {
    TransactionState.REVIEW: PaymentChallenged,
    TransactionState.AUTHORIZED: PaymentAuthorized,
    TransactionState.CAPTURED: PaymentCaptured,
    TransactionState.REVERSED: PaymentReversed,
    TransactionState.VOIDED: PaymentFailed,
    TransactionState.EXPIRED: PaymentFailed,
    TransactionState.FAILED: PaymentFailed,
}


class Oddity(StrEnum):
    """How money can fail to fit. The first two are kept beside the books, never as money."""

    OTHER_AMOUNT = "same_fact_other_amount"
    WRONG_CURRENCY = "wrong_currency"
    WRONG_AMOUNT = "wrong_amount"
    WRONG_REFUND = "wrong_refund"
    REFUND_REVERSED = "refund_reversed"
    MORE_BACK_THAN_CAME = "refunded_more_than_captured"


@dataclass(frozen=True, slots=True)
class Flag:
    """A fact that does not fit, and how."""

    oddity: Oddity
    fact: Fact

    @property
    def id(self) -> str:
        """What makes it this flag: it is raised once."""
        return "#".join((self.oddity, *self.fact.id, self.fact.amount.currency, str(self.fact.amount.amount)))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is to be written to ``books``; ``figures`` is the fold of all facts."""

    books: Books
    new: tuple[Fact, ...]
    flags: tuple[Flag, ...]
    kept_out: Oddity | None
    """How something that was told did not fit, so that it is not in the books; said again, it is so again."""
    figures: Figures
    moves_money: bool
    """True if the ledger has to be written: INFO alone decides nothing."""
    attempts: Mapping[int, AttemptState]
    refunds: Mapping[str, RefundState]
    news: tuple[tuple[type[News], Fact], ...]


def judge(books: Books, told: Sequence[Fact]) -> Judgement:
    """What ``told`` adds to the books. A repeat adds nothing; what contradicts them is flagged and stays out."""
    new, kept_out = _sort(books, told)
    facts = (*books.facts, *new)
    figures = fold(facts)
    flags = [*kept_out, *_amounts_that_differ(books, new, facts), *_refunds_that_differ(books, new)]
    if books.ledger.figures.is_possible and not figures.is_possible:
        flags.append(Flag(Oddity.MORE_BACK_THAN_CAME, new[-1]))
    return Judgement(
        books=books,
        new=new,
        flags=tuple({flag.id: flag for flag in flags if flag.id not in books.flags}.values()),
        kept_out=kept_out[0].oddity if kept_out else None,
        figures=figures,
        moves_money=any(fact.kind is not Kind.INFO for fact in new),
        attempts=_attempt_moves(books, new),
        refunds=_refund_moves(books, new, facts),
        news=tuple(_news(books.facts, new)),
    )


def written(judgement: Judgement) -> Books:
    """The books once it is written."""
    books = judgement.books
    ledger = replace(books.ledger, figures=judgement.figures, version=books.ledger.version + int(judgement.moves_money))
    return replace(
        books,
        ledger=ledger,
        attempts=tuple(replace(each, state=judgement.attempts.get(each.number, each.state)) for each in books.attempts),
        facts=(*books.facts, *judgement.new),
        refunds=tuple(replace(each, state=judgement.refunds.get(each.id, each.state)) for each in books.refunds),
        flags=books.flags | {flag.id for flag in judgement.flags},
    )


def said(news: type[News], fact: Fact, order_id: str, standing: Standing) -> News:
    """The event that tells of ``fact``."""
    return news(
        order_id=order_id,
        gateway=fact.gateway,
        transaction_id=fact.transaction_id,
        kind=fact.kind,
        amount=fact.amount.amount,
        currency=fact.amount.currency,
        standing=standing,
    )


def _sort(books: Books, told: Sequence[Fact]) -> tuple[tuple[Fact, ...], list[Flag]]:
    known = {fact.id: fact for fact in books.facts}
    new: list[Fact] = []
    kept_out: list[Flag] = []
    for fact in told:
        before = known.get(fact.id)
        if fact.amount.currency != books.ledger.due.currency:
            kept_out.append(Flag(Oddity.WRONG_CURRENCY, fact))
        elif before is None:
            known[fact.id] = fact
            new.append(fact)
        elif before.amount != fact.amount:
            kept_out.append(Flag(Oddity.OTHER_AMOUNT, fact))
    return tuple(new), kept_out


def _amounts_that_differ(books: Books, new: Iterable[Fact], facts: Sequence[Fact]) -> list[Flag]:
    """Captures that do not come to what was asked for; they count as what they are."""
    flags = []
    for fact in new:
        attempt = books.attempt(fact.reference, fact.gateway)
        if fact.kind is not Kind.CAPTURED or attempt is None:
            continue
        captured = sum(each.amount.amount for each in facts if _is_same(each, fact) and each.kind is Kind.CAPTURED)
        if Money(captured, fact.amount.currency) != attempt.amount:
            flags.append(Flag(Oddity.WRONG_AMOUNT, fact))
    return flags


def _refunds_that_differ(books: Books, new: Iterable[Fact]) -> list[Flag]:
    """Refunds that are paid under a key of ours and yet are not what was granted, and refunds that came back."""
    granted = {refund.id: refund for refund in books.refunds}
    return [
        Flag(Oddity.REFUND_REVERSED if fact.kind is Kind.REFUND_REVERSED else Oddity.WRONG_REFUND, fact)
        for fact in new
        if fact.kind is Kind.REFUND_REVERSED
        or (fact.kind is Kind.REFUNDED and fact.key in granted and not _fits(granted[fact.key], fact))
    ]


def _fits(refund: Refund, fact: Fact) -> bool:
    return refund.amount == fact.amount and refund.state is not RefundState.CANCELLED


def _attempt_moves(books: Books, new: Sequence[Fact]) -> dict[int, AttemptState]:
    seen = by_reference(new)
    after = {
        attempt: attempt_after(attempt.state, seen.get(attempt.reference, frozenset())) for attempt in books.attempts
    }
    return {attempt.number: state for attempt, state in after.items() if state is not attempt.state}


def _refund_moves(books: Books, new: Sequence[Fact], facts: Sequence[Fact]) -> dict[str, RefundState]:
    touched = {fact.key for fact in new}
    after = {
        refund: refund_after(refund.state, {fact.kind for fact in facts if fact.key == refund.id})
        for refund in books.refunds
        if refund.id in touched
    }
    return {refund.id: state for refund, state in after.items() if state is not refund.state}


def _news(known: Sequence[Fact], new: Sequence[Fact]) -> Iterable[tuple[type[News], Fact]]:
    """What to say of each new fact, taken one after the other; nothing where it decides nothing."""
    facts = list(known)
    for fact in new:
        before = transaction_state({each.kind for each in facts if _is_same(each, fact)})
        facts.append(fact)
        after = transaction_state({each.kind for each in facts if _is_same(each, fact)})
        if fact.kind in BY_KIND:
            yield BY_KIND[fact.kind], fact
        elif after is not before or (fact.kind is Kind.CAPTURED and after is TransactionState.CAPTURED):
            yield BY_STATE[after], fact


def _is_same(one: Fact, other: Fact) -> bool:
    return (one.gateway, one.transaction_id) == (other.gateway, other.transaction_id)
