"""The invariants of reliability.md 2.2 that always hold, read from the raw tables: they cost no call."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from chalicelib.core import escrow
from chalicelib.orders.states import MOVES, State
from tests.properties.ring.tables import stored

COUNTERS: Final = ("available", "reserved", "allocated", "unavailable")
FROZEN: Final = (
    "number",
    "lines",
    "totals",
    "currency",
    "customer_id",
    "personal",
    "shipping",
    "placed_at",
    "expires_at",
)
ENDED: Final = {"expired", "cancelled"}
REACHABLE: Final = {(before, after) for (before, _), outcomes in MOVES.items() for after in outcomes} | {
    (state, state) for state in State
}
HOLD_MOVES: Final = {(before, step.after) for (before, _), step in escrow.STEPS.items() if before}

Row = dict[str, Any]


class Books:
    """What stands in the tables; remembers each row as it was, to judge its moves."""

    def __init__(self) -> None:
        self._orders: dict[str, Row] = {}
        self._ledgers: dict[str, Row] = {}
        self._holds: dict[str, Row] = {}
        self._facts: dict[tuple[str, str], Row] = {}
        self._claims: dict[str, Row] = {}
        self._is_open = False
        self.check()
        self._is_open = True

    def check(self) -> None:
        """Raise AssertionError if anything that must always hold does not."""
        inventory, payments = rows("inventory"), rows("payments")
        orders = {row["pk"]: row for row in rows("orders") if row["sk"] == "ORDER"}
        money = {row["pk"]: row for row in payments if row["sk"] == "LEDGER"}
        holds = {row["pk"]: row for row in inventory if row["sk"] == "HOLD"}
        check_stock(inventory)
        check_money(payments)
        self._check_orders(orders, money, holds)
        self._check_grants(money)
        self._check_holds(holds)
        self._check_facts(payments)
        self._check_claims({row["pk"]: row for row in rows("idempotency")})
        self._orders, self._ledgers, self._holds = orders, money, holds

    def _check_orders(self, orders: Mapping[str, Row], money: Mapping[str, Row], holds: Mapping[str, Row]) -> None:
        assert all(count == 1 for count in Counter(row["number"] for row in orders.values()).values())
        assert self._orders.keys() <= orders.keys(), "an order is gone"
        for order_id, order in orders.items():
            assert order_id in money, f"an order without a ledger: {order}"
            assert order_id in holds, f"an order without a hold: {order}"
            check_total(order)
            before = self._orders.get(order_id)
            if before is None:
                assert not self._is_open or (order["state"], order["version"]) == ("pending", 1), order
            elif before != order:
                check_step(before, order)
                check_covered(before["state"], order, money[order_id], self._holds[order_id])

    def _check_grants(self, money: Mapping[str, Row]) -> None:
        for order_id, ledger in money.items():
            before = self._ledgers.get(order_id, ledger)
            changed = {name for name in ledger if ledger[name] != before[name]} - {"attempts"}
            assert ledger["version"] == before["version"] + bool(changed), f"{before} became {ledger}"
            assert before["granted"] <= ledger["granted"], "a promise was taken back"
            if before["granted"] < ledger["granted"]:
                left = ledger["captured"] - ledger["charged_back"]
                assert ledger["granted"] <= left, f"more promised back than came in: {ledger}"

    def _check_holds(self, holds: Mapping[str, Row]) -> None:
        for owner, hold in holds.items():
            before = self._holds.get(owner, hold)
            if before != hold:
                assert hold["version"] == before["version"] + 1, f"{before} became {hold}"
                assert (before["state"], hold["state"]) in HOLD_MOVES, f"{before} became {hold}"

    def _check_facts(self, payments: Iterable[Row]) -> None:
        facts = {(row["pk"], row["sk"]): row for row in payments if row["sk"].startswith("FACT#")}
        assert all(facts.get(key) == row for key, row in self._facts.items()), "a fact is gone or another"
        self._facts = facts

    def _check_claims(self, claims: Mapping[str, Row]) -> None:
        for key, before in self._claims.items():
            after = claims[key]
            assert all(after[name] == before[name] for name in before), f"{before} became {after}"
        self._claims = dict(claims)


def check_stock(inventory: list[Row]) -> None:
    """No counter below zero (1); they add up and are the sum of their moves (2); holds agree (3)."""
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


def check_total(order: Row) -> None:
    """An order's parts are its total (14)."""
    totals, lines = json.loads(order["totals"]), json.loads(order["lines"])
    paid = sum(line["net"] + line["tax"] for line in lines) - totals["discount"] + totals["shipping"]
    assert paid == totals["total"], f"an order's parts are not its total: {order}"


def check_step(before: Row, after: Row) -> None:
    """An order moves as its table says, one version at a time, and what was sold stays what it was (5)."""
    assert after["version"] == before["version"] + 1, f"version {before['version']} became {after['version']}"
    assert (before["state"], after["state"]) in REACHABLE, f"{before['state']} became {after['state']}"
    assert all(before[name] == after[name] for name in FROZEN), f"{before} became {after}"


def check_covered(before: str, order: Row, ledger: Row, hold: Row) -> None:
    """At the moment an order is confirmed its money is there; at the moment it ends none of it is kept.

    One whose hold was swept ends before its money is looked at: that is then late. ``hold`` is as it was before.
    """
    net = ledger["captured"] - ledger["refunded"] - ledger["charged_back"]
    if order["state"] == "confirmed" and before in {"pending", *ENDED}:
        assert net >= ledger["due"] - ledger["lowered"], f"confirmed without its money: {ledger}"
    if order["state"] in ENDED and before not in ENDED and hold["state"] != "released":
        kept = ledger["captured"] - ledger["charged_back"] - max(ledger["granted"], ledger["refunded"])
        assert kept <= 0, f"ended with money that is not owed back: {ledger}"


def check_money(payments: list[Row]) -> None:
    """A transaction is captured once (6); a ledger is the fold of its facts; no more goes back than came in (7)."""
    for ledger in (row for row in payments if row["sk"] == "LEDGER"):
        mine = [row for row in payments if row["pk"] == ledger["pk"]]
        kinds: dict[str, list[str]] = {}
        amounts: Counter[tuple[str, str]] = Counter()
        for fact in (row for row in mine if row["sk"].startswith("FACT#")):
            kinds.setdefault(fact["transaction_id"], []).append(fact["kind"])
            amounts[fact["transaction_id"], fact["kind"]] += fact["amount"]
        assert all(told.count("captured") <= 1 for told in kinds.values()), f"captured twice: {kinds}"
        lost = {"denied", "voided"}
        captured = sum(amounts[each, "captured"] for each, told in kinds.items() if not lost & set(told))
        assert ledger["captured"] == captured, f"captured {ledger['captured']}, facts say {captured}"
        granted = sum(row["amount"] for row in mine if row["sk"].startswith("REFUND#"))
        assert granted == ledger["granted"], f"granted {ledger['granted']}, refunds say {granted}"
        came = sum(amounts[each, "captured"] for each in kinds)
        assert ledger["refunded"] + ledger["charged_back"] <= came, f"more went back than came in: {ledger}"


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


def timelines() -> dict[str, Counter[str]]:
    """How often what happened to each order, or other aggregate."""
    told: dict[str, Counter[str]] = {}
    for row in rows("events"):
        told.setdefault(row["pk"], Counter())[row["type"]] += 1
    return told


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
    return int(content) if kind == "N" else content
