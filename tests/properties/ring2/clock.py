"""The machine's own time for tests of real threads, which nothing may hold; it can be set forward."""

import time
from datetime import UTC, datetime, timedelta


class WallClock:
    """``now`` goes on by itself; ``pass_`` sets it forward; ``sleep`` really waits."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def pass_(self, **passed: float) -> None:
        self._ahead += timedelta(**passed)

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(seconds)
