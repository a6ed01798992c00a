"""The fold and the judgement, whatever comes, in whatever order and however often."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.money import Money
from chalicelib.payments.gateways.port import Kind
from chalicelib.payments.judgement import judge, written
from chalicelib.payments.rules import Attempt, Books, Fact, Figures, Ledger, fold, standing
from chalicelib.payments.states import AttemptState

AT = datetime(2026, 11, 24, tzinfo=UTC)
DUE = 100

facts = st.builds(
    Fact,
    gateway=st.sampled_from(["fake", "other"]),
    reference=st.just("ord_1-1"),
    transaction_id=st.sampled_from(["t1", "t2", "t3"]),
    kind=st.sampled_from(list(Kind)),
    key=st.sampled_from(["", "a", "b"]),
    amount=st.integers(1, 150).map(lambda amount: Money(amount, "IDR")),
    occurred_at=st.just(AT),
    received_at=st.just(AT),
)
sets = st.lists(facts, max_size=12, unique_by=lambda fact: fact.id)


def empty():
    attempt = Attempt("pay_1", "ord_1", 1, "ord_1-1", "fake", "va", Money(DUE, "IDR"), AttemptState.AWAITING, None, AT)
    return Books(Ledger("ord_1", Money(DUE, "IDR"), 0, 0, Figures(), attempts=1, version=1), (attempt,))


def told(books, deliveries):
    for delivery in deliveries:
        books = written(judge(books, delivery))
    return books


@st.composite
def delivered(draw):
    """A set of facts, and a way to tell it: in some order, in pieces, with repeats."""
    known = draw(sets)
    repeats = draw(st.lists(st.sampled_from(known), max_size=6)) if known else []
    stream = draw(st.permutations([*known, *repeats]))
    cuts = draw(st.lists(st.integers(0, len(stream)), max_size=4).map(sorted))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    return known, pieces


@given(delivered())
def test_neither_order_nor_repeats_nor_pieces_change_what_it_comes_to(case):
    known, pieces = case

    books = told(empty(), pieces)

    assert books.ledger.figures == fold(known)
    assert {fact.id for fact in books.facts} == {fact.id for fact in known}
    assert len(books.facts) == len(known)


@given(delivered())
def test_a_fact_never_disappears_and_the_version_never_goes_back(case):
    _, pieces = case
    books = empty()

    for piece in pieces:
        after = told(books, [piece])
        assert after.facts[: len(books.facts)] == books.facts
        assert after.ledger.version in {books.ledger.version, books.ledger.version + 1}
        assert (after.ledger.version > books.ledger.version) == any(
            fact.kind is not Kind.INFO for fact in after.facts[len(books.facts) :]
        )
        books = after


@given(sets)
def test_captured_is_at_most_once_what_the_gateways_captured(known):
    figures = fold(known)

    assert 0 <= figures.captured <= sum(fact.amount.amount for fact in known if fact.kind is Kind.CAPTURED)
    assert figures.net == figures.captured - figures.refunded - figures.charged_back


@given(delivered())
def test_whatever_is_impossible_has_been_flagged(case):
    _, pieces = case

    books = told(empty(), pieces)

    if not books.ledger.figures.is_possible:
        assert any(flag.startswith("refunded_more_than_captured") for flag in books.flags)


@given(sets, facts)
def test_a_contradiction_changes_no_money(known, other):
    books = told(empty(), [known])

    after = told(books, [[other]])

    if other.id in {fact.id for fact in known}:
        assert after.ledger == books.ledger
        assert standing(after.ledger) == standing(books.ledger)


@given(delivered())
def test_everything_money_does_is_said(case):
    """A listener who hears all news knows of every change of the standing."""
    _, pieces = case
    books = empty()

    for piece in pieces:
        judgement = judge(books, piece)
        after = written(judgement)
        if after.ledger.figures != books.ledger.figures:
            assert judgement.news
        books = after
