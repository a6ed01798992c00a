"""The simulator tells, ends and refunds transactions as Midtrans documents it, and plays Snap."""

import pytest

from infra.local.simulators.midtrans_deals import signature
from tests.kit.midtrans_simulated import KEMEJA, KEY, REFERENCE, merchant


@pytest.fixture
def midtrans():
    with merchant() as made:
        yield made


def test_a_settlement_is_told_signed_by_midtrans_robot(midtrans):
    charged = midtrans.charge(options={"bank": "bni"})
    midtrans.time.pass_(seconds=90)

    status, answer = midtrans.sim("settle")

    pending, settled = midtrans.told()
    assert (status, answer["transaction"]["status"], answer["deliveries"]) == (200, "settlement", 1)
    assert (pending["transaction_status"], pending["status_code"]) == ("pending", "201")
    assert settled["transaction_id"] == charged["transaction_id"]
    assert (settled["transaction_status"], settled["status_code"]) == ("settlement", "200")
    assert (settled["transaction_time"], settled["settlement_time"]) == ("2026-11-24 10:00:00", "2026-11-24 10:01:30")
    assert settled["payment_amounts"] == [{"paid_at": "2026-11-24 10:01:30", "amount": "150000.00"}]
    assert settled["va_numbers"] == charged["va_numbers"]
    assert settled["signature_key"] == signature(REFERENCE, "200", "150000.00", KEY)
    assert pending["signature_key"] == signature(REFERENCE, "201", "150000.00", KEY)
    assert {asked.headers["user-agent"] for asked in midtrans.sink.asked} == {"Veritrans"}
    assert {asked.headers["content-type"] for asked in midtrans.sink.asked} == {"application/json"}


def test_the_status_is_signed_and_found_by_either_id(midtrans):
    charged = midtrans.charge("qris")
    midtrans.sim("settle")

    told = midtrans.status(charged["transaction_id"])

    assert told == midtrans.status()
    assert (told["issuer"], told["acquirer"], told["transaction_type"]) == ("gopay", "gopay", "on-us")
    assert told["signature_key"] == signature(REFERENCE, "200", "150000.00", KEY)
    assert midtrans.status("nobody")["status_code"] == "404"
    assert midtrans.ask("GET", "/v2/nothing")[1]["status_code"] == "404"


@pytest.mark.parametrize(
    ("what", "before", "code", "status"),
    [
        ("cancel", [], "200", "cancel"),
        ("expire", [], "407", "expire"),
        ("cancel", ["challenge"], "200", "cancel"),
        ("cancel", ["capture"], "200", "cancel"),
        ("approve", ["challenge"], "200", "capture"),
        ("deny", ["challenge"], "200", "deny"),
        ("expire", ["expire"], "407", "expire"),
    ],
)
def test_an_end_that_is_possible(midtrans, what, before, code, status):
    midtrans.charge("credit_card", options={"token_id": "t", "authentication": True})
    for action in before:
        midtrans.sim(action)

    answer = midtrans.do(what)

    assert (answer["status_code"], answer["transaction_status"]) == (code, status)
    assert midtrans.statuses()[-1] == midtrans.status()["transaction_status"] == status


@pytest.mark.parametrize(
    ("what", "before"),
    [
        ("cancel", ["settle"]),
        ("cancel", ["expire"]),
        ("cancel", ["deny"]),
        ("expire", ["settle"]),
        ("expire", ["capture"]),
        ("approve", []),
        ("approve", ["capture"]),
        ("deny", []),
        ("deny", ["settle"]),
    ],
)
def test_an_end_at_the_wrong_moment_is_412_and_changes_nothing(midtrans, what, before):
    midtrans.charge("credit_card", options={"token_id": "t", "authentication": True})
    for action in before:
        midtrans.sim(action)
    known, told = midtrans.status(), midtrans.told()

    answer = midtrans.do(what)

    assert answer["status_code"] == "412"
    assert midtrans.status() == known
    assert midtrans.told() == told


def test_refunds_add_up_to_all_that_was_paid_and_are_told_twice_each(midtrans):
    midtrans.charge("qris")
    midtrans.sim("settle")

    part = midtrans.do("refund", {"refund_key": "ref_1", "amount": 50_000, "reason": "rusak"})
    rest = midtrans.do("refund", {"refund_key": "ref_2", "amount": 100_000, "reason": "batal"})

    assert (part["status_code"], part["transaction_status"], part["refund_amount"]) == (
        "200",
        "partial_refund",
        "50000.00",
    )
    assert (rest["transaction_status"], rest["refund_key"]) == ("refund", "ref_2")
    assert midtrans.statuses()[2:] == ["partial_refund", "partial_refund", "refund", "refund"]
    first, confirmed = midtrans.told()[2:4]
    assert "bank_confirmed_at" not in first["refunds"][0]
    assert confirmed["refunds"][0]["bank_confirmed_at"] == "2026-11-24 10:00:00"
    told = midtrans.status()
    assert (told["refund_amount"], [each["refund_key"] for each in told["refunds"]]) == (
        "150000.00",
        ["ref_1", "ref_2"],
    )


@pytest.mark.parametrize(
    ("method", "refund", "code"),
    [
        ("qris", {"refund_key": "first", "amount": 1}, "406"),
        ("qris", {"refund_key": "second", "amount": 100_001}, "414"),
        ("qris", {"refund_key": "second", "amount": 0}, "414"),
        ("qris", {"refund_key": "second", "amount": 1.5}, "400"),
        ("qris", {"refund_key": "zwei ter", "amount": 1}, "400"),
    ],
)
def test_a_refund_that_is_refused_gives_nothing_back(midtrans, method, refund, code):
    midtrans.charge(method)
    midtrans.sim("settle")
    midtrans.do("refund", {"refund_key": "first", "amount": 50_000})

    answer = midtrans.do("refund", refund)

    assert answer["status_code"] == code
    assert midtrans.status()["refund_amount"] == "50000.00"


@pytest.mark.parametrize(
    ("method", "options", "before", "code"),
    [
        ("bank_transfer", None, ["settle"], "412"),
        ("echannel", {}, ["settle"], "412"),
        ("qris", None, [], "412"),
        ("credit_card", {"token_id": "t"}, [], "412"),
        ("shopeepay", None, ["settle"], "414"),
    ],
)
def test_what_midtrans_does_not_refund(midtrans, method, options, before, code):
    midtrans.charge(method, options=options)
    for action in before:
        midtrans.sim(action)

    assert midtrans.do("refund", {"refund_key": "r", "amount": 1_000})["status_code"] == code
    assert "refunds" not in midtrans.status()


def test_snap_gives_a_page_and_knows_no_transaction_before_a_choice(midtrans):
    status, page = midtrans.snap(more={"enabled_payments": ["bca_va", "credit_card"]})

    assert status == 201
    assert midtrans.status()["status_code"] == "404"
    assert midtrans.simulator.book()[0]["status"] == "unchosen"
    path = page["redirect_url"].removeprefix(midtrans.simulator.url)
    assert path.endswith(page["token"])
    shown = midtrans.ask("GET", path, Authorization="")[1]
    assert "Bayar dengan BCA VA" in shown
    assert "BNI" not in shown
    assert "Tolak" in shown
    assert midtrans.told() == []


def test_on_the_snap_page_a_method_is_chosen_and_paid(midtrans):
    finish = "https://toko.example/selesai"
    _, page = midtrans.snap(more={"callbacks": {"finish": finish}})

    chosen, _ = midtrans.sim("choose", method="bni_va")
    known = midtrans.status()
    midtrans.sim("settle")

    assert chosen == 200
    assert (known["transaction_status"], known["va_numbers"][0]["bank"]) == ("pending", "bni")
    assert midtrans.statuses() == ["pending", "settlement"]
    shown = midtrans.ask("GET", page["redirect_url"].removeprefix(midtrans.simulator.url), Authorization="")[1]
    assert f"{finish}?order_id={REFERENCE}&amp;transaction_status=settlement" in shown


def test_paying_a_snap_page_at_once_chooses_first(midtrans):
    midtrans.snap()

    midtrans.sim("settle")

    assert midtrans.statuses() == ["pending", "settlement"]


def test_a_snap_page_says_no_by_http(midtrans):
    midtrans.snap()

    again, body = midtrans.snap()
    wrong, _ = midtrans.snap(order_id="o", more={"item_details": [KEMEJA | {"quantity": 3}]})

    assert (again, wrong) == (400, 400)
    assert "sudah digunakan" in body["error_messages"][0]


def test_a_snap_page_is_given_again_under_its_key(midtrans):
    assert midtrans.snap(Idempotency_Key="s") == midtrans.snap(Idempotency_Key="s")


@pytest.mark.parametrize(
    ("action", "wish", "status"),
    [
        ("refund", {}, 409),
        ("choose", {"method": "bri_va"}, 422),
        ("settle", {"method": "dinar"}, 422),
        ("capture", {"method": "bca_va"}, 409),
    ],
)
def test_what_a_snap_page_does_not_offer_leaves_it_unchosen(midtrans, action, wish, status):
    midtrans.snap(more={"enabled_payments": ["bca_va", "credit_card"]})

    assert midtrans.sim(action, **wish)[0] == status
    assert midtrans.simulator.book()[0]["status"] == "unchosen"
    assert midtrans.told() == []


def test_a_snap_page_ends(midtrans):
    midtrans.snap(more={"expiry": {"unit": "minutes", "duration": 5}})
    midtrans.time.pass_(minutes=6)

    assert midtrans.sim("choose")[0] == 409
    assert midtrans.status()["status_code"] == "404"
