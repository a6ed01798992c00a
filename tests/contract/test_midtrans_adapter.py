"""What Midtrans is asked, word for word, and what follows from its refusals and odd answers."""

import base64
from datetime import timedelta

import pytest

from chalicelib.core.errors import Invalid, Upstream, UpstreamTimeout
from chalicelib.core.money import Money
from chalicelib.payments.errors import GatewayRefused, UnknownMethod
from chalicelib.payments.gateways.port import Item, RedirectStep, Refund, VirtualAccountStep
from tests.kit.midtrans import ORDERED_AT, REFERENCE, SERVER_KEY, VA_BCA, answer, charge
from tests.kit.partner import SILENCE, Said


@pytest.mark.parametrize(
    ("method", "asked"),
    [
        ("bca_va", {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bca"}}),
        ("bni_va", {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bni"}}),
        ("bri_va", {"payment_type": "bank_transfer", "bank_transfer": {"bank": "bri"}}),
        ("cimb_va", {"payment_type": "bank_transfer", "bank_transfer": {"bank": "cimb"}}),
        ("permata_va", {"payment_type": "bank_transfer", "bank_transfer": {"bank": "permata"}}),
        (
            "mandiri_bill",
            {"payment_type": "echannel", "echannel": {"bill_info1": "Pembayaran", "bill_info2": REFERENCE}},
        ),
        ("qris", {"payment_type": "qris", "qris": {"acquirer": "gopay"}}),
        ("gopay", {"payment_type": "gopay"}),
        ("shopeepay", {"payment_type": "shopeepay", "shopeepay": {}}),
        (
            "card",
            {
                "payment_type": "credit_card",
                "credit_card": {"token_id": "481111-1114-bb5c1f1e", "authentication": True},
            },
        ),
    ],
)
def test_a_charge_is_asked_as_documented(midtrans, partner, method, asked):
    partner.says(Said(201, answer()))

    midtrans.start(charge(method))

    (heard,) = partner.asked
    assert (heard.method, heard.path) == ("POST", "/v2/charge")
    assert heard.body == asked | {
        "transaction_details": {"order_id": REFERENCE, "gross_amount": 44000},
        "item_details": [
            {"id": "KEMEJA-M", "price": 20000, "quantity": 2, "name": "Kemeja Flanel"},
            {"id": "shipping", "price": 9000, "quantity": 1, "name": "Ongkos kirim"},
            {"id": "discount", "price": -5000, "quantity": 1, "name": "Potongan"},
        ],
        "customer_details": {
            "first_name": "Siti Aminah",
            "email": "siti@example.com",
            "phone": "+6281234567890",
        },
        "custom_expiry": {
            "order_time": "2026-11-24 10:00:00 +0700",
            "expiry_duration": 60,
            "unit": "minute",
        },
    }


def test_every_amount_goes_out_as_an_integer_and_the_items_sum_to_the_gross_amount(midtrans, partner):
    partner.says(Said(201, answer()))

    midtrans.start(charge())

    body = partner.asked[0].body
    items = body["item_details"]
    assert body["transaction_details"]["gross_amount"] == sum(i["price"] * i["quantity"] for i in items)
    assert {type(n) for i in items for n in (i["price"], i["quantity"])} == {int}
    assert b"44000." not in partner.asked[0].raw


def test_a_snap_page_is_asked_as_documented(midtrans, partner):
    partner.says(Said(201, {"token": "66e4fa55", "redirect_url": "https://app.midtrans.com/snap/v4/66e4fa55"}))

    started = midtrans.start(charge("snap"))

    (heard,) = partner.asked
    assert (heard.method, heard.path) == ("POST", "/snap/v1/transactions")
    assert heard.body.keys() == {
        "transaction_details",
        "item_details",
        "customer_details",
        "credit_card",
        "expiry",
    }
    assert heard.body["transaction_details"] == {"order_id": REFERENCE, "gross_amount": 44000}
    assert heard.body["credit_card"] == {"secure": True}
    assert heard.body["expiry"] == {
        "start_time": "2026-11-24 10:00:00 +0700",
        "unit": "minutes",
        "duration": 60,
    }
    assert started.next_step == RedirectStep(url="https://app.midtrans.com/snap/v4/66e4fa55")
    assert (started.transaction_id, started.events) == ("", ())


def test_the_server_key_goes_as_basic_authentication_with_an_empty_password(midtrans, partner):
    partner.says(Said(201, answer()))

    midtrans.start(charge())

    headers = partner.asked[0].headers
    assert headers["authorization"] == "Basic U0ItTWlkLXNlcnZlci1hYmMxMjNjZGU0NTY6"
    assert base64.b64decode(headers["authorization"][6:]).decode() == f"{SERVER_KEY}:"
    assert headers["accept"] == headers["content-type"] == "application/json"


def test_the_idempotency_key_follows_from_the_reference_and_fits_46_characters(midtrans, partner):
    keys = []

    for reference in (REFERENCE, f"{REFERENCE}2", REFERENCE):
        partner.says(Said(201, answer(order_id=reference)))
        midtrans.start(charge(reference=reference))
        keys.append(partner.asked[0].headers["idempotency-key"])

    assert keys[0] == keys[2] != keys[1]
    assert all(0 < len(key) <= 46 for key in keys)


def test_permata_is_asked_without_an_idempotency_key_since_it_knows_none(midtrans, partner):
    partner.says(Said(201, answer(permata_va_number="850003072869607")))

    midtrans.start(charge("permata_va"))

    assert "idempotency-key" not in partner.asked[0].headers


@pytest.mark.parametrize(
    ("left", "begin", "minutes"),
    [
        (timedelta(minutes=60), "2026-11-24 10:00:00 +0700", 60),
        (timedelta(minutes=59, seconds=30), "2026-11-24 09:59:30 +0700", 60),
        (timedelta(seconds=5), "2026-11-24 09:59:05 +0700", 1),
        (timedelta(seconds=-1), "2026-11-24 09:58:59 +0700", 1),
    ],
)
def test_the_payment_ends_at_midtrans_in_the_second_in_which_it_ends_here(midtrans, partner, left, begin, minutes):
    partner.says(Said(201, answer()))

    midtrans.start(charge(expires_at=ORDERED_AT + left))

    assert partner.asked[0].body["custom_expiry"] == {
        "order_time": begin,
        "expiry_duration": minutes,
        "unit": "minute",
    }


def test_long_names_and_ids_are_cut_to_what_midtrans_takes(midtrans, partner):
    partner.says(Said(201, answer()))

    midtrans.start(charge(items=(Item("S" * 60, "Kemeja " * 20, Money(44000), 1),)))

    (item,) = partner.asked[0].body["item_details"]
    assert (item["id"], item["name"]) == ("S" * 50, ("Kemeja " * 20)[:50])


def test_a_reference_cannot_change_the_address_it_is_put_into(midtrans, partner):
    partner.says(Said(404, {"status_code": "404"}))

    midtrans.fetch("../v2/charge?x=1#")

    assert partner.asked[0].path == "/v2/..%2Fv2%2Fcharge%3Fx%3D1%23/status"


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"method": "bca"}, UnknownMethod),
        ({"method": "bank_transfer"}, UnknownMethod),
        ({"method": "card", "token": None}, Invalid),
        ({"method": "card", "token": ""}, Invalid),
        ({"amount": Money(4400000, "USD")}, GatewayRefused),
    ],
)
def test_what_midtrans_could_only_misunderstand_is_not_asked(midtrans, partner, wrong, refusal):
    with pytest.raises(refusal):
        midtrans.start(charge(**wrong))

    assert partner.asked == []


def test_without_a_server_key_midtrans_is_switched_off_and_hears_nothing(midtrans, partner, secret):
    secret("midtrans-server-key", "")

    for ask in (
        lambda: midtrans.start(charge()),
        lambda: midtrans.start(charge("snap")),
        lambda: midtrans.fetch(REFERENCE),
        lambda: midtrans.cancel(REFERENCE),
        lambda: midtrans.refund(Refund("ref_1", REFERENCE, Money(1000), "")),
    ):
        with pytest.raises(Upstream):
            ask()

    assert partner.asked == []


@pytest.mark.parametrize("http", [200, 400])
@pytest.mark.parametrize("code", ["400", "402", "404", "410", "411", "412", "413"])
def test_a_refusal_in_the_body_counts_whatever_http_says(midtrans, partner, http, code):
    partner.says(Said(http, {"status_code": code, "status_message": "no"}))

    with pytest.raises(GatewayRefused) as refused:
        midtrans.start(charge())

    assert refused.value.facts["gateway_status"] == max(code, str(http))
    assert len(partner.asked) == 1


def test_a_refusal_of_snap_has_no_status_in_its_body(midtrans, partner):
    partner.says(Said(400, {"error_messages": ["transaction_details.order_id sudah digunakan"]}))

    with pytest.raises(GatewayRefused) as refused:
        midtrans.start(charge("snap"))

    assert refused.value.facts == {"gateway_status": "400"}


CAPTURED = {"transaction_status": "settlement"}


@pytest.mark.parametrize(
    "said",
    [
        Said(401, {"status_code": "401", "status_message": "Access denied"}),
        Said(200, {"status_code": "401"}),
        Said(429, {"status_code": "429"}),
        Said(500, {"status_code": "500"}),
        Said(200, {"status_code": "500"}),
        Said(503, raw=b"<html>Service Unavailable</html>"),
        Said(202, {"status_message": "the same request is being processed"}),
        Said(200, raw=b""),
        Said(200, raw=b"OK"),
        Said(200, raw=b"[]"),
        Said(200, raw=b"\xff\xfe{}"),
        Said(200, raw=b'{"order_id":' * 10_000),
        Said(200, {"status_code": None}),
        Said(200, {"status_code": "abc"}),
        Said(200, {"status_code": [200]}),
        Said(200, {}),
        Said(200, answer(order_id="ord_of_another-1")),
        Said(200, answer(transaction_id="")),
        Said(200, answer(transaction_id=7)),
        Said(200, answer(currency="rupiah")),
        Said(200, answer(refunds={}, transaction_status="refund")),
        Said(200, answer(transaction_time="2026-11-24T10:00:00Z", payment_type="qris", **CAPTURED)),
        Said(200, answer(transaction_time="soon", payment_type="qris", **CAPTURED)),
        Said(302, {"location": "http://169.254.169.254/"}),
    ],
)
def test_no_odd_answer_is_taken_for_the_truth_or_for_nothing(midtrans, partner, said):
    partner.says(said)

    for ask in (
        lambda: midtrans.start(charge()),
        lambda: midtrans.fetch(REFERENCE),
        lambda: midtrans.cancel(REFERENCE),
        lambda: midtrans.refund(Refund("ref_1", REFERENCE, Money(1000), "")),
    ):
        with pytest.raises(Upstream):
            ask()


def test_a_snap_answer_without_its_page_is_unreadable(midtrans, partner):
    partner.says(Said(201, {"token": "66e4fa55"}))

    with pytest.raises(Upstream):
        midtrans.start(charge("snap"))


def test_a_charge_whose_answer_was_lost_is_asked_once_more(midtrans, partner):
    partner.says(SILENCE, Said(200, answer(**VA_BCA)))

    started = midtrans.start(charge())

    assert started.next_step == VirtualAccountStep(bank="bca", number="812785002530231")
    assert [heard.path for heard in partner.asked] == ["/v2/charge", "/v2/charge"]
    assert len({heard.headers["idempotency-key"] for heard in partner.asked}) == 1


def test_a_partner_that_never_answers_leaves_the_effect_unknown(midtrans, partner):
    partner.says(SILENCE)

    with pytest.raises(UpstreamTimeout):
        midtrans.start(charge())
