"""How the system is doing: for load balancers, and for staff who look after it."""

from typing import Final

from chalicelib.console import rules, watch
from chalicelib.console.statusviews import Health, StatusView
from chalicelib.core.access import public
from chalicelib.core.api import Api
from chalicelib.core.config import settings
from chalicelib.identity.service import staff

api: Final = Api(__name__)
health: Final = Api(__name__)


@health.get("/health", access=public, answers={200: Health})
def check_health() -> Health:
    """Whether the API answers. Nothing else is asked, so it says nothing of what lies behind: see `/admin/status`."""
    return Health(rules.Overall.OK, settings.stage, settings.version)


@api.get("/status", access=staff("status:read"), answers={200: StatusView})
def see_status() -> StatusView:
    """How everything stands: queues, schedules, the way of events, cases, the last drill, what can be reached.

    It is `ok`, `degraded` (something waits for a person, or is not known) or `failing` (buyers notice, or will soon),
    and `troubles` says why, the worst first. The answer is 200 either way; each part is asked by itself, for four
    seconds at most.
    """
    seen = watch.look()
    return StatusView.of(seen, rules.worst(seen.troubles))
