"""Many at the same moment: buyers who take no for an answer only once it is final, and workers that never rest."""

import copy
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from infra.local.pumps import Pumps, dead_letters
from tests.kit.api import Reply

T = TypeVar("T")

PATIENCE: Final = 20
"""How often somebody asks before he comes back later."""
HASTE: Final = 0.1
"""Retry-After is kept in tenths: whoever comes back sooner than told makes it harder, not easier."""
QUIET_SECONDS: Final = 30
WORKERS: Final = 5


def at_once(works: Sequence[Callable[[], T]]) -> list[T]:
    """What ``works`` gave, each done in a thread of its own, all let go at the same moment."""
    start = threading.Barrier(len(works))

    def run(work: Callable[[], T]) -> T:
        start.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        running = [threads.submit(run, work) for work in works]
        return [each.result() for each in running]


def insisting(ask: Callable[[], Reply]) -> list[Reply]:
    """All answers to ``ask``, repeated as their Retry-After says until one is final or patience is at its end."""
    answers = [ask()]
    while not is_final(answers[-1]) and len(answers) < PATIENCE:
        time.sleep(HASTE * int(answers[-1].headers["Retry-After"]))
        answers.append(ask())
    return answers


def is_final(answer: Reply) -> bool:
    """True unless the answer says when to ask again."""
    return "Retry-After" not in answer.headers


class Crew(Pumps):
    """Pumps that take one message at a time, so that workers meet over what came together."""

    def __init__(self, app: Any, *, sqs: Any, streams: Any) -> None:
        super().__init__(app, sqs=sqs, streams=streams)
        self._queues = [copy.copy(queue) for queue in self._queues]
        for queue in self._queues:
            queue.batch_size = 1
        self._relaying = threading.Lock()

    def relay(self, relay: Any) -> int:
        """One reader for the stream, as on AWS; who comes meanwhile has nothing to carry."""
        if not self._relaying.acquire(blocking=False):
            return 0
        try:
            return super().relay(relay)
        finally:
            self._relaying.release()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Workers in threads carry everything on while the block runs; what is left after it is carried to its end."""
        over = threading.Event()
        with self._impatient(), ThreadPoolExecutor(WORKERS) as threads:
            working = [threads.submit(self._work, over) for _ in range(WORKERS)]
            try:
                yield
                self._rest()
            finally:
                over.set()
            for each in working:
                each.result()

    def buried(self) -> list[Any]:
        """What lies in the dead-letter queues."""
        return [letter for queue in self._queues for letter in dead_letters(self._sqs, str(queue.queue))]

    @contextmanager
    def _impatient(self) -> Iterator[None]:
        """A message that was given back, or takes long, comes again soon."""
        urls = [self._url(str(queue.queue)) for queue in self._queues]
        before = {url: self._attributes(url, "VisibilityTimeout") for url in urls}
        try:
            for url in urls:
                self._sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "5"})
            yield
        finally:
            for url in urls:
                self._sqs.set_queue_attributes(QueueUrl=url, Attributes=before[url])

    def _work(self, over: threading.Event) -> None:
        while not over.is_set():
            if not self.turn():
                time.sleep(0.02)

    def _rest(self) -> None:
        """Wait until nothing is under way, in the stream or in a queue."""
        deadline = time.monotonic() + QUIET_SECONDS
        calm = 0
        while calm < 3:
            calm = 0 if self._waiting() else calm + 1
            assert time.monotonic() < deadline, f"not quiet: {self.failures[-3:]}"
            time.sleep(0.05)

    def _waiting(self) -> int:
        counters = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        records = [record for relay in self._relays for record in self._next_records(relay.stream_arn)]
        counts = [self._attributes(self._url(str(queue.queue)), *counters) for queue in self._queues]
        return len(records) + sum(int(count) for each in counts for count in each.values())

    def _attributes(self, url: str, *names: str) -> dict[str, str]:
        found: dict[str, str] = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]
        return found
