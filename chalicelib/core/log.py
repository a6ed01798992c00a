"""One structured line per decision. Tokens, secrets, bodies and personal data never come here.

Every line says where it comes from: the function, the request, the correlation id that what was asked carries through
events and queues to everything that follows from it, and who acts. Powertools adds the id of the X-Ray trace.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from traceback import walk_tb
from typing import Any, Final

from aws_lambda_powertools.logging import Logger

from chalicelib.core.config import settings

NOTHING: Final = "-"
MOST_FRAMES: Final = 20
MOST_CAUSES: Final = 5
ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")

actor: Final[ContextVar[str]] = ContextVar("actor", default="system")
"""Who acts at the moment: ``guest``, ``staff``, ``partner:midtrans`` or ``system``; written on events."""

request_id: Final[ContextVar[str]] = ContextVar("request_id", default=NOTHING)

correlation_id: Final[ContextVar[str]] = ContextVar("correlation_id", default=NOTHING)
"""What all that follows from one request or one run of a schedule has in common; written on events."""

function: Final[ContextVar[str]] = ContextVar("function", default=NOTHING)
"""Which of our functions runs: ``api``, or the name of a worker."""

cold_start: Final[ContextVar[bool]] = ContextVar("cold_start", default=False)

_runs: int = 0
"""How often a function ran in this process so far."""


class _Logger:
    """Powertools' logger with facts as keywords: ``logger.info("order confirmed", order_id=…)``."""

    def __init__(self) -> None:
        self._logger = Logger(
            service=f"laris-{settings.stage}", utc=True, stage=settings.stage, version=settings.version
        )

    def info(self, message: str, **facts: Any) -> None:
        self._logger.info(message, extra=self._extra(facts), stacklevel=3)

    def warning(self, message: str, **facts: Any) -> None:
        self._logger.warning(message, extra=self._extra(facts), stacklevel=3)

    def error(self, message: str, **facts: Any) -> None:
        self._logger.error(message, extra=self._extra(facts), stacklevel=3)

    def exception(self, message: str, error: BaseException | None = None, **facts: Any) -> None:
        """With what went wrong, by default what is just being handled; see ``told``."""
        error = error or sys.exception()
        self._logger.error(message, extra=self._extra({**facts, **(told(error) if error else {})}), stacklevel=3)

    @staticmethod
    def _extra(facts: dict[str, Any]) -> dict[str, Any]:
        return {
            "function": function.get(),
            "request_id": request_id.get(),
            "correlation_id": correlation_id.get(),
            "actor": actor.get(),
            "cold_start": cold_start.get(),
            **facts,
        }


logger: Final = _Logger()


@contextmanager
def invocation(name: str, request: str) -> Iterator[None]:
    """One run of the function ``name`` for ``request``, which is also what follows from it is known by."""
    global _runs
    _runs += 1
    was_cold = cold_start.set(_runs == 1)
    texts = {function: name, request_id: request, correlation_id: request, actor: actor.get()}
    marks = [(variable, variable.set(text)) for variable, text in texts.items()]
    try:
        yield
    finally:
        cold_start.reset(was_cold)
        for variable, mark in marks:
            variable.reset(mark)


@contextmanager
def correlated(with_: Any) -> Iterator[None]:
    """What happens inside follows from ``with_``, if that is an id; else the run stands for itself."""
    mark = correlation_id.set(with_ if is_id(with_) else correlation_id.get())
    try:
        yield
    finally:
        correlation_id.reset(mark)


def story() -> str | None:
    """The correlation id for what is written or sent on now; None where nothing runs, as in a command."""
    known = correlation_id.get()
    return None if known == NOTHING else known


def follows() -> dict[str, str]:
    """The same as the member of a message to a queue of ours."""
    known = story()
    return {} if known is None else {"correlation_id": known}


def is_id(given: Any) -> bool:
    """True for what may be written into a line as an id, wherever it comes from."""
    return isinstance(given, str) and ID.fullmatch(given) is not None


def told(error: BaseException) -> dict[str, Any]:
    """What a line may say of an error: of what kind it is and whence, and of those that led to it.

    Never its text or its values: they hold what somebody sent us, or what is stored.
    """
    causes: list[dict[str, Any]] = []
    cause = _cause(error)
    while cause is not None and len(causes) < MOST_CAUSES:
        causes.append({"kind": _kind(cause), **_of_aws(cause), "at": _frames(cause)[-1:]})
        cause = _cause(cause)
    return {"exception_name": _kind(error), **_of_aws(error), "frames": _frames(error), "causes": causes}


def _kind(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _cause(error: BaseException) -> BaseException | None:
    return error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _of_aws(error: BaseException) -> dict[str, str]:
    """The code that AWS gave and what it was asked, both words of AWS's own."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return {}
    said = {"aws_code": response.get("Error", {}).get("Code"), "aws_operation": getattr(error, "operation_name", None)}
    return {name: str(word) for name, word in said.items() if is_id(word)}


def _frames(error: BaseException) -> list[str]:
    """Where it came from, the innermost last."""
    frames = [
        f"{frame.f_globals.get('__name__')}:{line} {frame.f_code.co_name}"
        for frame, line in walk_tb(error.__traceback__)
    ]
    return frames[-MOST_FRAMES:]
