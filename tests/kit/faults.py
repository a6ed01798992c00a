"""Faults on the way to AWS, put in by botocore's own hook (before-send), so that PynamoDB meets them too."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
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


# Faults at one call of many, whatever service it is of

SERVICES: Final = ("dynamodb", "sqs", "sns", "ssm", "kms", "s3", "sesv2")
PLANTED: Final = "arn:aws:planted is what AWS says and nobody else is to read"


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked of AWS: the same for all that is sent for it, repeats of a transaction included."""

    service: str
    operation: str
    mark: bytes

    @property
    def is_transaction(self) -> bool:
        return self.operation == "TransactWriteItems"

    def __str__(self) -> str:
        return f"{self.service} {self.operation}"


Planted = Callable[[Call, Any, Callable[[], Any]], Any]
"""A fault that looks at the call it meets."""


def failing(code: str, status: int = 400) -> Planted:
    """AWS answers with this error, in the words of the service's protocol, and does nothing."""

    def meet(call: Call, request: Any, _send: Callable[[], Any]) -> Any:
        request.url = "https://nowhere.invalid/"
        return _error(call.service, code, status)

    return meet


def cancelled(reason: str, otherwise: str) -> Planted:
    """A transaction is cancelled for a reason that lies in one of its items; other calls fail with ``otherwise``."""

    def meet(call: Call, request: Any, send: Callable[[], Any]) -> Any:
        if not call.is_transaction:
            return failing(otherwise)(call, request, send)
        others = len(json.loads(request.body)["TransactItems"]) - 1
        return refusal("TransactionCanceledException", [reason, *["None"] * others])(request, send)

    return meet


def not_taken(_call: Call, request: Any, _send: Callable[[], Any]) -> Any:
    """SQS answers that all is well, and that it did not take the first message of the batch."""
    request.url = "https://nowhere.invalid/"
    failed = {"Id": "0", "SenderFault": False, "Code": "InternalError"}
    body = json.dumps({"Successful": [], "Failed": [failed]}).encode()
    return AWSResponse("", 200, {"content-type": "application/x-amz-json-1.0"}, _Body(body))


def unreachable(_call: Call, request: Any, _send: Callable[[], Any]) -> Any:
    """Nobody is there."""
    raise EndpointConnectionError(endpoint_url=request.url)


def lost(call: Call, request: Any, send: Callable[[], Any]) -> Any:
    """The request never arrives."""
    return request_lost(request, send)


def unheard(call: Call, request: Any, send: Callable[[], Any]) -> Any:
    """It is carried out, and its answer never comes."""
    return response_lost(request, send)


@dataclass
class Sent:
    """What was asked, in order, and how often each of it was sent."""

    calls: dict[Call, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.calls.values())

    def __len__(self) -> int:
        return len(self.calls)


@contextmanager
def on_aws(plan: Callable[[int, Call], Planted | None]) -> Iterator[Sent]:
    """Let each call of AWS meet what ``plan`` says for its number and itself, as often as it is sent.

    Botocore's own waiting is done by our clock, and its quota of retries is full at the beginning.
    """
    from moto.core.models import botocore_stubber

    sent = Sent()

    def hook(request: Any, event_name: str, **_: Any) -> Any:
        call = _call(event_name, request)
        sent.calls[call] = sent.calls.get(call, 0) + 1
        fault = plan(list(sent.calls).index(call), call)
        if fault is None:
            return None
        return fault(call, request, lambda: botocore_stubber("before-send", request) or _wire().send(request))

    with ExitStack() as ends:
        ends.enter_context(_waiting_by_our_clock())
        for client in _clients():
            client.meta.events.register_first("before-send", hook)
            ends.callback(client.meta.events.unregister, "before-send", hook)
        yield sent


def after(seconds: float, fault: Planted) -> Planted:
    """The same, ``seconds`` later by our clock."""

    def meet(call: Call, request: Any, send: Callable[[], Any]) -> Any:
        from chalicelib.core import clock

        clock.sleep(seconds)
        return fault(call, request, send)

    return meet


def slow(call: Call, request: Any, send: Callable[[], Any]) -> Any:
    """It goes well."""
    return send()


def only(site: int, fault: Planted) -> Callable[[int, Call], Planted | None]:
    """A plan: the call of that number, and no other."""
    return lambda number, _call: fault if number == site else None


def first(site: int, fault: Planted) -> Callable[[int, Call], Planted | None]:
    """A plan: the call of that number, the first time it is sent."""
    waiting = [fault]
    return lambda number, _call: waiting.pop() if number == site and waiting else None


def nothing(_number: int, _call: Call) -> None:
    """A plan: all goes well."""


def _clients() -> list[Any]:
    from chalicelib.core import aws

    others = [aws.client(service) for service in SERVICES]
    return [db.client(), aws.client("sesv2", repeats=False), *others]


@contextmanager
def _waiting_by_our_clock() -> Iterator[None]:
    from botocore import endpoint
    from botocore.retries.quota import RetryQuota

    from chalicelib.core import clock

    spent: dict[int, int] = {}

    def acquire(quota: RetryQuota, amount: int) -> bool:
        if spent.get(id(quota), 0) + amount > RetryQuota.INITIAL_CAPACITY:
            return False
        spent[id(quota)] = spent.get(id(quota), 0) + amount
        return True

    def release(quota: RetryQuota, amount: int) -> None:
        spent[id(quota)] = max(0, spent.get(id(quota), 0) - amount)

    class Time:
        sleep = staticmethod(lambda seconds: clock.sleep(seconds))

    with (
        patch.object(endpoint, "time", Time),
        patch.object(RetryQuota, "acquire", acquire),
        patch.object(RetryQuota, "release", release),
    ):
        yield


def _call(event_name: str, request: Any) -> Call:
    _, service, operation = event_name.split(".")
    mark = request.headers["amz-sdk-invocation-id"]
    if operation == "TransactWriteItems":
        mark = json.loads(request.body)["ClientRequestToken"].encode()
    return Call(service, operation, mark)


def _error(service: str, code: str, status: int) -> AWSResponse:
    headers, body = {"content-type": "application/x-amz-json-1.0"}, json.dumps({"__type": code, "message": PLANTED})
    if service == "sesv2":
        headers = {"content-type": "application/json", "x-amzn-errortype": code}
    elif service in {"s3", "sns"}:
        told = f"<Error><Code>{code}</Code><Message>{PLANTED}</Message></Error>"
        headers, body = {}, told if service == "s3" else f"<ErrorResponse>{told}</ErrorResponse>"
    return AWSResponse("", status, headers, _Body(body.encode()))
