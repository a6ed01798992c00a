"""What partners post: kept and queued at the door, acted upon by a worker that asks the gateway for the truth."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any, Final

import msgspec

from chalicelib.core import aws, clock, db, log, outbox
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.errors import WriteRefused
from chalicelib.core.log import logger
from chalicelib.events.payments import PaymentFlagged
from chalicelib.payments import ledger
from chalicelib.payments.errors import AlreadySettled, MessageUnknown, PaymentNotFound
from chalicelib.payments.gateways import gateway
from chalicelib.payments.judgement import Judgement
from chalicelib.payments.models.messages import MessageRow, message_id
from chalicelib.payments.rules import Message, Waiting, order_of
from chalicelib.payments.states import UNSETTLED, MessageState

QUEUE: Final = "payment-webhooks"
PARKED_FOR: Final = timedelta(hours=24)
LOOKED_AT_ONCE: Final = 500
LARGEST_SEND: Final = 10

UNKNOWN: Final = "unknown_payment"


def receive(name: str, raw: bytes, headers: Mapping[str, str]) -> None:
    """Verify what the partner called ``name`` posted, keep it as it came and queue it; no partner is called.

    The same bytes are kept once, and queued again for as long as they wait. Raises UnknownGateway, Malformed,
    BadSignature; nothing is written then.
    """
    notices = gateway(name).read_webhook(raw, headers)
    message = Message(
        id=message_id(name, raw),
        gateway=name,
        notices=tuple((notice.reference, notice.transaction_id) for notice in notices),
        received_at=clock.now(),
        state=MessageState.RECEIVED,
    )
    try:
        with db.transaction() as tx:
            MessageRow.keep(tx, message, raw, headers)
    except AlreadySettled:
        return
    except WriteRefused:
        logger.info("message came again", message_id=message.id)
    _enqueue([message.id])


def settle(message_id: str) -> None:
    """Act upon a message: record what the gateway itself says about what it speaks of; said twice, it is done once.

    The message is settled in the transaction that records it. One about what we do not know waits for a day. Raises
    MessageUnknown, and Upstream or UpstreamTimeout if the gateway cannot be asked.
    """
    (message,) = db.look(MessageRow.lookup(message_id))
    if message is None:
        raise MessageUnknown(message_id=message_id)
    if message.state not in UNSETTLED:
        return
    mark = log.actor.set(f"partner:{message.gateway}")
    try:
        _settle(message)
    except AlreadySettled:
        logger.info("message was settled meanwhile", message_id=message.id)
    finally:
        log.actor.reset(mark)


def retry_parked() -> Counts:
    """Queue the messages that wait once more."""
    parked = MessageRow.parked(LOOKED_AT_ONCE)
    _enqueue(parked)
    return Counts(seen=len(parked), done=len(parked))


def waiting() -> Waiting:
    """How many messages wait, and how many were put aside for somebody to look at; at most 500 of each are counted."""
    counted = (
        len(MessageRow.parked(LOOKED_AT_ONCE, state)) for state in (MessageState.PARKED, MessageState.QUARANTINED)
    )
    return Waiting(*counted)


def page(state: MessageState, *, limit: int, cursor: str | None) -> db.Page[Message]:
    """The messages that wait or were put aside, the oldest first."""
    return MessageRow.page(state, limit, cursor)


def _settle(message: Message) -> None:
    """All that a message speaks of but the last thing is recorded on its own; with the last, the message is settled."""
    if not message.notices:
        _mark(message, MessageState.PROCESSED, "speaks_of_nothing")
        return
    *others, last = dict.fromkeys(reference for reference, _ in message.notices)
    try:
        for reference in others:
            _record(message, reference, None)
        _record(message, last, lambda tx, judgement: _mark_in(tx, message, judgement))
    except PaymentNotFound:
        _put_off(message)


def _record(message: Message, reference: str, also: ledger.Also | None) -> None:
    """Raises PaymentNotFound if either side does not know what the message speaks of."""
    order_id = order_of(reference)
    events = gateway(message.gateway).fetch(reference) if order_id else []
    if order_id is None or not events:
        raise PaymentNotFound()
    ledger.append(order_id, message.gateway, events, source=message.id, also=also)


def _mark_in(tx: db.Transaction, message: Message, judgement: Judgement) -> None:
    state = MessageState.QUARANTINED if judgement.kept_out else MessageState.PROCESSED
    MessageRow.settle(tx, message.id, state, judgement.kept_out)


def _put_off(message: Message) -> None:
    """Let it wait, since it may have come before what it is about; after a day it is somebody's to look at."""
    if clock.now() - message.received_at < PARKED_FOR:
        _mark(message, MessageState.PARKED, UNKNOWN)
        return
    with db.transaction() as tx:
        MessageRow.settle(tx, message.id, MessageState.QUARANTINED, UNKNOWN)
        for reference in dict.fromkeys(reference for reference, _ in message.notices):
            outbox.publish(tx, PaymentFlagged(reference, UNKNOWN, message.gateway, message.id))
    logger.warning("message quarantined", message_id=message.id, reason=UNKNOWN)


def _mark(message: Message, state: MessageState, reason: str) -> None:
    with db.transaction() as tx:
        MessageRow.settle(tx, message.id, state, reason)
    if state is not message.state:
        logger.info("message marked", message_id=message.id, state=state, reason=reason)


def _enqueue(message_ids: Sequence[str]) -> None:
    """Raises WriteRefused if the queue did not take all of them, so that the partner posts again."""
    for start in range(0, len(message_ids), LARGEST_SEND):
        entries = list(_entries(message_ids[start : start + LARGEST_SEND]))
        answer = aws.client("sqs").send_message_batch(QueueUrl=_queue_url(), Entries=entries)
        if answer.get("Failed"):
            raise WriteRefused("The queue did not take every message.")


def _entries(message_ids: Iterable[str]) -> Iterable[dict[str, Any]]:
    for number, each in enumerate(message_ids):
        body = {"gateway": each.split("#")[1], "message": each, **log.follows()}
        yield {"Id": str(number), "MessageBody": msgspec.json.encode(body).decode()}


@cache
def _queue_url() -> str:
    return str(aws.client("sqs").get_queue_url(QueueName=settings.queue(QUEUE))["QueueUrl"])
