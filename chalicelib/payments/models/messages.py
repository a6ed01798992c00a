"""What partners posted: kept as it came, for ninety days, with how far it has come."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from pynamodb.attributes import BinaryAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.core import clock, crypto, db
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError, WriteRefused
from chalicelib.payments.errors import AlreadySettled
from chalicelib.payments.rules import Message
from chalicelib.payments.states import UNSETTLED, MessageState

KEPT_FOR: Final = timedelta(days=90)
PURPOSE: Final = "webhooks"
"""Bodies are kept locked: partners repeat in them who pays."""
HEADERS_KEPT: Final = ("content-type", "user-agent")
"""None of them lets anybody in."""


class ByParked(GlobalSecondaryIndex["MessageRow"]):
    """The messages that wait, and those put aside, by when that was."""

    class Meta:
        index_name = "by_parked"
        projection = KeysOnlyProjection()

    parked_shard = UnicodeAttribute(hash_key=True)
    parked_at = UnicodeAttribute(range_key=True)


class ByAbout(GlobalSecondaryIndex["MessageRow"]):
    """The messages that speak first of an order."""

    class Meta:
        index_name = "by_about"
        projection = KeysOnlyProjection()

    about = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class MessageRow(db.Row):
    """pk = "HOOK#", gateway and the SHA-256 of the body, sk = "RAW". ``parked_shard`` is the state, while that is
    parked or quarantined; ``about`` is the order that it speaks of, or speaks of first."""

    class Meta:
        table_name = settings.table("payments")

    gateway = UnicodeAttribute()
    body = BinaryAttribute(legacy_encoding=False, null=True)
    headers: JSONAttribute = JSONAttribute()
    notices: JSONAttribute = JSONAttribute()
    received_at = UnicodeAttribute()
    state = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    parked_shard = UnicodeAttribute(null=True)
    parked_at = UnicodeAttribute(null=True)
    about = UnicodeAttribute(null=True)
    expires = NumberAttribute()

    by_parked = ByParked()
    by_about = ByAbout()

    @classmethod
    def lookup(cls, message_id: str) -> "db.Lookup[Message | None]":
        """Reads one message."""
        return db.Lookup(((cls, message_id, "RAW"),), lambda rows: rows[0].message() if rows[0] else None)

    @classmethod
    def page(cls, state: MessageState, limit: int, cursor: str | None) -> "db.Page[Message]":
        """Parked or quarantined messages, the oldest first."""
        found = db.page(cls, state, limit=limit, cursor=cursor, index=cls.by_parked)
        (messages,) = db.look(cls._lookup_all([row.pk for row in found.items]))
        return db.Page(messages, found.next_cursor)

    @classmethod
    def parked(cls, limit: int, state: MessageState = MessageState.PARKED) -> list[str]:
        """Ids of messages that wait (or were put aside), those looked at longest ago first."""
        return [row.pk for row in db.rows(cls, state, index=cls.by_parked, limit=limit)]

    @classmethod
    def keep(cls, tx: db.Transaction, message: Message, body: bytes, headers: Mapping[str, str]) -> None:
        """Write a message that has not come before. Refused with AlreadySettled if it has and was dealt with, with
        WriteRefused if it still waits."""
        row = cls(
            pk=message.id,
            sk="RAW",
            gateway=message.gateway,
            body=crypto.lock(PURPOSE, message.id, body),
            headers={name: headers[name] for name in HEADERS_KEPT if name in headers},
            notices=[list(notice) for notice in message.notices],
            received_at=clock.stamp(message.received_at),
            state=message.state,
            about=message.about,
            expires=int((message.received_at + KEPT_FOR).timestamp()),
        )
        tx.put(row, refusal=_seen_before)

    @classmethod
    def settle(cls, tx: db.Transaction, message_id: str, state: MessageState, reason: str | None) -> None:
        """Move a message that waits. Refused with AlreadySettled."""
        actions: list[Action] = [cls.state.set(state)]
        actions.append(cls.reason.set(reason) if reason else cls.reason.remove())
        if state is MessageState.PROCESSED:
            actions += [cls.parked_shard.remove(), cls.parked_at.remove()]
        else:
            actions += [cls.parked_shard.set(state), cls.parked_at.set(clock.stamp(clock.now()))]
        tx.update(
            cls(message_id, "RAW"),
            actions,
            condition=cls.state.is_in(*sorted(UNSETTLED)),
            refusal=AlreadySettled(),
        )

    @classmethod
    def of_order(cls, order_id: str) -> list[str]:
        """Ids of the messages that speak first of an order."""
        return [row.pk for row in db.rows(cls, order_id, index=cls.by_about)]

    @classmethod
    def forget_body(cls, tx: db.Transaction, message_id: str) -> None:
        """Take away what the partner said, and keep that it did. Refused with WriteRefused if it is gone."""
        tx.update(cls(message_id, "RAW"), [cls.body.remove()], condition=cls.pk.exists())

    @classmethod
    def _lookup_all(cls, ids: list[str]) -> "db.Lookup[list[Message]]":
        return db.Lookup(tuple((cls, each, "RAW") for each in ids), lambda rows: [row.message() for row in rows if row])

    def message(self) -> Message:
        """The row as a value."""
        notices: list[list[str]] = self.notices
        return Message(
            id=self.pk,
            gateway=self.gateway,
            notices=tuple((reference, transaction_id) for reference, transaction_id in notices),
            received_at=clock.instant(self.received_at),
            state=MessageState(self.state),
            reason=self.reason or "",
        )


def message_id(gateway: str, body: bytes) -> str:
    """What a message is called: the same bytes are the same message."""
    return f"HOOK#{gateway}#{hashlib.sha256(body).hexdigest()}"


def _seen_before(row: Any) -> LarisError:
    settled = row is not None and MessageState(row.state) not in UNSETTLED
    return AlreadySettled() if settled else WriteRefused()
