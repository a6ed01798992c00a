"""The watch: measures what no event tells, for the alarms."""

from chalice.app import Blueprint, Rate

from chalicelib.console import watch as watching
from chalicelib.core.counts import Counts
from chalicelib.core.worker import scheduled

workers = Blueprint(__name__)


@workers.schedule(Rate(15, unit=Rate.MINUTES), name="console-watch")
@scheduled
def watch() -> Counts:
    """Measure what alarms look at: schedules overdue, events late, payments parked, the age of the last drill."""
    return watching.measure()
