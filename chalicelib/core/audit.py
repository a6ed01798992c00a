"""The audit trail's pen: what a privileged request does is recorded in the same transaction as the effect.

While such a request runs, a ``Trail`` rides on every transaction (``db.riders``); a request that is refused, or does
nothing that is written, is recorded by itself when it ends. Chaining and looking up is the business of ``identity``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from chalicelib.core import clock, crypto, db, ids, log, outbox, personal
from chalicelib.core.crypto import Unreadable
from chalicelib.core.errors import TooMany
from chalicelib.events.audit import AuditRecorded, Change

DONE: Final = "done"
LONGEST_AGENT: Final = 200
LARGEST_VALUE: Final = 8 * 1024
"""Bytes. Of what is larger the trail has the digest: an entry has to fit into a message."""

WHENCE: Final = "audit-whence"
"""What addresses and browsers are locked under: they tell who somebody is, and the trail is never erased."""

STRANGER: Final = "guest"

_current: ContextVar["Trail | None"] = ContextVar("trail", default=None)


@dataclass(slots=True)
class Trail:
    """One privileged request under way."""

    who: str
    action: str
    target: dict[str, str]
    source: str
    agent: str
    asked: Any = None
    changes: list[Change] = field(default_factory=list)
    is_written: bool = False

    def board(self, tx: db.Transaction) -> None:
        """Be recorded in ``tx``, unless there is nothing more to record."""
        if not self.is_written or self.changes:
            outbox.publish(tx, self._entry(DONE))

    def arrive(self) -> None:
        """What went along was written."""
        self.is_written = True
        self.changes.clear()

    def end(self, outcome: str) -> None:
        """Record what no transaction did: a refusal, or something that is kept elsewhere.

        Who is a stranger, or is told to wait, is not recorded: else anybody could fill the trail by asking.
        """
        if self.who == STRANGER or outcome == TooMany.code:
            return
        if outcome != DONE:
            self.changes.clear()  # they did not come to pass
        elif self.is_written and not self.changes:
            return
        token = db.riders.set(())
        try:
            with db.transaction() as tx:
                outbox.publish(tx, self._entry(outcome))
        finally:
            db.riders.reset(token)

    def _entry(self, outcome: str) -> AuditRecorded:
        now = clock.now()
        id_ = ids.new("aud", now)
        return AuditRecorded(
            entry_id=id_,
            at=clock.stamp(now),
            who=self.who,
            action=self.action,
            target=self.target,
            source=crypto.lock_text(WHENCE, id_, self.source),
            agent=crypto.lock_text(WHENCE, id_, self.agent[:LONGEST_AGENT]),
            request_id=log.request_id.get(),
            outcome=outcome,
            asked=_told(personal.masked(self.asked)),
            changes=tuple(self.changes),
        )


def change(subject: str, *, before: Any = None, after: Any = None) -> None:
    """Say how the thing called ``subject`` was and is; marked fields are masked. Nothing where no trail is kept.

    Call it before the transaction that does it is committed; said again, as when that is tried again, the last counts.
    Values may be Structs, dataclasses, mappings or plain values.
    """
    trail = _current.get()
    if trail is not None:
        said = Change(subject, _told(personal.masked(before)), _told(personal.masked(after)))
        trail.changes[:] = [*(each for each in trail.changes if each.subject != subject), said]


def whence(entry_id: str, locked: str) -> str:
    """The address or browser of an entry, for who may see it; empty where its key is gone."""
    try:
        return crypto.unlock_text(WHENCE, entry_id, locked)
    except Unreadable:
        return ""


def changed(subject: str, before: Any, after: Any) -> None:
    """The same for a large thing: of its fields only those that differ are said."""
    plain = msgspec.to_builtins(before), msgspec.to_builtins(after)
    told = _differing(plain, (personal.masked(before), personal.masked(after)))
    change(subject, before=told[0], after=told[1])


def name(who: str) -> None:
    """Say who acts, where that shows only on the way, as at a log-in."""
    trail = _current.get()
    if trail is not None:
        trail.who = who


@contextmanager
def kept(trail: Trail) -> Iterator[None]:
    """Everything inside is recorded as what ``trail`` says. The caller ends the trail."""
    mark, rides = _current.set(trail), db.riders.set((trail,))
    try:
        yield
    finally:
        _current.reset(mark)
        db.riders.reset(rides)


def _differing(plain: tuple[Any, Any], shown: tuple[Any, Any]) -> tuple[Any, Any]:
    """Of ``shown``, a thing before and after, what differs in ``plain``, where nothing is masked."""
    if not all(isinstance(value, dict) for value in (*plain, *shown)):
        return shown
    names = [name for name in {**plain[0], **plain[1]} if plain[0].get(name) != plain[1].get(name)]
    parts = {
        name: _differing((plain[0].get(name), plain[1].get(name)), (shown[0].get(name), shown[1].get(name)))
        for name in names
    }
    return {name: part[0] for name, part in parts.items()}, {name: part[1] for name, part in parts.items()}


def _told(value: Any) -> Any:
    """``value``, or what it is known again by if it is too large to be told."""
    text = msgspec.json.encode(value, order="sorted").decode()
    size = len(text.encode())
    return value if size <= LARGEST_VALUE else {"bytes": size, "sha256": crypto.digest(text)}
