"""moto's DynamoDB made right for callers at the same time.

As it comes, moto copies every touched table for each transaction and puts the copy back on a refusal, with no lock:
twelve of ten units were sold that way. Here all calls are serialised, a transaction checks every condition first and
then writes, undoing item by item if a write is refused, and a ClientRequestToken is honoured for ten minutes as AWS
does. Written against moto 5.2; the tests say if another version differs.
"""

import copy
import functools
import json
import threading
import time
from collections import defaultdict
from typing import Any, Final

from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    ConditionalCheckFailed,
    MockValidationException,
    MultipleTransactionsException,
    TooManyTransactionsException,
    TransactionCanceledException,
)
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser  # type: ignore[attr-defined]
from moto.dynamodb.parsing.expressions import UpdateExpressionParser  # type: ignore[attr-defined]
from moto.dynamodb.parsing.validators import ActionCountValidator, OverlappingPathsValidator
from moto.dynamodb.responses import DynamoHandler

TOKENS_LIVE: Final = 600.0
INDEX_NAME: Final = 6
"""The place of ``index_name`` among the arguments of ``Table.query`` after the hash key."""

_lock = threading.RLock()
_tokens: dict[str, tuple[float, str]] = {}


def install() -> None:
    """Put it in place of moto's own, once per process."""
    if getattr(DynamoHandler.call_action, "serialised", False):
        return
    DynamoHandler.call_action = _serialised(DynamoHandler.call_action)  # type: ignore[method-assign]
    DynamoHandler.transact_write_items = _once_per_token(  # type: ignore[method-assign]
        DynamoHandler.transact_write_items
    )
    DynamoDBBackend.transact_write_items = _transact  # type: ignore[method-assign]
    _hasten()
    Table.query = _of_one_partition(Table.query)  # type: ignore[method-assign]
    Table.all_items = _all_items  # type: ignore[method-assign]


def _hasten() -> None:
    """Let moto read each expression once, and look at the whole of it once and not again from each of its nodes."""
    of_node = DepthFirstTraverser.nodes_to_be_processed

    def remembered(self: Any) -> Any:
        if "kinds" not in vars(self):
            self.kinds = of_node(self)
        return self.kinds

    DepthFirstTraverser.nodes_to_be_processed = remembered
    UpdateExpressionParser.make = staticmethod(functools.lru_cache(maxsize=1000)(UpdateExpressionParser.make))
    OverlappingPathsValidator.traverse = OverlappingPathsValidator.check_for_overlapping_paths
    ActionCountValidator.traverse = ActionCountValidator.verify_action_counts


def _serialised(original: Any) -> Any:
    @functools.wraps(original)
    def call_action(self: DynamoHandler) -> Any:
        with _lock:
            return original(self)

    call_action.serialised = True  # type: ignore[attr-defined]
    return call_action


def _once_per_token(original: Any) -> Any:
    @functools.wraps(original)
    def transact_write_items(self: DynamoHandler) -> Any:
        token, items = (
            self.body.get("ClientRequestToken"),
            json.dumps(self.body["TransactItems"], sort_keys=True, default=repr),
        )
        if token is None:
            return original(self)
        _forget_old_tokens()
        if token in _tokens:
            if _tokens[token][1] != items:
                raise MockValidationException("IdempotentParameterMismatch")
            return _same_answer(self)
        answer = original(self)
        _tokens[token] = (time.monotonic(), items)
        return answer

    return transact_write_items


def _of_one_partition(original: Any) -> Any:
    """moto sorts and compares a whole table for every query; one of the table itself needs one partition of it."""

    @functools.wraps(original)
    def query(self: Table, hash_key: Any, *arguments: Any, **options: Any) -> Any:
        index_name = options.get("index_name", arguments[INDEX_NAME] if len(arguments) > INDEX_NAME else None)
        if index_name is not None:
            return original(self, hash_key, *arguments, **options)
        whole = self.items
        self.items = defaultdict(dict, {hash_key: whole[hash_key]} if hash_key in whole else {})
        try:
            return original(self, hash_key, *arguments, **options)
        finally:
            self.items = whole

    return query


def _all_items(self: Table) -> list[Any]:
    """As moto's, but sorted by plain texts: all keys of ours are texts."""
    items = [item for partition in self.items.values() for item in partition.values()]
    return sorted(items, key=lambda item: (item.hash_key.value, item.range_key.value))


def _same_answer(handler: DynamoHandler) -> Any:
    """The answer of a transaction of no items: what the original answers when all went well."""
    empty = {**handler.body, "TransactItems": []}
    body, handler.body = handler.body, empty
    try:
        return _original_answer(handler)
    finally:
        handler.body = body


def _original_answer(handler: DynamoHandler) -> Any:
    return DynamoHandler.transact_write_items.__wrapped__(handler)  # type: ignore[attr-defined]


def _forget_old_tokens() -> None:
    horizon = time.monotonic() - TOKENS_LIVE
    for token in [token for token, (at, _) in _tokens.items() if at < horizon]:
        del _tokens[token]


def _transact(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    if len(transact_items) > 100:
        raise TooManyTransactionsException()
    operations = [(kind, about) for item in transact_items for kind, about in item.items()]
    keys = [_key(self, kind, about) for kind, about in operations]
    if len({(about["TableName"], str(key)) for (_, about), key in zip(operations, keys, strict=True)}) < len(keys):
        raise MultipleTransactionsException()
    refused = [_refusal(self, about, key) for (_, about), key in zip(operations, keys, strict=True)]
    if any(code for code, _, _ in refused):
        raise TransactionCanceledException(refused)
    undo = [_before(self, about, key) for (_, about), key in zip(operations, keys, strict=True)]
    lengths = [(table, len(table.stream_shard.items) if table.stream_shard else 0) for table, *_ in undo]
    try:
        for (kind, about), key in zip(operations, keys, strict=True):
            _apply(self, kind, about, key)
    except Exception:
        _restore(undo, lengths)
        raise


def _key(backend: DynamoDBBackend, kind: str, about: dict[str, Any]) -> dict[str, Any]:
    if kind != "Put":
        return dict(sorted(about["Key"].items()))
    table = backend.get_table(about["TableName"])
    names = [table.hash_key_attr] + ([table.range_key_attr] if table.range_key_attr else [])
    return {name: about["Item"][name] for name in sorted(names)}


def _refusal(backend: DynamoDBBackend, about: dict[str, Any], key: dict[str, Any]) -> tuple[Any, Any, Any]:
    condition = about.get("ConditionExpression")
    if condition is None:
        return None, None, None
    current = backend.get_item(about["TableName"], key)
    names, values = about.get("ExpressionAttributeNames"), about.get("ExpressionAttributeValues")
    if get_filter_expression(condition, names, values).expr(current):
        return None, None, None
    asked = about.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    item = current.to_json()["Attributes"] if asked and current else None
    return "ConditionalCheckFailed", str(ConditionalCheckFailed().message), item


def _before(backend: DynamoDBBackend, about: dict[str, Any], key: dict[str, Any]) -> tuple[Table, Any, Any, Any]:
    table = backend.get_table(about["TableName"])
    hash_value, range_value = backend.get_keys_value(table, key)
    return table, hash_value, range_value, copy.deepcopy(table.get_item(hash_value, range_value))


def _apply(backend: DynamoDBBackend, kind: str, about: dict[str, Any], key: dict[str, Any]) -> None:
    if kind == "Put":
        backend.put_item(about["TableName"], about["Item"])
    elif kind == "Delete":
        backend.delete_item(about["TableName"], key)
    elif kind == "Update":
        backend.update_item(
            about["TableName"],
            key,
            update_expression=about["UpdateExpression"],
            expression_attribute_names=about.get("ExpressionAttributeNames", {}),
            expression_attribute_values=about.get("ExpressionAttributeValues", {}),
        )


def _restore(undo: list[tuple[Table, Any, Any, Any]], lengths: list[tuple[Table, int]]) -> None:
    for table, hash_value, range_value, item in undo:
        if item is None:
            table.items.get(hash_value, {}).pop(range_value, None)
        else:
            table.items[hash_value][range_value] = item
    for table, length in lengths:
        if table.stream_shard:
            del table.stream_shard.items[length:]


def forget_tokens() -> None:
    """Forget every ClientRequestToken."""
    _tokens.clear()
