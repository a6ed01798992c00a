"""Manual transfers: the amount, the unique code on top of it, and where the money goes."""

import pytest

from chalicelib.core.errors import Invalid
from chalicelib.core.money import Money
from chalicelib.payments.errors import BadSignature, GatewayRefused, NotRefundable
from chalicelib.payments.gateways.port import BankAccount, Refund, TransferStep
from chalicelib.payments.gateways.transfer import Transfer
from tests.kit.midtrans import REFERENCE, charge, notification

ACCOUNTS = """[
    {"bank": "BCA", "number": "1234567890", "holder": "PT Toko Laris"},
    {"bank": "Mandiri", "number": "9870001234567", "holder": "PT Toko Laris"}
]"""


@pytest.mark.parametrize("code", [1, 137, 999])
def test_the_amount_to_transfer_carries_the_unique_code_on_top(code):
    started = Transfer(ACCOUNTS).start(charge("bank", token=str(code)))

    assert started.next_step == TransferStep(
        amount=Money(44000 + code),
        unique_code=code,
        accounts=(
            BankAccount("BCA", "1234567890", "PT Toko Laris"),
            BankAccount("Mandiri", "9870001234567", "PT Toko Laris"),
        ),
    )
    assert (started.transaction_id, started.events) == (REFERENCE, ())


@pytest.mark.parametrize("token", [None, "", "0", "000", "1000", "-1", "+1", "1.5", " 1", "a", "\u0661", "\u00b2"])
def test_anything_but_a_unique_code_is_refused(token):
    with pytest.raises(Invalid) as refused:
        Transfer(ACCOUNTS).start(charge("bank", token=token))

    assert refused.value.facts["errors"][0]["pointer"] == "/payment/token"


def test_a_shop_that_has_named_no_account_cannot_be_paid_into():
    with pytest.raises(GatewayRefused):
        Transfer("[]").start(charge("bank", token="137"))


def test_nobody_may_say_by_webhook_that_a_transfer_came():
    with pytest.raises(BadSignature):
        Transfer(ACCOUNTS).read_webhook(notification(), {"user-agent": "Veritrans"})


def test_money_goes_back_by_hand():
    with pytest.raises(NotRefundable):
        Transfer(ACCOUNTS).refund(Refund("ref_1", REFERENCE, Money(44137), "Batal"))
