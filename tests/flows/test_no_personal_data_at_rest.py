"""Whoever steals the tables, queues, files, logs and backups learns nobody's name; and who was erased stays forgotten,
even if a backup from before is put back.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.core import db, vault
from chalicelib.core.crypto import Unreadable
from chalicelib.customers import service as customers
from chalicelib.customers.errors import CustomerNotFound
from chalicelib.notices import service as notices
from chalicelib.orders import service as orders
from tests.kit import canaries, privacy
from tests.kit import customers as rows
from tests.kit.accounts import Visitor
from tests.kit.api import call
from tests.kit.canaries import Canary
from tests.kit.shop import ADDRESS, Shop

MEMBERS = 10
GUESTS = 40
EVERYBODY = [Canary(number) for number in range(MEMBERS + GUESTS)]
ERASED = [*EVERYBODY[:6], *EVERYBODY[MEMBERS : MEMBERS + 4]]
STAYING = [canary for canary in EVERYBODY if canary not in ERASED]


@dataclass
class Town:
    """Fifty people who have bought, and what was at rest while they did."""

    shop: Shop
    logs: Any
    visitors: dict[int, Visitor] = field(default_factory=dict)
    orders: dict[int, str] = field(default_factory=dict)
    dumps: list[bytes] = field(default_factory=list)

    def looks(self) -> None:
        """Keep a copy of all that is at rest now, first with full queues, then when everything has come to its end."""
        self.shop.pumps.turn()
        self.dumps.append(canaries.everything())
        self.shop.pumps.drain(turns=1000)
        self.dumps.append(canaries.everything())


def joins(town: Town, canary: Canary, clock: Any) -> None:
    """A member: by registering, verifying and logging in, with an address, consents, an order and an export."""
    clock.pass_(hours=1)
    visitor = Visitor(town.shop, email=canary.email, name=canary.name, source=f"198.51.100.{canary.number}")
    visitor.joins(phone=canary.phone, consents=privacy.CONSENTS)
    home = {**privacy.HOME, "name": canary.name, "phone": canary.phone, "line1": canary.street}
    assert visitor.does("POST", "/store/me/addresses", home).status == 201
    placed = privacy.buys(visitor, "KEMEJA-M", pays=False, address={**ADDRESS, "line1": canary.street})
    assert visitor.does("POST", "/store/me/exports").status == 201
    town.visitors[canary.number], town.orders[canary.number] = visitor, placed["order"]["id"]


def buys(town: Town, canary: Canary) -> None:
    """A guest: by the checkout alone."""
    address = {**ADDRESS, "line1": canary.street}
    placed = town.shop.places(("KEMEJA-M", 1), contact=canary.contact, address=address)
    town.orders[canary.number] = placed["order"]["id"]


@pytest.fixture
def town(clock, shop):
    shop.sells("KEMEJA-M", 100)
    with canaries.listening() as logs:
        made = Town(shop, logs)
        for canary in EVERYBODY[:MEMBERS]:
            joins(made, canary, clock)
        for canary in EVERYBODY[MEMBERS:]:
            buys(made, canary)
        made.looks()
        for canary in EVERYBODY:
            reference = f"{made.orders[canary.number]}-1"
            shop.pays(reference)
            shop.tells(reference, payer=canary.name, email=canary.email, phone=canary.phone)
        shop.tells("ord_UNKNOWN-1", payer=EVERYBODY[0].name)
        cancelled = made.orders[MEMBERS + 9]
        reason = {"reason": f"{EVERYBODY[MEMBERS + 9].name} berubah pikiran"}
        assert shop.staff("POST", f"/admin/orders/{cancelled}/cancel", reason).status == 200
        made.looks()
        yield made


def test_a_canary_is_seen_where_it_is_not_hidden():
    """The test of the test: in whatever form, it would be found."""
    canary = EVERYBODY[7]
    trace = canary.email.encode()

    hidden = [trace, trace.upper(), trace.replace(b"@", b" @"), b"x" + trace, b"xy" + trace, b"xyz" + trace]
    coded = [base64.b64encode(each) for each in (hidden[0], *hidden[3:])]

    assert all(canaries.seen_in(each, [canary]) for each in (*hidden, *coded))
    assert canaries.seen_in(trace, [EVERYBODY[8]]) == []


def test_whoever_steals_all_that_is_at_rest_learns_nobodys_name_and_the_erased_are_gone_for_good(clock, town):
    backup = canaries.backup()
    dumps = {
        "at rest": b"\n".join(town.dumps),
        "backup": backup.encode(),
        "logs": town.logs.getvalue().encode(),
    }
    assert len(rows.items("orders")) == 2 * len(EVERYBODY)
    assert any(canaries.queues()["laris-test-payment-webhooks-dlq"]) or b"ord_UNKNOWN" in dumps["at rest"]
    assert len([name for name in canaries.objects() if name.startswith("laris-test-exports-")]) == MEMBERS
    assert b"order placed" in dumps["logs"]

    assert {name: canaries.seen_in(dump, EVERYBODY) for name, dump in dumps.items()} == {key: [] for key in dumps}

    wrapped = [key["wrapped"]["S"] for key in rows.items("keys") if key["pk"]["S"] in _ids(town, ERASED)]
    others, totals = _of(town, STAYING), _totals()
    _erase(clock, town)

    at_rest = canaries.everything()
    assert canaries.seen_in(at_rest, EVERYBODY) == []
    assert [key for key in wrapped if key.encode() in at_rest or key in backup] == []
    assert _of(town, STAYING) == others
    assert _totals() == totals
    assert _known(town, STAYING) == {canary.name for canary in STAYING}
    assert _messages_of(town, ERASED) == [b""] * 2 * len(ERASED)

    canaries.restore(backup)
    vault.forget()
    assert _totals() == totals
    assert _known(town, STAYING) == {canary.name for canary in STAYING}
    assert _known(town, ERASED) == set()
    _check_unreadable(town, backup)


def _erase(clock: Any, town: Town) -> None:
    """Members ask for it themselves, for guests staff do; their orders are too old to wait for."""
    clock.pass_(days=31)
    officer = privacy.officer()
    for canary in ERASED:
        if canary.number in town.visitors:
            visitor = town.visitors[canary.number]
            assert visitor.logs_in().status == 200
            asked = visitor.does("POST", "/store/me/erasure")
        else:
            asked = officer.asks("POST", f"/admin/customers/{_id(town, canary)}/erasure")
        assert asked.status == 200, asked.text
        clock.pass_(minutes=1)
    for _ in range(2):
        town.shop.pumps.drain(turns=1000)
        town.shop.runs("privacy-carry-out")
    assert [row for row in rows.items("privacy") if "open_shard" in row] == []


def _id(town: Town, canary: Canary) -> str:
    return orders.get(town.orders[canary.number]).customer_id


def _ids(town: Town, some: list[Canary]) -> set[str]:
    return {_id(town, canary) for canary in some}


def _totals() -> dict[str, Any]:
    return {row["pk"]["S"]: row["totals"] for row in rows.items("orders") if "totals" in row}


def _of(town: Town, some: list[Canary]) -> list[Any]:
    """Everything that stands under these people or their orders, where it is not the log of events."""
    names = _ids(town, some) | {town.orders[canary.number] for canary in some}
    tables = ("customers", "orders", "payments", "keys", "identity")
    return [
        sorted(repr(sorted(row.items())) for row in rows.items(table) if row["pk"]["S"] in names) for table in tables
    ]


def _known(town: Town, some: list[Canary]) -> set[str]:
    """The names of these people that the house can still read."""
    found = set()
    for canary in some:
        order = orders.get(town.orders[canary.number])
        known = orders.personal(order)
        if known is not None:
            found.add(known.contact.name)
        try:
            found.add(customers.person(*customers.read(order.customer_id)).name)
        except CustomerNotFound:
            continue
    return found


def _messages_of(town: Town, some: list[Canary]) -> list[bytes]:
    """What is left of the bodies of partners' messages about these people's orders."""
    numbers = {town.orders[canary.number] for canary in some}
    return [
        row.get("body", {}).get("B", b"") for row in rows.items("payments") if row.get("about", {}).get("S") in numbers
    ]


def _check_unreadable(town: Town, backup: str) -> None:
    """With every key that is left, nothing that was sealed for the erased opens."""
    (keys,) = db.look(vault.lookup_all([row["pk"]["S"] for row in rows.items("keys")]))
    assert _ids(town, ERASED) & set(keys) == set()
    assert len(keys) >= len(STAYING)
    for customer_id in _ids(town, ERASED):
        (profile,) = [
            row for row in rows.items("customers") if (row["pk"]["S"], row["sk"]["S"]) == (customer_id, "PROFILE")
        ]
        for key in keys.values():
            with pytest.raises(Unreadable):
                key.open(f"laris-test-customers|{customer_id}|PROFILE|personal", profile["personal"]["S"])
        assert all(each["facts"] is None and each["recipient"] is None for each in notices.export(customer_id))
        assert call("GET", f"/admin/customers/{customer_id}", headers=privacy.officer().headers).status == 404
    assert json.dumps(backup).count("wrapped") == 0
