"""The real shop as a stage for the ring: set once, put back to that state before every run."""

import copy
import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest.mock import patch

from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import DynamoDBEventConfig, SQSEventConfig
from moto.dynamodb.models import dynamodb_backends
from moto.sqs.models import sqs_backends

from chalicelib.core import aws, clock, flags
from chalicelib.core import secrets as ours
from chalicelib.core.errors import UpstreamTimeout
from chalicelib.payments import gateways
from chalicelib.payments.gateways.port import Charge, Kind, PaymentEvent, Started
from infra.local.dynamodb import forget_tokens
from infra.local.pumps import Pumps
from tests.kit import cloud
from tests.kit.api import Reply
from tests.kit.gateways import ENDED, FakeGateway
from tests.kit.shop import Shop
from tests.properties.ring.scheduler import outside, sleeper

START: Final = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
MOST_TURNS: Final = 12
BESIDE: Final = frozenset({"identity", "notices", "notices-feedback", "order-letters", "privacy"})
"""Queues of what follows beside the sale, the trail and letters: left alone here, they have tests of their own."""


class Bank(FakeGateway):
    """The gateway in memory, whose every call is a point where others go on and messages get lost."""

    def start(self, charge: Charge) -> Started:
        return outside("start", lambda: super(Bank, self).start(charge), UpstreamTimeout)

    def fetch(self, reference: str) -> list[PaymentEvent]:
        return outside("fetch", lambda: super(Bank, self).fetch(reference), UpstreamTimeout)

    def cancel(self, reference: str) -> None:
        outside("cancel", lambda: super(Bank, self).cancel(reference), UpstreamTimeout)

    def kinds(self, reference: str) -> set[Kind]:
        """What has happened to a charge."""
        return {event.kind for event in self.book.get(reference, [])}

    def is_open(self, reference: str) -> bool:
        """True while a buyer could pay it."""
        return reference in self.charges and not ENDED & self.kinds(reference)


class Carriers(Pumps):
    """Pumps that look before they call, since a poll that finds nothing is no point worth a turn, and that remember
    what they gave to whom."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.given: list[tuple[SQSEventConfig, dict[str, Any]]] = []

    def begin(self) -> None:
        """As if just made, over streams that are empty."""
        self._positions.clear()
        self.failures.clear()
        self.given.clear()

    def consume(self, queue: SQSEventConfig) -> int:
        if _is_beside(queue):
            return 0
        return super().consume(queue) if any(each.visible for each in _messages(queue)) else 0

    def relay(self, relay: DynamoDBEventConfig) -> int:
        shard = _tables()[relay.stream_arn.split("/")[1]].stream_shard
        records = [each.record["dynamodb"]["SequenceNumber"] for each in shard.items[-1:]]
        is_read = all(int(number) <= (self._positions.get(relay.stream_arn) or -1) for number in records)
        return 0 if is_read else super().relay(relay)

    def invoke(self, source: Any, event: dict[str, Any]) -> bool:
        if isinstance(source, SQSEventConfig):
            self.given += [(source, record) for record in event["Records"] if (source, record) not in self.given]
        return super().invoke(source, event)

    def give_again(self) -> None:
        """At least once and in no order: all that was ever given or waits is given from the last to the first."""
        waiting = [
            (queue, self._seen(queue, each))
            for queue in self._queues
            if not _is_beside(queue)
            for each in _messages(queue)
        ]
        for queue, record in reversed([*self.given, *waiting]):
            self.invoke(queue, {"Records": [record]})

    def _seen(self, queue: SQSEventConfig, message: Any) -> dict[str, Any]:
        about = {"MessageId": message.id, "ReceiptHandle": message.receipt_handle or "", "Body": message.body}
        return self._record(str(queue.queue), about)


class Stage:
    """A shop with its bank, clock and pumps; ``reset`` puts it back to how ``set`` left it."""

    def __init__(self) -> None:
        from app import app

        cloud.start()
        self.at = START
        self.carts: dict[str, str] = {}
        self.placed: dict[str, Any] = {}
        self.posts: dict[tuple[str, int], bool] = {}
        """What the bank has to say, by reference and number: whether it was told that it was heard."""
        self.bank = Bank()
        self.pumps = Carriers(app, sqs=aws.client("sqs"), streams=aws.client("dynamodbstreams"))
        self._chance = random.Random("set")

    @contextmanager
    def open(self) -> Iterator["Stage"]:
        """The clock, the bank and chance are this stage's: the same schedule makes the same ids."""
        with (
            clock.use(self._now, sleeper(self._sleep)),
            gateways.use("fake", self.bank),
            patch.object(secrets, "choice", lambda choices: self._chance.choice(choices)),
        ):
            cloud.wipe()
            ours.forget()
            self.shop = Shop(self.pumps, self.bank)
            yield self

    def keep(self) -> None:
        """This is the state to which ``reset`` goes back."""
        self._tables = {name: copy.deepcopy(table.items) for name, table in _tables().items()}
        self._kept = self.at, copy.deepcopy(self.bank.book), copy.deepcopy(self.bank.charges)

    def reset(self) -> None:
        """Go back to the state that was kept."""
        for name, table in _tables().items():
            table.items = copy.deepcopy(self._tables[name])
            if shard := table.stream_shard:
                shard.starting_sequence_number += len(shard.items)
                shard.items.clear()
        for queue in _queues():
            queue._messages, queue._pending_messages = [], set()
        self.at, book, charges = self._kept
        self.bank.book, self.bank.charges = copy.deepcopy(book), copy.deepcopy(charges)
        self.bank.cancelled.clear()
        self.posts.clear()
        self.pumps.begin()
        self._chance.seed("run")
        forget_tokens()
        flags.forget()

    # The bank

    def happens(self, reference: str, kind: Kind) -> None:
        """Something happens at the bank, which will post it until it is heard."""
        self.bank.happens(reference, kind)
        self.posts[reference, len(self.bank.book[reference])] = False

    def tells(self, reference: str, number: int | None = None) -> Reply:
        """The bank posts what last happened, or its ``number``-th message once more."""
        number = len(self.bank.book[reference]) if number is None else number
        self.posts.setdefault((reference, number), False)
        reply = self.shop.tells(reference, number=number)
        self.posts[reference, number] |= reply.status == 200
        return reply

    def tells_unheard(self) -> bool:
        """The bank posts again what was not heard; True if there was anything."""
        unheard = [post for post, is_heard in self.posts.items() if not is_heard]
        for reference, number in unheard:
            self.tells(reference, number)
        return bool(unheard)

    # Queues

    def turns(self, number: int) -> None:
        """So many turns of stream and queues; a poller that AWS does not answer tries again another time."""
        for _ in range(number):
            with suppress(BotoCoreError, ClientError):
                self.pumps.turn()

    def settles(self) -> bool:
        """Let queues give again what was not done, and turn until nothing moves; True if that moved anything."""
        moved = False
        for _ in range(MOST_TURNS):
            for queue in _queues():
                for message in queue._messages:
                    message.visible_at = 0
            if not self.pumps.turn():
                return moved
            moved = True
        return moved

    def echoes(self) -> None:
        """Everything that was ever posted or sent comes once more."""
        for reference, number in list(self.posts):
            self.tells(reference, number)
        self.pumps.give_again()

    def dead_letters(self) -> list[str]:
        """What was given up, in any queue."""
        return [message.body for queue in _queues() if queue.name.endswith("-dlq") for message in queue._messages]

    # Time

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


def _is_beside(queue: SQSEventConfig) -> bool:
    return str(queue.queue).rpartition(f"-{cloud.STAGE}-")[2] in BESIDE


def _messages(queue: SQSEventConfig) -> list[Any]:
    return list(sqs_backends[cloud.ACCOUNT][cloud.REGION].queues[str(queue.queue)]._messages)
