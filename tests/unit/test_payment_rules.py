"""The fold of payment facts and the tables of domain 5.2."""

from datetime import UTC, datetime
from itertools import combinations, permutations, product

import pytest

from chalicelib.core.money import Money
from chalicelib.payments.errors import IllegalRefundMove
from chalicelib.payments.gateways.port import Kind
from chalicelib.payments.judgement import Oddity, judge
from chalicelib.payments.rules import (
    Attempt,
    Books,
    Fact,
    Figures,
    Ledger,
    Refund,
    fold,
    order_of,
    refundable,
    standing,
    status,
)
from chalicelib.payments.states import (
    ATTEMPT_MOVES,
    OPEN_ATTEMPTS,
    AttemptState,
    PaymentStatus,
    RefundEvent,
    RefundState,
    TransactionState,
    attempt_after,
    move_refund,
    refund_after,
    transaction_state,
)

AT = datetime(2026, 11, 24, tzinfo=UTC)
TOTAL = 100


def fact(kind, amount=TOTAL, *, txn="t1", key="", currency="IDR", reference="ord_1-1"):
    return Fact("fake", reference, txn, kind, key, Money(amount, currency), AT, AT, "HOOK#fake#1")


def ledger(*facts, due=TOTAL, granted=0, lowered=0):
    return Ledger("ord_1", Money(due, "IDR"), granted, lowered, fold(facts), attempts=1, version=7)


def books(*facts, refunds=(), **about):
    attempt = Attempt(
        "pay_1", "ord_1", 1, "ord_1-1", "fake", "va", Money(TOTAL, "IDR"), AttemptState.AWAITING, None, AT
    )
    return Books(ledger(*facts, **about), (attempt,), facts, tuple(refunds))


def status_of(*facts, **about):
    return standing(ledger(*facts, **about)).status


# One transaction


def lawful_state(seen):
    """Domain 5.2, in words of its own."""
    if Kind.CAPTURED in seen:
        if Kind.DENIED in seen:
            return "reversed"
        return "voided" if Kind.VOIDED in seen else "captured"
    ranked = [
        (Kind.DENIED, "failed"),
        (Kind.VOIDED, "voided"),
        (Kind.EXPIRED, "expired"),
        (Kind.AUTHORIZED, "authorized"),
        (Kind.CHALLENGED, "review"),
    ]
    return next((state for kind, state in ranked if kind in seen), "pending")


def test_every_set_of_kinds_has_the_state_that_the_law_gives_it():
    sets = [set(chosen) for size in range(len(Kind) + 1) for chosen in combinations(Kind, size)]

    assert len(sets) == 2**14
    assert all(transaction_state(seen) == lawful_state(seen) for seen in sets)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((Kind.CAPTURED, Kind.DENIED), PaymentStatus.REVERSED),
        ((Kind.CAPTURED, Kind.EXPIRED, Kind.ATTEMPT_FAILED), PaymentStatus.PAID),
        (
            (Kind.CHALLENGED, Kind.AUTHORIZED, Kind.CAPTURED, Kind.REFUND_REQUESTED, Kind.REFUNDED),
            PaymentStatus.REFUNDED,
        ),
        ((Kind.CAPTURED, Kind.CHARGEBACK, Kind.CHARGEBACK_REVERSED), PaymentStatus.PAID),
        ((Kind.CAPTURED, Kind.REFUNDED, Kind.REFUND_REVERSED, Kind.INFO), PaymentStatus.PAID),
        ((Kind.INFO, Kind.CAPTURED, Kind.VOIDED), PaymentStatus.UNPAID),
    ],
)
def test_no_order_and_no_repeat_changes_what_facts_come_to(kinds, expected):
    facts = [fact(kind) for kind in kinds]

    found = {fold(order) for order in permutations(facts)} | {
        fold((*order, *order[::-1])) for order in permutations(facts)
    }

    assert len(found) == 1
    assert status_of(*facts) == expected


def test_deny_before_and_after_settlement_is_the_same_reversal():
    captured, denied = fact(Kind.CAPTURED), fact(Kind.DENIED)

    assert {status_of(*order) for order in permutations([captured, denied])} == {"reversed"}


# The order's status


def lawful_status(figures, total, payable):
    """The table of domain 5.2 once more, row by row."""
    net = figures.captured - figures.refunded - figures.charged_back
    if (figures.is_reversed or figures.charged_back > 0) and net < payable:
        return "reversed"
    if figures.refunded > 0 and net == 0:
        return "refunded"
    if figures.refunded > 0 and 0 < net < total:
        return "partially_refunded"
    if net > payable:
        return "overpaid"
    if net == payable:
        return "paid"
    if 0 < net < payable:
        return "partially_paid"
    return "authorized" if figures.authorized >= payable else "unpaid"


def test_the_status_table_is_the_law_for_all_figures():
    amounts = (0, 1, 50, 99, 100, 101)
    seen = set()
    for captured, refunded, charged_back, authorized, reversed_, payable in product(
        amounts, amounts, (0, 1, 100), (0, 99, 100), (False, True), (0, 50, 100)
    ):
        figures = Figures(captured, refunded, charged_back, authorized, reversed_)
        found = status(figures, total=TOTAL, payable=payable)
        assert found == lawful_status(figures, TOTAL, payable)
        seen.add(found)

    assert seen == set(PaymentStatus)


@pytest.mark.parametrize(
    ("facts", "about", "expected"),
    [
        ((), {}, "unpaid"),
        ((fact(Kind.AUTHORIZED),), {}, "authorized"),
        ((fact(Kind.AUTHORIZED, 99),), {}, "unpaid"),
        ((fact(Kind.CAPTURED, 99),), {}, "partially_paid"),
        ((fact(Kind.CAPTURED, 100),), {}, "paid"),
        ((fact(Kind.CAPTURED, 101),), {}, "overpaid"),
        ((fact(Kind.CAPTURED, 50, key="a"), fact(Kind.CAPTURED, 50, key="b")), {}, "paid"),
        ((fact(Kind.CAPTURED), fact(Kind.CAPTURED, txn="t2")), {}, "overpaid"),
        ((fact(Kind.DENIED), fact(Kind.CAPTURED, txn="t2")), {}, "paid"),
        ((fact(Kind.CAPTURED), fact(Kind.DENIED), fact(Kind.CAPTURED, txn="t2")), {}, "paid"),
        ((fact(Kind.CAPTURED), fact(Kind.REFUNDED, 40, key="r")), {}, "partially_refunded"),
        ((fact(Kind.CAPTURED, 120), fact(Kind.REFUNDED, 20, key="r")), {"granted": 20}, "paid"),
        ((fact(Kind.CAPTURED),), {"granted": 100, "lowered": 100}, "overpaid"),
        ((fact(Kind.CAPTURED), fact(Kind.REFUNDED)), {"granted": 100, "lowered": 100}, "refunded"),
        ((fact(Kind.CAPTURED), fact(Kind.CHARGEBACK, key="c")), {}, "reversed"),
    ],
)
def test_an_order_stands_as_its_facts_say(facts, about, expected):
    assert status_of(*facts, **about) == expected


def test_more_back_than_came_is_not_clamped():
    figures = fold([fact(Kind.CAPTURED, 100), fact(Kind.REFUNDED, 130, key="r")])

    assert (figures.net, figures.is_possible) == (-30, False)


def test_what_was_promised_or_paid_back_cannot_be_promised_again():
    facts = (fact(Kind.CAPTURED), fact(Kind.REFUNDED, 30, key="r"))

    assert refundable(standing(ledger(*facts))) == 70
    assert refundable(standing(ledger(*facts, granted=30))) == 70
    assert refundable(standing(ledger(*facts, granted=80))) == 20


def test_only_a_reference_of_ours_names_an_order():
    assert order_of("ord_01J-12") == "ord_01J"
    assert [order_of(text) for text in ("", "ord_1", "-1", "ord_1-", "ord_1-x")] == [None] * 5


# What a report means


def test_a_repeat_means_nothing():
    known = fact(Kind.CAPTURED)

    judged = judge(books(known), [known, known])

    assert (judged.new, judged.flags, judged.news, judged.moves_money) == ((), (), (), False)


def test_a_known_fact_with_another_amount_is_flagged_and_stays_out():
    judged = judge(books(fact(Kind.CAPTURED)), [fact(Kind.CAPTURED, 1)])

    assert judged.new == ()
    assert [flag.oddity for flag in judged.flags] == [Oddity.OTHER_AMOUNT]
    assert judged.figures.captured == 100


def test_money_of_another_currency_is_never_money():
    judged = judge(books(), [fact(Kind.CAPTURED, 100, currency="USD")])

    assert (judged.new, judged.figures.captured, judged.kept_out) == ((), 0, Oddity.WRONG_CURRENCY)


@pytest.mark.parametrize(("amount", "flags"), [(99, [Oddity.WRONG_AMOUNT]), (100, []), (101, [Oddity.WRONG_AMOUNT])])
def test_another_amount_than_was_asked_for_counts_as_what_it_is_and_is_flagged(amount, flags):
    judged = judge(books(), [fact(Kind.CAPTURED, amount)])

    assert judged.figures.captured == amount
    assert [flag.oddity for flag in judged.flags] == flags


def test_what_has_been_flagged_is_not_flagged_again():
    odd = fact(Kind.CAPTURED, 100, currency="USD")
    first = judge(books(), [odd])
    before = books()

    again = judge(Books(before.ledger, before.attempts, flags=frozenset(flag.id for flag in first.flags)), [odd])

    assert (len(first.flags), again.flags, again.kept_out) == (1, (), Oddity.WRONG_CURRENCY)


def test_more_back_than_came_is_flagged():
    judged = judge(books(fact(Kind.CAPTURED)), [fact(Kind.REFUNDED, 130, key="r")])

    assert [flag.oddity for flag in judged.flags] == [Oddity.MORE_BACK_THAN_CAME]
    assert judged.figures.refunded == 130


@pytest.mark.parametrize(
    ("known", "told", "said"),
    [
        ([], [Kind.INFO], []),
        ([], [Kind.CHALLENGED], ["payment.challenged"]),
        ([], [Kind.AUTHORIZED, Kind.CAPTURED], ["payment.authorized", "payment.captured"]),
        ([Kind.CAPTURED], [Kind.DENIED], ["payment.reversed"]),
        ([Kind.DENIED], [Kind.CAPTURED], ["payment.reversed"]),
        ([], [Kind.DENIED], ["payment.failed"]),
        ([Kind.CAPTURED], [Kind.EXPIRED], []),
        ([], [Kind.ATTEMPT_FAILED], ["payment.failed"]),
        ([Kind.CAPTURED], [Kind.REFUND_REQUESTED, Kind.REFUNDED], ["payment.refunded", "payment.refunded"]),
        ([Kind.CAPTURED], [Kind.CHARGEBACK, Kind.CHARGEBACK_REVERSED], ["payment.reversed", "payment.captured"]),
        ([], [Kind.CAPTURED, Kind.VOIDED], ["payment.captured", "payment.failed"]),
    ],
)
def test_each_fact_is_told_as_what_it_decided(known, told, said):
    judged = judge(books(*map(fact, known)), [fact(kind) for kind in told])

    assert [news.TYPE for news, _ in judged.news] == said


def test_two_captures_of_one_transaction_are_two_pieces_of_news():
    judged = judge(books(), [fact(Kind.CAPTURED, 60, key="a"), fact(Kind.CAPTURED, 40, key="b")])

    assert [(news.TYPE, told.amount.amount) for news, told in judged.news] == [
        ("payment.captured", 60),
        ("payment.captured", 40),
    ]


# Attempts and refunds


@pytest.mark.parametrize(("state", "kind"), list(product(AttemptState, Kind)))
def test_an_attempt_ends_by_money_or_by_its_gateway_and_stays_ended(state, kind):
    lawful = {
        Kind.CAPTURED: AttemptState.CLOSED,
        Kind.DENIED: AttemptState.FAILED,
        Kind.VOIDED: AttemptState.CLOSED,
        Kind.EXPIRED: AttemptState.CLOSED,
    }

    expected = lawful.get(kind, state) if state in OPEN_ATTEMPTS else state

    assert attempt_after(state, {kind}) is expected


def test_nothing_leaves_an_attempt_that_has_ended():
    assert {state for state, _ in ATTEMPT_MOVES} == OPEN_ATTEMPTS


REFUND_LAW = {
    "granted": {"request": "requested", "cancel": "cancelled"},
    "requested": {"succeed": "succeeded", "fail": "failed"},
    "failed": {"request": "requested"},
    "succeeded": {},
    "cancelled": {},
}


@pytest.mark.parametrize(("state", "event"), list(product(RefundState, RefundEvent)))
def test_a_refund_moves_exactly_as_the_law_says(state, event):
    lawful = REFUND_LAW[state].get(event)

    if lawful is None:
        with pytest.raises(IllegalRefundMove) as refused:
            move_refund(state, event)
        assert set(refused.value.facts["legal"]) == set(REFUND_LAW[state])
    else:
        assert move_refund(state, event) == lawful


def test_what_gateways_say_of_a_refund_ends_the_same_in_any_order():
    told = [Kind.REFUND_REQUESTED, Kind.REFUND_FAILED, Kind.REFUNDED]

    ends = set()
    for order in permutations(told):
        state, seen = RefundState.GRANTED, set()
        for kind in order:
            seen.add(kind)
            state = refund_after(state, seen)
        ends.add(state)

    assert ends == {RefundState.SUCCEEDED}


def test_a_refund_that_was_called_off_stays_so_and_its_payment_is_flagged():
    called_off = Refund("ref_1", RefundState.CANCELLED, Money(40, "IDR"), "returned", True)

    judged = judge(books(fact(Kind.CAPTURED), refunds=[called_off]), [fact(Kind.REFUNDED, 40, key="ref_1")])

    assert judged.refunds == {}
    assert [flag.oddity for flag in judged.flags] == [Oddity.WRONG_REFUND]


def test_a_paid_refund_settles_the_one_that_was_granted():
    granted = Refund("ref_1", RefundState.GRANTED, Money(40, "IDR"), "returned", True)

    judged = judge(books(fact(Kind.CAPTURED), refunds=[granted]), [fact(Kind.REFUNDED, 40, key="ref_1")])

    assert (judged.refunds, judged.flags) == ({"ref_1": RefundState.SUCCEEDED}, ())


def test_every_state_of_a_transaction_can_be_reached():
    kinds = list(Kind)
    reached = {transaction_state({a, b}) for a, b in product(kinds, kinds)}

    assert reached == set(TransactionState)
