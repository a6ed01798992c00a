"""Cancelling and refunding at Midtrans."""

import pytest

from chalicelib.core.errors import Upstream
from chalicelib.core.money import Money
from chalicelib.payments.errors import GatewayRefused, NotRefundable
from chalicelib.payments.gateways.port import Kind, Refund
from tests.kit.midtrans import CARD, PAID, REFERENCE, REFUND_A, TRANSACTION, answer
from tests.kit.partner import Said


def test_an_open_payment_is_cancelled(midtrans, partner):
    partner.says(Said(200, answer()), Said(200, answer(status_code="200", transaction_status="cancel")))

    midtrans.cancel(REFERENCE)

    assert [(heard.method, heard.path) for heard in partner.asked] == [
        ("GET", f"/v2/{REFERENCE}/status"),
        ("POST", f"/v2/{REFERENCE}/cancel"),
    ]


@pytest.mark.parametrize("last", ["200", "404", "407", "412"])
def test_what_cannot_be_cancelled_is_expired(midtrans, partner, last):
    partner.says(Said(200, answer()), Said(412, {"status_code": "412"}), Said(200, {"status_code": last}))

    midtrans.cancel(REFERENCE)

    assert partner.asked[-1].path == f"/v2/{REFERENCE}/expire"


@pytest.mark.parametrize(
    "said",
    [
        PAID,
        CARD | {"transaction_status": "capture", "fraud_status": "accept"},
        {"transaction_status": "expire"},
        {"transaction_status": "cancel"},
        {"transaction_status": "deny"},
        {"transaction_status": "partial_refund", "refunds": [REFUND_A]},
    ],
)
def test_cancelling_leaves_alone_what_is_paid_or_has_ended(midtrans, partner, said):
    partner.says(Said(200, answer(**said)))

    midtrans.cancel(REFERENCE)

    assert [heard.method for heard in partner.asked] == ["GET"]


@pytest.mark.parametrize(
    "script",
    [
        (Said(200, answer()), Said(500, {})),
        (Said(200, answer()), Said(400, {"status_code": "400"})),
        (Said(200, answer()), Said(412, {"status_code": "412"}), Said(500, {})),
        (Said(400, {"status_code": "400"}),),
    ],
)
def test_a_cancellation_that_failed_is_not_passed_off_as_done(midtrans, partner, script):
    partner.says(*script)

    with pytest.raises(Upstream):
        midtrans.cancel(REFERENCE)


GIVE_BACK = Refund("ref_A", REFERENCE, Money(10000), "Salah ukuran")
SETTLED = Said(200, answer(**PAID | {"payment_type": "qris"}))
GIVEN = Said(200, answer(payment_type="qris", transaction_status="partial_refund", refunds=[REFUND_A]))


def test_a_refund_is_asked_as_documented(midtrans, partner):
    partner.says(SETTLED, Said(200, answer(status_code="200", transaction_status="partial_refund", **REFUND_A)))

    given = midtrans.refund(GIVE_BACK)

    heard = partner.asked[-1]
    assert (heard.method, heard.path) == ("POST", f"/v2/{REFERENCE}/refund")
    assert heard.body == {"refund_key": "ref_A", "amount": 10000, "reason": "Salah ukuran"}
    assert (given.kind, given.key, given.amount) == (Kind.REFUNDED, "ref_A", Money(10000))
    assert (given.reference, given.transaction_id) == (REFERENCE, TRANSACTION)


def test_a_reason_is_cut_to_what_midtrans_takes(midtrans, partner):
    partner.says(SETTLED, Said(200, {"status_code": "200"}))

    midtrans.refund(Refund("ref_A", REFERENCE, Money(10000), "x" * 300))

    assert partner.asked[-1].body["reason"] == "x" * 255


def test_a_refund_given_before_is_looked_up_instead_of_asked(midtrans, partner):
    partner.says(GIVEN)

    given = midtrans.refund(GIVE_BACK)

    assert (given.kind, given.key, given.amount) == (Kind.REFUNDED, "ref_A", Money(10000))
    assert [heard.method for heard in partner.asked] == ["GET"]


def test_a_refund_given_meanwhile_is_a_success_too(midtrans, partner):
    partner.says(SETTLED, Said(200, {"status_code": "406"}), GIVEN)

    given = midtrans.refund(GIVE_BACK)

    assert (given.kind, given.key, given.amount) == (Kind.REFUNDED, "ref_A", Money(10000))


def test_a_refund_key_called_used_that_cannot_be_found_is_refused(midtrans, partner):
    partner.says(SETTLED, Said(200, {"status_code": "406"}), SETTLED)

    with pytest.raises(GatewayRefused) as refused:
        midtrans.refund(GIVE_BACK)

    assert refused.value.facts == {"gateway_status": "406"}


@pytest.mark.parametrize("code", ["202", "400", "412", "414"])
def test_a_refusal_of_a_refund_names_midtrans_own_status(midtrans, partner, code):
    partner.says(SETTLED, Said(200, {"status_code": code}))

    with pytest.raises(GatewayRefused) as refused:
        midtrans.refund(GIVE_BACK)

    assert refused.value.facts == {"gateway_status": code}


@pytest.mark.parametrize("said", [Said(201, {"status_code": "201"}), Said(202, {"status_message": "running"})])
def test_a_refund_not_decided_yet_is_neither_given_nor_refused(midtrans, partner, said):
    partner.says(SETTLED, said, GIVEN)

    with pytest.raises(Upstream):
        midtrans.refund(GIVE_BACK)

    assert midtrans.refund(GIVE_BACK).key == "ref_A"


@pytest.mark.parametrize("payment", ["bank_transfer", "echannel", "cstore", "bca_klikpay"])
def test_a_bank_transfer_is_not_refunded_through_midtrans(midtrans, partner, payment):
    partner.says(Said(200, answer(**PAID | {"payment_type": payment})))

    with pytest.raises(NotRefundable):
        midtrans.refund(GIVE_BACK)

    assert [heard.method for heard in partner.asked] == ["GET"]


@pytest.mark.parametrize("payment", ["credit_card", "gopay", "shopeepay", "qris", "dana", "ovo", "kredivo", "akulaku"])
def test_what_midtrans_can_refund_is_asked_of_it(midtrans, partner, payment):
    partner.says(Said(200, answer(**PAID | {"payment_type": payment})), Said(200, {"status_code": "200"}))

    midtrans.refund(GIVE_BACK)

    assert partner.asked[-1].path.endswith("/refund")


def test_a_refund_of_what_midtrans_does_not_know_is_refused(midtrans, partner):
    partner.says(Said(404, {"status_code": "404"}))

    with pytest.raises(GatewayRefused) as refused:
        midtrans.refund(GIVE_BACK)

    assert refused.value.facts == {"gateway_status": "404"}
