"""KMS out of reach: moto serves a disabled key as if nothing were, so its client is cut off instead."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import EndpointConnectionError


@contextmanager
def off() -> Iterator[None]:
    """Nobody answers at KMS, and nothing unwrapped is in memory."""
    from chalicelib.core import aws, vault

    events = aws.client("kms").meta.events
    events.register_first("before-send.kms", _no_answer, unique_id="kms-off")
    vault.forget()
    try:
        yield
    finally:
        events.unregister("before-send.kms", unique_id="kms-off")


def _no_answer(request: Any, **_: Any) -> None:
    raise EndpointConnectionError(endpoint_url=request.url)
