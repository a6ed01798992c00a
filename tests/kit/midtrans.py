"""Midtrans' words for tests: a transaction as it tells it, a notification as it signs it, a charge to ask of it."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.core.money import Money
from chalicelib.payments.gateways.port import Charge, Customer, Item
from tests.kit.cloud import SECRETS

REFERENCE = "ord_01KAV3Z5W8Q2M7N4T6Y9BCDEFG-1"
TRANSACTION = "b3ef2c5e-6d4d-4f0f-9d5c-2f8a7f1f9c11"
SERVER_KEY = SECRETS["midtrans-server-key"]
ORDERED_AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


PAID = {"transaction_status": "settlement", "settlement_time": "2026-11-24 10:05:07", "status_code": "200"}
VA_BCA = {"va_numbers": [{"bank": "bca", "va_number": "812785002530231"}]}
CARD = {"payment_type": "credit_card"}
REFUND_A = {
    "refund_chargeback_id": 1,
    "refund_amount": "10000.00",
    "created_at": "2026-11-25 09:00:00",
    "refund_key": "ref_A",
}


def answer(**said: Any) -> dict[str, Any]:
    """A transaction as Midtrans tells it; waiting for a bank transfer unless said otherwise."""
    return {
        "status_code": "201",
        "status_message": "Success",
        "transaction_id": TRANSACTION,
        "order_id": REFERENCE,
        "merchant_id": "G141532850",
        "gross_amount": "44000.00",
        "currency": "IDR",
        "payment_type": "bank_transfer",
        "transaction_time": "2026-11-24 10:00:01",
        "transaction_status": "pending",
    } | said


CHARGE = Charge(
    reference=REFERENCE,
    amount=Money(44000),
    method="bca_va",
    items=(
        Item("KEMEJA-M", "Kemeja Flanel", Money(20000), 2),
        Item("shipping", "Ongkos kirim", Money(9000), 1),
        Item("discount", "Potongan", Money(-5000), 1),
    ),
    customer=Customer("Siti Aminah", "siti@example.com", "+6281234567890"),
    expires_at=ORDERED_AT + timedelta(minutes=60),
)


def charge(method: str = "bca_va", **said: Any) -> Charge:
    """A charge of Rp 44.000 that waits an hour."""
    token = {"token": "481111-1114-bb5c1f1e"} if method == "card" else {}
    return replace(CHARGE, **{"method": method, **token, **said})


def notification(key: str = SERVER_KEY, **said: Any) -> bytes:
    """A notification that it is paid, signed by ``key`` unless a signature is given."""
    body = answer(status_code="200", transaction_status="settlement") | said
    if "signature_key" not in body:
        signed = f"{body['order_id']}{body['status_code']}{body['gross_amount']}{key}"
        body["signature_key"] = hashlib.sha512(signed.encode()).hexdigest()
    return json.dumps(body).encode()
