"""The audit trail's pen: what a privileged request does is recorded in the same transaction as the effect.

While such a request runs, a ``Trail`` rides on every transaction (``db.riders``); a request that is refused, or does
nothing that is written, is recorded by itself when it ends. Chaining and looking up is the business of ``identity``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.core import clock, db, ids, log, outbox, personal
from chalicelib.events.audit import AuditRecorded, Change

DONE: Final = "done"
LONGEST_AGENT: Final = 200

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
        """Record what no transaction did: a refusal, or something that is kept elsewhere."""
        if self.is_written and outcome == DONE and not self.changes:
            return
        token = db.riders.set(())
        try:
            with db.transaction() as tx:
                outbox.publish(tx, self._entry(outcome))
        finally:
            db.riders.reset(token)

    def _entry(self, outcome: str) -> AuditRecorded:
        now = clock.now()
        return AuditRecorded(
            entry_id=ids.new("aud", now),
            at=clock.stamp(now),
            who=self.who,
            action=self.action,
            target=self.target,
            source=self.source,
            agent=self.agent[:LONGEST_AGENT],
            request_id=log.request_id.get(),
            outcome=outcome,
            asked=personal.masked(self.asked),
            changes=tuple(self.changes),
        )


def change(subject: str, *, before: Any = None, after: Any = None) -> None:
    """Say how the thing called ``subject`` was and is; marked fields are masked. Nothing where no trail is kept.

    Call it before the transaction that does it is committed. Values may be Structs, mappings or plain values.
    """
    trail = _current.get()
    if trail is not None:
        trail.changes.append(Change(subject, personal.masked(before), personal.masked(after)))


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
