"""A till with a gateway in memory behind it: orders that are to be paid, and what comes of them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from chalicelib.core import aws as ours
from chalicelib.core import clock as time
from chalicelib.core import db, ids, outbox
from chalicelib.core.config import settings
from chalicelib.core.idempotency import Claim
from chalicelib.core.money import Money
from chalicelib.payments import gateways
from chalicelib.payments import service as payments
from chalicelib.payments.gateways.port import Customer, Item, Kind
from chalicelib.payments.models.messages import MessageRow, message_id
from chalicelib.payments.service import PaymentChoice, Purchase
from tests.kit.api import as_staff, call
from tests.kit.gateways import FakeGateway, posted

PRICE = 150_000
VA = PaymentChoice("fake", "va")
BANK = PaymentChoice("transfer", "bank")
PURCHASE = Purchase(
    (Item("KEMEJA-M", "Kemeja", Money(75_000), 2),), Customer("Ani", "ani@example.com", "+6281234567890")
)


class Till:
    """Orders to be paid, and what comes of them."""

    def __init__(self, clock, pumps):
        self.fake, self.clock, self.pumps = FakeGateway(), clock, pumps

    @classmethod
    @contextmanager
    def opened(cls, clock: Any, pumps: Any) -> Iterator["Till"]:
        """A till at which the gateway called "fake" can be chosen."""
        till = cls(clock, pumps)
        with gateways.use("fake", till.fake):
            yield till

    def asked(self, choice=VA, amount=PRICE, minutes=60):
        order_id = ids.new("ord")
        with db.transaction() as tx:
            return payments.open(
                tx,
                order_id,
                choice,
                amount=Money(amount),
                expires_at=time.now() + timedelta(minutes=minutes),
            )

    def started(self, choice=VA, amount=PRICE):
        return payments.start(self.asked(choice, amount), PURCHASE)

    def paid(self):
        attempt = self.started()
        self.fake.happens(attempt.reference, Kind.CAPTURED)
        self.hear(attempt.reference)
        return attempt

    def post(self, *references, **more):
        raw, headers = posted(*references, **more)
        return call("POST", "/webhooks/payments/fake", raw=raw, headers=headers)

    def hear(self, *references, **more):
        assert self.post(*references, **more).status == 200
        self.pumps.drain()
        assert self.pumps.failures == []

    def message(self, *references, **more):
        raw, _ = posted(*references, **more)
        return db.get(MessageRow, message_id("fake", raw), "RAW")

    def verify(self, attempt, amount, *, mutation="BCA-1", key="k1", **more):
        return self.staff(f"{attempt.payment_id}/verify", key, amount=money(amount), mutation=mutation, **more)

    def reject(self, attempt, *, key="k1"):
        return self.staff(f"{attempt.payment_id}/reject", key, reason="nothing came")

    def staff(self, path, key, **body):
        return call("POST", f"/admin/payments/{path}", body, headers={**as_staff(), "Idempotency-Key": key})


def money(amount, currency="IDR"):
    return {"amount": amount, "currency": currency}


def said(attempt):
    return [fact.type for fact in outbox.history(attempt.order_id)]


def flags(aggregate):
    return [fact.data["reason"] for fact in outbox.history(aggregate) if fact.type == "payment.flagged"]


def stored(attempt):
    (found,) = db.look(payments.lookup_attempt(attempt.order_id, attempt.number))
    return found


def money_of(attempt):
    standing = payments.standing(attempt.order_id)
    return standing.status, standing.net


def queued(queue="payment-webhooks"):
    sqs = ours.client("sqs")
    url = sqs.get_queue_url(QueueName=settings.queue(queue))["QueueUrl"]
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [json.loads(each["Body"]) for each in got.get("Messages", [])]


def claim(key="k1"):
    return Claim.of(key, principal="me", route="again", request=b"{}")


def passes(request, send):
    """No fault: the call is let through."""
