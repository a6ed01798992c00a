"""Faults at random on the way to DynamoDB Local, with the chances of a bad day, for threads that nobody can plan."""

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from chalicelib.core import db
from tests.properties.ring.faults import Call, Fault, meet

EVENT: Final = "before-send.dynamodb"
BAD_DAY: Final = {Fault.THROTTLE: 0.06, Fault.CONFLICT: 0.15, Fault.REQUEST_LOST: 0.03, Fault.RESPONSE_LOST: 0.05}
BLACK_DAY: Final = {**BAD_DAY, Fault.OUTCOME_UNKNOWN: 0.04, Fault.OUTAGE: 0.02}
LASTING: Final = {Fault.OUTCOME_UNKNOWN, Fault.OUTAGE}


class Trouble:
    """Decides what each call meets; ``met`` counts what they did."""

    def __init__(self, chances: Mapping[Fault, float], seed: int) -> None:
        self._chances, self._random = chances, random.Random(seed)
        self._lock = threading.Lock()
        self._lasting: dict[bytes, Fault] = {}
        self._wire = URLLib3Session(max_pool_connections=64)
        self.met: Counter[str] = Counter()
        self.calls = 0

    def hook(self, request: Any, event_name: str, **_: Any) -> Any:
        """The answer of a call that meets a fault; None lets it go its way."""
        call = Call.of(event_name, request)
        with self._lock:
            fault = self._drawn(call)
        if fault is None:
            return None
        return meet(call, fault, lambda: self._send(request), lambda: ReadTimeoutError(endpoint_url=request.url))

    def _send(self, request: Any) -> Any:
        return self._wire.send(request)

    def _drawn(self, call: Call) -> Fault | None:
        self.calls += 1
        fault = self._lasting.get(call.invocation)
        if fault is None:
            fault = next((each for each, chance in self._chances.items() if self._hits(call, each, chance)), None)
        if fault is None:
            return None
        if fault in LASTING and call.invocation:
            self._lasting[call.invocation] = fault
        self.met[fault] += 1
        return fault

    def _hits(self, call: Call, fault: Fault, chance: float) -> bool:
        return call.can_meet(fault) and self._random.random() < chance


@contextmanager
def planted(chances: Mapping[Fault, float], seed: int) -> Iterator[Trouble]:
    """Let the shop's calls of DynamoDB meet faults while the block runs."""
    trouble = Trouble(chances, seed)
    events = db.client().meta.events
    events.register_first(EVENT, trouble.hook)
    try:
        yield trouble
    finally:
        events.unregister(EVENT, trouble.hook)
