"""What only Midtrans does, played by its simulator and read by the adapter: cards, Snap, disputes, reversals."""

from dataclasses import replace

import pytest

from chalicelib.core.money import Money
from chalicelib.payments.errors import GatewayRefused
from chalicelib.payments.gateways.port import Kind
from tests.kit.benches import PRICE, midtrans_bench


@pytest.fixture
def midtrans(aws):
    with midtrans_bench() as bench:
        yield bench


@pytest.fixture
def card(midtrans):
    charge = midtrans.charge("card")
    midtrans.gateway.start(charge)
    return charge.reference


def told(midtrans, reference):
    return [(fact.kind, fact.amount) for fact in midtrans.gateway.fetch(reference)]


def test_a_card_held_by_the_fraud_desk_is_paid_once_the_desk_accepts(midtrans, card):
    midtrans.happens("challenge", card)
    held = told(midtrans, card)
    midtrans.happens("capture", card)

    assert held == [(Kind.CHALLENGED, PRICE)]
    assert told(midtrans, card) == [(Kind.CAPTURED, PRICE)]


def test_a_card_captured_and_then_settled_is_the_same_fact(midtrans, card):
    midtrans.happens("capture", card)
    (captured,) = midtrans.gateway.fetch(card)
    midtrans.happens("settle", card)
    (settled,) = midtrans.gateway.fetch(card)

    assert captured == replace(settled, occurred_at=captured.occurred_at)


def test_a_captured_card_payment_is_not_voided_by_cancelling(midtrans, card):
    midtrans.happens("capture", card)

    midtrans.gateway.cancel(card)

    assert told(midtrans, card) == [(Kind.CAPTURED, PRICE)]


def test_a_card_held_by_the_fraud_desk_can_be_cancelled(midtrans, card):
    midtrans.happens("challenge", card)

    midtrans.gateway.cancel(card)

    assert told(midtrans, card) == [(Kind.VOIDED, PRICE)]


def test_a_dispute_after_a_refund_is_told_apart_from_it(midtrans, card):
    midtrans.happens("settle", card)
    midtrans.happens("refund", card, amount=10000)
    midtrans.happens("chargeback", card, amount=4000)

    assert told(midtrans, card) == [
        (Kind.CAPTURED, PRICE),
        (Kind.REFUNDED, Money(10000)),
        (Kind.CHARGEBACK, Money(4000)),
    ]


def test_a_settlement_that_the_bank_takes_back_is_told_as_denied(midtrans):
    charge = midtrans.paid("permata_va")

    midtrans.happens("deny", charge.reference)

    assert told(midtrans, charge.reference) == [(Kind.DENIED, PRICE)]


def test_another_amount_than_was_asked_is_told_as_it_is(midtrans):
    charge = midtrans.charge()
    midtrans.gateway.start(charge)

    midtrans.happens("settle", charge.reference, amount=43999)

    assert told(midtrans, charge.reference) == [(Kind.CAPTURED, Money(43999))]


def test_a_snap_page_has_no_facts_until_the_buyer_chooses(midtrans):
    charge = midtrans.charge("snap")
    midtrans.gateway.start(charge)
    unchosen = told(midtrans, charge.reference)
    midtrans.happens("choose", charge.reference, method="bca_va")
    chosen = told(midtrans, charge.reference)
    midtrans.happens("settle", charge.reference)

    assert (unchosen, chosen) == ([], [(Kind.INFO, PRICE)])
    assert told(midtrans, charge.reference) == [(Kind.CAPTURED, PRICE)]


def test_a_snap_page_cannot_be_had_again_once_its_idempotency_key_has_lapsed(midtrans, clock):
    charge = midtrans.charge("snap")
    midtrans.gateway.start(charge)
    clock.pass_(minutes=6)

    with pytest.raises(GatewayRefused):
        midtrans.gateway.start(charge)


def test_every_copy_in_every_order_is_believed_and_about_the_same_payment(midtrans):
    charge = midtrans.charge("qris")
    midtrans.gateway.start(charge)
    midtrans.happens("settle", charge.reference)
    midtrans.happens("refund", charge.reference, duplicates=2, shuffle=True)

    webhooks = midtrans.inbox.wait_for(14)

    about = [midtrans.gateway.read_webhook(webhook.raw, webhook.headers) for webhook in webhooks]
    assert {(notice.reference,) for (notice,) in about} == {(charge.reference,)}
