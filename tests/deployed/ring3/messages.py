"""Real queues: who works on them, what stands in them, and messages put back for another try."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import urllib3

from tests.deployed.ring3.system import API, PATIENCE, Deployed
from tests.kit.cloud import ACCOUNT, REGION


@contextmanager
def nobody_at(shop: Deployed, queue: str) -> Iterator[None]:
    """Messages wait in ``queue`` while this lasts: its mapping is switched off."""
    functions = shop.emulator.client("lambda")
    mapping = mapping_of(shop, queue)["UUID"]
    functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    try:
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping, Enabled=True)


def mapping_of(shop: Deployed, queue: str) -> dict[str, Any]:
    """What brings a queue's messages to its function."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{API}-{queue}"
    (found,) = shop.emulator.client("lambda").list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"]
    return dict(found)


def send(shop: Deployed, queue: str, *bodies: str) -> None:
    """Put messages into a queue."""
    sqs, url = shop.emulator.client("sqs"), shop.queue_url(queue)
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)


def standing_in(shop: Deployed, queue: str) -> list[str]:
    """What a queue holds. Asked of the emulator itself: whoever receives a message makes it wait."""
    url = f"{shop.emulator.url}/_ministack/sqs/messages?QueueUrl={quote(shop.queue_url(queue), safe='')}"
    accounts = urllib3.request("GET", url).json()["messages"]
    queues = [found for regions in accounts.values() for found in regions.values()]
    return [message["Body"] for found in queues for messages in found.values() for message in messages]


def redrive(shop: Deployed, queue: str) -> int:
    """Put all dead letters of ``queue`` back into it; how many. ministack has no StartMessageMoveTask.

    All are taken out before the first is put back: it may be among the dead again at once.
    """
    sqs, dead = shop.emulator.client("sqs"), shop.queue_url(f"{queue}-dlq")
    letters: list[dict[str, Any]] = []
    while got := sqs.receive_message(QueueUrl=dead, MaxNumberOfMessages=10).get("Messages", []):
        letters += got
        for letter in got:
            sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
    send(shop, queue, *(letter["Body"] for letter in letters))
    return len(letters)


@dataclass(frozen=True, slots=True)
class Listener:
    """A queue of ours among those that listen to the event log."""

    shop: Deployed
    url: str

    def hears(self, count: int, seconds: float = PATIENCE) -> list[dict[str, Any]]:
        """The envelopes that came, once there are ``count``; fewer if it takes too long."""
        sqs, heard = self.shop.emulator.client("sqs"), list[dict[str, Any]]()
        deadline = time.monotonic() + seconds
        while len(heard) < count and time.monotonic() < deadline:
            got = sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            heard += [json.loads(message["Body"]) for message in got.get("Messages", [])]
        return heard


@contextmanager
def listening(shop: Deployed, *types: str) -> Iterator[Listener]:
    """Listen for events of these types while this lasts."""
    sns, sqs = shop.emulator.client("sns"), shop.emulator.client("sqs")
    name = f"listener-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    subscription = sns.subscribe(
        TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:{API}-events",
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
        Attributes={"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"type": list(types)})},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    try:
        yield Listener(shop, url)
    finally:
        sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=url)
