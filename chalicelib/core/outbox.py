"""The event log: facts written in the same transaction as their effect, and carried on from its stream.

At least once and in no order: whoever listens is idempotent. The log is also each aggregate's timeline and what is
replayed. A message is the JSON envelope ``{id, type, aggregate, occurred_at, business_date, actor, correlation_id,
data}``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Protocol

import msgspec
from pynamodb.attributes import UnicodeAttribute

from chalicelib.core import aws, clock, db, ids, log, runs
from chalicelib.core.config import settings
from chalicelib.core.errors import Upstream
from chalicelib.events.console import RelayProbed

LARGEST_PUBLISH: Final = 10
HEAVIEST_PUBLISH: Final = 200 * 1024
"""Bytes; SNS takes 256 KB in a batch, attributes and all."""


class Event(Protocol):
    """A past-tense fact: ``TYPE`` such as "order.placed", and the field that holds its aggregate's id."""

    TYPE: ClassVar[str]
    KEY: ClassVar[str]


class EventRow(db.Row):
    """One fact, under the id of what it is about; its own id sorts by time."""

    class Meta:
        table_name = settings.table("events")

    type = UnicodeAttribute()
    data = UnicodeAttribute()
    occurred_at = UnicodeAttribute()
    business_date = UnicodeAttribute()
    actor = UnicodeAttribute()
    correlation_id = UnicodeAttribute(null=True)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact as it stands in the log."""

    id: str
    type: str
    aggregate: str
    occurred_at: datetime
    business_date: str
    actor: str
    data: dict[str, Any]


def publish(tx: db.Transaction, event: Event) -> None:
    """Write ``event`` in ``tx``: it happens exactly if the rest of the transaction does.

    The facts of one transaction stand in the log in the order in which they were published.
    """
    at = clock.now()
    tx.put(
        EventRow(
            pk=getattr(event, event.KEY),
            sk=ids.new("evt", at, step=len(tx)),
            type=event.TYPE,
            data=msgspec.json.encode(event).decode(),
            occurred_at=clock.stamp(at),
            business_date=clock.business_date(at).isoformat(),
            actor=log.actor.get(),
            correlation_id=log.story(),
        )
    )


def history(aggregate: str) -> list[Recorded]:
    """Everything that happened to ``aggregate``, oldest first."""
    return [_recorded(row) for row in db.rows(EventRow, aggregate)]


def envelope(image: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The message for a stream record's new image. An event from before there were correlation ids has its own."""
    row = {name: value["S"] for name, value in image.items()}
    return {
        "id": row["sk"],
        "type": row["type"],
        "aggregate": row["pk"],
        "occurred_at": row["occurred_at"],
        "business_date": row["business_date"],
        "actor": row["actor"],
        "correlation_id": row.get("correlation_id", row["sk"]),
        "data": msgspec.json.decode(row["data"]),
    }


def relay(images: Iterable[Mapping[str, Mapping[str, str]]]) -> int:
    """Send new facts on to the topic, as many at a time as it takes; how many. Raises Upstream if one was not taken,
    so that the stream gives the whole batch again.
    """
    envelopes = [envelope(image) for image in images]
    messages = [(each["type"], msgspec.json.encode(each)) for each in envelopes]
    batch: list[tuple[str, bytes]] = []
    for message in messages:
        heavy = sum(len(text) for _, text in [*batch, message]) > HEAVIEST_PUBLISH
        if batch and (heavy or len(batch) == LARGEST_PUBLISH):
            _send(batch)
            batch = []
        batch.append(message)
    if batch:
        _send(batch)
    for each in envelopes:
        if each["type"] == RelayProbed.TYPE:
            runs.carried(each["data"]["sent_at"])
    return len(messages)


def _send(messages: list[tuple[str, bytes]]) -> None:
    answer = aws.client("sns").publish_batch(
        TopicArn=settings.topic_arn,
        PublishBatchRequestEntries=[
            {
                "Id": str(number),
                "Message": text.decode(),
                "MessageAttributes": {"type": {"DataType": "String", "StringValue": type_}},
            }
            for number, (type_, text) in enumerate(messages)
        ],
    )
    if answer.get("Failed"):
        raise Upstream("The topic did not take every event.", failed=len(answer["Failed"]))


def _recorded(row: EventRow) -> Recorded:
    return Recorded(
        id=row.sk,
        type=row.type,
        aggregate=row.pk,
        occurred_at=clock.instant(row.occurred_at),
        business_date=row.business_date,
        actor=row.actor,
        data=msgspec.json.decode(row.data),
    )
