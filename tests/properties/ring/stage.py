"""The real shop as a stage for the ring: set once, put back to that state before every run."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from chalicelib.core import aws, clock, secrets
from chalicelib.core.errors import UpstreamTimeout
from chalicelib.payments import gateways
from chalicelib.payments.gateways.port import Charge, PaymentEvent, Started
from infra.local.dynamodb import forget_tokens
from infra.local.pumps import Pumps
from tests.kit import cloud
from tests.kit.api import Reply
from tests.kit.gateways import FakeGateway
from tests.kit.shop import Shop
from tests.properties.ring.scheduler import outside, sleeper

START: Final = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


class Bank(FakeGateway):
    """The gateway in memory, whose every call is a point where others go on and messages get lost."""

    def start(self, charge: Charge) -> Started:
        return outside("start", lambda: super(Bank, self).start(charge), UpstreamTimeout)

    def fetch(self, reference: str) -> list[PaymentEvent]:
        return outside("fetch", lambda: super(Bank, self).fetch(reference), UpstreamTimeout)

    def cancel(self, reference: str) -> None:
        outside("cancel", lambda: super(Bank, self).cancel(reference), UpstreamTimeout)


class Stage:
    """A shop with its bank, clock and pumps; ``reset`` puts it back to how ``set`` left it."""

    def __init__(self) -> None:
        from app import app

        cloud.start()
        self.at = START
        self.carts: dict[str, str] = {}
        self.placed: dict[str, Any] = {}
        self.bank = Bank()
        self.pumps = Pumps(app, sqs=aws.client("sqs"), streams=aws.client("dynamodbstreams"))

    @contextmanager
    def open(self) -> Iterator["Stage"]:
        """The clock and the bank are this stage's."""
        with clock.use(self._now, sleeper(self._sleep)), gateways.use("fake", self.bank):
            cloud.wipe()
            secrets.forget()
            self.shop = Shop(self.pumps, self.bank)
            yield self

    def keep(self) -> None:
        """This is the state to which ``reset`` goes back."""
        self.pumps.skip_stream()
        self._tables = {name: copy.deepcopy(table.items) for name, table in _tables().items()}
        self._kept = self.at, copy.deepcopy(self.bank.book), copy.deepcopy(self.bank.charges)

    def reset(self) -> None:
        """Go back to the state that was kept."""
        for name, table in _tables().items():
            table.items = copy.deepcopy(self._tables[name])
        for queue in _queues():
            queue._messages, queue._pending_messages = [], set()
        self.at, book, charges = self._kept
        self.bank.book, self.bank.charges = copy.deepcopy(book), copy.deepcopy(charges)
        self.bank.cancelled.clear()
        self.pumps.failures.clear()
        self.pumps.skip_stream()
        forget_tokens()

    def turns(self, number: int) -> None:
        """So many turns of stream and queues; a poller that AWS does not answer tries again another time."""
        for _ in range(number):
            with suppress(BotoCoreError, ClientError):
                self.pumps.turn()

    def settles(self) -> bool:
        """Let queues give again what was not done, and turn once; True if that moved anything."""
        for queue in _queues():
            for message in queue._messages:
                message.visible_at = 0
        return self.pumps.turn() > 0

    def pass_(self, **time: float) -> None:
        """Time goes by."""
        self.at += timedelta(**time)

    def _now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def _sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def wants_repeat(reply: Reply | None) -> bool:
    """True if a client would ask again with the same key: no answer, or one that tells it to."""
    return reply is None or "Retry-After" in reply.headers


def _tables() -> dict[str, Any]:
    return dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables


def _queues() -> list[Any]:
    return list(sqs_backends[cloud.ACCOUNT][cloud.REGION].queues.values())
