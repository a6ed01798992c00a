"""The flows of a shop, from door to door, in the packaged system."""

import secrets
import sys
from collections import Counter
from typing import Any

from infra.local.demo.telling import Answer, Line, Narrator
from infra.local.demo.walk import Walk
from tests.deployed.ring3.buyers import Buyer
from tests.deployed.ring3.system import Deployed, eventually
from tests.flows.race import Race

ABOVE_LIMIT = 600_000
"""More than support may give back alone."""


def test_the_demo_walks_a_purchase_and_finds_everything_as_promised(deployed):
    Walk(deployed.values, Narrator(sys.stdout)).whole()


def test_sixteen_buyers_get_the_four_units_there_are_and_the_winners_who_pay_are_confirmed(deployed):
    race = Race(deployed.values, buyers=16, units=4)

    outcome = race.run()

    assert outcome.answers == Counter({(201, ""): 4, (409, "out_of_stock"): 12})
    assert (outcome.stock["available"], outcome.stock["reserved"], outcome.stock["on_hand"]) == (0, 4, 4)
    assert outcome.is_consistent, outcome.audit

    for reference in outcome.references:
        settle(deployed, reference)

    assert eventually(lambda: race.stock()["allocated"] == 4), race.stock()
    assert (race.stock()["available"], race.stock()["reserved"]) == (0, 0)
    orders = [race.order(reference.rpartition("-")[0]) for reference in outcome.references]
    assert {(order["state"], order["payment_status"]) for order in orders} == {("confirmed", "paid")}


def settle(deployed: Deployed, reference: str) -> None:
    """The money arrives, and Midtrans says so twice and in no order."""
    path = f"/_sim/transactions/{reference}/settle"
    assert Line(deployed.midtrans.url).ask("POST", path, {"duplicates": 1, "shuffle": True}).status == 200


def test_a_refund_above_ones_limit_is_granted_by_a_second_person_and_by_nobody_else(deployed):
    support = deployed.joins("budi@toko.example", "Budi Santoso", "support")
    finance = deployed.joins("rina@toko.example", "Rina Wijaya", "finance")
    buyer = Buyer(deployed, deployed.skus[0], quantity=3).buys().pays()
    assert eventually(lambda: deployed.order(buyer.order_id)["state"] == "confirmed")

    asked = ask_for_refund(deployed, support, buyer.order_id)

    assert (asked.status, asked.body["state"]) == (202, "waiting")
    path = f"/admin/refund-requests/{asked.body['id']}/approve"
    assert deployed.api.ask("POST", path, token=support).status == 403
    assert "refund.granted" not in deployed.timeline(buyer.order_id)
    assert deployed.api.ask("POST", path, token=finance).body["state"] == "granted"
    assert deployed.api.ask("POST", path, token=finance).status == 409
    assert deployed.timeline(buyer.order_id).count("refund.granted") == 1


def ask_for_refund(deployed: Deployed, token: str, order_id: str) -> Answer:
    body = {"amount": {"amount": ABOVE_LIMIT, "currency": "IDR"}, "reason": "dua potong robek"}
    return deployed.api.ask("POST", f"/admin/orders/{order_id}/refunds", body, token=token, key=secrets.token_hex(8))


def test_a_customer_gets_a_copy_of_all_that_is_kept_and_is_then_forgotten(deployed):
    customer = Customer(deployed).joins()

    export = customer.asks("POST", "/store/me/exports", expect=201)
    copy = customer.fetches(f"/store/me/exports/{export['id']}")
    asked = customer.asks("POST", "/store/me/erasure")
    forgotten = eventually(lambda: customer.log_in().status == 401)

    assert copy["profile"]["email"] == customer.email
    assert copy["addresses"][0]["city"] == "Bandung"
    assert asked["state"] in {"waiting", "under_way", "asked", "open", "done"}
    assert forgotten, "the customer could still log in"
    assert [row for row in deployed.rows("identity") if row["pk"] == copy["profile"]["id"]] == []


class Customer:
    """One who registers with an address of their own, and a session once they are proven."""

    def __init__(self, deployed: Deployed) -> None:
        self._shop = deployed
        self.email = f"dewi.{secrets.token_hex(3)}@example.com"
        self._password = f"{secrets.token_urlsafe(12)} es teler"
        self._token = ""

    def joins(self) -> "Customer":
        """Register, follow the link of the letter, log in, and leave an address."""
        asked = {"name": "Dewi Lestari", "email": self.email, "phone": "081298765432", "password": self._password}
        self.asks("POST", "/store/customers", asked, expect=202)
        assert eventually(lambda: bool(self._shop.links(self.email))), "no letter came"
        token = self._shop.links(self.email)[-1].partition("#")[2]
        self.asks("POST", "/store/customers/verify", {"token": token, "password": self._password}, expect=204)
        self._token = self.log_in().body["token"]
        home = {"line1": "Jl. Braga No. 12", "city": "Bandung", "province": "Jawa Barat", "postal_code": "40111"}
        person = {"label": "Rumah", "name": "Dewi Lestari", "phone": "+6281298765432", "country": "ID"}
        self.asks("POST", "/store/me/addresses", home | person | {"district": "Sumur Bandung"}, expect=201)
        return self

    def log_in(self) -> Answer:
        """With the password, whatever comes of it."""
        return self._shop.api.ask("POST", "/store/login", {"email": self.email, "password": self._password})

    def asks(self, method: str, path: str, body: Any = None, *, expect: int = 200) -> dict[str, Any]:
        """Something of the shop, as themselves."""
        answer = self._shop.api.ask(method, path, body, token=self._token)
        assert answer.status == expect, f"{answer.request}: {answer.status} {answer.raw[:500]!r}"
        return dict(answer.body) if answer.raw else {}

    def fetches(self, path: str) -> dict[str, Any]:
        """What is not ready yet when it is first asked for."""
        assert eventually(lambda: self._ask(path).status == 200), self._ask(path).raw[:500]
        return dict(self._ask(path).body)

    def _ask(self, path: str) -> Answer:
        return self._shop.api.ask("GET", path, token=self._token)
