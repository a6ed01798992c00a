"""Secrets from SSM Parameter Store, fetched on first use and kept for five minutes, longer while it fails.

What works must not stop because nobody can be asked whether a secret has changed.
"""

from datetime import datetime, timedelta
from typing import Final

from chalicelib.core import clock
from chalicelib.core.config import settings
from chalicelib.core.errors import TooMany, Unavailable
from chalicelib.core.log import logger

KEPT_FOR: Final = timedelta(minutes=5)
KEPT_AT_MOST: Final = timedelta(hours=6)
"""How long a secret is used that cannot be looked up any more."""
ASKED_EVERY: Final = timedelta(seconds=30)
"""How often it is tried meanwhile."""

_kept: dict[str, tuple[datetime, str]] = {}
_failed_at: dict[str, datetime] = {}


def get(name: str) -> str:
    """The secret called ``name``, or the empty text if there is none: which means "switched off", never "accept".

    Raises TooMany or Unavailable if it cannot be looked up, and never was or too long ago.
    """
    now = clock.now()
    fetched_at, value = _kept.get(name, (None, ""))
    if fetched_at is not None and now - fetched_at <= KEPT_FOR:
        return value
    if fetched_at is not None and name in _failed_at and now - _failed_at[name] < ASKED_EVERY:
        return value
    try:
        value = _fetch(name)
    except (TooMany, Unavailable) as error:
        if fetched_at is None or now - fetched_at > KEPT_AT_MOST:
            raise
        logger.warning("secret not looked up", secret=name, code=error.code)
        _failed_at[name] = now
        return value
    _kept[name] = (clock.now(), value)
    _failed_at.pop(name, None)
    return value


def forget() -> None:
    """Drop what is kept, so that a rotated secret is seen at once."""
    _kept.clear()
    _failed_at.clear()


def _fetch(name: str) -> str:
    from chalicelib.core import aws

    ssm = aws.client("ssm")
    with aws.translated():
        try:
            answer = ssm.get_parameter(Name=settings.secret(name), WithDecryption=True)
        except ssm.exceptions.ParameterNotFound:
            return ""
    return str(answer["Parameter"]["Value"]).strip()  # a file that it was read from ends with a new line
