"""What happened, as Midtrans' status tells it: every row of the mapping, amounts, times."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.errors import Upstream
from chalicelib.core.money import Money
from chalicelib.payments.gateways.midtrans_answers import facts, read_transaction
from chalicelib.payments.gateways.port import Kind, PaymentEvent
from tests.kit.midtrans import CARD, PAID, REFERENCE, REFUND_A, TRANSACTION, answer
from tests.kit.partner import Said


def told(**said: Any) -> list[tuple[Kind, int, str]]:
    deal = read_transaction(answer(status_code="200") | said, REFERENCE)
    return [(fact.kind, fact.amount.amount, fact.key) for fact in facts(deal)]


REFUND_B = {
    "refund_chargeback_id": 2,
    "refund_amount": "34000.00",
    "created_at": "2026-11-26 09:00:00",
    "refund_key": "ref_B",
}
DISPUTE = {"refund_chargeback_id": 3, "refund_amount": "5000.00", "created_at": "2026-12-01 09:00:00"}
PAID_IN = (Kind.CAPTURED, 44000, "")


@pytest.mark.parametrize(
    ("status", "fraud", "said", "expected"),
    [
        ("pending", None, {}, [(Kind.INFO, 44000, "")]),
        ("pending", "accept", {}, [(Kind.INFO, 44000, "")]),
        ("authorize", "accept", {}, [(Kind.AUTHORIZED, 44000, "")]),
        ("capture", "accept", {}, [PAID_IN]),
        ("capture", None, {}, [PAID_IN]),
        ("capture", "challenge", {}, [(Kind.CHALLENGED, 44000, "")]),
        ("capture", "deny", {}, [(Kind.DENIED, 44000, "")]),
        ("capture", "unheard of", {}, [(Kind.INFO, 44000, "")]),
        ("settlement", "accept", {}, [PAID_IN]),
        ("settlement", None, {}, [PAID_IN]),
        ("deny", None, {}, [(Kind.DENIED, 44000, "")]),
        ("deny", "deny", {}, [(Kind.DENIED, 44000, "")]),
        ("failure", None, {}, [(Kind.ATTEMPT_FAILED, 44000, "")]),
        ("cancel", "accept", {}, [(Kind.VOIDED, 44000, "")]),
        ("expire", None, {}, [(Kind.EXPIRED, 44000, "")]),
        ("expire", None, {"status_code": "407"}, [(Kind.EXPIRED, 44000, "")]),
        ("refund", None, {"refunds": [REFUND_A]}, [PAID_IN, (Kind.REFUNDED, 10000, "ref_A")]),
        (
            "refund",
            "accept",
            {"refunds": [REFUND_A, REFUND_B]},
            [PAID_IN, (Kind.REFUNDED, 10000, "ref_A"), (Kind.REFUNDED, 34000, "ref_B")],
        ),
        ("partial_refund", None, {"refunds": [REFUND_A]}, [PAID_IN, (Kind.REFUNDED, 10000, "ref_A")]),
        (
            "partial_refund",
            None,
            {"refunds": [REFUND_A | {"refund_key": None}]},
            [PAID_IN, (Kind.REFUNDED, 10000, "1")],
        ),
        ("chargeback", None, {"refund_chargeback_id": 9}, [PAID_IN, (Kind.CHARGEBACK, 44000, "9")]),
        ("chargeback", None, {}, [PAID_IN, (Kind.CHARGEBACK, 44000, "")]),
        ("partial_chargeback", None, {"refunds": [DISPUTE]}, [PAID_IN, (Kind.CHARGEBACK, 5000, "3")]),
        (
            "partial_chargeback",
            None,
            {"refunds": [REFUND_A, DISPUTE]},
            [PAID_IN, (Kind.REFUNDED, 10000, "ref_A"), (Kind.CHARGEBACK, 5000, "3")],
        ),
        (
            "partial_chargeback",
            None,
            {"refund_amount": "4000.00", "refund_chargeback_id": "4"},
            [PAID_IN, (Kind.CHARGEBACK, 4000, "4")],
        ),
        ("unheard of", None, {}, [(Kind.INFO, 44000, "")]),
        ("", None, {}, [(Kind.INFO, 44000, "")]),
        ("Settlement", None, {}, [(Kind.INFO, 44000, "")]),
    ],
)
def test_a_status_says_these_facts(clock, status, fraud, said, expected):
    assert told(transaction_status=status, **({"fraud_status": fraud} if fraud else {}), **said) == expected


def test_a_card_captured_and_then_settled_is_one_fact(clock):
    captured = told(**CARD, transaction_status="capture", fraud_status="accept")
    settled = told(**CARD, **PAID, fraud_status="accept")

    assert captured == settled == [PAID_IN]


@pytest.mark.parametrize("status", ["refund", "partial_refund", "partial_chargeback"])
def test_money_that_went_back_without_saying_how_much_is_unreadable(status):
    with pytest.raises(Upstream):
        told(transaction_status=status)


def test_a_fact_holds_the_transaction_the_rupiah_and_the_instant(midtrans, partner):
    partner.says(Said(200, answer(**PAID, fraud_status="accept")))

    assert midtrans.fetch(REFERENCE) == [
        PaymentEvent(
            REFERENCE,
            TRANSACTION,
            Kind.CAPTURED,
            Money(44000),
            datetime(2026, 11, 24, 3, 5, 7, tzinfo=UTC),
        )
    ]
    assert [(heard.method, heard.path) for heard in partner.asked] == [("GET", f"/v2/{REFERENCE}/status")]


def test_times_without_a_zone_are_those_of_jakarta_and_each_fact_has_its_own(clock):
    said = answer(transaction_status="partial_refund", refunds=[REFUND_A], settlement_time="2026-11-24 10:05:07")

    captured, refunded = facts(read_transaction(said, REFERENCE))

    assert captured.occurred_at == datetime(2026, 11, 24, 3, 5, 7, tzinfo=UTC)
    assert refunded.occurred_at == datetime(2026, 11, 25, 2, 0, tzinfo=UTC)


def test_another_currency_is_told_and_rupiah_is_meant_where_none_is(clock):
    dollars = read_transaction(answer(currency="USD", **PAID), REFERENCE)
    unnamed = answer(**PAID)
    del unnamed["currency"]

    assert facts(dollars)[0].amount == Money(44000, "USD")
    assert facts(read_transaction(unnamed, REFERENCE))[0].amount == Money(44000, "IDR")


def test_an_unknown_transaction_has_no_facts_though_http_says_200(midtrans, partner):
    for http in (200, 404):
        partner.says(Said(http, {"status_code": "404", "status_message": "Transaction doesn't exist."}))

        assert midtrans.fetch(REFERENCE) == []


def test_an_expired_transaction_is_told_with_status_407(midtrans, partner):
    for http in (200, 407):
        partner.says(Said(http, answer(status_code="407", transaction_status="expire")))

        assert [fact.kind for fact in midtrans.fetch(REFERENCE)] == [Kind.EXPIRED]


@given(st.integers(0, 10**15 - 1), st.sampled_from(["", ".0", ".00"]))
def test_whole_rupiah_are_read_exactly(amount, decimals):
    deal = read_transaction(answer(gross_amount=f"{amount}{decimals}"), REFERENCE)

    assert deal.money(deal.gross_amount) == Money(amount)


@pytest.mark.parametrize(
    "amount",
    [
        *("44000.50", "44000.01", "44000.000", "44,000.00", "44.000,00", "-1.00", "+1", "4e4", "NaN", "Infinity"),
        *("", " ", "44000.00 ", "44000.00\n", "\u0664\u0664", "0x10", "1" * 16, "1_000"),
    ],
)
def test_a_fraction_or_anything_but_a_number_is_refused(midtrans, partner, amount):
    partner.says(Said(200, answer(**PAID | {"gross_amount": amount})))

    with pytest.raises(Upstream):
        midtrans.fetch(REFERENCE)


@pytest.mark.parametrize("amount", [44000, 44000.0, None, ["44000.00"], True])
def test_an_amount_that_is_no_text_is_refused(midtrans, partner, amount):
    partner.says(Said(200, answer(**PAID | {"gross_amount": amount})))

    with pytest.raises(Upstream):
        midtrans.fetch(REFERENCE)
