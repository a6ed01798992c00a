"""What a tester can have the simulator do."""

import pytest
import urllib3

from infra.local.simulators.midtrans_deals import signature
from tests.kit.midtrans_simulated import KEY, REFERENCE, asking, listening, merchant, playing


@pytest.fixture
def midtrans():
    with merchant() as made:
        yield made


def test_duplicates_are_extra_copies(midtrans):
    midtrans.charge()

    midtrans.sim("settle", duplicates=3)

    assert midtrans.statuses() == ["pending", "settlement", "settlement", "settlement", "settlement"]


def test_shuffled_everything_is_said_again_in_an_order_that_the_seed_fixes():
    def orders(seed):
        heard = []
        for number in range(6):
            with (
                listening() as sink,
                playing(sink.url, seed=seed + number) as simulator,
                asking(simulator, sink) as midtrans,
            ):
                midtrans.charge()
                midtrans.sim("settle", shuffle=True, duplicates=1)
                heard.append(midtrans.statuses())
        return heard

    heard = orders(7)

    assert heard == orders(7)
    assert all(sorted(each[1:]) == ["pending", "pending", "settlement", "settlement"] for each in heard)
    assert any(each[-1] == "pending" for each in heard)


def test_a_notification_can_be_late(midtrans):
    midtrans.charge()
    midtrans.told()

    midtrans.sim("settle", delay_ms=150)

    assert midtrans.status()["transaction_status"] == "settlement"
    assert len(midtrans.sink.asked) == 1
    assert midtrans.statuses() == ["pending", "settlement"]


def test_another_amount_is_paid_than_was_asked(midtrans):
    midtrans.charge()

    midtrans.sim("settle", amount=149_999)

    note = midtrans.told()[-1]
    assert note["gross_amount"] == midtrans.status()["gross_amount"] == "149999.00"
    assert note["signature_key"] == signature(REFERENCE, "200", "149999.00", KEY)
    line = midtrans.simulator.book()[0]
    assert (line["asked"], line["amount"]) == (150_000, 149_999)


@pytest.mark.parametrize("end", ["expire", "deny", "cancel"])
def test_money_that_comes_too_late_needs_force(midtrans, end):
    midtrans.charge()
    if end == "cancel":
        midtrans.do("cancel")
    else:
        midtrans.sim(end)

    refused, why = midtrans.sim("settle")
    still = midtrans.status()["transaction_status"]
    forced, _ = midtrans.sim("settle", force=True)

    assert (refused, still, forced) == (409, end, 200)
    assert "force" in why["error"]
    assert midtrans.statuses() == ["pending", end, "settlement"]


def test_a_settlement_can_be_reversed(midtrans):
    midtrans.charge(options={"bank": "permata"})
    midtrans.sim("settle")

    midtrans.sim("deny")

    told = midtrans.told()[-1]
    assert (told["transaction_status"], told["status_code"]) == ("deny", "202")
    assert told["signature_key"] == signature(REFERENCE, "202", "150000.00", KEY)


def test_a_card_under_review_is_accepted_or_denied(midtrans):
    for reference, verdict in (("a", "capture"), ("b", "deny")):
        midtrans.charge("credit_card", order_id=reference, options={"token_id": "t", "authentication": True})
        midtrans.sim("challenge", reference)
        held = midtrans.status(reference)
        midtrans.sim(verdict, reference)

        assert (held["status_code"], held["transaction_status"], held["fraud_status"]) == (
            "201",
            "capture",
            "challenge",
        )

    assert (midtrans.status("a")["transaction_status"], midtrans.status("a")["fraud_status"]) == ("capture", "accept")
    assert (midtrans.status("b")["transaction_status"], midtrans.status("b")["fraud_status"]) == ("deny", "deny")


def test_a_card_settles_after_its_capture(midtrans):
    midtrans.charge("credit_card", options={"token_id": "t", "authentication": True})

    midtrans.sim("settle")

    assert midtrans.statuses() == ["pending", "capture", "settlement"]


def test_the_dashboard_refunds_and_a_bank_charges_back(midtrans):
    midtrans.charge("credit_card", options={"token_id": "t"})
    midtrans.sim("settle")

    refunded, _ = midtrans.sim("refund", amount=50_000)
    disputed, _ = midtrans.sim("chargeback", amount=30_000)

    told = midtrans.status()
    assert (refunded, disputed) == (200, 200)
    assert told["transaction_status"] == "partial_chargeback"
    assert [each["refund_amount"] for each in told["refunds"]] == ["50000.00", "30000.00"]
    assert ["refund_key" in each for each in told["refunds"]] == [True, False]
    assert midtrans.simulator.book()[0]["refunded"] == 80_000


def test_what_has_happened_is_only_said_again(midtrans):
    midtrans.charge()
    midtrans.sim("settle")
    known = midtrans.status()

    status, _ = midtrans.sim("settle")

    assert status == 200
    assert midtrans.status() == known
    assert midtrans.statuses() == ["pending", "settlement", "settlement"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("transactions/nobody/settle", {}, 404),
        (f"transactions/{REFERENCE}/explode", {}, 404),
        ("nothing", {}, 404),
        (f"transactions/{REFERENCE}/settle", {"duplicates": -1}, 422),
        (f"transactions/{REFERENCE}/settle", {"duplicates": True}, 422),
        (f"transactions/{REFERENCE}/settle", {"amount": 1.5}, 422),
        (f"transactions/{REFERENCE}/settle", {"amount": 0}, 422),
        (f"transactions/{REFERENCE}/settle", {"shuffle": "yes"}, 422),
        (f"transactions/{REFERENCE}/settle", {"hurry": 1}, 422),
        (f"transactions/{REFERENCE}/settle", [], 422),
        (f"transactions/{REFERENCE}/settle", b"{", 422),
        (f"transactions/{REFERENCE}/expire", {"amount": 5}, 422),
        (f"transactions/{REFERENCE}/refund", {}, 409),
        (f"transactions/{REFERENCE}/challenge", {}, 409),
        (f"transactions/{REFERENCE}/choose", {}, 409),
        ("behaviour", {"down": 1}, 422),
        ("behaviour", {"mood": "bad"}, 422),
    ],
)
def test_a_control_that_cannot_be_is_refused_in_words(midtrans, path, body, status):
    midtrans.charge()
    known = midtrans.simulator.book()

    answer, said = midtrans.ask("POST", f"/_sim/{path}", body, Authorization="")

    assert (answer, bool(said["error"])) == (status, True)
    assert midtrans.simulator.book() == known
    assert midtrans.statuses() == ["pending"]


def test_the_book_is_shown(midtrans):
    midtrans.charge()

    listed = midtrans.ask("GET", "/_sim/transactions", Authorization="")[1]["transactions"]
    one = midtrans.ask("GET", f"/_sim/transactions/{REFERENCE}", Authorization="")[1]

    assert listed == [one] == midtrans.simulator.book()
    assert (one["reference"], one["method"], one["status"]) == (REFERENCE, "bank_transfer", "pending")
    assert (one["asked"], one["amount"], one["refunded"], one["settled_at"]) == (150_000, 150_000, 0, None)
    assert one["legal"] == ["settle", "deny", "expire"]
    assert midtrans.ask("GET", "/_sim/transactions/nobody", Authorization="")[0] == 404


def test_a_person_finds_the_transactions_and_what_can_be_done(midtrans):
    midtrans.charge()

    status, page = midtrans.ask("GET", "/", Authorization="")

    assert status == 200
    assert REFERENCE in page
    assert "Rp150.000" in page
    assert f"/_sim/transactions/{REFERENCE}/settle" in page
    assert f"/_sim/transactions/{REFERENCE}/refund" not in page


def test_reset_forgets_everything(midtrans):
    midtrans.charge(Idempotency_Key="k")
    midtrans.behave(slow_ms=1, lose_responses=0)

    midtrans.ask("POST", "/_sim/reset", Authorization="")

    assert midtrans.simulator.book() == midtrans.simulator.deliveries() == []
    assert midtrans.ask("GET", "/_sim/behaviour")[1] == {"down": False, "slow_ms": 0, "lose_responses": 0}
    assert midtrans.charge(Idempotency_Key="k")["status_code"] == "201"


def test_down_is_503_and_does_nothing(midtrans):
    midtrans.behave(down=True)

    status, _ = midtrans.ask("POST", "/v2/charge", {})
    midtrans.behave(down=False)

    assert status == 503
    assert midtrans.simulator.book() == []
    assert midtrans.charge()["status_code"] == "201"


def test_a_lost_answer_is_lost_after_the_effect_and_found_again_by_its_key(midtrans):
    midtrans.behave(lose_responses=1)

    with pytest.raises(urllib3.exceptions.ProtocolError):
        midtrans.charge(Idempotency_Key="k")
    again = midtrans.charge(Idempotency_Key="k")

    assert again["status_code"] == "201"
    assert midtrans.status()["transaction_id"] == again["transaction_id"]
    assert midtrans.statuses() == ["pending"]


def test_stopped_it_is_gone_and_started_it_is_back_at_the_same_address(midtrans):
    midtrans.charge()
    url = midtrans.simulator.url

    midtrans.simulator.stop()
    with pytest.raises(urllib3.exceptions.HTTPError):
        midtrans.status()
    midtrans.simulator.start()

    assert midtrans.simulator.url == url
    assert midtrans.status()["transaction_status"] == "pending"
