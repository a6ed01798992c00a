"""Carries out the steps that are still to be done in a stage, page by page, at a walking pace.

A crash loses nothing: the next run goes on at the page that was not noted. Items are changed one by one, each only if
it still is what it was when the change was decided; one that is not is read again. A step is done after a round in
which no item needed it, so what old code wrote behind the walker's back is found by the next round.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from botocore.config import Config

from chalicelib.core import aws, clock
from infra.migrations.items import Items
from infra.migrations.ledger import Ledger, Record, check
from infra.migrations.pace import Pace
from infra.migrations.steps import Key, Numbered, Refused, load

PAGE: Final = 100
MOST_ROUNDS: Final = 3
RATE: Final = 50.0
"""Request units a second: 4 % of what one partition gives."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is in the round under way."""

    number: str
    title: str
    round: int
    seen: int
    total: int
    """An estimate: DynamoDB counts every six hours."""
    changed: int
    """In a plan: how many would be."""
    per_second: float
    seconds_left: int | None
    is_done: bool = False


Tell = Callable[[Progress], None]


def run(
    stage: str,
    *,
    plan: bool,
    progress: Tell,
    rate: float = RATE,
    steps: list[Numbered] | None = None,
    dynamodb: Any = None,
) -> list[Progress]:
    """Do what is still to be done in ``stage``; with ``plan``, only count it. Gives each step's end.

    Raises Refused: another run is at it, a step that was begun has changed or is missing, or old code keeps writing
    what a step changes. Everything that was done until then is noted.
    """
    client = dynamodb or _client()
    ledger, known = Ledger(client, stage), load() if steps is None else steps
    pending = check(known, ledger.read())
    if plan:
        return [_Walk(client, ledger, stage, each, progress, rate).plan() for each in pending]
    if not pending:
        return []
    with _locked(ledger):
        pending = check(known, ledger.read())
        return [_Walk(client, ledger, stage, each, progress, rate).carry_out() for each in pending]


@contextmanager
def _locked(ledger: Ledger) -> Iterator[None]:
    ledger.take()
    try:
        yield
    finally:
        ledger.let_go()


def _client() -> Any:
    """One that waits long and tries often: nobody waits for the answer."""
    config = Config(connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 10})
    return aws.made("dynamodb", config)


class _Walk:
    """One step's way through its table."""

    def __init__(self, client: Any, ledger: Ledger, stage: str, numbered: Numbered, tell: Tell, rate: float) -> None:
        self._client, self._ledger, self._numbered, self._tell = client, ledger, numbered, tell
        self._pace = Pace(rate)
        self._items = Items(client, stage, numbered.step, self._pace)
        self._began = clock.now()
        self._walked = 0
        self._total = 0

    def plan(self) -> Progress:
        """How many items there are to be changed. Nothing is written."""
        record, last = self._fresh(), None
        for items, _cursor in self._items.pages(None, PAGE):
            found = sum(self._items.needs(item) for item in items)
            record = replace(record, seen=record.seen + len(items), changed=record.changed + found)
            last = self._told(record, len(items))
        return replace(last or self._told(record, 0), is_done=False)

    def carry_out(self) -> Progress:
        """Do it to the end, from where it stood."""
        record = self._ledger.read().get(self._numbered.number) or self._fresh()
        if record.cursor:  # what was changed after the last note was not counted: let another round see to it
            record = replace(record, found=record.found + 1)
        self._ledger.save(record)
        for _ in range(MOST_ROUNDS):
            record = self._round(record)
            if not record.found:
                record = replace(record, is_done=True)
                self._ledger.save(record)
                return self._told(record, 0)
            record = record.next_round()
            self._ledger.save(record)
        raise Refused(
            f"step {record.number} ({record.title}) found more to change in each of {MOST_ROUNDS} rounds: "
            "code that writes the old form is still running; deploy the new code and run this again"
        )

    def _round(self, record: Record) -> Record:
        for items, cursor in self._items.pages(record.cursor, PAGE):
            for item in items:
                record = self._changed(record, item)
            record = replace(record, seen=record.seen + len(items), cursor=cursor)
            self._ledger.save(record)
            self._told(record, len(items))
        return record

    def _changed(self, record: Record, item: Key) -> Record:
        was_needed, was_written = self._items.change(item)
        if self._ledger.is_due:
            self._ledger.save(record)
        return replace(record, found=record.found + was_needed, changed=record.changed + was_written)

    def _fresh(self) -> Record:
        return Record(self._numbered.number, self._numbered.title, self._numbered.fingerprint)

    def _told(self, record: Record, walked: int) -> Progress:
        self._walked += walked
        self._total = self._total or self._items.count()
        seconds = max((clock.now() - self._began).total_seconds(), 0.001)
        total, per_second = max(self._total, record.seen), self._walked / seconds
        left = round((total - record.seen) / per_second) if per_second else None
        told = Progress(
            record.number,
            record.title,
            record.round,
            record.seen,
            total,
            record.changed,
            per_second,
            left,
            record.is_done,
        )
        self._tell(told)
        return told
