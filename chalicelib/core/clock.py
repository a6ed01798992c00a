"""The only source of time: aware UTC instants, the shop's business date, and the only sleep."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

from chalicelib.core.config import settings


def _real_now() -> datetime:
    return datetime.now(UTC)


_now: Callable[[], datetime] = _real_now
_sleep: Callable[[float], None] = time.sleep


def now() -> datetime:
    """The present instant, aware, in UTC."""
    return _now()


def ticks() -> int:
    """Milliseconds on a clock that only goes forward: how long something took, never when it was."""
    return time.monotonic_ns() // 1_000_000


def sleep(seconds: float) -> None:
    """Wait. Everything that waits does so here, so that a test can hold the clock."""
    _sleep(seconds)


@contextmanager
def use(source: Callable[[], datetime], sleeper: Callable[[float], None] | None = None) -> Iterator[None]:
    """Take the time (and the waiting) from elsewhere for a while: tests and replays."""
    global _now, _sleep
    before = _now, _sleep
    _now, _sleep = source, sleeper or _sleep
    try:
        yield
    finally:
        _now, _sleep = before


def stamp(at: datetime) -> str:
    """``at`` as text of fixed width, so that text order is time order: 2026-01-02T03:04:05.000006Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instant(text: str) -> datetime:
    """The instant that ``stamp`` wrote."""
    return datetime.fromisoformat(text)


def business_date(at: datetime) -> date:
    """The shop's day at ``at``; frozen on a fact when it happens."""
    return at.astimezone(settings.zone).date()


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """The first instant of the shop's ``day`` and of the day after."""
    start = datetime(day.year, day.month, day.day, tzinfo=settings.zone)
    following = day + timedelta(days=1)
    end = datetime(following.year, following.month, following.day, tzinfo=settings.zone)
    return start.astimezone(UTC), end.astimezone(UTC)
