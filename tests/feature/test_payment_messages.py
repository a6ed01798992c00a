"""What partners post, row by row of reliability 2.1: kept, queued, asked about, recorded once."""

import itertools
from contextlib import suppress
from datetime import timedelta

import pytest

from chalicelib.core import aws as ours
from chalicelib.core import clock as time
from chalicelib.core import crypto, db, ids, outbox
from chalicelib.core.config import settings
from chalicelib.core.errors import TooMany, WriteRefused
from chalicelib.core.money import Money
from chalicelib.payments import inbound, ledger
from chalicelib.payments import service as payments
from chalicelib.payments.gateways.port import Kind
from chalicelib.payments.models.messages import MessageRow, message_id
from infra.local.pumps import dead_letters
from tests.kit import faults
from tests.kit.api import as_staff, call
from tests.kit.gateways import posted
from tests.kit.till import PRICE, PURCHASE, VA, Till, claim, flags, money_of, passes, queued, said, stored


@pytest.fixture
def till(clock, pumps):
    with Till.opened(clock, pumps) as made:
        yield made


def test_money_that_a_message_speaks_of_is_recorded_and_said_once(till):
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.CAPTURED)

    for _ in range(3):
        till.hear(attempt.reference)

    (fact,) = payments.account(attempt.order_id).facts
    assert money_of(attempt) == ("paid", PRICE)
    assert said(attempt) == ["payment.started", "payment.captured"]
    assert stored(attempt).state == "closed"
    assert till.message(attempt.reference).state == "processed"
    assert fact.source == till.message(attempt.reference).pk
    assert outbox.history(attempt.order_id)[-1].data["standing"]["version"] == 2
    assert outbox.history(attempt.order_id)[-1].actor == "partner:fake"


def test_a_message_is_kept_without_what_lets_anybody_in(till):
    attempt = till.started()

    answer = till.post(attempt.reference)

    kept = till.message(attempt.reference)
    assert (answer.status, answer.body) == (200, {})
    assert crypto.unlock("webhooks", kept.pk, kept.body) == posted(attempt.reference)[0]
    assert posted(attempt.reference)[0] not in kept.body
    assert kept.headers == {"content-type": "application/json"}
    follows = {"correlation_id": answer.headers["X-Request-Id"]}
    assert queued() == [{"gateway": "fake", "message": kept.pk, **follows}]
    assert till.fake.calls == ["start"]


def test_a_message_that_was_kept_but_not_queued_is_queued_when_it_comes_again(till):
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.CAPTURED)
    with faults.on_dynamodb("TransactWriteItems", [faults.response_lost] * 3):
        lost = till.post(attempt.reference)
    assert (lost.status, till.message(attempt.reference).state, queued()) == (503, "received", [])

    till.hear(attempt.reference)

    assert money_of(attempt) == ("paid", PRICE)


def test_a_message_that_was_settled_is_not_queued_again(till):
    attempt = till.paid()

    assert till.post(attempt.reference).status == 200

    assert queued() == []


@pytest.mark.parametrize("position", range(0, 60, 7))
def test_a_message_with_a_bit_turned_is_refused_and_leaves_no_trace(till, position):
    raw, headers = posted("ord_1-1")
    turned = bytearray(raw)
    turned[position % len(raw)] ^= 1

    answer = call("POST", "/webhooks/payments/fake", raw=bytes(turned), headers=headers)

    assert answer.status in {400, 401}
    assert answer.code in {"malformed", "bad_signature"}
    assert queued() == []
    assert db.get(MessageRow, message_id("fake", bytes(turned)), "RAW") is None


@pytest.mark.parametrize(
    ("gateway", "raw", "status", "code"),
    [
        ("nobody", b"{}", 404, "unknown_gateway"),
        ("fake", b"{not json", 400, "malformed"),
        ("fake", b"[" * 10_000, 400, "malformed"),
        ("fake", b'{"references":["ord_1-1"]}', 401, "bad_signature"),
        ("transfer", b"{}", 401, "bad_signature"),
        ("fake", b"x" * (256 * 1024 + 1), 413, "too_large"),
    ],
)
def test_what_is_no_message_of_the_partner_is_refused_and_leaves_no_trace(till, gateway, raw, status, code):
    answer = call("POST", f"/webhooks/payments/{gateway}", raw=raw)

    assert (answer.status, answer.code) == (status, code)
    assert queued() == []
    assert db.get(MessageRow, message_id(gateway, raw), "RAW") is None


def test_a_message_may_come_in_any_media_type(till):
    raw, headers = posted("ord_1-1")

    answer = call("POST", "/webhooks/payments/fake", raw=raw, headers={**headers, "content-type": "text/plain"})

    assert answer.status == 200


def test_what_a_signed_message_claims_changes_nothing_if_the_gateway_says_otherwise(till):
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.INFO)

    till.hear(attempt.reference, transaction_status="settlement")

    assert money_of(attempt) == ("unpaid", 0)
    assert said(attempt) == ["payment.started"]
    assert payments.standing(attempt.order_id).version == 1


def test_the_same_facts_in_any_order_of_messages_end_the_same(till):
    ends = set()
    for order in itertools.permutations([Kind.CAPTURED, Kind.DENIED, Kind.REFUND_REQUESTED, Kind.EXPIRED]):
        attempt = till.started()
        for number, kind in enumerate(order):
            till.fake.happens(attempt.reference, kind)
            till.hear(attempt.reference, number=number)
        ends.add((*money_of(attempt), "payment.reversed" in said(attempt)))

    assert ends == {("reversed", 0, True)}


def test_a_partner_that_is_down_leaves_the_message_in_the_queue_and_nothing_changes(till):
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.CAPTURED)
    till.fake.is_down = True
    till.post(attempt.reference)

    till.pumps.drain()

    assert [name for name, _ in till.pumps.failures] == ["payments-on-webhook"]
    assert money_of(attempt) == ("unpaid", 0)
    assert till.message(attempt.reference).state == "received"
    till.fake.is_down = False
    inbound.settle(till.message(attempt.reference).pk)
    assert money_of(attempt) == ("paid", PRICE)


def test_an_answer_lost_after_the_commit_does_nothing_twice(till):
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.CAPTURED)
    till.post(attempt.reference)
    message = till.message(attempt.reference).pk
    with faults.on_dynamodb("TransactWriteItems", [faults.response_lost]):
        inbound.settle(message)

    inbound.settle(message)

    assert said(attempt) == ["payment.started", "payment.captured"]
    assert payments.standing(attempt.order_id).version == 2


@pytest.mark.parametrize("before", [0, 1, 2])
def test_wherever_the_worker_dies_the_money_is_recorded_once(till, before):
    """Marking first and recording after would lose the money, recording first and marking after is fine only here."""
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.CAPTURED)
    till.post(attempt.reference)
    message = till.message(attempt.reference).pk
    dies = [passes] * before + [faults.refusal("ThrottlingException")] * 3
    with faults.on_dynamodb("TransactWriteItems", dies), suppress(TooMany):
        inbound.settle(message)

    inbound.settle(message)

    assert money_of(attempt) == ("paid", PRICE)
    assert said(attempt) == ["payment.started", "payment.captured"]
    assert till.message(attempt.reference).state == "processed"


def test_who_is_overtaken_reads_again(till):
    """Two workers read the same books; the second may not write a fold that knows nothing of the first."""
    attempt = till.started()
    known, first, second = (till.fake.happens(attempt.reference, Kind.CAPTURED, 50_000, key=key) for key in "abc")
    ledger.append(attempt.order_id, "fake", [known], source="earlier")
    overtaken: list[int] = []

    def overtake(tx, judgement):
        if not overtaken:
            overtaken.append(judgement.books.ledger.version)
            ledger.append(attempt.order_id, "fake", [first], source="other worker")

    books = ledger.append(attempt.order_id, "fake", [second], source="this worker", also=overtake)

    assert overtaken == [2]
    assert (books.ledger.figures.captured, books.ledger.version) == (150_000, 4)
    assert money_of(attempt) == ("paid", 150_000)


def test_a_fact_that_was_written_meanwhile_is_not_overwritten(till):
    """INFO moves no ledger, so that only the fact's own condition stands in the way."""
    attempt = till.started()
    told, otherwise = (till.fake.happens(attempt.reference, Kind.INFO, amount) for amount in (1, 2))
    overtaken: list[str] = []

    def overtake(tx, judgement):
        if not overtaken:
            overtaken.append("once")
            ledger.append(attempt.order_id, "fake", [told], source="other worker")

    ledger.append(attempt.order_id, "fake", [otherwise], source="this worker", also=overtake)

    assert [fact.amount for fact in payments.account(attempt.order_id).facts] == [Money(1)]
    assert flags(attempt.order_id) == ["same_fact_other_amount"]


def test_who_is_overtaken_for_ever_gives_up(till):
    attempt = till.started()
    keys = iter("abcdefgh")

    def overtake(tx, judgement):
        event = till.fake.happens(attempt.reference, Kind.CAPTURED, 1, key=next(keys))
        ledger.append(attempt.order_id, "fake", [event], source="other worker")

    with pytest.raises(WriteRefused):
        ledger.append(
            attempt.order_id,
            "fake",
            [till.fake.happens(attempt.reference, Kind.CAPTURED, 9, key="z")],
            source="this worker",
            also=overtake,
        )

    assert payments.standing(attempt.order_id).captured == ledger.TRIES


@pytest.mark.parametrize(("amount", "status"), [(PRICE - 1, "partially_paid"), (PRICE + 1, "overpaid")])
def test_another_amount_counts_as_what_it_is_and_is_flagged_once(till, amount, status):
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.CAPTURED, amount)

    till.hear(attempt.reference)
    till.hear(attempt.reference, again=True)

    assert money_of(attempt) == (status, amount)
    assert flags(attempt.order_id) == ["wrong_amount"]
    assert till.message(attempt.reference).state == "processed"


def test_money_of_another_currency_is_kept_and_flagged_but_never_counted(till):
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.CAPTURED, PRICE, currency="USD")

    till.hear(attempt.reference)
    till.hear(attempt.reference, again=True)

    assert money_of(attempt) == ("unpaid", 0)
    assert payments.account(attempt.order_id).facts == ()
    assert flags(attempt.order_id) == ["wrong_currency"]
    assert till.message(attempt.reference).state == "quarantined"
    assert till.message(attempt.reference, again=True).state == "quarantined"
    assert stored(attempt).is_open


def test_a_fact_told_again_with_another_amount_is_never_overwritten(till):
    attempt = till.paid()
    till.fake.book[attempt.reference].clear()
    till.fake.happens(attempt.reference, Kind.CAPTURED, 1)

    till.hear(attempt.reference, again=True)

    assert money_of(attempt) == ("paid", PRICE)
    assert flags(attempt.order_id) == ["same_fact_other_amount"]
    assert till.message(attempt.reference, again=True).reason == "same_fact_other_amount"


def test_an_order_paid_twice_is_overpaid(till):
    first = till.started()
    second = payments.again(first.order_id, VA, PURCHASE, claim(), expires_at=first.expires_at)
    for attempt in (first, second):
        till.fake.happens(attempt.reference, Kind.CAPTURED)

    till.hear(first.reference, second.reference)

    assert money_of(first) == ("overpaid", 2 * PRICE)
    assert till.message(first.reference, second.reference).state == "processed"


def test_a_message_about_nothing_is_settled(till):
    till.hear()

    assert (till.message().state, till.message().reason) == ("processed", "speaks_of_nothing")


def test_more_back_than_came_is_recorded_and_flagged(till):
    attempt = till.paid()
    till.fake.happens(attempt.reference, Kind.REFUNDED, PRICE + 1, key="r1")

    till.hear(attempt.reference, again=True)

    assert payments.standing(attempt.order_id).net == -1
    assert flags(attempt.order_id) == ["refunded_more_than_captured"]


def test_a_message_about_an_unknown_order_waits_and_is_settled_when_the_order_is_there(till):
    reference = f"{ids.new('ord')}-1"
    till.fake.happens(reference, Kind.CAPTURED, PRICE)
    till.hear(reference)
    assert till.message(reference).state == "parked"
    with db.transaction() as tx:
        attempt = payments.open(
            tx,
            reference.rpartition("-")[0],
            VA,
            amount=Money(PRICE),
            expires_at=time.now() + timedelta(hours=1),
        )

    till.pumps.run_schedule("payments-retry-parked")
    till.pumps.drain()

    assert money_of(attempt) == ("paid", PRICE)
    assert (till.message(reference).state, till.message(reference).parked_shard) == ("processed", None)


def test_a_message_about_an_unknown_order_is_put_aside_and_flagged_after_a_day(till):
    reference = f"{ids.new('ord')}-1"
    till.fake.happens(reference, Kind.CAPTURED, PRICE)
    till.hear(reference)
    till.clock.pass_(hours=23)
    till.pumps.run_schedule("payments-retry-parked")
    till.pumps.drain()
    assert (till.message(reference).state, flags(reference)) == ("parked", [])
    till.clock.pass_(hours=2)

    for _ in range(2):
        till.pumps.run_schedule("payments-retry-parked")
        till.pumps.drain()

    assert till.message(reference).state == "quarantined"
    assert flags(reference) == ["unknown_payment"]


@pytest.mark.parametrize("reference", ["", "hello", "payment_notif_test_G1_2", "HOOK#fake-1", "-1"])
def test_a_reference_that_is_none_of_ours_waits_without_the_gateway_being_asked(till, reference):
    till.hear(reference)

    assert till.message(reference).state == "parked"
    assert till.fake.calls in ([], ["fetch"])


def test_an_attempt_that_was_never_made_is_unknown_though_its_order_is_there(till):
    attempt = till.started()
    till.fake.happens(f"{attempt.order_id}-9", Kind.CAPTURED, PRICE)

    till.hear(f"{attempt.order_id}-9")

    assert till.message(f"{attempt.order_id}-9").state == "parked"
    assert money_of(attempt) == ("unpaid", 0)


def test_a_payment_that_only_the_message_knows_of_is_not_believed(till):
    attempt = till.asked()

    till.hear(attempt.reference)

    assert till.message(attempt.reference).state == "parked"
    assert money_of(attempt) == ("unpaid", 0)


def test_staff_see_the_messages_that_were_put_aside_page_by_page(till):
    attempt = till.started()
    till.fake.happens(attempt.reference, Kind.CAPTURED, PRICE, currency="USD")
    for number in range(3):
        till.hear(attempt.reference, number=number)

    first = call("GET", "/admin/payments/messages?limit=2", headers=as_staff())
    rest = call("GET", f"/admin/payments/messages?limit=2&cursor={first.body['next_cursor']}", headers=as_staff())

    seen = first.body["items"] + rest.body["items"]
    assert [each["id"] for each in seen] == [till.message(attempt.reference, number=n).pk for n in range(3)]
    assert seen[0]["reason"] == "wrong_currency"
    assert seen[0]["references"] == [attempt.reference]
    assert rest.body["next_cursor"] is None
    parked = call("GET", "/admin/payments/messages?state=parked", headers=as_staff())
    assert parked.body == {"items": [], "next_cursor": None}
    assert call("GET", "/admin/payments/messages").status == 401


def test_an_unknown_message_goes_to_the_dead_letters(till):
    inbound._enqueue(["HOOK#fake#gone"])

    till.pumps.drain()

    assert dead_letters(ours.client("sqs"), settings.queue("payment-webhooks")) == [
        {"gateway": "fake", "message": "HOOK#fake#gone"}
    ]
