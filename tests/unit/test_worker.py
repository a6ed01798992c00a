"""Consumers: what of a batch is done, comes again or is put aside, with and without partial batch responses."""

import json
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec
import pytest
from chalice.app import CloudWatchEvent, DynamoDBEvent, SQSEvent

from chalicelib.core import aws, worker
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.errors import Conflict, WriteRefused
from chalicelib.core.worker import BatchFailed, each_batch, each_message, scheduled


@dataclass(frozen=True, slots=True)
class ParcelSent:
    TYPE: ClassVar[str] = "parcel.sent"

    awb: str


@dataclass(frozen=True, slots=True)
class ParcelLost:
    TYPE: ClassVar[str] = "parcel.lost"

    awb: str


class Letter(msgspec.Struct, frozen=True):
    text: str


class Sqs:
    """A queue's side of the line, which remembers what it was asked."""

    def __init__(self) -> None:
        self.deleted: list[str] = []
        self.buried: list[tuple[str, str, str]] = []
        self.refuses: list[dict[str, Any]] = []

    def get_queue_url(self, QueueName):  # noqa: N803 as boto names it
        return {"QueueUrl": f"https://sqs/{QueueName}"}

    def send_message(self, QueueUrl, MessageBody, MessageAttributes):  # noqa: N803
        self.buried.append((QueueUrl, MessageBody, MessageAttributes["reason"]["StringValue"]))

    def delete_message_batch(self, QueueUrl, Entries):  # noqa: N803
        self.deleted += [entry["ReceiptHandle"] for entry in Entries]
        return {"Failed": self.refuses}


@pytest.fixture
def sqs(monkeypatch):
    fake = Sqs()
    monkeypatch.setitem(aws._clients, "sqs", fake)
    return fake


@pytest.fixture
def partial_batches(monkeypatch):
    monkeypatch.setattr(worker, "settings", replace(settings, partial_batches=True))


def batch(*bodies):
    records = [
        {
            "messageId": f"m{number}",
            "receiptHandle": f"r{number}",
            "body": body if isinstance(body, str) else json.dumps(body),
            "eventSourceARN": "arn:aws:sqs:ap-southeast-3:123456789012:laris-test-orders",
        }
        for number, body in enumerate(bodies)
    ]
    return SQSEvent({"Records": records}, None)


def sent(awb):
    return {"id": "evt_1", "type": "parcel.sent", "data": {"awb": awb}}


@pytest.fixture
def consumer():
    """Takes parcels; awb says what goes wrong with it."""
    taken = []

    @each_message
    def on_parcel(parcel: ParcelSent | ParcelLost) -> None:
        match parcel.awb:
            case "bug":
                raise ZeroDivisionError("a fault of ours")
            case "contended":
                raise WriteRefused()
            case "refused":
                raise Conflict()
        taken.append(parcel)

    on_parcel.taken = taken  # type: ignore[attr-defined]
    return on_parcel


def test_a_batch_that_went_well_is_left_to_aws_to_delete(sqs, consumer):
    answer = consumer(batch(sent("A"), sent("B")))

    assert answer is None
    assert consumer.taken == [ParcelSent("A"), ParcelSent("B")]
    assert sqs.deleted == sqs.buried == []


@pytest.mark.parametrize("trouble", ["bug", "contended"])
def test_without_the_setting_what_succeeded_is_deleted_and_the_rest_comes_again(sqs, consumer, trouble):
    with pytest.raises(BatchFailed):
        consumer(batch(sent("A"), sent(trouble), sent("B")))

    assert consumer.taken == [ParcelSent("A"), ParcelSent("B")]
    assert sqs.deleted == ["r0", "r2"]
    assert sqs.buried == []


@pytest.mark.parametrize("trouble", ["bug", "contended"])
def test_with_the_setting_only_what_failed_is_named(sqs, consumer, partial_batches, trouble):
    answer = consumer(batch(sent("A"), sent(trouble), sent("B")))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert consumer.taken == [ParcelSent("A"), ParcelSent("B")]
    assert sqs.deleted == sqs.buried == []


def test_a_batch_that_failed_whole_deletes_nothing(sqs, consumer):
    with pytest.raises(BatchFailed):
        consumer(batch(sent("bug"), sent("contended")))

    assert sqs.deleted == []


def test_what_is_refused_for_good_goes_to_the_dead_letters_at_once(sqs, consumer):
    answer = consumer(batch(sent("A"), sent("refused"), sent("B")))

    assert answer is None
    assert sqs.buried == [("https://sqs/laris-test-orders-dlq", json.dumps(sent("refused")), "conflict")]
    assert consumer.taken == [ParcelSent("A"), ParcelSent("B")]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "parcel.sent", "data": {"awb": 1}},
        {"type": "parcel.sent", "data": {}},
        {"type": "parcel.eaten", "data": {"awb": "A"}},
        {"data": {"awb": "A"}},
    ],
)
def test_what_nobody_can_read_goes_to_the_dead_letters_and_its_neighbours_are_done(sqs, consumer, message):
    answer = consumer(batch(message, sent("B")))

    assert answer is None
    assert [why for _, _, why in sqs.buried] == ["unreadable"]
    assert consumer.taken == [ParcelSent("B")]


@pytest.mark.parametrize(
    "body",
    ["{", "[]", "null", '"text"', '{"type":"parcel.sent"}', "\x00", '{"a":' * 5000],
    ids=["cut off", "list", "null", "text", "no data", "no text", "nested too deep"],
)
def test_what_is_no_envelope_goes_to_the_dead_letters_too(sqs, consumer, body):
    answer = consumer(batch(body, sent("B")))

    assert answer is None
    assert [why for _, _, why in sqs.buried] == ["unreadable"]
    assert consumer.taken == [ParcelSent("B")]


def test_what_cannot_be_put_aside_comes_again_and_its_neighbours_are_done(sqs, consumer, monkeypatch):
    def refuses(**_asked):
        raise ConnectionError("no queue")

    monkeypatch.setattr(sqs, "send_message", refuses)

    with pytest.raises(BatchFailed):
        consumer(batch("{", sent("B")))

    assert consumer.taken == [ParcelSent("B")]
    assert len(sqs.deleted) == 1


def test_a_refusal_for_good_does_not_come_again_with_the_failures_of_its_batch(sqs, consumer):
    with pytest.raises(BatchFailed):
        consumer(batch(sent("refused"), sent("bug")))

    assert sqs.deleted == ["r0"]
    assert len(sqs.buried) == 1


def test_a_message_that_could_not_be_deleted_is_no_failure_of_its_own(sqs, consumer):
    sqs.refuses = [{"Id": "0"}]

    with pytest.raises(BatchFailed):
        consumer(batch(sent("A"), sent("bug")))


def test_events_are_told_apart_by_their_type(sqs, consumer):
    consumer(batch(sent("A"), {"type": "parcel.lost", "data": {"awb": "B"}}))

    assert consumer.taken == [ParcelSent("A"), ParcelLost("B")]


def test_a_message_that_is_no_event_is_read_whole(sqs):
    read = []

    @each_message
    def on_letter(letter: Letter) -> None:
        read.append(letter)

    on_letter(batch({"text": "halo"}))

    assert read == [Letter("halo")]


def test_a_schedule_runs_and_says_nothing_back():
    @scheduled
    def sweep() -> Counts:
        return Counts(seen=2, done=1, left=1)

    names = ("version", "account", "region", "detail", "detail-type", "source", "time", "id", "resources")

    assert sweep(CloudWatchEvent(dict.fromkeys(names), None)) is None


def test_the_stream_gives_what_was_inserted_and_nothing_else():
    carried = []

    @each_batch
    def relay(images: list[Any]) -> int:
        carried.extend(images)
        return len(images)

    records = [
        {"eventName": "INSERT", "dynamodb": {"NewImage": {"pk": {"S": "a"}}}},
        {"eventName": "REMOVE", "dynamodb": {}},
    ]
    relay(DynamoDBEvent({"Records": records}, None))

    assert carried == [{"pk": {"S": "a"}}]
