"""One botocore client per service, with the timeouts and retries of the house, and what its errors mean.

There is one layer of retries for what AWS throttles, loses or fails at: botocore's, of three sends at most, and of
fewer when much fails (its quota). ``db`` adds only what botocore does not know, transactions that met each other.
Over it all stands a time: who asked has given up by then, so nothing is sent any more (``within``).
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session, get_session

from chalicelib.core import clock, metrics
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError, TooMany, Unanswered, Unavailable
from chalicelib.core.log import logger

CONFIG: Final = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
ONCE: Final = Config(connect_timeout=1, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})

BUSY: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "TooManyRequestsException",
        "TransactionConflictException",
    }
)
"""Codes that mean "later", besides all that speak of throttling."""
REFUSED_US: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "DisabledException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "KMSInvalidStateException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
    }
)
"""Codes that mean that we may not, or that something of ours is gone, besides HTTP's 403: for an operator to mend."""
FAILED: Final = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "TransactionInProgressException",
    }
)
"""Codes after which nobody knows what was done, besides HTTP's 500 and above. PynamoDB hides the status."""

_clients: dict[str, Any] = {}
_making = threading.RLock()
_session: Session | None = None
_until: ContextVar[datetime | None] = ContextVar("until", default=None)


def client(service: str, *, repeats: bool = True) -> Any:
    """The shared client of ``service`` (clients are thread safe, making them is not).

    ``repeats`` is False where an operation must not be tried again unasked, since it may have been done.
    """
    name = service if repeats else f"{service}, once"
    with _making:
        if name not in _clients:
            _clients[name] = made(service, CONFIG if repeats else ONCE)
        return _clients[name]


def made(service: str, config: Config) -> Any:
    """A new client that sends nothing once the time is over."""
    global _session
    with _making:
        _session = _session or get_session()
        new = _session.create_client(service, region_name=settings.region, config=config)
    new.meta.events.register_first("request-created", _begin)
    return new


@contextmanager
def within(time: timedelta) -> Iterator[None]:
    """Nothing that is asked of AWS or of a partner inside begins later than ``time`` from now."""
    mark = _until.set(clock.now() + time)
    try:
        yield
    finally:
        _until.reset(mark)


def check_time() -> None:
    """Raise Unanswered if whoever asked has given up by now."""
    until = _until.get()
    if until is not None and clock.now() > until:
        raise Unanswered()


@contextmanager
def translated() -> Iterator[None]:
    """AWS's errors inside come out as Laris errors, but those that say that our request was wrong."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise meaning(error) from error


def meaning(error: Exception) -> Exception:
    """What an error of AWS is to whoever asked; ``error`` itself where it shows a fault of ours."""
    if isinstance(error, ClientError):
        return _meaning(error) or error
    return Unanswered() if isinstance(error, BotoCoreError) else error


def _meaning(error: ClientError) -> LarisError | None:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in BUSY or "throttl" in code.lower():
        metrics.count("conflicts" if code == "TransactionConflictException" else "throttled")
        return TooMany()
    if code in REFUSED_US or status == HTTPStatus.FORBIDDEN or code.lower().startswith("kms"):
        logger.error("AWS refused us", operation=error.operation_name, aws_code=code)
        return Unavailable()
    return Unanswered() if code in FAILED or status >= HTTPStatus.INTERNAL_SERVER_ERROR else None


def _begin(**_: Any) -> None:
    check_time()
