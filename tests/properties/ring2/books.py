"""What DynamoDB holds, read item by item and added up anew: no code of ours is asked whether its books are right."""

import json
from collections.abc import Iterable
from typing import Any, Final

from chalicelib.core import db
from chalicelib.core.config import settings

COUNTERS: Final = ("on_hand", "available", "reserved", "allocated", "unavailable", "incoming")
PARTS: Final = ("available", "reserved", "allocated", "unavailable")

Item = dict[str, Any]


def stored(department: str) -> list[Item]:
    """All items of a department's table, in plain values."""
    pages = db.client().get_paginator("scan").paginate(TableName=settings.table(department), ConsistentRead=True)
    return [{name: _plain(value) for name, value in item.items()} for page in pages for item in page["Items"]]


def orders() -> dict[str, Item]:
    """The orders, by id."""
    return {item["pk"]: item for item in stored("orders") if item["sk"] == "ORDER"}


def facts(aggregate: str) -> list[str]:
    """The types of what the event log holds of it, sorted."""
    return sorted(item["type"] for item in stored("events") if item["pk"] == aggregate)


def money(order_id: str) -> Item:
    """The order's ledger."""
    (ledger,) = (item for item in stored("payments") if (item["pk"], item["sk"]) == (order_id, "LEDGER"))
    return ledger


def entries(order_id: str, kind: str) -> list[Item]:
    """The entries of a kind, such as "FACT", in the order's ledger."""
    return [item for item in stored("payments") if item["pk"] == order_id and item["sk"].startswith(f"{kind}#")]


def check_stock(sku: str) -> None:
    """No counter is below zero, they add up, and they are what the movements and the holds come to."""
    items = stored("inventory")
    here = [item for item in items if item["pk"] == sku]
    (row,) = (item for item in here if item["sk"].startswith("STOCK#"))
    moves = [item for item in here if item["sk"].startswith("MOVE#")]

    assert min(row[counter] for counter in COUNTERS) >= 0, row
    assert row["on_hand"] == sum(row[part] for part in PARTS), row
    assert {counter: row[counter] for counter in COUNTERS} == _sums(moves)
    assert row["version"] == len(moves)
    assert row["reserved"] == _promised(items, sku, "held")
    assert row["allocated"] == _promised(items, sku, "consumed")


def _sums(moves: Iterable[Item]) -> dict[str, int]:
    made = list(moves)
    return {counter: sum(move[counter] for move in made) for counter in COUNTERS}


def _promised(items: Iterable[Item], sku: str, state: str) -> int:
    holds = [item for item in items if item["sk"] == "HOLD" and item["state"] == state]
    parts = [part for hold in holds for part in json.loads(hold["parts"])]
    return sum(quantity for part_sku, _, quantity in parts if part_sku == sku)


def _plain(value: dict[str, Any]) -> Any:
    (kind, content), *_ = value.items()
    return int(content) if kind == "N" else content
