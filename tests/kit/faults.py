"""Faults on the way to AWS, put in by botocore's own hook (before-send), so that PynamoDB meets them too."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import URLLib3Session

from chalicelib.core import db

Fault = Callable[[Any, Callable[[], Any]], Any]
"""Takes the request and a way to send it; gives an answer, None to let it pass, or raises."""


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._content


def refusal(code: str, reasons: list[str] | None = None, status: int = 400) -> Fault:
    """An error answer of DynamoDB, without the request ever arriving."""
    body: dict[str, Any] = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code}
    if reasons is not None:
        body["CancellationReasons"] = [{"Code": reason} for reason in reasons]

    def answer(request: Any, send: Callable[[], Any]) -> Any:
        request.url = "https://nowhere.invalid/"  # botocore asks every handler and takes the first answer
        headers = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse("", status, headers, _Body(json.dumps(body).encode()))

    return answer


def request_lost(request: Any, send: Callable[[], Any]) -> Any:
    """The request never arrives."""
    raise ReadTimeoutError(endpoint_url=request.url)


def response_lost(request: Any, send: Callable[[], Any]) -> Any:
    """The request is carried out; the answer never comes."""
    send()
    raise ReadTimeoutError(endpoint_url=request.url)


@cache
def _wire() -> URLLib3Session:
    """To an emulator outside this process, which moto lets pass."""
    return URLLib3Session()


@contextmanager
def on_dynamodb(operation: str, faults: list[Fault]) -> Iterator[list[str]]:
    """Let the next calls of ``operation`` meet ``faults``, one each; gives the list of all operations sent."""
    from moto.core.models import botocore_stubber

    sent: list[str] = []
    waiting = list(faults)

    def hook(request: Any, **_: Any) -> Any:
        name = request.headers["X-Amz-Target"].decode().rpartition(".")[2]
        sent.append(name)
        if name != operation or not waiting:
            return None
        return waiting.pop(0)(request, lambda: botocore_stubber("before-send", request) or _wire().send(request))

    events = db.client().meta.events
    events.register_first("before-send.dynamodb", hook)
    try:
        yield sent
    finally:
        events.unregister("before-send.dynamodb", hook)
