"""Manual bank transfers and their proofs."""

import base64
import json

import pytest

from chalicelib.core.access import token_for
from chalicelib.core.config import settings
from chalicelib.core.errors import InProgress
from chalicelib.core.money import Money
from chalicelib.payments import attempts, transfers
from chalicelib.payments import service as payments
from chalicelib.payments.gateways.port import RetryStep
from tests.kit import faults
from tests.kit.api import as_staff, call
from tests.kit.gateways import transaction_id
from tests.kit.till import BANK, PRICE, PURCHASE, Till, claim, flags, money, money_of, passes, said, stored


@pytest.fixture
def till(clock, pumps):
    with Till.opened(clock, pumps) as made:
        yield made


def test_a_transfer_is_asked_for_with_a_code_that_tells_it_apart(till):
    attempt = till.started(BANK)

    code = attempt.next_step.unique_code
    assert 1 <= code <= 999
    assert attempt.next_step.amount == Money(PRICE + code)
    assert attempt.amount == Money(PRICE)
    assert stored(attempt) == attempt
    assert payments.start(stored(attempt), PURCHASE) == attempt


def test_no_two_open_transfers_are_of_the_same_amount(till, monkeypatch):
    monkeypatch.setattr(attempts, "LARGEST_CODE", 3)
    monkeypatch.setattr(attempts, "CODE_TRIES", 200)
    first, second, third = (till.started(BANK) for _ in range(3))

    full = till.started(BANK)
    elsewhere = till.started(BANK, amount=PRICE + 10)

    assert {each.code for each in (first, second, third)} == {1, 2, 3}
    assert (full.state, full.next_step) == ("failed", RetryStep(reason="gateway_refused"))
    assert elsewhere.state == "awaiting"


@pytest.mark.parametrize("end", ["verified", "rejected", "forgotten"])
def test_the_code_of_a_transfer_that_has_ended_is_free_again(till, monkeypatch, end):
    monkeypatch.setattr(attempts, "LARGEST_CODE", 1)
    first = till.started(BANK)

    match end:
        case "verified":
            till.verify(first, PRICE + 1)
        case "rejected":
            till.reject(first)
        case _:
            till.clock.pass_(days=2)

    assert till.started(BANK).code == 1


def test_the_amount_of_a_transfer_whose_order_ended_is_nobody_elses_for_a_day(till, monkeypatch):
    """It may be on its way: asked of another buyer, it could not be told whose it is."""
    monkeypatch.setattr(attempts, "LARGEST_CODE", 1)
    first = till.started(BANK)

    attempts.end_all(first.order_id)

    assert till.started(BANK).state == "failed"
    till.clock.pass_(days=2)
    assert till.started(BANK).code == 1


def test_a_start_that_was_interrupted_keeps_its_code(till):
    attempt = till.asked(BANK)
    claimed = attempts._with_code(attempt)

    started = payments.start(attempt, PURCHASE)

    assert started.code == int(claimed.token or 0)


def test_a_verified_transfer_pays_what_was_owed_and_the_code_is_a_surplus(till):
    attempt = till.started(BANK)

    answer = till.verify(attempt, PRICE + attempt.code, note="saw it")

    (fact,) = payments.account(attempt.order_id).facts
    assert answer.status == 200
    assert (answer.body["state"], answer.body["unique_code"]) == ("closed", attempt.code)
    assert answer.body["facts"][0]["surplus"] == money(attempt.code)
    assert (fact.amount, fact.surplus, fact.source) == (Money(PRICE), attempt.code, "MUTATION#BCA-1")
    assert money_of(attempt) == ("paid", PRICE)
    assert said(attempt) == ["payment.started", "payment.captured"]
    assert flags(attempt.order_id) == []


def test_verifying_again_with_the_same_key_is_answered_alike_and_does_nothing(till):
    attempt = till.started(BANK)

    first = till.verify(attempt, PRICE + attempt.code)
    again = till.verify(attempt, PRICE + attempt.code)

    assert (again.status, again.body) == (first.status, first.body)
    assert said(attempt).count("payment.captured") == 1


def test_a_verification_that_died_before_it_answered_is_answered_when_asked_again(till):
    attempt = till.started(BANK)
    with faults.on_dynamodb("TransactWriteItems", [passes, *[faults.request_lost] * 3]):
        died = till.verify(attempt, PRICE + attempt.code)
    at_once = till.verify(attempt, PRICE + attempt.code)
    till.clock.pass_(minutes=1)

    answer = till.verify(attempt, PRICE + attempt.code)

    assert (died.status, at_once.code) == (503, "in_progress")
    assert (answer.status, answer.body["state"]) == (200, "closed")
    assert said(attempt).count("payment.captured") == 1


def test_who_verifies_twice_at_once_with_one_key_is_told_of_the_other_request(till):
    attempt = till.started(BANK)
    line = transfers.BankLine(Money(PRICE + attempt.code), "BCA-1")
    first, second = claim(), claim()
    transfers.verify(attempt.payment_id, line, first, accept_difference=False)

    with pytest.raises(InProgress):
        transfers.verify(attempt.payment_id, line, second, accept_difference=False)

    assert said(attempt).count("payment.captured") == 1


@pytest.mark.parametrize("end", ["verified", "rejected"])
def test_a_transfer_that_was_decided_is_decided(till, end):
    attempt = till.started(BANK)
    till.verify(attempt, PRICE + attempt.code) if end == "verified" else till.reject(attempt)
    before = payments.account(attempt.order_id)

    again = till.verify(attempt, PRICE + attempt.code, mutation="BCA-2", key="k2")
    other = till.reject(attempt, key="k3")

    assert [(answer.status, answer.code) for answer in (again, other)] == [(409, "payment_closed")] * 2
    assert payments.account(attempt.order_id) == before
    assert till.verify(till.started(BANK), 1, mutation="BCA-2", key="k4", accept_difference=True).status == 200


def test_another_amount_is_refused_and_named(till):
    attempt = till.started(BANK)

    answer = till.verify(attempt, PRICE)

    assert (answer.status, answer.code) == (409, "wrong_transfer_amount")
    assert answer.body["expected"] == money(PRICE + attempt.code)
    assert payments.account(attempt.order_id).facts == ()
    assert stored(attempt).is_open


@pytest.mark.parametrize(
    ("arrived", "status"), [(PRICE - 1, "partially_paid"), (PRICE, "paid"), (PRICE + 1_000, "overpaid")]
)
def test_another_amount_that_is_accepted_counts_as_what_it_is(till, arrived, status):
    attempt = till.started(BANK)

    answer = till.verify(attempt, arrived, accept_difference=True)

    assert answer.status == 200
    assert money_of(attempt) == (status, arrived)


@pytest.mark.parametrize("amount", [money(0), money(-5), money(PRICE, "USD")])
def test_no_difference_makes_nothing_or_foreign_money_acceptable(till, amount):
    attempt = till.started(BANK)

    answer = till.staff(f"{attempt.payment_id}/verify", "k1", amount=amount, mutation="BCA-1", accept_difference=True)

    assert (answer.status, answer.code) == (409, "wrong_transfer_amount")
    assert money_of(attempt) == ("unpaid", 0)


def test_a_line_of_the_statement_settles_one_payment(till):
    first, second = till.started(BANK), till.started(BANK)
    till.verify(first, PRICE + first.code, mutation="BCA/1 #7")

    answer = till.verify(second, PRICE + second.code, mutation="BCA/1 #7", key="k2")

    assert (answer.status, answer.code) == (409, "bank_mutation_used")
    assert money_of(second) == ("unpaid", 0)
    assert stored(second).is_open


def test_a_rejected_transfer_fails_and_the_order_is_still_to_be_paid(till):
    attempt = till.started(BANK)

    answer = till.reject(attempt)

    assert (answer.status, answer.body["state"]) == (200, "failed")
    assert answer.body["next_step"] == {"kind": "retry", "reason": "nothing came"}
    assert [fact.kind for fact in payments.account(attempt.order_id).facts] == ["info"]
    assert money_of(attempt) == ("unpaid", 0)
    assert said(attempt) == ["payment.started"]
    assert till.reject(attempt).body == answer.body


def test_a_transfer_that_comes_after_its_order_ended_can_be_recorded_but_not_rejected(till):
    attempt = till.started(BANK)
    attempts.end_all(attempt.order_id)

    refused = till.reject(attempt, key="k1")
    answer = till.verify(attempt, PRICE + attempt.code, key="k2")

    assert (refused.status, refused.code) == (409, "payment_closed")
    assert answer.status == 200
    assert money_of(attempt) == ("paid", PRICE)


def test_what_goes_through_a_gateway_is_not_verified_by_hand(till):
    attempt = till.started()

    answers = [till.verify(attempt, PRICE), till.reject(attempt, key="k2")]

    assert [(answer.status, answer.code) for answer in answers] == [(409, "not_a_manual_payment")] * 2
    assert money_of(attempt) == ("unpaid", 0)


def test_verifying_needs_a_key_and_staff_and_a_payment(till):
    attempt = till.started(BANK)
    body = {"amount": money(PRICE), "mutation": "BCA-1"}
    path = f"/admin/payments/{attempt.payment_id}/verify"

    assert call("POST", path, body, headers=as_staff()).code == "idempotency_key_missing"
    assert call("POST", path, body, headers={"Idempotency-Key": "k"}).code == "unauthenticated"
    assert till.staff("pay_0/verify", "k", **body).code == "payment_not_found"
    assert till.staff(f"{attempt.payment_id}/verify", "k", **body, more=1).code == "invalid"


def test_staff_see_a_payment(till):
    attempt = till.paid()

    answer = call("GET", f"/admin/payments/{attempt.payment_id}", headers=as_staff())

    assert answer.status == 200
    assert (answer.body["reference"], answer.body["expected"]) == (attempt.reference, money(PRICE))
    assert [fact["kind"] for fact in answer.body["facts"]] == ["captured"]
    assert answer.body["facts"][0]["transaction_id"] == transaction_id(attempt.reference)
    assert answer.body["proof_url"] is None
    assert call("GET", "/admin/payments/pay_0", headers=as_staff()).code == "payment_not_found"


def ask_for_proof(attempt, media="image/jpeg", *, token=None, payment_id=None):
    path = f"/store/orders/{attempt.order_id}/payments/{payment_id or attempt.payment_id}/proof"
    key = token or token_for("order", attempt.order_id)
    return call("POST", path, {"content_type": media}, headers={"Authorization": f"Bearer {key}"})


def test_the_holder_of_an_order_may_upload_a_proof_that_staff_can_see(till):
    attempt = till.started(BANK)

    answer = ask_for_proof(attempt)

    key = answer.body["fields"]["key"]
    seen = call("GET", f"/admin/payments/{attempt.payment_id}", headers=as_staff())
    assert answer.status == 200
    assert key.startswith(f"{attempt.order_id}/{attempt.payment_id}/")
    assert key.endswith(".jpg")
    assert answer.body["fields"]["Content-Type"] == "image/jpeg"
    assert answer.body["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert answer.body["largest_bytes"] == 5 * 1024 * 1024
    assert key in seen.body["proof_url"]
    assert "X-Amz-Signature" in seen.body["proof_url"]


def test_a_proof_is_bound_to_a_size_a_kind_and_a_place(till):
    answer = ask_for_proof(till.started(BANK), "application/pdf")

    conditions = json.loads(base64.b64decode(answer.body["fields"]["policy"]))["conditions"]
    assert {"Content-Type": "application/pdf"} in conditions
    assert ["content-length-range", 1, 5 * 1024 * 1024] in conditions
    assert {"key": answer.body["fields"]["key"]} in conditions
    assert {"bucket": settings.bucket("proofs")} in conditions


def test_nobody_else_may_upload_a_proof(till):
    attempt, other = till.started(BANK), till.started(BANK)

    answer = ask_for_proof(attempt, token=token_for("order", other.order_id))

    assert (answer.status, answer.code) == (404, "not_found")
    assert stored(attempt).proof is None


def test_a_proof_is_taken_only_of_a_transfer_that_is_awaited(till):
    rejected, by_gateway, others = till.started(BANK), till.started(), till.started(BANK)
    till.reject(rejected)

    assert ask_for_proof(rejected).code == "payment_closed"
    assert ask_for_proof(by_gateway).code == "not_a_manual_payment"
    assert ask_for_proof(by_gateway, payment_id=others.payment_id).code == "payment_not_found"
    assert ask_for_proof(others, "image/svg+xml").code == "invalid"
    assert stored(others).proof is None
