"""Kills the processes in which functions run, as a host of Lambda's that fails would."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from tests.deployed.ring3.emulator import Emulator, Worker
from tests.deployed.ring3.system import API

EVERY: Final = 0.8
"""Seconds between two deaths at least: about what it takes to start another."""

DONE_BETWEEN: Final = 2
"""So much has to be done between two deaths: on a busy machine, copies would die faster than others start."""


class Killer:
    """Kills a copy every now and then. ``seed`` fixes which, as far as the machine's own pace allows; ``done`` counts
    what was achieved so far."""

    def __init__(self, emulator: Emulator, done: Callable[[], int], seed: int) -> None:
        self._emulator, self._done, self._random = emulator, done, random.Random(seed)
        self._is_over = threading.Event()
        self.victims: list[Worker] = []

    def goes_on(self) -> None:
        """Until told to stop: the API's copies as often as all the others together, since buyers wait for these."""
        before = self._done()
        while not self._is_over.wait(self._random.uniform(0.5, 1.5) * EVERY):
            if self._done() >= before + DONE_BETWEEN:
                self._kill_one()
                before = self._done()

    def stops(self) -> None:
        """No more."""
        self._is_over.set()

    def _kill_one(self) -> None:
        workers = self._emulator.workers()
        apis = [worker for worker in workers if worker.function == API]
        others = [worker for worker in workers if worker.function != API]
        chosen = self._random.choice([apis or others, others or apis])
        if chosen:
            victim = self._random.choice(chosen)
            victim.kill()
            self.victims.append(victim)


@contextmanager
def killing(emulator: Emulator, done: Callable[[], int], seed: int = 4) -> Iterator[Killer]:
    """Copies of functions die while this lasts: first all, so that there are no more than are needed from then on."""
    for worker in emulator.workers():
        worker.kill()
    killer = Killer(emulator, done, seed)
    with ThreadPoolExecutor(1) as threads:
        work = threads.submit(killer.goes_on)
        try:
            yield killer
        finally:
            killer.stops()
        work.result(timeout=30)
