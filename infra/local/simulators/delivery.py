"""Notifications on their way: in the background, in order per transaction, tried again as the partner's rules say."""

import json
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final
from urllib.parse import urljoin

import urllib3

PATIENCE: Final = 15
"""Seconds for an answer."""

CARRIERS: Final = 8
LONGEST_LOG: Final = 10_000


@dataclass(frozen=True, slots=True)
class Notification:
    """What is said about a transaction, as it goes over the line."""

    reference: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a delivery is tried again, by the status of the last answer (None where none came), and after which
    waits in seconds. ``followed`` are the redirects that are followed."""

    by_status: Mapping[int | None, int]
    otherwise: int
    waits: tuple[float, ...]
    followed: frozenset[int] = frozenset()
    most_redirects: int = 5

    def wait_after(self, tries: int, status: int | None) -> float | None:
        """Seconds until the next try after ``tries`` of them, None if there is none."""
        if status is not None and 200 <= status < 300:
            return None
        allowed = min(self.by_status.get(status, self.otherwise), len(self.waits))
        return self.waits[tries - 1] if tries <= allowed else None


@dataclass(order=True, slots=True)
class Delivery:
    """A notification to one address, due at a monotonic time; ``number`` keeps the order among equals."""

    due: float
    number: int
    url: str = field(compare=False)
    notification: Notification = field(compare=False)
    tries: int = field(default=0, compare=False)


class Deliveries:
    """Carries notifications. The waits between tries are multiplied by ``retry_scale`` and jittered by a tenth."""

    def __init__(self, retries: Retries, retry_scale: float, seed: int) -> None:
        self._retries = retries
        self._retry_scale = retry_scale
        self._random = Random(seed)
        self._changed = threading.Condition()
        self._waiting: list[Delivery] = []
        self._under_way: set[str] = set()
        self._log: deque[dict[str, Any]] = deque(maxlen=LONGEST_LOG)
        self._numbered = self._forgotten = 0
        self._threads: list[threading.Thread] = []
        self._is_open = False
        self._pool = urllib3.PoolManager(maxsize=CARRIERS, retries=False)

    def start(self) -> None:
        """Begin to carry."""
        self._is_open = True
        self._threads = [threading.Thread(target=self._carry, daemon=True) for _ in range(CARRIERS)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Carry nothing more; what is on its way arrives."""
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=1)
        self._pool.clear()

    def send(self, notification: Notification, url: str, delay: float = 0) -> None:
        """Deliver after ``delay`` seconds; those of one transaction arrive one by one, in the order they are due."""
        with self._changed:
            self._numbered += 1
            self._waiting.append(Delivery(time.monotonic() + delay, self._numbered, url, notification))
            self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until nothing is waiting or on its way; whether it came to that in time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._under_way, seconds)

    def log(self) -> list[dict[str, Any]]:
        """Every try, oldest first."""
        with self._changed:
            return list(self._log)

    def forget(self) -> None:
        """Drop what waits, and the log."""
        with self._changed:
            self._waiting.clear()
            self._forgotten = self._numbered
            self._log.clear()
            self._changed.notify_all()

    def _carry(self) -> None:
        while (delivery := self._next()) is not None:
            status, error = self._post(delivery)
            self._settle(delivery, status, error)

    def _next(self) -> Delivery | None:
        with self._changed:
            while self._is_open:
                free = [each for each in self._waiting if each.notification.reference not in self._under_way]
                first = min(free, default=None)
                wait = None if first is None else first.due - time.monotonic()
                if first is not None and wait is not None and wait <= 0:
                    self._waiting.remove(first)
                    self._under_way.add(first.notification.reference)
                    return first
                self._changed.wait(wait)
        return None

    def _post(self, delivery: Delivery) -> tuple[int | None, str | None]:
        url, said = delivery.url, delivery.notification
        headers = {"Content-Type": "application/json", "Accept": "application/json", **said.headers}
        try:
            for _ in range(self._retries.most_redirects + 1):
                answer = self._pool.request(
                    "POST", url, body=said.body, headers=headers, timeout=PATIENCE, redirect=False
                )
                target = answer.headers.get("Location")
                if answer.status not in self._retries.followed or target is None:
                    return answer.status, None
                url = urljoin(url, target)
        except urllib3.exceptions.HTTPError as error:
            return None, type(error).__name__
        return None, "TooManyRedirects"

    def _settle(self, delivery: Delivery, status: int | None, error: str | None) -> None:
        delivery.tries += 1
        with self._changed:
            wait = self._retries.wait_after(delivery.tries, status)
            if wait is not None:
                wait *= self._retry_scale * self._random.uniform(0.9, 1.1)
                delivery.due = time.monotonic() + wait
            if delivery.number > self._forgotten:
                self._log.append(_noted(delivery, status, error, wait))
                if wait is not None:
                    self._waiting.append(delivery)
            self._under_way.discard(delivery.notification.reference)
            self._changed.notify_all()


def _noted(delivery: Delivery, status: int | None, error: str | None, wait: float | None) -> dict[str, Any]:
    return {
        "number": delivery.number,
        "reference": delivery.notification.reference,
        "url": delivery.url,
        "try": delivery.tries,
        "status": status,
        "error": error,
        "next_try_in_ms": None if wait is None else round(wait * 1000),
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "body": _decoded(delivery.notification.body),
    }


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
