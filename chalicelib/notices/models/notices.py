"""How notices are stored: one item each under its own id, which follows from its key.

Who it goes to and what it says are sealed under the person's key. Lists read by thin indexes, the one by state spread
over shards, since an index keyed by state alone would slow every write to its one partition.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.core import clock, cursors, db
from chalicelib.core.config import settings
from chalicelib.core.vault import DataKey, SealedAttribute
from chalicelib.notices.channels.port import ChannelName
from chalicelib.notices.errors import NoticeMoved, NotResendable
from chalicelib.notices.rules import Noted, Notice, Recipient, id_of
from chalicelib.notices.states import MAY_FOLLOW, RESENDABLE, State

SHARDS: Final = 4
ERASED_AT_ONCE: Final = 200


class BySubject(GlobalSecondaryIndex["NoticeRow"]):
    """A person's notices, by when they were asked for."""

    class Meta:
        index_name = "by_subject"
        projection = KeysOnlyProjection()

    subject = UnicodeAttribute(hash_key=True)
    listed = UnicodeAttribute(range_key=True)


class ByState(GlobalSecondaryIndex["NoticeRow"]):
    """The notices of a state and shard, by when they were asked for."""

    class Meta:
        index_name = "by_state"
        projection = KeysOnlyProjection()

    state_shard = UnicodeAttribute(hash_key=True)
    listed = UnicodeAttribute(range_key=True)


class NoticeRow(db.Row):
    """pk = notice id, sk = "NOTICE". ``listed`` is the time and the id: the position in every list."""

    class Meta:
        table_name = settings.table("notices")

    state = UnicodeAttribute()
    template = UnicodeAttribute()
    language = UnicodeAttribute()
    purpose = UnicodeAttribute()
    subject = UnicodeAttribute()
    recipient = SealedAttribute(null=True)
    facts = SealedAttribute(null=True)
    channels: JSONAttribute = JSONAttribute()
    channel = UnicodeAttribute(null=True)
    round = NumberAttribute()
    unsure = NumberAttribute()
    attempts = NumberAttribute()
    message_id = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    requested_at = UnicodeAttribute()
    changed_at = UnicodeAttribute()
    listed = UnicodeAttribute()
    state_shard = UnicodeAttribute(null=True)

    by_subject = BySubject()
    by_state = ByState()

    @classmethod
    def lookup(cls, notice_id: str) -> "db.Lookup[Noted | None]":
        """Reads one notice, without what is sealed."""
        return db.Lookup(((cls, notice_id, "NOTICE"),), lambda rows: rows[0].noted() if rows[0] else None)

    @classmethod
    def ask(cls, tx: db.Transaction, notice: Notice, channels: Sequence[ChannelName], data_key: DataKey) -> str:
        """Write a notice unless it is there already, which is no error; its id.

        An update that sets only what is missing, because a put that is refused would take its transaction along.
        """
        id_, at = id_of(notice.key), clock.stamp(clock.now())
        values: dict[str, Any] = {
            "state": State.QUEUED,
            "state_shard": _sharded(State.QUEUED, id_),
            "template": notice.template,
            "language": notice.language,
            "purpose": notice.purpose,
            "subject": notice.to.subject,
            "recipient": data_key.seal(place(id_, "recipient"), notice.to),
            "facts": data_key.seal(place(id_, "facts"), dict(notice.facts)),
            "channels": list(channels),
            "round": 1,
            "unsure": 0,
            "attempts": 0,
            "requested_at": at,
            "changed_at": at,
            "listed": f"{at}#{id_}",
        }
        tx.update(
            cls(id_, "NOTICE"),
            [getattr(cls, name).set(getattr(cls, name) | value) for name, value in values.items()],
            condition=cls.subject.does_not_exist() | (cls.subject == notice.to.subject),
        )
        return id_

    @classmethod
    def begin(cls, tx: db.Transaction, noted: Noted, channel: ChannelName) -> None:
        """Note that it is handed to ``channel``; another such note without an answer between counts as unsure.

        Refused with NoticeMoved if somebody else took it on meanwhile.
        """
        actions = [
            *_moved(noted.id, State.SENDING),
            cls.channel.set(channel),
            cls.attempts.set(noted.attempts + 1),
            cls.unsure.set(noted.unsure + (noted.state is State.SENDING)),
        ]
        tx.update(
            cls(noted.id, "NOTICE"),
            actions,
            condition=(cls.state == noted.state) & (cls.attempts == noted.attempts) & (cls.round == noted.round),
            refusal=NoticeMoved(),
        )

    @classmethod
    def settle(
        cls,
        tx: db.Transaction,
        noted: Noted,
        state: State,
        *,
        reason: str | None = None,
        message_id: str | None = None,
        channels: Sequence[ChannelName] | None = None,
    ) -> None:
        """Move it to ``state``, from where that may follow and in the same round. Refused with NoticeMoved."""
        actions = _moved(noted.id, state)
        actions.append(cls.reason.set(reason) if reason else cls.reason.remove())
        if message_id:
            actions.append(cls.message_id.set(message_id))
        if channels is not None:
            actions.append(cls.channels.set(list(channels)))
        tx.update(
            cls(noted.id, "NOTICE"),
            actions,
            condition=cls.state.is_in(*sorted(MAY_FOLLOW[state])) & (cls.round == noted.round),
            refusal=NoticeMoved(),
        )

    @classmethod
    def again(cls, tx: db.Transaction, noted: Noted, channels: Sequence[ChannelName]) -> None:
        """Queue it for one more round. Refused with NotResendable."""
        actions = [
            *_moved(noted.id, State.QUEUED),
            cls.round.set(noted.round + 1),
            cls.unsure.set(0),
            cls.channels.set(list(channels)),
            cls.reason.remove(),
            cls.message_id.remove(),
        ]
        condition = cls.state.is_in(*sorted(RESENDABLE)) & (cls.round == noted.round) & cls.recipient.exists()
        tx.update(cls(noted.id, "NOTICE"), actions, condition=condition, refusal=NotResendable())

    @classmethod
    def erase(cls, tx: db.Transaction, notice_id: str) -> None:
        """Take away who it goes to and what it says; it leaves the lists by state."""
        actions = [cls.recipient.remove(), cls.facts.remove(), cls.state_shard.remove()]
        tx.update(cls(notice_id, "NOTICE"), actions, condition=cls.pk.exists())

    @classmethod
    def ids_of(cls, subject: str) -> list[str]:
        """The ids of a person's notices, oldest first."""
        return [row.pk for row in db.rows(cls, subject, index=cls.by_subject)]

    @classmethod
    def unerased(cls, before: datetime) -> list[str]:
        """The ids of notices asked for before then that can still be read, at most some of each list."""
        condition = cls.listed < clock.stamp(before)
        return [
            row.pk
            for state in State
            for shard in range(SHARDS)
            for row in db.rows(cls, f"{state}#{shard}", condition, index=cls.by_state, limit=ERASED_AT_ONCE)
        ]

    @classmethod
    def page(
        cls, *, subject: str | None, states: Iterable[State], limit: int, cursor: str | None
    ) -> "db.Page[NoticeRow]":
        """Notices of these states, newest first; of one person where given."""
        wanted = sorted(states)
        scope = f"notices|{subject}|{','.join(wanted)}"
        highest = cursors.open_(scope, cursor) if cursor else "~"
        found = sorted(cls._positions(subject, wanted, highest, limit + 1), reverse=True)
        ids = [position.rpartition("#")[2] for position in found[:limit]]
        rows = [row for row in cls.look(ids) if row.state in wanted]
        return db.Page(rows, cursors.seal(scope, found[limit - 1]) if len(found) > limit else None)

    @classmethod
    def look(cls, ids: Sequence[str]) -> "list[NoticeRow]":
        """The rows with these ids, in order; those that are gone left out."""
        keys = tuple((cls, each, "NOTICE") for each in ids)
        (rows,) = db.look(db.Lookup(keys, lambda found: [row for row in found if row is not None]))
        return rows

    @classmethod
    def _positions(cls, subject: str | None, states: Sequence[str], highest: str, limit: int) -> Iterable[str]:
        """Positions below ``highest``, newest first within each part; at most ``limit`` a part."""
        if subject is not None:
            parts: list[tuple[Any, str]] = [(cls.by_subject, subject)]
        else:
            parts = [(cls.by_state, f"{state}#{shard}") for state in states for shard in range(SHARDS)]
        for index, part in parts:
            for row in db.rows(cls, part, cls.listed < highest, index=index, newest_first=True, limit=limit):
                yield row.listed

    def noted(self) -> Noted:
        """The row as a value, without what is sealed."""
        channels: list[str] = self.channels
        return Noted(
            id=self.pk,
            state=State(self.state),
            template=self.template,
            language="en" if self.language == "en" else "id",
            purpose=self.purpose,
            subject=self.subject,
            channels=tuple(ChannelName(each) for each in channels),
            channel=ChannelName(self.channel) if self.channel else None,
            round=int(self.round),
            unsure=int(self.unsure),
            attempts=int(self.attempts),
            message_id=self.message_id,
            reason=self.reason,
            requested_at=clock.instant(self.requested_at),
            changed_at=clock.instant(self.changed_at),
        )

    def opened(self, data_key: DataKey) -> tuple[Recipient, Mapping[str, str]] | None:
        """Who it goes to and what it says; None where that has been erased."""
        if not self.recipient or not self.facts:
            return None
        recipient: Recipient = data_key.open(place(self.pk, "recipient"), self.recipient, Recipient)
        facts: dict[str, str] = data_key.open(place(self.pk, "facts"), self.facts, dict[str, str])
        return recipient, facts


def place(notice_id: str, field: str) -> str:
    """Where something is sealed."""
    return f"{NoticeRow.Meta.table_name}|{notice_id}|NOTICE|{field}"


def _moved(notice_id: str, state: State) -> list[Action]:
    return [
        NoticeRow.state.set(state),
        NoticeRow.state_shard.set(_sharded(state, notice_id)),
        NoticeRow.changed_at.set(clock.stamp(clock.now())),
    ]


def _sharded(state: State, notice_id: str) -> str:
    return f"{state}#{zlib.crc32(notice_id.encode()) % SHARDS}"
