"""What our code asks of AWS, call by call, with the request units DynamoDB would bill (``units``).

Over moto in this process only: the items before and after a write are read from its tables. Recorded at botocore's
hooks, so PynamoDB's calls and retries are seen too::

    with calls.recorded() as log:
        shop.check_out(...)
    assert log.round_trips == 4
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from tests.kit import units
from tests.kit.cloud import ACCOUNT, REGION
from tests.kit.units import Item

SERVICES = ("sqs", "sns", "s3", "ssm", "kms", "dynamodbstreams")
CHUNK = 64 * 1024
"""What SQS and SNS bill as one request."""

SINGLE_WRITES = ("PutItem", "UpdateItem", "DeleteItem")


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``read`` and ``write`` are DynamoDB's units, ``index`` those of ``write`` that indexes add,
    ``stored`` the bytes by which storage grew, ``chunks`` what SQS and SNS bill.
    """

    service: str
    operation: str
    tables: tuple[str, ...] = ()
    read: float = 0
    write: int = 0
    index: int = 0
    stored: int = 0
    chunks: int = 1

    def __str__(self) -> str:
        where = f" {'+'.join(self.tables)}" if self.tables else ""
        return f"{self.service}.{self.operation}{where}"


@dataclass
class Log:
    """What was asked, in order; ``mark`` puts in other things that happened between."""

    calls: list[Call] = field(default_factory=list)

    def mark(self, what: str) -> None:
        """Note something that is no call to AWS."""
        self.calls.append(Call("mark", what))

    def until(self, mark: str) -> "Log":
        """What was asked before ``mark``. Raises ValueError if it did not happen."""
        at = [call.operation for call in self.calls].index(mark)
        return Log(self.calls[:at])

    def of(self, service: str) -> list[Call]:
        """The calls to a service."""
        return [call for call in self.calls if call.service == service]

    @property
    def round_trips(self) -> int:
        """How often DynamoDB was asked."""
        return len(self.of("dynamodb"))

    @property
    def operations(self) -> Counter[str]:
        """How often each operation of DynamoDB was asked for."""
        return Counter(call.operation for call in self.of("dynamodb"))

    @property
    def read(self) -> float:
        """Read request units."""
        return sum(call.read for call in self.calls)

    @property
    def write(self) -> int:
        """Write request units, those of indexes included."""
        return sum(call.write for call in self.calls)

    @property
    def stored(self) -> int:
        """Bytes by which storage grew."""
        return sum(call.stored for call in self.calls)

    def chunks(self, service: str) -> int:
        """Requests as SQS and SNS bill them."""
        return sum(call.chunks for call in self.of(service))

    def __str__(self) -> str:
        return "\n".join(str(call) for call in self.calls)


@contextmanager
def recorded() -> Iterator[Log]:
    """Record everything asked of AWS inside."""
    from chalicelib.core import aws, db

    log = Log()
    with ExitStack() as ends:
        for storage in (db.client(), aws.client("dynamodb")):  # the second is what Powertools remembers letters with
            ends.enter_context(_recorded_by(storage, "dynamodb", log, _dynamodb_call))
        for service in SERVICES:
            ends.enter_context(_recorded_by(aws.client(service), service, log, _other_call))
        yield log


@dataclass(frozen=True, slots=True)
class Asked:
    """A request on its way: what it asks, and the items that it would change, as they are before."""

    service: str
    operation: str
    raw: bytes
    body: Mapping[str, Any]
    before: list[Item | None]


Finish = Callable[[Asked, Mapping[str, Any]], Call]


@contextmanager
def _recorded_by(client: Any, service: str, log: Log, finish: Finish) -> Iterator[None]:
    under_way: dict[int, Asked] = {}

    def sent(request: Any, event_name: str, **_: Any) -> None:
        raw = request.body if isinstance(request.body, bytes) else b""
        body = json.loads(raw) if service == "dynamodb" else {}
        operation = event_name.rpartition(".")[2]
        before = [_item(change) for change in _changes(operation, body)]
        under_way[threading.get_ident()] = Asked(service, operation, raw, body, before)

    def answered(parsed_response: Mapping[str, Any] | None, **_: Any) -> None:
        asked = under_way.pop(threading.get_ident(), None)
        if asked is not None:  # None where it could not even be sent
            log.calls.append(finish(asked, parsed_response or {}))

    events = client.meta.events
    events.register_first("before-send", sent)
    events.register_first("response-received", answered)
    try:
        yield
    finally:
        events.unregister("before-send", sent)
        events.unregister("response-received", answered)


@dataclass(frozen=True, slots=True)
class Change:
    """One item that a request would write or check, by its key."""

    table: str
    key: Item


def _other_call(asked: Asked, answer: Mapping[str, Any]) -> Call:
    return Call(asked.service, asked.operation, chunks=max(1, ceil(len(asked.raw) / CHUNK)))


def _dynamodb_call(asked: Asked, answer: Mapping[str, Any]) -> Call:
    changes = _changes(asked.operation, asked.body)
    return _write(asked, changes) if changes else _read(asked, answer)


def _write(asked: Asked, changes: list[Change]) -> Call:
    in_transaction = asked.operation == "TransactWriteItems"
    write = index = stored = 0
    for change, before in zip(changes, asked.before, strict=True):
        after = _item(change)
        write += units.write_units(before, after, in_transaction=in_transaction)
        index += units.index_units(change.table, before, after)
        stored += units.stored(change.table, after) - units.stored(change.table, before)
    tables = tuple(dict.fromkeys(_department(change.table) for change in changes))
    return Call("dynamodb", asked.operation, tables, write=write + index, index=index, stored=stored)


def _read(asked: Asked, answer: Mapping[str, Any]) -> Call:
    match asked.operation:
        case "BatchGetItem":
            return _batch_read(asked, answer)
        case "GetItem":
            items, one_by_one = [answer.get("Item")], True
        case "Query":
            items, one_by_one = answer.get("Items", []), False
        case _:
            raise NotImplementedError(f"nobody has said yet what {asked.operation} costs")
    consistent = asked.body.get("ConsistentRead", False)
    read = units.read_units(map(units.size, items), consistent=consistent, one_by_one=one_by_one)
    return Call("dynamodb", asked.operation, (_department(asked.body["TableName"]),), read=read)


def _batch_read(asked: Asked, answer: Mapping[str, Any]) -> Call:
    read = 0.0
    for table, about in asked.body["RequestItems"].items():
        found = [units.size(item) for item in answer.get("Responses", {}).get(table, [])]
        missing = [0] * (len(about["Keys"]) - len(found))
        consistent = about.get("ConsistentRead", False)
        read += units.read_units([*found, *missing], consistent=consistent, one_by_one=True)
    return Call("dynamodb", asked.operation, tuple(map(_department, asked.body["RequestItems"])), read=read)


def _changes(operation: str, body: Mapping[str, Any]) -> list[Change]:
    if operation == "TransactWriteItems":
        return [_change(about) for item in body["TransactItems"] for about in item.values()]
    return [_change(body)] if operation in SINGLE_WRITES else []


def _change(about: Mapping[str, Any]) -> Change:
    key = about["Key"] if "Key" in about else {name: about["Item"][name] for name in ("pk", "sk")}
    return Change(about["TableName"], dict(sorted(key.items())))


def _item(change: Change) -> Item | None:
    from moto.dynamodb.models import dynamodb_backends

    found = dynamodb_backends[ACCOUNT][REGION].get_item(change.table, dict(change.key))
    return found.to_json()["Attributes"] if found else None


def _department(table: str) -> str:
    return table.rpartition("-")[2]
