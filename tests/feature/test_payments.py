"""Attempts, asking the gateway, the end of an order, and refunds: payments in process over the emulated cloud."""

import json

import pytest

from chalicelib.core import aws as ours
from chalicelib.core import db, ids
from chalicelib.core.config import settings
from chalicelib.core.errors import UpstreamTimeout, WriteRefused
from chalicelib.core.money import Money
from chalicelib.payments import attempts
from chalicelib.payments import service as payments
from chalicelib.payments.errors import (
    AlreadyCovered,
    PaymentNotFound,
    RefundTooLarge,
    TooManyAttempts,
    UnknownGateway,
    UnknownMethod,
)
from chalicelib.payments.gateways.port import Kind, NoStep, RetryStep
from chalicelib.payments.service import PaymentChoice
from tests.kit.till import PRICE, PURCHASE, VA, Till, claim, flags, money_of, said, stored


@pytest.fixture
def till(clock, pumps):
    with Till.opened(clock, pumps) as made:
        yield made


def test_a_gateway_or_method_that_does_not_exist_is_refused_before_anything_is_written(till):
    with pytest.raises(UnknownGateway):
        payments.check(PaymentChoice("nobody", "va"))
    with pytest.raises(UnknownMethod) as refused:
        payments.check(PaymentChoice("fake", "shells"))

    assert refused.value.facts["methods"] == ["card", "va"]


def test_a_new_order_is_unpaid_and_its_attempt_waits_to_be_started(till):
    attempt = till.asked()

    standing = payments.standing(attempt.order_id)

    assert attempt.reference == f"{attempt.order_id}-1"
    assert stored(attempt) == attempt
    assert (standing.status, standing.payable, standing.granted, standing.version) == ("unpaid", PRICE, 0, 1)
    assert till.fake.calls == []


def test_starting_keeps_the_next_step_and_says_so_once(till):
    attempt = till.asked()

    first = payments.start(attempt, PURCHASE)
    again = payments.start(attempt, PURCHASE)

    assert (first.state, first.next_step) == ("awaiting", till.fake.step)
    assert again == first == stored(attempt)
    assert said(attempt) == ["payment.started"]
    assert till.fake.charges[attempt.reference].amount == Money(PRICE)


def test_a_gateway_that_is_down_leaves_the_attempt_to_be_started_later(till):
    attempt = till.asked()
    till.fake.is_down = True

    down = payments.start(attempt, PURCHASE)
    till.fake.is_down = False
    up = payments.start(stored(attempt), PURCHASE)

    assert (down.state, down.next_step) == ("starting", RetryStep(reason="gateway_unreachable"))
    assert (up.state, up.next_step) == ("awaiting", till.fake.step)
    assert said(attempt) == ["payment.started"]


def test_a_lost_answer_of_the_gateway_is_asked_for_again_under_the_same_reference(till):
    attempt = till.asked()
    till.fake.loses_answers = True
    payments.start(attempt, PURCHASE)
    till.fake.loses_answers = False

    up = payments.start(stored(attempt), PURCHASE)

    assert up.state == "awaiting"
    assert list(till.fake.charges) == [attempt.reference]


def test_a_gateway_that_refuses_ends_the_attempt_but_not_the_order(till):
    attempt = till.asked()
    till.fake.refuses = True

    refused = payments.start(attempt, PURCHASE)

    assert (refused.state, refused.next_step) == ("failed", RetryStep(reason="gateway_refused"))
    assert stored(attempt) == refused
    assert money_of(attempt) == ("unpaid", 0)
    assert payments.start(refused, PURCHASE) == refused
    assert till.fake.calls == ["start"]


def test_what_the_gateway_knows_at_once_is_recorded_at_once(till):
    attempt = till.asked(PaymentChoice("fake", "card", token="tok_1"))
    till.fake.happens(attempt.reference, Kind.CAPTURED, PRICE)
    till.fake.tells_at_once, till.fake.step = True, NoStep()

    started = payments.start(attempt, PURCHASE)

    assert (started.state, started.next_step) == ("closed", NoStep())
    assert money_of(attempt) == ("paid", PRICE)
    assert said(attempt) == ["payment.started", "payment.captured"]
    assert till.fake.charges[attempt.reference].token == "tok_1"
    assert stored(attempt).token is None


def test_an_attempt_whose_time_is_over_is_not_started_any_more(till):
    attempt = till.asked(minutes=1)
    till.clock.pass_(minutes=2)

    late = payments.start(attempt, PURCHASE)

    assert late.next_step == RetryStep(reason="expired")
    assert till.fake.calls == []


def test_an_order_that_ended_while_its_payment_started_is_not_left_to_be_paid(till):
    attempt = till.asked()
    attempts.end_all(attempt.order_id)

    started = payments.start(attempt, PURCHASE)

    assert (started.state, started.next_step) == ("closed", RetryStep(reason="closed"))
    assert till.fake.cancelled[-1] == attempt.reference
    assert [event.kind for event in till.fake.book[attempt.reference]] == [Kind.VOIDED]


def test_an_attempt_that_ended_before_it_was_started_says_to_try_again(till):
    attempt = till.asked()
    attempts.end_all(attempt.order_id)
    till.fake.calls.clear()

    resumed = payments.start(stored(attempt), PURCHASE)

    assert (resumed.state, resumed.next_step) == ("closed", RetryStep(reason="closed"))
    assert till.fake.calls == []


def test_another_attempt_asks_for_what_is_missing_under_a_reference_of_its_own(till):
    first = till.started()
    till.fake.happens(first.reference, Kind.CAPTURED, 50_000)
    till.hear(first.reference)

    second = payments.again(first.order_id, VA, PURCHASE, claim(), expires_at=first.expires_at)

    charge = till.fake.charges[second.reference]
    assert second.reference == f"{first.order_id}-2"
    assert (second.number, second.amount, second.state) == (2, Money(100_000), "awaiting")
    assert [(item.price, item.quantity) for item in charge.items] == [(Money(100_000), 1)]
    assert money_of(first) == ("partially_paid", 50_000)


def test_another_attempt_for_an_order_that_is_paid_is_refused(till):
    first = till.paid()

    with pytest.raises(AlreadyCovered):
        payments.again(first.order_id, VA, PURCHASE, claim(), expires_at=first.expires_at)

    assert len(payments.account(first.order_id).attempts) == 1


def test_an_order_is_not_tried_for_ever(till, monkeypatch):
    first = till.started()
    monkeypatch.setattr(attempts, "MOST_ATTEMPTS", 2)
    payments.again(first.order_id, VA, PURCHASE, claim("k1"), expires_at=first.expires_at)

    with pytest.raises(TooManyAttempts):
        payments.again(first.order_id, VA, PURCHASE, claim("k2"), expires_at=first.expires_at)


def test_another_attempt_that_died_before_it_answered_goes_on_under_the_same_key(till):
    first = till.started()
    till.fake.is_down = True
    payments.again(first.order_id, VA, PURCHASE, claim(), expires_at=first.expires_at)
    till.fake.is_down = False
    till.clock.pass_(seconds=40)

    resumed = payments.again(first.order_id, VA, PURCHASE, claim(), expires_at=first.expires_at)

    assert (resumed.number, resumed.state) == (2, "awaiting")
    assert len(payments.account(first.order_id).attempts) == 2


def test_refreshing_asks_about_every_open_attempt(till):
    first = till.started()
    second = payments.again(first.order_id, VA, PURCHASE, claim(), expires_at=first.expires_at)
    till.fake.happens(first.reference, Kind.EXPIRED)
    till.fake.happens(second.reference, Kind.CAPTURED)

    standing = payments.refresh(first.order_id)
    till.fake.calls.clear()
    again = payments.refresh(first.order_id)

    assert standing.status == "paid"
    assert again == standing == payments.standing(first.order_id)
    assert till.fake.calls == []


def test_refreshing_is_not_possible_while_the_gateway_is_down(till):
    attempt = till.started()
    till.fake.is_down = True

    with pytest.raises(UpstreamTimeout):
        payments.refresh(attempt.order_id)

    assert payments.standing(attempt.order_id).version == 1


def test_a_payment_whose_start_was_lost_is_found_by_refreshing(till):
    attempt = till.asked()
    till.fake.loses_answers = True
    payments.start(attempt, PURCHASE)
    till.fake.happens(attempt.reference, Kind.CAPTURED)

    assert payments.refresh(attempt.order_id).status == "paid"
    assert stored(attempt).state == "closed"


@pytest.mark.parametrize("event", ["order.expired", "order.cancelled"])
def test_the_end_of_an_order_ends_its_open_payments(till, event):
    attempt = till.started()

    _tell_of(event, attempt.order_id)
    till.pumps.drain()

    assert till.pumps.failures == []
    assert till.fake.cancelled == [attempt.reference]
    assert stored(attempt).state == "closed"
    assert said(attempt)[-1] == "payment.failed"


def test_money_at_the_last_moment_is_recorded_when_the_order_ends(till):
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.CAPTURED)

    attempts.end_all(attempt.order_id)
    attempts.end_all(attempt.order_id)

    assert money_of(attempt) == ("paid", PRICE)
    assert till.fake.cancelled == [attempt.reference]


def test_a_gateway_that_is_down_keeps_the_payment_open_until_it_can_be_ended(till):
    attempt = till.started()
    till.fake.is_down = True

    with pytest.raises(UpstreamTimeout):
        attempts.end_all(attempt.order_id)

    assert stored(attempt).is_open
    till.fake.is_down = False
    attempts.end_all(attempt.order_id)
    assert stored(attempt).state == "closed"


def _tell_of(type_, order_id):
    sqs = ours.client("sqs")
    body = {"id": ids.new("evt"), "type": type_, "aggregate": order_id, "data": {"order_id": order_id}}
    url = sqs.get_queue_url(QueueName=settings.queue("payments"))["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(body))


def grant(attempt, amount, standing=None, *, lowers_payable=True, currency="IDR"):
    with db.transaction() as tx:
        return payments.grant_refund(
            tx,
            attempt.order_id,
            standing or payments.standing(attempt.order_id),
            Money(amount, currency),
            "returned",
            lowers_payable=lowers_payable,
        )


def test_a_granted_refund_lowers_what_is_payable_until_it_is_paid_out(till):
    attempt = till.paid()

    refund_id = grant(attempt, 40_000)

    granted = payments.standing(attempt.order_id)
    till.fake.happens(attempt.reference, Kind.REFUNDED, 40_000, key=refund_id)
    till.hear(attempt.reference, refund=True)
    paid_out = payments.account(attempt.order_id)
    assert (granted.status, granted.payable, granted.granted) == ("overpaid", 110_000, 40_000)
    assert (paid_out.standing.status, paid_out.standing.net) == ("partially_refunded", 110_000)
    assert [(each.id, each.state) for each in paid_out.refunds] == [(refund_id, "succeeded")]
    assert said(attempt)[-2:] == ["refund.granted", "payment.refunded"]


def test_an_overpayment_that_goes_back_leaves_the_order_paid(till):
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.CAPTURED, PRICE + 500)
    till.hear(attempt.reference)

    refund_id = grant(attempt, 500, lowers_payable=False)
    till.fake.happens(attempt.reference, Kind.REFUNDED, 500, key=refund_id)
    till.hear(attempt.reference, refund=True)

    assert money_of(attempt) == ("paid", PRICE)


@pytest.mark.parametrize(("amount", "currency"), [(PRICE + 1, "IDR"), (0, "IDR"), (-1, "IDR"), (1, "USD")])
def test_no_more_is_promised_back_than_came(till, amount, currency):
    attempt = till.paid()

    with pytest.raises(RefundTooLarge):
        grant(attempt, amount, currency=currency)

    assert payments.account(attempt.order_id).refunds == ()
    assert payments.standing(attempt.order_id).granted == 0


def test_two_who_promise_the_same_money_cannot_both(till):
    attempt = till.paid()
    read_by_both = payments.standing(attempt.order_id)
    grant(attempt, 100_000, read_by_both)

    with pytest.raises(WriteRefused):
        grant(attempt, 100_000, read_by_both)
    with pytest.raises(RefundTooLarge):
        grant(attempt, 100_000)

    assert payments.standing(attempt.order_id).granted == 100_000
    assert len(payments.account(attempt.order_id).refunds) == 1


def test_a_guard_holds_only_while_the_money_stands_as_it_was_read(till):
    attempt = till.started()
    standing = payments.standing(attempt.order_id)
    with db.transaction() as tx:
        payments.guard(tx, attempt.order_id, standing)
    till.fake.happens(attempt.reference, Kind.CAPTURED)
    till.hear(attempt.reference)

    with pytest.raises(WriteRefused), db.transaction() as tx:
        payments.guard(tx, attempt.order_id, standing)


def test_a_refund_that_came_back_is_flagged_and_owed_again(till):
    attempt = till.paid()
    for kind in (Kind.REFUNDED, Kind.REFUND_REVERSED):
        till.fake.happens(attempt.reference, kind, 10_000, key="r1")

    till.hear(attempt.reference, again=True)

    assert money_of(attempt) == ("paid", PRICE)
    assert flags(attempt.order_id) == ["refund_reversed"]


def test_nothing_is_known_of_an_order_without_payments(till):
    for ask in (payments.standing, payments.account, payments.refresh):
        with pytest.raises(PaymentNotFound):
            ask("ord_0")
