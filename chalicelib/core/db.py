"""DynamoDB as Laris uses it: rows, reads that go together, and transactions whose refusals are business errors.

What DynamoDB forces and the sources are in the architecture notes: a cancelled transaction is retried only when every
reason is contention, and a failed condition on item i becomes the error of item i. What is throttled, lost or failed
at is botocore's to repeat, and is not repeated here once more: see ``aws``.
"""

import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Generic, Protocol, TypeVar, cast, overload

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import UnicodeAttribute
from pynamodb.connection.table import TableConnection
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import Index
from pynamodb.models import Model

from chalicelib.core import aws, clock, cursors, metrics, work
from chalicelib.core.errors import LarisError, TooMany, WriteRefused

CONTENTION: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
ATTEMPTS: Final = 8
"""Where three of ten transactions meet another, seven in a hundred thousand meet one eight times."""
LARGEST_BATCH: Final = 100
LARGEST_TRANSACTION: Final = 100

T = TypeVar("T")
R = TypeVar("R", bound="Row")
A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")


class Row(Model):
    """An item of a department's table, under ``pk`` (the aggregate) and ``sk`` (the part)."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        connection = super()._get_connection()
        connection.connection._client = client()
        return connection


@cache
def client() -> Any:
    """The one DynamoDB client, shared by all models (a client each would cost 50 ms each at cold start)."""
    config = Config(
        connect_timeout=1,
        read_timeout=2,
        max_pool_connections=50,
        parameter_validation=False,
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    made = aws.made("dynamodb", config)
    made.meta.events.register("before-call", work.tally)
    return made


# Reads


@dataclass(frozen=True, slots=True)
class Lookup(Generic[T]):
    """A read that can travel with others: the keys it needs, and what it makes of the rows found there."""

    keys: tuple[tuple[type[Row], str, str], ...]
    build: Callable[[list[Any]], T]


@overload
def look(a: Lookup[A], /) -> tuple[A]: ...
@overload
def look(a: Lookup[A], b: Lookup[B], /) -> tuple[A, B]: ...
@overload
def look(a: Lookup[A], b: Lookup[B], c: Lookup[C], /) -> tuple[A, B, C]: ...
@overload
def look(a: Lookup[A], b: Lookup[B], c: Lookup[C], d: Lookup[D], /) -> tuple[A, B, C, D]: ...
def look(*lookups: Lookup[Any]) -> tuple[Any, ...]:
    """Read, consistently and in one round trip (per 100 keys), what all the lookups need; build them in order."""
    wanted = list(dict.fromkeys(key for lookup in lookups for key in lookup.keys))
    found: dict[tuple[type[Row], str, str], Row] = {}
    for start in range(0, len(wanted), LARGEST_BATCH):
        found |= _batch_get(wanted[start : start + LARGEST_BATCH])
    return tuple(lookup.build([found.get(key) for key in lookup.keys]) for lookup in lookups)


def get(model: type[R], pk: str, sk: str) -> R | None:
    """The row, read consistently, or None."""
    (row,) = look(Lookup(((model, pk, sk),), lambda rows: cast("R | None", rows[0])))
    return row


def reach(table: str) -> None:
    """Read what is never there. Raises what is raised where a table does not answer."""
    with translated():
        client().batch_get_item(RequestItems={table: {"Keys": [{"pk": {"S": "-"}, "sk": {"S": "-"}}]}})


def _batch_get(keys: Sequence[tuple[type[Row], str, str]]) -> dict[tuple[type[Row], str, str], Row]:
    by_address = {(model.Meta.table_name, pk, sk): (model, pk, sk) for model, pk, sk in keys}
    asked: dict[str, Any] = {}
    for table, pk, sk in by_address:
        wanted = asked.setdefault(table, {"Keys": [], "ConsistentRead": True})
        wanted["Keys"].append({"pk": {"S": pk}, "sk": {"S": sk}})
    found: dict[tuple[type[Row], str, str], Row] = {}
    for attempt in range(ATTEMPTS):
        with translated():
            answer = client().batch_get_item(RequestItems=asked)
        for table, items in answer["Responses"].items():
            for item in items:
                key = by_address[table, item["pk"]["S"], item["sk"]["S"]]
                found[key] = key[0].from_raw_data(item)
        asked = answer.get("UnprocessedKeys") or {}
        if not asked:
            return found
        metrics.count("throttled")
        back_off(attempt)
    raise TooMany()


def rows(
    model: type[R],
    pk: str,
    condition: Condition | None = None,
    *,
    index: "Index[R] | None" = None,
    newest_first: bool = False,
    limit: int | None = None,
) -> list[R]:
    """All rows under ``pk`` (at most ``limit``), consistently unless read through an index."""
    source = index or model
    options: dict[str, Any] = {} if index else {"consistent_read": True}
    with translated():
        found = source.query(pk, condition, scan_index_forward=not newest_first, limit=limit, **options)
        return cast("list[R]", list(found))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Part of a list, and the cursor at which it goes on."""

    items: list[T]
    next_cursor: str | None


def page(
    model: type[R],
    pk: str,
    condition: Condition | None = None,
    *,
    limit: int,
    cursor: str | None,
    index: "Index[R] | None" = None,
    newest_first: bool = False,
) -> Page[R]:
    """``limit`` rows of a list from ``cursor`` on; the cursor is bound to this list and order."""
    source = index or model
    scope = f"{model.__name__}|{index.Meta.index_name if index else ''}|{pk}|{newest_first}"
    start = json.loads(cursors.open_(scope, cursor)) if cursor else None
    with translated():
        found = source.query(
            pk, condition, limit=limit + 1, last_evaluated_key=start, scan_index_forward=not newest_first
        )
        items = cast("list[R]", list(found))
    if len(items) <= limit:
        return Page(items, None)
    return Page(items[:limit], cursors.seal(scope, json.dumps(_key_of(items[limit - 1], index))))


def _key_of(row: Row, index: "Index[Any] | None") -> dict[str, Any]:
    raw = row.serialize(null_check=False)  # an index that projects keys only gives no more than those
    names = ["pk", "sk"]
    if index is not None:
        names += [part["AttributeName"] for part in index._get_schema()["key_schema"]]
    return {name: raw[name] for name in dict.fromkeys(names)}


# Writes

Refusal = LarisError | Callable[[Any], LarisError]
"""What a failed condition means: an error, or a function from the row that stood in the way (or None) to one."""


class Transaction:
    """Writes that happen together or not at all. Add to it, then it is sent when its block ends."""

    def __init__(self) -> None:
        self._items: list[dict[str, Any]] = []
        self._refusals: list[tuple[type[Row], Refusal | None]] = []
        self._addresses: set[tuple[str, str, str]] = set()
        self._token = uuid.uuid4().hex

    def __len__(self) -> int:
        return len(self._items)

    def put(self, row: Row, *, condition: Condition | None = None, refusal: Refusal | None = None) -> None:
        """Write ``row``, which must be new unless ``condition`` says otherwise."""
        if condition is None:
            condition = type(row).pk.does_not_exist()
        returned = self._returned(refusal)
        self._add("Put", row, row.get_save_kwargs_from_instance(condition, returned), refusal)

    def update(
        self,
        row: Row,
        actions: Sequence[Action],
        *,
        condition: Condition,
        refusal: Refusal | None = None,
    ) -> None:
        """Change the stored row at ``row``'s key."""
        returned = self._returned(refusal)
        arguments = row.get_update_kwargs_from_instance(list(actions), condition, returned)
        self._add("Update", row, arguments, refusal)

    def delete(self, row: Row, *, condition: Condition, refusal: Refusal | None = None) -> None:
        """Remove the stored row at ``row``'s key."""
        arguments = row.get_delete_kwargs_from_instance(condition, self._returned(refusal))
        self._add("Delete", row, arguments, refusal)

    def check(self, row: Row, *, condition: Condition, refusal: Refusal | None = None) -> None:
        """Go on only if the stored row at ``row``'s key meets ``condition``."""
        arguments = row.get_delete_kwargs_from_instance(condition, self._returned(refusal))
        self._add("ConditionCheck", row, arguments, refusal)

    @staticmethod
    def _returned(refusal: Refusal | None) -> str | None:
        return "ALL_OLD" if callable(refusal) else None

    def _add(self, kind: str, row: Row, arguments: dict[str, Any], refusal: Refusal | None) -> None:
        address = (arguments["TableName"], row.pk, row.sk)
        if address in self._addresses:
            raise ValueError(f"two writes to one item in a transaction: {address}")
        if len(self._items) == LARGEST_TRANSACTION:
            raise ValueError(f"more than {LARGEST_TRANSACTION} writes in a transaction")
        self._addresses.add(address)
        self._items.append({kind: arguments})
        self._refusals.append((type(row), refusal))

    def commit(self) -> None:
        """Send it. The token makes a repeat of a send whose answer was lost harmless."""
        if not self._items:
            return
        for attempt in range(ATTEMPTS):
            try:
                client().transact_write_items(TransactItems=self._items, ClientRequestToken=self._token)
                return
            except ClientError as error:
                self._judge(error)
            except BotoCoreError as error:
                raise aws.meaning(error) from error
            back_off(attempt)
        raise TooMany()

    def _judge(self, error: ClientError) -> None:
        """Return if it was contention alone; else raise what it means."""
        if error.response["Error"]["Code"] != "TransactionCanceledException":
            raise aws.meaning(error) from error
        reasons = error.response.get("CancellationReasons", [])
        for (model, refusal), reason in zip(self._refusals, reasons, strict=True):
            if reason["Code"] == "ConditionalCheckFailed":
                raise _refused(model, refusal, reason.get("Item")) from error
        if not all(reason["Code"] == "None" or reason["Code"] in CONTENTION for reason in reasons):
            raise error
        has_met_another = any(reason["Code"] == "TransactionConflict" for reason in reasons)
        metrics.count("conflicts" if has_met_another else "throttled")


class Rider(Protocol):
    """Something that goes along with every transaction, such as the audit trail's entry."""

    def board(self, tx: Transaction) -> None:
        """Add what shall be written with it."""

    def arrive(self) -> None:
        """It was written."""


riders: Final[ContextVar[tuple[Rider, ...]]] = ContextVar("riders", default=())
"""Who goes along with the transactions of this request."""


@contextmanager
def transaction() -> Iterator[Transaction]:
    """A transaction that is sent when the block ends without an error; riders go along.

    Raises the refusal of the first write whose condition failed (WriteRefused where it has none), TooMany when
    contention did not end, Unanswered when the answer was lost, so that it may or may not have happened.
    """
    tx = Transaction()
    yield tx
    if not len(tx):
        return
    for rider in riders.get():
        rider.board(tx)
    tx.commit()
    for rider in riders.get():
        rider.arrive()


def _refused(model: type[Row], refusal: Refusal | None, item: Mapping[str, Any] | None) -> LarisError:
    if refusal is None:
        return WriteRefused()
    if isinstance(refusal, LarisError):
        return refusal
    return refusal(model.from_raw_data(dict(item)) if item else None)


def back_off(attempt: int) -> None:
    """Wait before trying again, with full jitter: at most 25 ms, doubling to 400 ms."""
    clock.sleep(random.uniform(0, min(0.4, 0.025 * 2**attempt)))


@contextmanager
def translated() -> Iterator[None]:
    """Storage errors inside come out as Laris errors."""
    try:
        yield
    except PynamoDBException as error:
        raise aws.meaning(error.cause or error) from error
    except (ClientError, BotoCoreError) as error:
        raise aws.meaning(error) from error
