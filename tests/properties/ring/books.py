"""The invariants of reliability.md 2.2 that apply, read from the raw tables: they cost no call and hold always."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from chalicelib.orders.states import MOVES, State
from tests.properties.ring.tables import stored

COUNTERS = ("available", "reserved", "allocated", "unavailable")
REACHABLE = {(before, after) for (before, _), outcomes in MOVES.items() for after in outcomes} | {
    (state, state) for state in State
}

Row = dict[str, Any]


class Books:
    """What stands in the tables; remembers each order as it was, to judge its moves."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, int]] = {}

    def check(self) -> None:
        """Raise AssertionError if anything that must always hold does not."""
        self._check_stock(rows("inventory"))
        self._check_orders([row for row in rows("orders") if row["sk"] == "ORDER"])
        check_money(rows("payments"))

    @staticmethod
    def _check_stock(inventory: list[Row]) -> None:
        holds = [row for row in inventory if row["sk"] == "HOLD"]
        for stock in (row for row in inventory if row["sk"].startswith("STOCK#")):
            sku, location = stock["pk"], stock["sk"].removeprefix("STOCK#")
            where = f"{sku}@{location}: {stock}"
            assert all(stock[name] >= 0 for name in COUNTERS), f"below zero: {where}"
            assert sum(stock[name] for name in COUNTERS) == stock["on_hand"], f"does not add up: {where}"
            moves = [row for row in inventory if row["pk"] == sku and row["sk"].startswith(f"MOVE#{location}#")]
            for name in (*COUNTERS, "on_hand"):
                assert sum(move.get(name, 0) for move in moves) == stock[name], f"{name} is not its moves: {where}"
            held = _held(holds, "held", sku, location), _held(holds, "consumed", sku, location)
            assert held == (stock["reserved"], stock["allocated"]), f"holds are {held}: {where}"

    def _check_orders(self, orders: list[Row]) -> None:
        assert all(count == 1 for count in Counter(row["number"] for row in orders).values())
        for order in orders:
            totals, lines = json.loads(order["totals"]), json.loads(order["lines"])
            paid = sum(line["net"] + line["tax"] for line in lines) - totals["discount"] + totals["shipping"]
            assert paid == totals["total"], f"an order's parts are not its total: {order}"
            before, version = self._seen.get(order["pk"], (order["state"], order["version"]))
            assert (before, order["state"]) in REACHABLE, f"{before} became {order['state']}"
            assert order["version"] in {version, version + 1}, f"version {version} became {order['version']}"
            self._seen[order["pk"]] = order["state"], order["version"]


def check_money(payments: list[Row]) -> None:
    """Raise AssertionError if a ledger is not the fold of its facts, or gives back more than came in."""
    for ledger in (row for row in payments if row["sk"] == "LEDGER"):
        mine = [row for row in payments if row["pk"] == ledger["pk"]]
        facts = [row for row in mine if row["sk"].startswith("FACT#")]
        by_transaction: dict[str, dict[str, int]] = {}
        for fact in facts:
            _, gateway, transaction, kind, *_ = fact["sk"].split("#")
            by_transaction.setdefault(f"{gateway}#{transaction}", {})[kind] = fact["amount"]
        captured = sum(
            kinds["captured"]
            for kinds in by_transaction.values()
            if "captured" in kinds and not {"denied", "voided"} & kinds.keys()
        )
        assert ledger["captured"] == captured, f"captured {ledger['captured']}, facts say {captured}"
        granted = sum(row["amount"] for row in mine if row["sk"].startswith("REFUND#"))
        assert granted == ledger["granted"], f"granted {ledger['granted']}, refunds say {granted}"
        assert granted <= captured, f"{granted} granted of {captured}"


def rows(department: str) -> list[Row]:
    """The rows of a department's table, as plain values."""
    return [{name: _plain(value) for name, value in row.items()} for row in stored(f"laris-test-{department}")]


def order_rows() -> dict[str, Row]:
    """Orders by id."""
    return {row["pk"]: row for row in rows("orders") if row["sk"] == "ORDER"}


def ledgers() -> dict[str, Row]:
    """Ledgers by order."""
    return {row["pk"]: row for row in rows("payments") if row["sk"] == "LEDGER"}


def hold_states() -> dict[str, str]:
    """How far each order's hold has come."""
    return {row["pk"]: row["state"] for row in rows("inventory") if row["sk"] == "HOLD"}


def unsettled_messages() -> list[Row]:
    """Webhooks that were accepted and are neither processed nor put aside for a reason."""
    return [row for row in rows("payments") if row["sk"] == "RAW" and row["state"] == "received"]


def _held(holds: Iterable[Row], state: str, sku: str, location: str) -> int:
    return sum(
        quantity
        for hold in holds
        if hold["state"] == state
        for part_sku, part_location, quantity in _parts(hold)
        if (part_sku, part_location) == (sku, location)
    )


def _parts(hold: Row) -> list[tuple[str, str, int]]:
    return [(pk, sk.removeprefix("STOCK#"), quantity) for pk, sk, quantity in json.loads(hold["parts"])]


def _plain(value: dict[str, Any]) -> Any:
    (kind, content), *_ = value.items()
    if kind == "N":
        return int(content)
    return content
