"""moto's tables, reached directly: what an invariant that runs after every call can afford."""

from typing import Any, Final

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from infra.local.dynamodb import forget_tokens

ACCOUNT: Final = "123456789012"
REGION: Final = "ap-southeast-3"


def wipe(*names: str) -> None:
    """Empty the named tables, or all, and their streams; an iterator over a stream taken before is void."""
    for table in [_tables()[name] for name in names] or list(_tables().values()):
        table.items.clear()
        if shard := table.stream_shard:
            shard.starting_sequence_number += len(shard.items)
            shard.items.clear()
    forget_tokens()


def stored(name: str) -> list[dict[str, Any]]:
    """All items of a table in DynamoDB's notation: ``[{"pk": {"S": "ord_1"}, "total": {"N": "3"}}]``."""
    return [item.to_json()["Attributes"] for item in _tables()[name].all_items()]


def _tables() -> dict[str, Table]:
    return dynamodb_backends[ACCOUNT][REGION].tables
