"""Carries messages into the very handlers that Lambda runs: queues, the event stream and schedules.

What there is to run is read from the app, as packaging reads it, so a new worker needs no line here.
"""

import functools
import importlib
import json
from collections.abc import Callable, Iterable
from typing import Any

from chalice.app import (
    Chalice,
    DynamoDBEventConfig,
    ScheduledEventConfig,
    ScheduleExpression,
    SQSEventConfig,
)

from infra.local import guard


class Pumps:
    """One turn at a time; ``drain`` turns until all is quiet. Failures of handlers are kept, never raised: the queue
    gives the message again, as AWS would.
    """

    def __init__(self, app: Chalice, *, sqs: Any, streams: Any) -> None:
        self._sqs, self._streams = sqs, streams
        self._queues = [each for each in app.event_sources if isinstance(each, SQSEventConfig)]
        self._relays = [each for each in app.event_sources if isinstance(each, DynamoDBEventConfig)]
        self._schedules = [each for each in app.event_sources if isinstance(each, ScheduledEventConfig)]
        self._urls: dict[str, str] = {}
        self._positions: dict[str, int | None] = {}
        self.failures: list[tuple[str, Exception]] = []

    @property
    def schedules(self) -> dict[str, str]:
        """The schedules by name, with their expressions such as ``rate(5 minutes)``."""
        return {each.name: _expression(each.schedule_expression) for each in self._schedules}

    def drain(self, turns: int = 100) -> None:
        """Turn until a whole turn moved nothing. Raises RuntimeError if that takes more than ``turns``."""
        for _ in range(turns):
            if not self.turn():
                return
        raise RuntimeError(f"not quiet after {turns} turns: {self.failures[-3:]}")

    def turn(self) -> int:
        """Move what waits in the stream and in each queue once; how many records and messages were seen."""
        return sum(self.relay(each) for each in self._relays) + sum(self.consume(each) for each in self._queues)

    def works(self) -> list[Callable[[], int]]:
        """Each stream and queue as a piece of work of its own, for a thread of its own."""
        return [
            *(functools.partial(self.relay, each) for each in self._relays),
            *(functools.partial(self.consume, each) for each in self._queues),
        ]

    def relay(self, relay: DynamoDBEventConfig) -> int:
        """Give the stream's next records to ``relay``; on failure the same ones come again."""
        records = self._next_records(relay.stream_arn)
        if not records:
            return 0
        if self.invoke(relay, {"Records": records}):
            self._positions[relay.stream_arn] = int(records[-1]["dynamodb"]["SequenceNumber"])
        return len(records)

    def consume(self, queue: SQSEventConfig) -> int:
        """Give one batch of ``queue`` to its handler and delete what it did."""
        url = self._url(str(queue.queue))
        got = self._sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=min(queue.batch_size, 10), MessageSystemAttributeNames=["All"]
        ).get("Messages", [])
        if got and self.invoke(queue, {"Records": [self._record(str(queue.queue), each) for each in got]}):
            self._delete(url, got)
        return len(got)

    def run_schedule(self, name: str) -> None:
        """Let a schedule fire now."""
        schedule = next(each for each in self._schedules if each.name == name)
        event = {
            "version": "0",
            "id": "local",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "0",
            "time": "",
            "region": "local",
            "resources": [name],
            "detail": {},
        }
        self.invoke(schedule, event)

    def invoke(self, source: Any, event: dict[str, Any]) -> bool:
        """Hand ``event`` to the handler of ``source``; whether it was done."""
        try:
            with guard.running(source.name):
                handler(source.handler_string)(event, None)
        except Exception as error:  # noqa: BLE001 - as Lambda does: the source gives it again
            self.failures.append((source.name, error))
            return False
        return True

    def skip_stream(self) -> None:
        """Forget what stands in the streams so far: the next turn begins after it."""
        for relay in self._relays:
            while records := self._next_records(relay.stream_arn):
                self._positions[relay.stream_arn] = int(records[-1]["dynamodb"]["SequenceNumber"])

    def _next_records(self, arn: str) -> list[dict[str, Any]]:
        shard = self._streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        position = self._positions.get(arn)
        where: dict[str, Any] = {"ShardIteratorType": "TRIM_HORIZON"}
        if position is not None:
            where = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": str(position)}
        found = self._streams.get_shard_iterator(StreamArn=arn, ShardId=shard, **where)
        records: list[dict[str, Any]] = self._streams.get_records(ShardIterator=found["ShardIterator"], Limit=100)[
            "Records"
        ]
        return records

    def _url(self, queue: str) -> str:
        if queue not in self._urls:
            self._urls[queue] = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        return self._urls[queue]

    def _delete(self, url: str, messages: Iterable[dict[str, Any]]) -> None:
        entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
        self._sqs.delete_message_batch(QueueUrl=url, Entries=entries)

    @staticmethod
    def _record(queue: str, message: dict[str, Any]) -> dict[str, Any]:
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:local:000000000000:{queue}",
            "awsRegion": "local",
        }


def _expression(schedule: str | ScheduleExpression) -> str:
    return schedule if isinstance(schedule, str) else str(schedule.to_string())


def handler(entry: str) -> Any:
    """The packaged entry point ``module.function``, imported as Lambda imports it."""
    module, _, name = entry.rpartition(".")
    return getattr(importlib.import_module(module), name)


def dead_letters(sqs: Any, queue: str) -> list[Any]:
    """What lies in the dead-letter queue of ``queue``, left there."""
    url = sqs.get_queue_url(QueueName=f"{queue}-dlq")["QueueUrl"]
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages", [])
    return [json.loads(each["Body"]) for each in got]
