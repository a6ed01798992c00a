"""Midtrans' Idempotency-Key: at most 46 characters (a longer one is ignored), good for five minutes and for all
endpoints; only a success is kept, and it is given again whatever is asked."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from infra.local.simulators.server import Answer, Request

LONGEST_KEY: Final = 46
LIFETIME: Final = timedelta(minutes=5)
IN_PROGRESS: Final = {"status_code": "202", "status_message": "A request with the same Idempotency-Key is in progress"}


@dataclass(slots=True)
class Kept:
    """A key since its first request; without an answer while that is under way."""

    since: datetime
    answer: Answer | None = None


class Keys:
    """The keys that were used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Kept] = {}

    def once(self, key: str, now: datetime, work: Callable[[], tuple[Answer, bool]]) -> Answer:
        """The answer given to ``key`` before, 202 if that is still being made, else that of ``work``, which also says
        whether it is a success."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and now - kept.since < LIFETIME:
                return kept.answer or Answer.json(202, IN_PROGRESS)
            mine = self._kept[key] = Kept(now)
        is_success = False
        try:
            answer, is_success = work()
        finally:
            with self._lock:
                if is_success:
                    mine.answer = answer
                else:
                    self._kept.pop(key, None)
        return answer


def key_of(request: Request) -> str | None:
    """The key of a request, None where Midtrans takes no notice of it."""
    key = request.headers.get("idempotency-key", "")
    is_taken = request.method == "POST" and 0 < len(key) <= LONGEST_KEY and not _is_permata(request)
    return key if is_taken else None


def _is_permata(request: Request) -> bool:
    """Midtrans keeps no key for a Permata account."""
    try:
        return bool(json.loads(request.raw or b"{}")["bank_transfer"]["bank"] == "permata")
    except (ValueError, LookupError, TypeError, RecursionError):
        return False
