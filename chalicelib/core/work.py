"""A piece of work of a function (a request, a message, a run): told by one line and one count when it has ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from chalicelib.core import clock, log, metrics
from chalicelib.core.errors import LarisError, Unexpected

SUCCEEDED: Final = "succeeded"
REFUSED: Final = "refused"
FAILED: Final = "failed"
REPLAYED: Final = "replayed"
"""It was done before, and the answer is given again: counted the first time."""

FAULT: Final = 500
"""From this status on it is not the caller's doing."""

_current: ContextVar["Work | None"] = ContextVar("work", default=None)


@dataclass(slots=True)
class Work:
    """How a piece of work goes, and what its line shall say."""

    use_case: str
    outcome: str = SUCCEEDED
    facts: dict[str, Any] = field(default_factory=dict)
    calls: int = 0
    fault: Exception | None = None

    def refuse(self, error: LarisError) -> None:
        """It ended with an error that Laris itself said."""
        self.outcome = FAILED if error.status >= FAULT else REFUSED
        self.facts["code"] = error.code
        if error.status == Unexpected.status:
            self.fault = error

    def fail(self, error: Exception) -> None:
        """It ended with a fault of ours."""
        self.outcome, self.fault = FAILED, error


@contextmanager
def begun(message: str, use_case: str) -> Iterator[Work]:
    """Say ``message`` with how it went, how long it took and how often DynamoDB was asked, once the block ends."""
    work, since = Work(use_case), clock.ticks()
    mark = _current.set(work)
    try:
        yield work
    except LarisError as error:
        work.refuse(error)
        raise
    except Exception as error:
        work.fail(error)
        raise
    finally:
        _current.reset(mark)
        _tell(message, work, clock.ticks() - since)


def tally(**_: Any) -> None:
    """Count one call to DynamoDB; hangs on botocore's hook ``before-call``."""
    work = _current.get()
    if work is not None:
        work.calls += 1


def _tell(message: str, work: Work, milliseconds: int) -> None:
    told = {"use_case": work.use_case, "outcome": work.outcome, "milliseconds": milliseconds, "calls": work.calls}
    metrics.outcome(work.use_case, work.outcome)
    if work.fault is None:
        log.logger.info(message, **told, **work.facts)
        return
    metrics.count("unexpected")
    log.logger.exception(message, work.fault, **told, **work.facts)
