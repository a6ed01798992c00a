"""What DynamoDB bills, by AWS's rules: item sizes, request units for reads and writes, and what indexes add.

Sources, AWS's developer guide for DynamoDB, pages as of 2026-11:
- sizes: CapacityUnitCalculations.html
- reads and writes, batches, transactions at double: read-write-operations.html, transaction-apis.html
- indexes: GSI.html#GSI.ThroughputConsiderations.Writes

Two things the guide leaves open are taken so: writes to indexes follow a transaction's commit and are not doubled, and
a ConditionCheck is billed as a write.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any

from infra.local import cloud

Item = Mapping[str, Mapping[str, Any]]
"""An item as it goes over the wire: attributes by name, each ``{"S": "text"}`` and so on."""

READ_UNIT = 4096
WRITE_UNIT = 1024
NESTING = 3
PER_ELEMENT = 1
STORED_OVERHEAD = 100
"""Bytes that storage costs for each item beyond its size, in the table and in each index."""


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index: its keys, and what it holds (None: everything)."""

    name: str
    keys: tuple[str, ...]
    attributes: frozenset[str] | None

    def entry(self, item: Item | None) -> Item | None:
        """What the index holds of ``item``; None where a key is missing."""
        if item is None or not all(key in item for key in self.keys):
            return None
        if self.attributes is None:
            return item
        return {name: value for name, value in item.items() if name in self.attributes}


def size(item: Item | None) -> int:
    """The bytes of an item, names included."""
    return sum(len(name.encode()) + _value_size(value) for name, value in (item or {}).items())


def read_units(sizes: Iterable[int], *, consistent: bool, one_by_one: bool) -> float:
    """Units of a read: rounded up per item for gets, over the sum for a query; an item that is not there counts one."""
    sizes = list(sizes)
    parts = sizes if one_by_one else [sum(sizes)]
    return sum(max(1, ceil(part / READ_UNIT)) for part in parts) * (1 if consistent else 0.5)


def write_units(before: Item | None, after: Item | None, *, in_transaction: bool) -> int:
    """Units of one write to a table: by the larger of the item before and after, double in a transaction."""
    largest = max(size(before), size(after))
    return max(1, ceil(largest / WRITE_UNIT)) * (2 if in_transaction else 1)


def index_units(table: str, before: Item | None, after: Item | None) -> int:
    """Units that the table's indexes add: nothing where an entry stays as it is, a deletion and a put where its key
    changes, else one write by the larger entry.
    """
    return sum(_entry_units(index, before, after) for index in indexes(table))


def stored(table: str, item: Item | None) -> int:
    """Bytes of storage that an item takes, with its entries in indexes."""
    entries = [item, *(index.entry(item) for index in indexes(table))]
    return sum(size(entry) + STORED_OVERHEAD for entry in entries if entry is not None)


@cache
def indexes(table: str) -> tuple[Index, ...]:
    """The indexes that the template gives a table; ``table`` is its full name."""
    stage = table.split("-")[1]
    for resource in cloud.resources("AWS::DynamoDB::Table", stage):
        if resource.properties["TableName"] == table:
            own = {key["AttributeName"] for key in resource.properties["KeySchema"]}
            return tuple(_index(about, own) for about in resource.properties.get("GlobalSecondaryIndexes", []))
    raise LookupError(f"no table {table} in the template")


def _index(about: Mapping[str, Any], table_keys: set[str]) -> Index:
    keys = tuple(key["AttributeName"] for key in about["KeySchema"])
    projection = about["Projection"]
    attributes = frozenset({*keys, *table_keys, *projection.get("NonKeyAttributes", [])})
    return Index(about["IndexName"], keys, None if projection["ProjectionType"] == "ALL" else attributes)


def _entry_units(index: Index, before: Item | None, after: Item | None) -> int:
    old, new = index.entry(before), index.entry(after)
    if old == new:
        return 0
    if old is not None and new is not None and any(old[key] != new[key] for key in index.keys):
        return _units(size(old)) + _units(size(new))
    return _units(max(size(old), size(new)))


def _units(bytes_: int) -> int:
    return max(1, ceil(bytes_ / WRITE_UNIT))


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return _number_size(content)
        case "B":
            return len(content if isinstance(content, bytes) else base64.b64decode(content))
        case "BOOL" | "NULL":
            return 1
        case "L":
            return NESTING + sum(PER_ELEMENT + _value_size(each) for each in content)
        case "M":
            return NESTING + sum(PER_ELEMENT + len(name.encode()) + _value_size(each) for name, each in content.items())
        case "SS" | "NS" | "BS":
            return sum(_value_size({kind[0]: each}) for each in content)
    raise ValueError(f"no such type of attribute: {kind}")


def _number_size(text: str) -> int:
    """A byte per two significant digits, and one."""
    digits = text.lstrip("-").replace(".", "").strip("0")
    return ceil(len(digits) / 2) + 1 + (1 if text.startswith("-") else 0)
