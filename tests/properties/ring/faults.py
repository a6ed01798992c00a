"""What can happen to a call on its way, and what its caller then gets."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar, cast

from botocore.awsrequest import AWSResponse
from moto.core.botocore_stubber import MockRawResponse

T = TypeVar("T")


class Fault(StrEnum):
    """What hits one call. Our clients retry the first four by themselves, or db.transaction does."""

    THROTTLE = "throttle"
    CONFLICT = "conflict"
    REQUEST_LOST = "request lost"
    RESPONSE_LOST = "response lost"
    OUTAGE = "outage"
    """Neither the call nor any of the client's retries of it arrives: the caller sees an error, nothing happened."""
    OUTCOME_UNKNOWN = "outcome unknown"
    """It happened, but its answer and all retries are lost: the caller sees the same error as in an outage."""
    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"


ARRIVING: Final = frozenset({None, Fault.RESPONSE_LOST, Fault.OUTCOME_UNKNOWN, Fault.CRASH_AFTER})
"""With these the call takes effect."""

LASTING: Final = frozenset({Fault.OUTAGE, Fault.OUTCOME_UNKNOWN})
"""These lose the client's own retries as well."""

CONFLICTING: Final = frozenset({"TransactWriteItems", "TransactGetItems", "PutItem", "UpdateItem", "DeleteItem"})
READS: Final = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems", "DescribeTable"})
KEYS: Final = ("pk", "sk")


class Crash(BaseException):
    """The process died here. Derived so that no code of ours catches it."""


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """Something an actor is about to do: a call of AWS, a step outside it, or a sleep."""

    service: str
    operation: str
    body: bytes = b""
    invocation: bytes = b""
    """The same for a call and the client's own retries of it."""

    @classmethod
    def of(cls, event_name: str, request: Any) -> "Call":
        """The call that botocore announces as ``before-send.<service>.<operation>``."""
        _, service, operation = event_name.split(".")
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        return cls(service, operation, body, request.headers.get("amz-sdk-invocation-id", b""))

    @property
    def is_sleep(self) -> bool:
        return self.service == "sleep"

    @property
    def can_change(self) -> bool:
        """Whether anything may be different after it."""
        return not self.is_sleep and not (self.service == "dynamodb" and self.operation in READS)

    def can_meet(self, fault: Fault) -> bool:
        """Whether ``fault`` makes sense here. Losing the answer of a read is the same as losing the read."""
        match fault:
            case Fault.THROTTLE:
                return self.service == "dynamodb"
            case Fault.CONFLICT:
                return self.service == "dynamodb" and self.operation in CONFLICTING
            case Fault.CRASH_BEFORE:
                return not self.is_sleep
            case Fault.REQUEST_LOST | Fault.OUTAGE:
                return not self.is_sleep and self.service != "checkpoint"
            case _:
                return self.can_change and self.service != "checkpoint"

    def __str__(self) -> str:
        if self.service != "dynamodb":
            return f"{self.service} {self.operation}"
        return f"{self.operation} {', '.join(_addresses(json.loads(self.body)))}"


def _addresses(body: dict[str, Any]) -> Iterator[str]:
    for item in body.get("TransactItems", []):
        for kind, about in item.items():
            yield f"{kind} {next(_addresses(about))}"
    for table, asked in body.get("RequestItems", {}).items():
        yield from (f"{table} {_key(key)}" for key in asked["Keys"]) if "Keys" in asked else [table]
    if "TableName" in body:
        values = body.get("Key") or body.get("Item") or body.get("ExpressionAttributeValues") or {}
        yield f"{body['TableName']} {_key(values)}"


def _key(values: dict[str, dict[str, Any]]) -> str:
    shown = [values[name] for name in KEYS if name in values] or list(values.values())
    return "/".join(str(next(iter(value.values()))) for value in shown)


def meet(call: Call, fault: Fault | None, send: Callable[[], T], lost: Callable[[], Exception]) -> T:
    """The answer of ``send`` as ``fault`` lets it come back; ``lost()`` is what no answer looks like."""
    match fault:
        case None:
            return send()
        case Fault.THROTTLE | Fault.CONFLICT:
            return cast("T", _refusal(call, fault))
        case Fault.REQUEST_LOST | Fault.OUTAGE:
            raise lost()
        case Fault.CRASH_BEFORE:
            raise Crash
        case Fault.CRASH_AFTER:
            send()
            raise Crash
        case Fault.RESPONSE_LOST | Fault.OUTCOME_UNKNOWN:
            send()
            raise lost()


def _refusal(call: Call, fault: Fault) -> AWSResponse:
    """DynamoDB's answer to a call that it throttles, or that meets a transaction on the same item."""
    conflict = fault is Fault.CONFLICT
    if not call.operation.startswith("Transact"):
        return _answer("TransactionConflictException" if conflict else "ProvisionedThroughputExceededException")
    code = "TransactionConflict" if conflict else "ThrottlingError"
    others = len(json.loads(call.body)["TransactItems"]) - 1
    reasons = [{"Code": code, "Message": f"Planted: {fault}."}, *[{"Code": "None"}] * others]
    return _answer("TransactionCanceledException", CancellationReasons=reasons)


def _answer(error: str | None = None, **members: Any) -> AWSResponse:
    if error:
        members |= {"__type": f"com.amazonaws.dynamodb.v20120810#{error}", "message": f"Planted: {error}."}
    headers = {"content-type": "application/x-amz-json-1.0"}
    return AWSResponse("", 400 if error else 200, headers, MockRawResponse(json.dumps(members)))


def said(answer: object) -> str:
    """What an answer came to, for the trace: ok, or the error and its reasons."""
    if not isinstance(answer, AWSResponse):
        return ""
    if answer.status_code < 300:
        return "ok"
    try:
        body = json.loads(answer.content)
    except ValueError:
        return str(answer.status_code)
    reasons = [reason["Code"] for reason in body.get("CancellationReasons", [])]
    return " ".join([str(body.get("__type")).rpartition("#")[2], *reasons])


class Tokens:
    """What moto ignores: a transaction said again with the ClientRequestToken of one that succeeded."""

    def __init__(self) -> None:
        self._done: dict[str, Any] = {}

    def once(self, call: Call, send: Callable[[], Any]) -> Any:
        """The answer of ``send``, or that of the earlier success without sending again."""
        if call.operation != "TransactWriteItems":
            return send()
        body = json.loads(call.body)
        token, items = body.get("ClientRequestToken"), body["TransactItems"]
        if token in self._done:
            return _answer(None if self._done[token] == items else "IdempotentParameterMismatchException")
        answered = send()
        if token and answered.status_code == 200:
            self._done[token] = items
        return answered
