"""A walking pace: so many request units a second, never made up for."""

from datetime import timedelta

from chalicelib.core import clock


class Pace:
    """``spend`` waits until what was spent is paid for."""

    def __init__(self, units_per_second: float) -> None:
        self._rate = units_per_second
        self._paid_at = clock.now()

    def spend(self, units: float) -> None:
        """Wait for as long as ``units`` take at this pace."""
        now = clock.now()
        self._paid_at = max(self._paid_at, now) + timedelta(seconds=units / self._rate)
        wait = (self._paid_at - now).total_seconds()
        if wait > 0:
            clock.sleep(wait)
