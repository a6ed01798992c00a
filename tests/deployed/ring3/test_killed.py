"""Processes die in the middle of requests and of batches, again and again, while buyers buy."""

from typing import Any

from tests.deployed.ring3 import messages
from tests.deployed.ring3.buyers import Buyer, all_at_once
from tests.deployed.ring3.history import Story, violations
from tests.deployed.ring3.killing import killing
from tests.deployed.ring3.system import API, Deployed
from tests.flows.race import Race
from tests.properties.ring.books import check_money, check_stock, check_total

ROUNDS = 4
EACH = 8
UNITS = 40
SLOW_MS = 500
"""The bank takes its time, so that many die while they wait for it: after the order is made, before it is told."""


class Goods(Race):
    """Goods for a test of their own: what a race puts on the shelf."""

    def put_on_the_shelf(self) -> str:
        """The SKU of which there are ``units``."""
        self._stock()
        return self.sku


def test_nothing_that_was_acknowledged_is_lost_and_nothing_is_doubled(deployed, say):
    goods = Goods(deployed.values, units=UNITS)
    sku = goods.put_on_the_shelf()
    buyers = [Buyer(deployed, sku, is_patient=number % 4 != 3) for number in range(ROUNDS * EACH)]
    deployed.midtrans.behaviour.slow_ms = SLOW_MS

    with killing(deployed.emulator, lambda: sum(buyer.answered for buyer in buyers)) as killer:
        for turn in range(ROUNDS):
            all_at_once(buyers[turn * EACH : (turn + 1) * EACH])

    deployed.midtrans.behaviour.slow_ms = 0
    deployed.settles()
    unheard = say_again_what_nobody_took(deployed, buyers)
    revived = sum(messages.redrive(deployed, name.removesuffix("-dlq")) for name in deployed.queues())
    deployed.settles()
    killed = [victim.function for victim in killer.victims]
    lost = sum(buyer.lost for buyer in buyers)
    toll = f"{len(killed)} processes of {len(set(killed))} functions killed, {lost} answers lost"
    say(f"{toll}, {revived} dead letters revived, {unheard} payments told later")
    assert lost >= 1, "none died in the middle of a request"
    assert len(set(killed) - {API}) >= 2, "too few died that work on queues"

    stories = [story(buyer) for buyer in buyers]
    orders = orders_of(deployed, {buyer.email for buyer in buyers})
    book = [line for line in deployed.midtrans.book() if line["reference"].rpartition("-")[0] in orders]
    assert violations(stories, orders, book) == []
    assert sum(each.order_id is not None for each in stories) >= len(buyers) // 2
    books_agree(deployed, sku, orders)


def say_again_what_nobody_took(deployed: Deployed, buyers: list[Buyer]) -> int:
    """Midtrans tries for six hours, here for twenty seconds: what was never answered well comes once more. What was
    taken is not said again, for that must not be lost."""
    tries = [told for told in deployed.midtrans.deliveries() if told["body"]["transaction_status"] == "settlement"]
    taken = {told["reference"] for told in tries if told["status"] == 200}
    unheard = [buyer for buyer in buyers if buyer.has_paid and buyer.reference not in taken]
    for buyer in unheard:
        buyer.pays()
    return len(unheard)


def story(buyer: Buyer) -> Story:
    """What they were told, and what the same key says now that all is calm."""
    answer = buyer.answer
    if answer is None or answer.status != 201:
        return Story(buyer.email, None)
    return Story(buyer.email, buyer.order_id, (answer.raw, buyer.asks_again().raw), buyer.has_paid)


def orders_of(deployed: Deployed, emails: set[str]) -> dict[str, dict[str, Any]]:
    """Every order that the shop has of these buyers."""
    listed: list[str] = []
    cursor = ""
    while True:
        page = deployed.staff("GET", f"/admin/orders?limit=100{cursor}")
        listed += [order["id"] for order in page["items"]]
        if not page["next_cursor"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    orders = [deployed.order(order_id) for order_id in listed]
    return {order["id"]: order for order in orders if (order["contact"] or {}).get("email") in emails}


def books_agree(deployed: Deployed, sku: str, orders: dict[str, dict[str, Any]]) -> None:
    """The stock is what the orders hold of it, adds up and agrees with its moves; so does the money."""
    confirmed = sum(order["state"] == "confirmed" for order in orders.values())
    pending = sum(order["state"] == "pending" for order in orders.values())
    assert deployed.stock(sku) == (UNITS - confirmed - pending, pending, confirmed)
    assert deployed.staff("GET", f"/admin/stock/{sku}/audit")["is_consistent"]
    check_stock(deployed.rows("inventory"))
    check_money(deployed.rows("payments"))
    for row in deployed.rows("orders"):
        if row["sk"] == "ORDER":
            check_total(row)
