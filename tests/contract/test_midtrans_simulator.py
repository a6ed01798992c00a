"""The simulator takes charges as Midtrans documents them."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local.simulators.midtrans_deals import signature
from tests.kit.midtrans_simulated import BASIC, KEMEJA, KEY, REFERENCE, merchant

VECTOR = {
    "order_id": "1111",
    "status_code": "200",
    "gross_amount": "100000.00",
    "server_key": "askvnoibnosifnboseofinbofinfgbiufglnbfg",
}
DIGEST = (
    "edc076b21793ebe3e17926350f5b8ae67d902fe657b3d0aa31b932d5c127e237"
    "5d308a2bc94f3265ac2d80a1f181a79b997ac178a236fcff35af263fc4d4c231"
)
VECTORS = Path(__file__).parents[3] / "shared" / "reference" / "vectors.json"


@pytest.fixture
def midtrans():
    with merchant() as made:
        yield made


def test_the_documented_signature_vector():
    assert signature(**VECTOR) == DIGEST


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors stand only beside a whole workplace")
def test_the_shared_vector_is_the_one_kept_here():
    shared = next(each for each in json.loads(VECTORS.read_text()) if each["name"] == "midtrans.notification")

    assert {name: shared[name] for name in VECTOR} == VECTOR
    assert shared["expected"] == DIGEST


def test_it_listens_on_this_machine_only(midtrans):
    assert midtrans.simulator.url.startswith("http://127.0.0.1:")
    assert base64.b64encode(f"{KEY}:".encode()).decode() == BASIC.removeprefix("Basic ")


@pytest.mark.parametrize("given", ["", "Basic Zm9vOg==", BASIC[:-4], "Bearer x"])
def test_without_the_server_key_nothing_is_done(midtrans, given):
    status, body = midtrans.ask("POST", "/v2/charge", {}, Authorization=given)
    snap_status, snap_body = midtrans.ask("POST", "/snap/v1/transactions", {}, Authorization=given)

    assert (status, body["status_code"], snap_status) == (401, "401", 401)
    assert "error_messages" in snap_body
    assert midtrans.simulator.book() == midtrans.told() == []


@pytest.mark.parametrize("bank", ["bca", "bni", "bri", "cimb"])
def test_a_virtual_account_is_given(midtrans, bank):
    charged = midtrans.charge(options={"bank": bank})

    assert (charged["status_code"], charged["transaction_status"]) == ("201", "pending")
    assert (charged["order_id"], charged["gross_amount"], charged["currency"]) == (REFERENCE, "150000.00", "IDR")
    assert [each["bank"] for each in charged["va_numbers"]] == [bank]
    assert charged["va_numbers"][0]["va_number"].isdecimal()
    assert (charged["transaction_time"], charged["expiry_time"]) == ("2026-11-24 10:00:00", "2026-11-25 10:00:00")


def test_permata_and_mandiri_name_their_numbers_otherwise(midtrans):
    permata = midtrans.charge(options={"bank": "permata"}, order_id="p")
    mandiri = midtrans.charge("echannel", options={"bill_info1": "Pembayaran", "bill_info2": "m"}, order_id="m")

    assert permata["permata_va_number"].isdecimal()
    assert "va_numbers" not in permata
    assert mandiri["biller_code"] == "70012"
    assert mandiri["bill_key"].isdecimal()


@pytest.mark.parametrize(
    ("method", "names"),
    [
        ("qris", ["generate-qr-code", "generate-qr-code-v2"]),
        ("gopay", ["generate-qr-code", "deeplink-redirect", "get-status", "cancel"]),
        ("shopeepay", ["deeplink-redirect"]),
    ],
)
def test_what_is_scanned_or_opened_comes_as_actions_that_a_browser_can_open(midtrans, method, names):
    charged = midtrans.charge(method)

    assert [action["name"] for action in charged["actions"]] == names
    path = charged["actions"][0]["url"].removeprefix(midtrans.simulator.url)
    status, shown = midtrans.ask("GET", path, Authorization="")
    assert status == 200
    assert "SIMULASI" in shown


@pytest.mark.parametrize(
    ("token", "code", "status", "fraud"),
    [
        ("tok-1", "200", "capture", "accept"),
        ("tok-challenge", "201", "capture", "challenge"),
        ("tok-deny", "202", "deny", "accept"),
    ],
)
def test_a_card_without_3ds_is_answered_at_once(midtrans, token, code, status, fraud):
    charged = midtrans.charge("credit_card", options={"token_id": token})

    assert (charged["status_code"], charged["transaction_status"], charged["fraud_status"]) == (code, status, fraud)
    assert charged["masked_card"] == "48111111-1114"
    assert midtrans.statuses() == [status]


def test_a_card_with_3ds_waits_for_the_bank_page(midtrans):
    charged = midtrans.charge("credit_card", options={"token_id": "tok-1", "authentication": True})
    _, page = midtrans.ask("GET", charged["redirect_url"].removeprefix(midtrans.simulator.url), Authorization="")
    midtrans.sim("capture")

    assert (charged["status_code"], charged["transaction_status"]) == ("201", "pending")
    assert f"/_sim/transactions/{REFERENCE}/capture" in page
    assert (midtrans.status()["transaction_status"], midtrans.status()["status_code"]) == ("capture", "200")


@pytest.mark.parametrize(
    "more",
    [
        {"item_details": [KEMEJA, {"id": "ONGKIR", "price": 1, "quantity": 1, "name": "Ongkir"}]},
        {"item_details": [KEMEJA | {"price": 75_000.0}]},
        {"item_details": [KEMEJA | {"name": "x" * 51}]},
        {"item_details": [KEMEJA | {"quantity": 0}, KEMEJA]},
        {"item_details": {}},
        {"transaction_details": {"order_id": "o", "gross_amount": 150_000.5}},
        {"transaction_details": {"order_id": "o", "gross_amount": "150000"}},
        {"transaction_details": {"order_id": "o", "gross_amount": True}},
        {"transaction_details": {"order_id": "o", "gross_amount": 0}},
        {"transaction_details": {"order_id": "o" * 51, "gross_amount": 150_000}},
        {"transaction_details": {"order_id": "o/1", "gross_amount": 150_000}},
        {"transaction_details": {"order_id": "", "gross_amount": 150_000}},
        {"transaction_details": None},
        {"payment_type": "bitcoin"},
        {"payment_type": ["bank_transfer"]},
        {"bank_transfer": {"bank": "mandiri"}},
        {"bank_transfer": []},
        {"bank_transfer": {"bank": "bca", "va_number": "12a"}},
        {"custom_expiry": {"expiry_duration": 0, "unit": "minute"}},
        {"custom_expiry": {"expiry_duration": 5, "unit": "week"}},
        {"custom_expiry": {"order_time": "today", "expiry_duration": 5}},
        {"custom_expiry": 60},
    ],
)
def test_a_charge_that_is_wrong_is_400_in_the_body_of_an_http_200(midtrans, more):
    body = {
        "payment_type": "bank_transfer",
        "bank_transfer": {"bank": "bca"},
        "transaction_details": {"order_id": REFERENCE, "gross_amount": 150_000},
    }

    status, answer = midtrans.ask("POST", "/v2/charge", body | more)

    assert (status, answer["status_code"]) == (200, "400")
    assert answer["validation_messages"]
    assert midtrans.simulator.book() == midtrans.told() == []


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_cannot_be_read_is_400(midtrans, raw):
    assert midtrans.ask("POST", "/v2/charge", raw)[1]["status_code"] == "400"
    assert midtrans.simulator.book() == []


def test_items_with_a_discount_that_sum_to_the_amount_are_taken(midtrans):
    discount = {"id": "DISKON", "price": -20_000, "quantity": 1, "name": "Diskon"}

    charged = midtrans.charge(amount=130_000, more={"item_details": [KEMEJA, discount]})

    assert charged["gross_amount"] == "130000.00"


def test_an_order_id_is_taken_once(midtrans):
    first = midtrans.charge()

    again = midtrans.charge(amount=1)

    assert again["status_code"] == "406"
    assert midtrans.status()["transaction_id"] == first["transaction_id"]
    assert midtrans.status()["gross_amount"] == "150000.00"
    assert midtrans.snap()[0] == 400


def test_the_custom_expiry_is_kept_and_comes_by_itself(midtrans):
    expiry = {"order_time": "2026-11-24 09:59:30 +0700", "expiry_duration": 2, "unit": "minute"}
    charged = midtrans.charge(more={"custom_expiry": expiry})
    midtrans.time.pass_(minutes=2)

    now = midtrans.status()

    assert charged["expiry_time"] == "2026-11-24 10:01:30"
    assert (now["status_code"], now["transaction_status"]) == ("407", "expire")
    assert midtrans.statuses() == ["pending", "expire"]


def test_a_key_gives_the_first_answer_again_for_five_minutes_whatever_is_asked(midtrans):
    first = midtrans.charge(Idempotency_Key="k" * 46)

    again = midtrans.charge(amount=1, order_id="another", Idempotency_Key="k" * 46)
    midtrans.time.pass_(minutes=5)
    later = midtrans.charge(Idempotency_Key="k" * 46)

    assert again == first
    assert later["status_code"] == "406"
    assert len(midtrans.simulator.book()) == 1


def test_a_key_keeps_no_refusal(midtrans):
    refused = midtrans.charge(amount=0, Idempotency_Key="k")

    assert refused["status_code"] == "400"
    assert midtrans.charge(Idempotency_Key="k")["status_code"] == "201"


@pytest.mark.parametrize(("key", "bank"), [("k" * 47, "bca"), ("k", "permata")])
def test_a_key_too_long_or_for_permata_is_ignored_without_a_word(midtrans, key, bank):
    midtrans.charge(options={"bank": bank}, Idempotency_Key=key)

    assert midtrans.charge(options={"bank": bank}, Idempotency_Key=key)["status_code"] == "406"


def test_the_same_key_while_the_first_is_under_way_is_202(midtrans):
    midtrans.behave(slow_ms=300)
    body = {
        "payment_type": "qris",
        "transaction_details": {"order_id": REFERENCE, "gross_amount": 150_000},
    }

    with ThreadPoolExecutor(2) as both:
        asked = [both.submit(midtrans.ask, "POST", "/v2/charge", body, Idempotency_Key="k") for _ in range(2)]
        answers = sorted(each.result()[0] for each in asked)

    assert answers == [200, 202]
    assert len(midtrans.simulator.book()) == 1
