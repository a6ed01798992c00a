"""What the buyer does next, read from Midtrans' answer to a charge or rebuilt by look-up."""

import pytest

from chalicelib.payments.errors import GatewayRefused
from chalicelib.payments.gateways.port import (
    AppStep,
    BillStep,
    Kind,
    NoStep,
    QrStep,
    RedirectStep,
    RetryStep,
    VirtualAccountStep,
)
from tests.kit.midtrans import CARD, PAID, REFERENCE, TRANSACTION, VA_BCA, answer, charge
from tests.kit.partner import Said

BILL = {"payment_type": "echannel", "biller_code": "70012", "bill_key": "990000000260"}

STEPS = [
    ("bca_va", VA_BCA, VirtualAccountStep(bank="bca", number="812785002530231")),
    (
        "bni_va",
        {"va_numbers": [{"bank": "bni", "va_number": "9888520299"}]},
        VirtualAccountStep(bank="bni", number="9888520299"),
    ),
    (
        "permata_va",
        {"permata_va_number": "850003072869607"},
        VirtualAccountStep(bank="permata", number="850003072869607"),
    ),
    ("mandiri_bill", BILL, BillStep(biller_code="70012", bill_key="990000000260")),
]


@pytest.mark.parametrize(("method", "said", "step"), STEPS)
def test_an_account_or_bill_to_pay_into_is_read(midtrans, partner, method, said, step):
    partner.says(Said(201, answer(**said)))

    started = midtrans.start(charge(method))

    assert (started.transaction_id, started.next_step, started.events) == (TRANSACTION, step, ())


@pytest.mark.parametrize(("method", "said", "step"), STEPS)
def test_a_reference_charged_before_gives_the_same_step_by_look_up(midtrans, partner, method, said, step):
    partner.says(Said(200, {"status_code": "406", "status_message": "taken"}), Said(200, answer(**said)))

    started = midtrans.start(charge(method))

    assert [heard.path for heard in partner.asked] == ["/v2/charge", f"/v2/{REFERENCE}/status"]
    assert (started.transaction_id, started.next_step, started.events) == (TRANSACTION, step, ())


def qr(kind: str) -> str:
    return f"https://api.midtrans.com/v2/{kind}/{TRANSACTION}/qr-code"


@pytest.mark.parametrize(
    ("method", "said", "step"),
    [
        (
            "qris",
            {
                "payment_type": "qris",
                "qr_string": "00020101021226",
                "actions": [{"name": "generate-qr-code", "method": "GET", "url": qr("qris")}],
            },
            QrStep(image_url=qr("qris"), content="00020101021226"),
        ),
        (
            "gopay",
            {
                "payment_type": "gopay",
                "actions": [
                    {"name": "generate-qr-code", "method": "GET", "url": qr("gopay")},
                    {"name": "deeplink-redirect", "method": "GET", "url": "https://gojek.link/gopay/x"},
                ],
            },
            AppStep(deeplink="https://gojek.link/gopay/x", image_url=qr("gopay")),
        ),
        (
            "shopeepay",
            {
                "payment_type": "shopeepay",
                "actions": [{"name": "deeplink-redirect", "url": "https://wsa.wallet.airpay.co.id/x"}],
            },
            AppStep(deeplink="https://wsa.wallet.airpay.co.id/x"),
        ),
        (
            "card",
            CARD | {"redirect_url": "https://api.midtrans.com/v2/token/rba/redirect/x"},
            RedirectStep(url="https://api.midtrans.com/v2/token/rba/redirect/x"),
        ),
    ],
)
def test_a_code_a_wallet_or_a_page_is_read(midtrans, partner, method, said, step):
    partner.says(Said(201, answer(**said)))

    assert midtrans.start(charge(method)).next_step == step


@pytest.mark.parametrize(
    ("method", "kind", "step"),
    [
        ("qris", "qris", QrStep(image_url="{api}/v2/qris/" + TRANSACTION + "/qr-code")),
        ("gopay", "gopay", QrStep(image_url="{api}/v2/gopay/" + TRANSACTION + "/qr-code")),
        ("shopeepay", "shopeepay", RetryStep(reason="step_lost")),
        ("card", "credit_card", RetryStep(reason="step_lost")),
    ],
)
def test_what_only_the_first_answer_told_is_rebuilt_or_given_up(midtrans, partner, method, kind, step):
    partner.says(Said(406, {"status_code": "406"}), Said(200, answer(payment_type=kind)))

    started = midtrans.start(charge(method))

    if isinstance(step, QrStep):
        step = QrStep(image_url=step.image_url.format(api=partner.url))
    assert (started.transaction_id, started.next_step) == (TRANSACTION, step)


@pytest.mark.parametrize(
    ("said", "step", "kinds"),
    [
        (CARD | {"transaction_status": "capture", "fraud_status": "accept"}, NoStep(), [Kind.CAPTURED]),
        (CARD | {"transaction_status": "capture", "fraud_status": "challenge"}, NoStep(), [Kind.CHALLENGED]),
        (CARD | {"transaction_status": "authorize", "fraud_status": "accept"}, NoStep(), [Kind.AUTHORIZED]),
        (CARD | {"transaction_status": "deny", "status_code": "202"}, RetryStep(reason="deny"), [Kind.DENIED]),
        (CARD | {"transaction_status": "capture", "fraud_status": "deny"}, RetryStep(reason="capture"), [Kind.DENIED]),
    ],
)
def test_a_card_that_is_decided_at_once_says_so(midtrans, partner, said, step, kinds):
    partner.says(Said(200, answer(status_code="200") | said))

    started = midtrans.start(charge("card"))

    assert (started.next_step, [fact.kind for fact in started.events]) == (step, kinds)


@pytest.mark.parametrize(
    ("said", "step", "kinds"),
    [
        (PAID | VA_BCA, NoStep(), [Kind.CAPTURED]),
        ({"transaction_status": "expire", "status_code": "407"}, RetryStep(reason="expire"), [Kind.EXPIRED]),
        ({"transaction_status": "cancel", "status_code": "200"}, RetryStep(reason="cancel"), [Kind.VOIDED]),
    ],
)
def test_a_reference_charged_before_may_have_been_decided_meanwhile(midtrans, partner, said, step, kinds):
    partner.says(Said(406, {"status_code": "406"}), Said(200, answer(**said)))

    started = midtrans.start(charge())

    assert (started.next_step, [fact.kind for fact in started.events]) == (step, kinds)


def test_a_reference_that_midtrans_holds_with_another_amount_is_refused(midtrans, partner):
    partner.says(Said(406, {"status_code": "406"}), Said(200, answer(**VA_BCA, gross_amount="4400000.00")))

    with pytest.raises(GatewayRefused):
        midtrans.start(charge())
