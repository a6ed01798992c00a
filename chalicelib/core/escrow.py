"""The one primitive for everything scarce: an owner holds parts of pools, then spends them or gives them back.

A pool is one row of counters, a hold one row per owner over parts of any number of pools. A move changes the hold and
all its pools in the caller's transaction, or nothing: the hold's state and version let each move happen once, and the
pools' conditions let no counter fall below zero. An overdue hold still counts as held until it is swept; DynamoDB's own
expiry comes late and would lose the quantity.
"""

import functools
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Final

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.core import clock, db
from chalicelib.core.counts import Counts
from chalicelib.core.errors import LarisError, Unexpected, WriteRefused
from chalicelib.core.log import logger

SHARDS: Final = 4
SWEPT_AT_ONCE: Final = 50


class HoldMoved(WriteRefused):
    """What was held is no longer in the state that this needs; read it again and decide anew."""

    code = "hold_moved"


class Unbalanced(Unexpected):
    """A counter is smaller than what is held of it: the books are wrong. Nothing was changed; run an audit."""

    code = "unbalanced"


class State(StrEnum):
    """How far a hold has come."""

    HELD = "held"
    CONSUMED = "consumed"
    RELEASED = "released"
    RETURNED = "returned"


class Move(StrEnum):
    """What can be done with a hold."""

    HOLD = "hold"
    CONSUME = "consume"
    RELEASE = "release"
    TAKE = "take"
    GIVE_BACK = "give_back"


class Counter(StrEnum):
    """The counters of a pool between which a quantity moves."""

    AVAILABLE = "available"
    RESERVED = "reserved"
    SPENT = "spent"


@dataclass(frozen=True, slots=True)
class Step:
    """What a move does: from which counter to which, and the state after it."""

    source: Counter
    target: Counter
    after: State


STEPS: Final[dict[tuple[State | None, Move], Step]] = {
    (None, Move.HOLD): Step(Counter.AVAILABLE, Counter.RESERVED, State.HELD),
    (State.HELD, Move.CONSUME): Step(Counter.RESERVED, Counter.SPENT, State.CONSUMED),
    (State.HELD, Move.RELEASE): Step(Counter.RESERVED, Counter.AVAILABLE, State.RELEASED),
    (None, Move.TAKE): Step(Counter.AVAILABLE, Counter.SPENT, State.CONSUMED),
    (State.RELEASED, Move.TAKE): Step(Counter.AVAILABLE, Counter.SPENT, State.CONSUMED),
    (State.RETURNED, Move.TAKE): Step(Counter.AVAILABLE, Counter.SPENT, State.CONSUMED),
    (State.CONSUMED, Move.GIVE_BACK): Step(Counter.SPENT, Counter.AVAILABLE, State.RETURNED),
}
"""Every legal move by the state before it (None: there is no hold yet); all others are refused with HoldMoved."""


@dataclass(frozen=True, slots=True)
class Part:
    """So much of the pool at a key."""

    pk: str
    sk: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Holding:
    """A hold as it was read."""

    owner: str
    state: State
    parts: tuple[Part, ...]
    expires_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class Shift:
    """A move as one pool sees it."""

    owner: str
    move: Move
    part: Part
    source: Counter
    target: Counter


class Pool(db.Row):
    """A scarce quantity: what may still be promised, what is held, and what is spent, with a version."""

    available = NumberAttribute()
    reserved = NumberAttribute()
    spent = NumberAttribute()
    version = NumberAttribute()

    note: "ClassVar[staticmethod[[db.Transaction, Shift], list[Action]]]"
    """Writes in the transaction what the pool keeps of a shift besides its counters; gives more actions on its row."""
    short: "ClassVar[staticmethod[[Part, Any], LarisError]]"
    """The refusal where less than the part is available in the row (None: there is no such pool)."""

    @classmethod
    def shift(cls, tx: db.Transaction, shift: Shift) -> None:
        """Move the quantity from one counter to the other, or refuse the whole transaction."""
        part = shift.part
        source, target = getattr(cls, shift.source), getattr(cls, shift.target)
        is_short = functools.partial(cls.short, part) if shift.source is Counter.AVAILABLE else Unbalanced()
        tx.update(
            cls(part.pk, part.sk),
            [
                source.set(source - part.quantity),
                target.set(target + part.quantity),
                cls.version.set(cls.version + 1),
                *cls.note(tx, shift),
            ],
            condition=source >= part.quantity,
            refusal=is_short,
        )


class ByDue(GlobalSecondaryIndex["Hold"]):
    """The holds of a shard that are neither spent nor given back, by when they end."""

    class Meta:
        index_name = "by_due"
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    expires_at = UnicodeAttribute(range_key=True)


class Hold(db.Row):
    """pk = the owner, sk = "HOLD"; ``due_shard`` is there only while it is held."""

    POOL: ClassVar[type[Pool]]
    """Whose rows the parts are."""

    state = UnicodeAttribute()
    parts: JSONAttribute = JSONAttribute()
    version = NumberAttribute()
    expires_at = UnicodeAttribute(null=True)
    due_shard = UnicodeAttribute(null=True)

    by_due = ByDue()

    @classmethod
    def lookup(cls, owner: str) -> "db.Lookup[Holding | None]":
        """Reads the owner's hold."""
        return db.Lookup(((cls, owner, "HOLD"),), lambda rows: rows[0].holding() if rows[0] else None)

    @classmethod
    def lookup_all(cls, owners: Iterable[str]) -> "db.Lookup[list[Holding]]":
        """Reads the holds of those owners that have one."""
        keys = tuple((cls, owner, "HOLD") for owner in owners)
        return db.Lookup(keys, lambda rows: [row.holding() for row in rows if row])

    @classmethod
    def hold(cls, tx: db.Transaction, owner: str, parts: Iterable[Part], *, expires_at: datetime) -> None:
        """Reserve ``parts`` for an owner who holds nothing yet. Refused by the pool's ``short``, or HoldMoved."""
        cls._begin(tx, Move.HOLD, Holding(owner, State.HELD, gathered(parts), expires_at, version=1))

    @classmethod
    def take(cls, tx: db.Transaction, owner: str, parts: Iterable[Part], *, previous: Holding | None) -> None:
        """Spend ``parts`` at once, without holding them first; ``previous`` is the owner's settled hold, if any."""
        wanted = gathered(parts)
        if previous is None:
            cls._begin(tx, Move.TAKE, Holding(owner, State.CONSUMED, wanted, None, version=1))
            return
        stored = cls.parts.set(_plain(wanted))
        cls._settle(tx, Move.TAKE, previous, wanted, [stored, cls.expires_at.remove()])

    @classmethod
    def consume(cls, tx: db.Transaction, holding: Holding) -> None:
        """Spend what is held."""
        cls._settle(tx, Move.CONSUME, holding, holding.parts, [cls.due_shard.remove()])

    @classmethod
    def release(cls, tx: db.Transaction, holding: Holding) -> None:
        """Let go of what is held: it is available again."""
        cls._settle(tx, Move.RELEASE, holding, holding.parts, [cls.due_shard.remove()])

    @classmethod
    def give_back(cls, tx: db.Transaction, holding: Holding) -> None:
        """Make what was spent available again."""
        cls._settle(tx, Move.GIVE_BACK, holding, holding.parts, [])

    @classmethod
    def sweep(cls, before: datetime, release: Callable[[db.Transaction, Holding], None]) -> Counts:
        """Release, by ``release``, what was due ``before`` and is still held, some at a time.

        Safe twice: a hold that was settled meanwhile is passed over.
        """
        due = ByDue.expires_at < clock.stamp(before)
        owners = [
            row.pk
            for shard in range(SHARDS)
            for row in db.rows(cls, str(shard), due, index=cls.by_due, limit=SWEPT_AT_ONCE)
        ]
        (found,) = db.look(cls.lookup_all(owners))
        overdue = [each for each in found if each.state is State.HELD]
        return sum((_swept(each, release) for each in overdue), start=Counts())

    @classmethod
    def _begin(cls, tx: db.Transaction, move: Move, holding: Holding) -> None:
        step = STEPS[None, move]
        row = cls(
            pk=holding.owner,
            sk="HOLD",
            state=step.after,
            parts=_plain(holding.parts),
            version=holding.version,
            expires_at=clock.stamp(holding.expires_at) if holding.expires_at else None,
            due_shard=_shard(holding.owner) if step.after is State.HELD else None,
        )
        tx.put(row, refusal=HoldMoved())
        cls._shift(tx, move, step, holding.owner, holding.parts)

    @classmethod
    def _settle(
        cls, tx: db.Transaction, move: Move, holding: Holding, parts: tuple[Part, ...], actions: list[Action]
    ) -> None:
        step = STEPS.get((holding.state, move))
        if step is None:
            raise HoldMoved()
        tx.update(
            cls(holding.owner, "HOLD"),
            [cls.state.set(step.after), cls.version.set(holding.version + 1), *actions],
            condition=(cls.state == holding.state) & (cls.version == holding.version),
            refusal=HoldMoved(),
        )
        cls._shift(tx, move, step, holding.owner, parts)

    @classmethod
    def _shift(cls, tx: db.Transaction, move: Move, step: Step, owner: str, parts: tuple[Part, ...]) -> None:
        for part in parts:
            cls.POOL.shift(tx, Shift(owner, move, part, step.source, step.target))

    def holding(self) -> Holding:
        """The row as a value."""
        return Holding(
            owner=self.pk,
            state=State(self.state),
            parts=tuple(Part(*part) for part in self.parts),
            expires_at=clock.instant(self.expires_at) if self.expires_at else None,
            version=int(self.version),
        )


def gathered(parts: Iterable[Part]) -> tuple[Part, ...]:
    """One part for each pool, in the order of their keys, so that two transactions meet their pools in one order."""
    quantity_by_key: dict[tuple[str, str], int] = {}
    for part in parts:
        if part.quantity < 1:
            raise ValueError(f"a part of {part.quantity}")
        key = part.pk, part.sk
        quantity_by_key[key] = quantity_by_key.get(key, 0) + part.quantity
    return tuple(Part(pk, sk, quantity) for (pk, sk), quantity in sorted(quantity_by_key.items()))


def _swept(holding: Holding, release: Callable[[db.Transaction, Holding], None]) -> Counts:
    try:
        with db.transaction() as tx:
            release(tx, holding)
    except HoldMoved:
        return Counts(seen=1)
    except LarisError as error:
        logger.warning("hold not swept", owner=holding.owner, code=error.code)
        return Counts(seen=1, left=1)
    logger.info("hold swept", owner=holding.owner)
    return Counts(seen=1, done=1)


def _plain(parts: tuple[Part, ...]) -> list[list[Any]]:
    return [[part.pk, part.sk, part.quantity] for part in parts]


def _shard(owner: str) -> str:
    return str(zlib.crc32(owner.encode()) % SHARDS)
