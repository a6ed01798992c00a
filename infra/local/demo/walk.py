"""`make demo`: a whole purchase through the running system, told step by step. What it says, it has checked."""

import secrets
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import urllib3

from infra.local import env
from infra.local.demo import staff
from infra.local.demo.account import Account, NotAsPromised
from infra.local.demo.staff import Credentials
from infra.local.demo.telling import Answer, Line, Narrator, rupiah

CATEGORY: Final = "batik"
QUANTITY: Final = 2
PATIENCE: Final = 30.0
"""Seconds for what happens behind the scenes: notifications, queues, events."""
QUIET: Final = 1.5
"""Seconds in which a repeated message would have shown its effect."""

ADDRESS: Final = {
    "line1": "Jl. Braga No. 12",
    "district": "Sumur Bandung",
    "city": "Bandung",
    "province": "Jawa Barat",
    "postal_code": "40111",
    "country": "ID",
}
MUST_HAPPEN: Final = (
    "order.placed",
    "stock.held",
    "payment.started",
    "payment.captured",
    "order.confirmed",
    "stock.allocated",
)


class Differs(Exception):
    """Something is not as Laris promises."""


@dataclass(frozen=True, slots=True)
class Stock:
    """A SKU's counters."""

    available: int
    reserved: int
    allocated: int

    def __str__(self) -> str:
        return f"available {self.available} · reserved {self.reserved} · allocated {self.allocated}"

    def moved(self, *, available: int = 0, reserved: int = 0, allocated: int = 0) -> "Stock":
        """The counters after so much more of each."""
        return Stock(self.available + available, self.reserved + reserved, self.allocated + allocated)


def main() -> None:
    """Walk; exit 0 if all is as promised."""
    values = env.read()
    if values is None:
        raise SystemExit("Laris is not running. Start it with `make run` in another terminal, then repeat `make demo`.")
    narrator = Narrator(sys.stdout)
    try:
        Walk(values, narrator).whole()
    except (Differs, NotAsPromised, staff.Refused) as differs:
        narrator.ends_badly(str(differs))
        raise SystemExit(1) from None
    except urllib3.exceptions.HTTPError as error:
        narrator.ends_badly(
            f"No answer from {values['BASE_URL']} ({type(error).__name__}). Is `make run` still running?"
        )
        raise SystemExit(2) from None


class Walk:
    """One purchase. ``values`` are those of ``.local/env``."""

    def __init__(self, values: Mapping[str, str], narrator: Narrator) -> None:
        self._api, self._bank = Line(values["BASE_URL"]), Line(values["MIDTRANS_SIM_URL"])
        self._outbox, self._tell = Line(values["OUTBOX_URL"]), narrator
        self._owner = Credentials(values["OWNER_EMAIL"], values["OWNER_PASSWORD"], values["OWNER_TOTP_SECRET"])
        self._staff = ""
        email = f"siti.{secrets.token_hex(3)}@example.com"
        self._contact = {"name": "Siti Rahmawati", "email": email, "phone": "0812-3456-7890"}

    def whole(self) -> None:
        """From the shelf to the confirmed order, and then everything once more. Raises Differs."""
        self._tell.title("Toko Laris: Siti buys batik, pays by BCA virtual account, and gets her order confirmed")
        self._log_in()
        sku, before = self._browse()
        cart_id = self._fill_cart(sku)
        asked = self._checkout_request(cart_id, sku)
        key = str(uuid.uuid4())
        placed = self._check_out(asked, key)
        order_id = placed.body["order"]["id"]
        self._expect_stock(sku, before.moved(available=-QUANTITY, reserved=QUANTITY), "held for the order")
        self._pay(placed.body)
        self._see_confirmed(order_id)
        after = before.moved(available=-QUANTITY, allocated=QUANTITY)
        self._expect_stock(sku, after, "moved from reserved to allocated, once")
        self._tell_timeline(order_id)
        self._repeat_checkout(placed, asked, key)
        self._repeat_webhook(order_id, placed.body["payment"]["reference"])
        self._expect_stock(sku, after, "untouched by the repeats")
        Account(self._api, self._outbox, self._tell).open(self._contact, order_id)
        self._see_audit()
        self._tell.ends_well("Selesai. Stock, order and money agree, however often and in whatever order it was said.")

    def _log_in(self) -> None:
        self._tell.chapter("The owner logs in: her password, and a code of the app on her phone.")
        self._ask("GET", "/admin/orders", expect=401)
        self._staff = staff.log_in(self._api, self._owner)
        me = self._ask("GET", "/admin/me", token=self._staff)
        self._tell.step(me, f"{me.body['name']}, {me.body['role']}, {len(me.body['scopes'])} scopes")

    def _see_audit(self) -> None:
        self._tell.chapter("Who did what stands in the audit trail, each entry sealed by the next.")
        today = datetime.now(UTC).date().isoformat()
        verdict = self._until(
            lambda: self._ask("GET", f"/admin/audit/{today}/verification", token=self._staff),
            lambda verdict: verdict.body["entries"] > 0,
            "in the audit trail",
        )
        self._must(verdict.body["is_intact"], f"the audit trail is broken: {verdict.body['fault']}")
        self._tell.step(verdict, f"{verdict.body['entries']} entries, all as they were written")

    def _browse(self) -> tuple[str, Stock]:
        """A SKU of which there is enough, and its stock. A shop that has just opened may show it a moment later."""
        self._tell.chapter("Siti looks around.")
        deadline = time.monotonic() + PATIENCE
        while True:
            shelf = self._ask("GET", f"/store/products?category={CATEGORY}&limit=24")
            on_sale = [item["slug"] for item in shelf.body["items"] if item["available"]]
            choice = next(filter(None, (self._choose(shelf, slug) for slug in on_sale)), None)
            if choice:
                return choice
            left = f"no product of the category {CATEGORY} has {QUANTITY} units left. Start `make run` afresh"
            self._must(time.monotonic() < deadline, left)
            time.sleep(0.5)

    def _choose(self, shelf: Answer, slug: str) -> tuple[str, Stock] | None:
        page = self._ask("GET", f"/store/products/{slug}")
        enough = [variant for variant in page.body["variants"] if variant["available"] >= QUANTITY]
        if not enough:
            return None
        variant, name = enough[0], page.body["name"]
        stock = self._stock(variant["sku"])[1]
        names = ", ".join(item["name"]["id"] for item in shelf.body["items"][:3])
        self._tell.step(shelf, f"{len(shelf.body['items'])} products: {names} …")
        self._tell.step(page, f"{name['id']} ({name.get('en')}), {len(page.body['variants'])} variants")
        self._tell.fact(f"she likes {variant['sku']} at {rupiah(variant['price'])}, {variant['available']} available")
        self._tell.fact(f"stock before: {stock}")
        return variant["sku"], stock

    def _fill_cart(self, sku: str) -> str:
        self._tell.chapter("She fills a cart. No account; whoever knows the cart's id may use it.")
        cart = self._ask("POST", "/store/carts", expect=201)
        cart_id = str(cart.body["id"])
        self._tell.step(cart, f"an empty cart {cart_id[:12]}…")
        line = self._ask("PUT", f"/store/carts/{cart_id}/lines/{sku}", {"quantity": QUANTITY})
        self._must(
            [(each["sku"], each["quantity"]) for each in line.body["lines"]] == [(sku, QUANTITY)], "the cart's lines"
        )
        self._tell.step(line, f"{QUANTITY} x {sku}, together {rupiah(line.body['totals']['total'])}")
        return cart_id

    def _checkout_request(self, cart_id: str, sku: str) -> dict[str, Any]:
        quotes = self._ask("POST", "/store/shipping-quotes", {"cart_id": cart_id, "address": ADDRESS})
        options = quotes.body["options"]
        self._must(options, f"there is no way to ship {sku} to {ADDRESS['city']}")
        cheapest = options[0]
        said = f"{cheapest['courier']} {cheapest['service']}, {cheapest['days']} days, {rupiah(cheapest['price'])}"
        self._tell.step(quotes, f"{len(options)} ways to {ADDRESS['city']}; she takes {said}")
        return {
            "cart_id": cart_id,
            "contact": self._contact,
            "address": ADDRESS,
            "shipping_option": cheapest["id"],
            "payment": {"gateway": "midtrans", "method": "bca_va"},
        }

    def _check_out(self, asked: dict[str, Any], key: str) -> Answer:
        self._tell.chapter("She orders. One transaction holds the stock, makes the order and closes the cart.")
        placed = self._ask("POST", "/store/checkout", asked, key=key, expect=201)
        order, payment = placed.body["order"], placed.body["payment"]
        totals, step = order["totals"], payment["next_step"]
        self._must(order["state"] == "pending", f"the order is {order['state']}, not pending")
        self._must(step["kind"] == "virtual_account", f"the next step is {step['kind']}, not a virtual account")
        self._must(payment["amount"] == totals["total"], "the payment's amount is not the order's total")
        self._tell.step(
            placed, f"order {order['number']}, {rupiah(totals['total'])} with {rupiah(totals['tax'])} PPN in it"
        )
        self._tell.fact(f"pay to {step['bank'].upper()} virtual account {step['number']} until {order['expires_at']}")
        return placed

    def _pay(self, placed: Mapping[str, Any]) -> None:
        self._tell.chapter("She pays at an ATM. Midtrans says so three times over, and in no order.")
        path = f"/_sim/transactions/{placed['payment']['reference']}/settle"
        paid = self._bank.ask("POST", path, {"duplicates": 2, "shuffle": True})
        self._must(paid.status == 200, f"the simulator answered {paid.status}: {paid.raw.decode(errors='replace')}")
        self._tell.step(paid, f"{paid.body['deliveries']} signed notifications are on their way")

    def _see_confirmed(self, order_id: str) -> None:
        began = time.monotonic()
        order = self._until(
            lambda: self._order(order_id), lambda order: order.body["state"] == "confirmed", "confirmed"
        )
        self._must(order.body["payment_status"] == "paid", f"the order is confirmed but {order.body['payment_status']}")
        waited = f"{time.monotonic() - began:.1f} s"
        self._tell.step(order, f"{order.body['state']}, {order.body['payment_status']}, after {waited}")

    def _tell_timeline(self, order_id: str) -> None:
        self._tell.chapter("Everything that happened, from the event log.")
        order = self._until(
            lambda: self._order(order_id),
            lambda order: set(MUST_HAPPEN) <= {entry["type"] for entry in order.body["timeline"]},
            f"told by its timeline: {', '.join(MUST_HAPPEN)}",
        )
        for entry in order.body["timeline"]:
            self._tell.fact(f"{entry['at'][11:23]}  {entry['type']:<18} by {entry['actor']}")
        types = [entry["type"] for entry in order.body["timeline"]]
        twice = sorted({type_ for type_ in MUST_HAPPEN if types.count(type_) != 1})
        self._must(not twice, f"the timeline has more than one {' and '.join(twice)}")
        self._tell.checked("complete, and nothing in it twice")

    def _repeat_checkout(self, placed: Answer, asked: dict[str, Any], key: str) -> None:
        self._tell.chapter("Her phone had lost the answer to the checkout, so it asks again with the same key.")
        again = self._ask("POST", "/store/checkout", asked, key=key, expect=201)
        self._must(again.raw == placed.raw, "the same checkout under the same key was answered differently")
        self._must(again.headers.get("Idempotent-Replayed") == "true", "the answer does not say that it is a replay")
        self._tell.step(again, "the same answer, byte for byte, marked as a replay")

    def _repeat_webhook(self, order_id: str, reference: str) -> None:
        self._tell.chapter("Midtrans sends a notification of hours ago once more.")
        before = self._order(order_id)
        deliveries = self._bank.ask("GET", "/_sim/deliveries").body["deliveries"]
        body = next(each["body"] for each in reversed(deliveries) if each["reference"] == reference)
        webhook = self._ask("POST", "/webhooks/payments/midtrans", body)
        self._tell.step(webhook, "taken")
        time.sleep(QUIET)
        after = self._order(order_id)
        self._must(after.raw == before.raw, "a notification that was told before changed the order")
        self._tell.step(after, "and nothing has changed")

    def _expect_stock(self, sku: str, expected: Stock, meaning: str) -> None:
        answer, stock = self._stock(sku)
        self._must(stock == expected, f"{sku} should stand at {expected}, but stands at {stock}")
        self._tell.step(answer, str(stock))
        self._tell.checked(f"{QUANTITY} units {meaning}")

    def _stock(self, sku: str) -> tuple[Answer, Stock]:
        answer = self._ask("GET", f"/admin/stock/{sku}", token=self._staff)
        counters = answer.body
        return answer, Stock(counters["available"], counters["reserved"], counters["allocated"])

    def _order(self, order_id: str) -> Answer:
        return self._ask("GET", f"/admin/orders/{order_id}", token=self._staff)

    def _ask(
        self, method: str, path: str, body: Any = None, *, expect: int = 200, token: str = "", key: str = ""
    ) -> Answer:
        answer = self._api.ask(method, path, body, token=token, key=key)
        words = answer.raw[:500].decode(errors="replace")
        self._must(answer.status == expect, f"{answer.request} was answered {answer.status}, not {expect}: {words}")
        return answer

    def _until(self, look: Callable[[], Answer], is_there: Callable[[Answer], bool], what: str) -> Answer:
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = look()
            if is_there(answer):
                return answer
            self._must(time.monotonic() < deadline, f"after {PATIENCE:.0f} s the order is still not {what}")
            time.sleep(0.1)

    @staticmethod
    def _must(holds: object, otherwise: str) -> None:
        if not holds:
            raise Differs(otherwise[0].upper() + otherwise[1:] + ("" if otherwise.endswith(".") else "."))


if __name__ == "__main__":
    main()
