"""Token buckets: how often somebody may try.

Two kinds. ``take`` is strict and shared by all copies of the API: a row in the table ``limits``, for what is guessed
or sent (log-ins, letters). ``Local`` costs nothing and counts in this process alone: a brake for whoever asks too
much, in front of the throttling that API Gateway does for all.
"""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, db
from chalicelib.core.config import settings
from chalicelib.core.errors import TooMany, WriteRefused

TRIES: Final = 5
MOST_CALLERS: Final = 10_000
BURST: Final = 10
"""How many seconds' worth of requests may come at once."""


@dataclass(frozen=True, slots=True)
class Limit:
    """``capacity`` tokens, of which one grows back every ``refill``."""

    capacity: int
    refill: timedelta


class Spent(TooMany):
    """Tried too often for now; wait and repeat."""


class BucketRow(db.Row):
    """pk = what is counted, sk = "BUCKET"; ``full_at`` is when all tokens will be back."""

    class Meta:
        table_name = settings.table("limits")

    full_at = UnicodeAttribute()
    expires = NumberAttribute()


def take(bucket: str, limit: Limit, tokens: int = 1) -> None:
    """Take tokens out of ``bucket``. Raises Spent, with when to come again, if there are not as many.

    What is counted must not tell who it is: give a blind index or an id, never an address.
    """
    for attempt in range(TRIES):
        row = db.get(BucketRow, bucket, "BUCKET")
        now = clock.now()
        full_at = max(clock.instant(row.full_at), now) if row else now
        after = full_at + limit.refill * tokens
        room = now + limit.refill * limit.capacity
        if after > room:
            raise _spent((after - room).total_seconds())
        try:
            _write(bucket, row, after)
        except WriteRefused:
            db.back_off(attempt)
            continue
        return
    raise TooMany()


def refill(bucket: str) -> None:
    """Give all tokens back, as after a success."""
    row = db.get(BucketRow, bucket, "BUCKET")
    if row is None:
        return
    with suppress(WriteRefused), _alone(), db.transaction() as tx:
        tx.delete(row, condition=BucketRow.pk.exists())


class Local:
    """Buckets of this process, the one used longest ago forgotten first."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._buckets: OrderedDict[str, tuple[datetime, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count one request. Raises Spent."""
        if not self._per_second:
            return
        now, most = clock.now(), float(self._per_second * BURST)
        at, tokens = self._buckets.pop(caller, (now, most))
        tokens = min(most, tokens + (now - at).total_seconds() * self._per_second)
        self._buckets[caller] = (now, tokens - 1 if tokens >= 1 else tokens)  # who asks on must not starve
        if len(self._buckets) > MOST_CALLERS:
            self._buckets.popitem(last=False)
        if tokens < 1:
            raise _spent((1 - tokens) / self._per_second)


def _write(bucket: str, before: BucketRow | None, full_at: datetime) -> None:
    row = BucketRow(
        pk=bucket,
        sk="BUCKET",
        full_at=clock.stamp(full_at),
        expires=int((full_at + timedelta(hours=1)).timestamp()),
    )
    condition = BucketRow.full_at == before.full_at if before else BucketRow.pk.does_not_exist()
    with _alone(), db.transaction() as tx:
        tx.put(row, condition=condition)


@contextmanager
def _alone() -> Iterator[None]:
    """Without riders: that somebody tried is no change worth an entry of its own."""
    rides = db.riders.set(())
    try:
        yield
    finally:
        db.riders.reset(rides)


def _spent(seconds: float) -> Spent:
    return Spent(retry_after=max(1, ceil(seconds)))
