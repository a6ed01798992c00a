"""Identifiers: a prefix that says what it is, and a ULID (https://github.com/ulid/spec) that sorts by time."""

import secrets
from datetime import datetime
from typing import Final

from chalicelib.core import clock

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U to misread."""


def new(prefix: str, at: datetime | None = None, step: int = 0) -> str:
    """A fresh id such as ``ord_01J9…``: 48 bits of time, then 80 of chance.

    ``step`` (below 1024) takes the first ten bits of chance, so that ids of one instant sort by their step.
    """
    return f"{prefix}_{_time_part(at or clock.now())}{ALPHABET[step >> 5]}{ALPHABET[step & 31]}{chance(14)}"


def first_at(prefix: str, at: datetime) -> str:
    """The smallest id that could have been made at ``at``: a bound for ranges by time."""
    return f"{prefix}_{_time_part(at)}{'0' * 16}"


def chance(length: int) -> str:
    """``length`` random characters of the alphabet, 5 bits each."""
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def capability(prefix: str) -> str:
    """An id that nobody can guess (160 bits of chance): who knows it may use it."""
    return f"{prefix}_{chance(32)}"


def _time_part(at: datetime) -> str:
    millis = int(at.timestamp() * 1000)
    return "".join(ALPHABET[(millis >> shift) & 31] for shift in range(45, -1, -5))
