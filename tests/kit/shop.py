"""A whole shop in process: goods, buyers, a bank that is a fake in memory, and staff; everything by the API's doors."""

import itertools
from dataclasses import dataclass
from typing import Any

from chalicelib.payments.gateways.port import Kind
from infra.local.pumps import Pumps
from tests.kit.api import Reply, as_staff, call
from tests.kit.gateways import FakeGateway, posted

CONTACT = {"name": "Siti Rahmawati", "email": "siti@example.com", "phone": "081234567890"}
ADDRESS = {
    "line1": "Jl. Braga No. 12",
    "district": "Sumur Bandung",
    "city": "Bandung",
    "province": "Jawa Barat",
    "postal_code": "40111",
    "country": "ID",
}
PRICE = 100_000
SHIPPING = 8_000
PAYMENT = {"gateway": "fake", "method": "va"}


@dataclass(frozen=True, slots=True)
class Stock:
    """What the warehouse says of a SKU."""

    available: int
    reserved: int = 0
    allocated: int = 0


class Shop:
    """Opened empty, with one warehouse."""

    def __init__(self, pumps: Pumps, bank: FakeGateway) -> None:
        self.pumps, self.bank = pumps, bank
        self._keys = itertools.count()
        self._staff("POST", "/admin/stock/locations", {"id": "jkt", "name": "Gudang Jakarta", "priority": 1})

    # Staff

    def sells(self, sku: str, quantity: int, *, price: int = PRICE, **about: Any) -> dict[str, Any]:
        """A product of one variant, with so many in stock; the product as the admin API gives it."""
        product = {
            "name": {"id": f"Produk {sku}"},
            "slug": sku.lower().replace("_", "-"),
            "variants": [
                {"sku": sku, "option_values": [], "price": {"amount": price}, "weight_grams": 400},
            ],
            "state": "active",
            **about,
        }
        made = self._staff("POST", "/admin/products", product)
        if quantity:
            self.receives(sku, quantity)
        return made

    def receives(self, sku: str, quantity: int) -> None:
        """Goods come in."""
        receipt = {"location": "jkt", "document": "PO-1", "lines": [{"sku": sku, "quantity": quantity}]}
        self._staff("POST", "/admin/stock/receipts", receipt, key=self.key())

    def stock_of(self, sku: str) -> Stock:
        """What there is of it, over all locations."""
        level = self._staff("GET", f"/admin/stock/{sku}")
        return Stock(level["available"], level["reserved"], level["allocated"])

    def staff(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        """Staff ask for something, whatever comes of it."""
        return call(method, path, body, headers={**as_staff(), **headers})

    def order(self, order_id: str) -> dict[str, Any]:
        """The order as staff see it."""
        return self._staff("GET", f"/admin/orders/{order_id}")

    def orders(self) -> list[dict[str, Any]]:
        """All orders, newest first."""
        return list(self._staff("GET", "/admin/orders")["items"])

    def timeline(self, order_id: str) -> list[str]:
        """The types of what happened, in order."""
        return [entry["type"] for entry in self.order(order_id)["timeline"]]

    # Buyers

    def key(self) -> str:
        """A fresh Idempotency-Key."""
        return f"key-{next(self._keys)}"

    def cart(self, *lines: tuple[str, int]) -> str:
        """A cart with these lines; its id."""
        cart_id = call("POST", "/store/carts").body["id"]
        for sku, quantity in lines:
            put = call("PUT", f"/store/carts/{cart_id}/lines/{sku}", {"quantity": quantity})
            assert put.status == 200, put.text
        return str(cart_id)

    def wish(self, cart_id: str, /, **instead: Any) -> dict[str, Any]:
        """The body of a checkout."""
        return {
            "cart_id": cart_id,
            "contact": CONTACT,
            "address": ADDRESS,
            "shipping_option": "sicepat-halu",
            "payment": PAYMENT,
            **instead,
        }

    def checks_out(self, cart_id: str, key: str | None = None, /, **instead: Any) -> Reply:
        """A buyer orders the cart."""
        headers = {"Idempotency-Key": key or self.key()}
        return call("POST", "/store/checkout", self.wish(cart_id, **instead), headers=headers)

    def places(self, *lines: tuple[str, int], **instead: Any) -> dict[str, Any]:
        """A buyer orders these; the answer's body."""
        reply = self.checks_out(self.cart(*lines), **instead)
        assert reply.status == 201, reply.text
        return dict(reply.body)

    # The bank

    def pays(self, reference: str, amount: int | None = None) -> None:
        """The money arrives at the gateway, which says so; nothing is pumped yet."""
        self.bank.happens(reference, Kind.CAPTURED, amount)
        self.tells(reference)

    def tells(self, *references: str, **more: object) -> Reply:
        """The gateway posts its webhook."""
        raw, headers = posted(*references, **more)
        return call("POST", "/webhooks/payments/fake", raw=raw, headers=headers)

    def drain(self) -> None:
        """Everything that was set going comes to its end."""
        self.pumps.drain()
        self._check_failures()

    def runs(self, schedule: str) -> None:
        """A schedule fires."""
        self.pumps.run_schedule(schedule)
        self._check_failures()

    def _check_failures(self) -> None:
        if self.pumps.failures:
            name, error = self.pumps.failures[0]
            raise AssertionError(f"{name} failed") from error

    def _staff(self, method: str, path: str, body: Any = None, key: str | None = None) -> dict[str, Any]:
        reply = self.staff(method, path, body, **({"Idempotency-Key": key} if key else {}))
        assert reply.status in {200, 201}, reply.text
        return dict(reply.body)
