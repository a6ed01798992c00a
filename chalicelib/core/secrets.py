"""Secrets from SSM Parameter Store, fetched on first use and kept for five minutes."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

from chalicelib.core import clock
from chalicelib.core.config import settings

KEPT_FOR: Final = timedelta(minutes=5)

_kept: dict[str, tuple[datetime, str]] = {}


def get(name: str) -> str:
    """The secret called ``name``, or the empty text if there is none: which means "switched off", never "accept"."""
    fetched_at, value = _kept.get(name, (None, ""))
    if fetched_at is None or clock.now() - fetched_at > KEPT_FOR:
        value = _fetch(name)
        _kept[name] = (clock.now(), value)
    return value


def forget() -> None:
    """Drop what is kept, so that a rotated secret is seen at once."""
    _kept.clear()


def _fetch(name: str) -> str:
    ssm = _client()
    try:
        answer = ssm.get_parameter(Name=settings.secret(name), WithDecryption=True)
    except ssm.exceptions.ParameterNotFound:
        return ""
    return str(answer["Parameter"]["Value"])


@cache
def _client() -> Any:
    from chalicelib.core import aws

    return aws.client("ssm")
