"""A buyer's way through the shop, over the API in process: what benchmarks measure and the counts of calls hold.

The shop it stands in has a shelf of 24 products of four variants. The steps are those by which peers were measured:
list, product page, cart, two lines, shipping quotes, checkout, the partner's notification, the order.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3

from tests.kit.api import Reply, call
from tests.kit.cloud import SECRETS
from tests.kit.partner import Said, Scripted

SHELF = 24
SIZES = ("S", "M", "L", "XL")
UNITS = 900

CONTACT = {"name": "Siti Rahmawati", "email": "siti@example.com", "phone": "081234567890"}
ADDRESS = {
    "line1": "Jl. Braga No. 12",
    "district": "Sumur Bandung",
    "city": "Bandung",
    "province": "Jawa Barat",
    "postal_code": "40111",
    "country": "ID",
}


def stock_the_shelf(key: str) -> None:
    """Fill an empty shop through the admin API; ``key`` is an integration's."""
    staff = {"Authorization": f"Bearer {key}"}
    shelf = _made(call("POST", "/admin/categories", _category(), headers=staff))
    for number in range(SHELF):
        _made(call("POST", "/admin/products", _product(number, shelf["id"]), headers=staff))
    place = {"id": "jakarta", "name": "Gudang Jakarta", "priority": 1}
    _made(call("POST", "/admin/stock/locations", place, headers=staff))
    for number in range(SHELF):
        lines = [{"sku": sku(number, size), "quantity": UNITS} for size in SIZES]
        receipt = {"location": "jakarta", "document": f"PO-{number}", "lines": lines}
        _made(call("POST", "/admin/stock/receipts", receipt, headers={**staff, "Idempotency-Key": f"po-{number}"}))


def sku(number: int, size: str = "M") -> str:
    """The SKU of a size of the shelf's product with this number."""
    return f"KEMEJA-{number:02}-{size}"


def slug(number: int) -> str:
    """The slug of the shelf's product with this number."""
    return f"kemeja-{number:02}"


@dataclass
class Buyer:
    """One buyer; each step is one request. What was answered is remembered for the steps that follow."""

    cart_id: str = ""
    order_id: str = ""
    token: str = ""
    reference: str = ""
    shipping_option: str = ""
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    def looks_at_the_shelf(self) -> Reply:
        """A list of 24 products."""
        return _ok(call("GET", f"/store/products?category=kemeja&limit={SHELF}"))

    def opens_a_page(self, number: int = 0) -> Reply:
        """A product page."""
        return _ok(call("GET", f"/store/products/{slug(number)}"))

    def takes_a_cart(self) -> Reply:
        """A new cart."""
        reply = _ok(call("POST", "/store/carts"))
        self.cart_id = reply.body["id"]
        return reply

    def puts(self, sku: str, quantity: int = 1) -> Reply:
        """A line of the cart."""
        return _ok(call("PUT", f"/store/carts/{self.cart_id}/lines/{sku}", {"quantity": quantity}))

    def asks_for_quotes(self) -> Reply:
        """What shipping costs."""
        reply = _ok(call("POST", "/store/shipping-quotes", {"cart_id": self.cart_id, "address": ADDRESS}))
        self.shipping_option = reply.body["options"][0]["id"]
        return reply

    def orders(self) -> Reply:
        """The checkout, by BCA virtual account."""
        wish = {
            "cart_id": self.cart_id,
            "contact": CONTACT,
            "address": ADDRESS,
            "shipping_option": self.shipping_option,
            "payment": {"gateway": "midtrans", "method": "bca_va"},
        }
        reply = _ok(call("POST", "/store/checkout", wish, headers={"Idempotency-Key": self.key}))
        self.order_id, self.token = reply.body["order"]["id"], reply.body["access_token"]
        self.reference = reply.body["payment"]["reference"]
        return reply

    def looks_at_the_order(self) -> Reply:
        """The order, as its buyer sees it."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return _ok(call("GET", f"/store/orders/{self.order_id}", headers=headers))

    def fills_a_cart(self, *numbers: int) -> None:
        """All that comes before the checkout, with one unit of each product."""
        self.takes_a_cart()
        for number in numbers or (0,):
            self.puts(sku(number))
        self.asks_for_quotes()


class Bank:
    """What happens at the partner's: money comes in. What he says about it is posted to us only when we say so."""

    def __init__(self, simulator_url: str) -> None:
        self._url = simulator_url

    def pays(self, reference: str) -> None:
        """The buyer pays."""
        answer = urllib3.request("POST", f"{self._url}/_sim/transactions/{reference}/settle", json={})
        assert answer.status == 200, answer.data

    def notices(self, reference: str, count: int) -> list[bytes]:
        """The first ``count`` notifications about it, waiting until there are so many."""
        for _ in range(500):
            told = urllib3.request("GET", f"{self._url}/_sim/deliveries").json()["deliveries"]
            bodies = [each["body"] for each in told if each["reference"] == reference]
            if len(bodies) >= count:
                return [json.dumps(body).encode() for body in bodies[:count]]
            time.sleep(0.01)
        raise AssertionError(f"Midtrans has not said {count} things about {reference}")

    @staticmethod
    def notifies(notice: bytes) -> Reply:
        """A notification arrives."""
        return _ok(call("POST", "/webhooks/payments/midtrans", raw=notice))


@contextmanager
def midtrans(asked: Callable[[str], object] = str) -> Iterator[Bank]:
    """Midtrans where the tests' settings say it is; ``asked`` is told what our code asks of it, before it is done."""
    from chalicelib.core import clock
    from chalicelib.core.config import settings
    from infra.local.simulators.midtrans import MidtransSimulator
    from infra.local.simulators.server import Answer, Request

    class Watched(MidtransSimulator):
        def answer(self, request: Request) -> Answer:
            asked(f"{request.method} {request.path}")
            return super().answer(request)

    inbox = Scripted()
    inbox.says(Said(200, {}))
    with inbox.running():
        port = urlsplit(settings.midtrans_api_url).port
        simulator = Watched(SECRETS["midtrans-server-key"], inbox.url, port=port or 0, now=lambda: clock.now())
        simulator.start()
        try:
            yield Bank(simulator.url)
        finally:
            simulator.stop()


def _category() -> dict[str, Any]:
    return {"slug": "kemeja", "name": {"id": "Kemeja", "en": "Shirts"}, "parent_id": None, "position": 1}


def _product(number: int, category_id: str) -> dict[str, Any]:
    return {
        "name": {"id": f"Kemeja Flanel Kotak {number}", "en": f"Checked Flannel Shirt {number}"},
        "description": {
            "id": "Kemeja flanel katun lembut dengan potongan santai, cocok untuk akhir pekan di Bandung.",
            "en": "A soft cotton flannel shirt in a relaxed cut, made for a weekend in the hills of Bandung.",
        },
        "slug": slug(number),
        "brand": "Laris",
        "category_ids": [category_id],
        "attributes": {"material": "Katun flanel", "origin": "Bandung, Jawa Barat"},
        "images": [
            {
                "url": f"https://cdn.example.com/{slug(number)}.svg",
                "alt": {"id": f"Kemeja Flanel Kotak {number}", "en": f"Checked Flannel Shirt {number}"},
            }
        ],
        "options": [
            {
                "name": {"id": "Ukuran", "en": "Size"},
                "values": [{"id": size, "en": size} for size in SIZES],
            }
        ],
        "variants": [_variant(number, place, size) for place, size in enumerate(SIZES)],
        "dimensions_mm": {"length": 330, "width": 250, "height": 45},
        "tax_class": "standard",
        "state": "active",
    }


def _variant(number: int, place: int, size: str) -> dict[str, Any]:
    return {
        "sku": sku(number, size),
        "barcode": None,
        "option_values": [place],
        "price": {"amount": 189_000 + 1_000 * number, "currency": "IDR"},
        "compare_at": {"amount": 229_000 + 1_000 * number, "currency": "IDR"},
        "weight_grams": 320,
    }


def _made(reply: Reply) -> dict[str, Any]:
    assert reply.status == 201, reply.text
    made: dict[str, Any] = reply.body
    return made


def _ok(reply: Reply) -> Reply:
    assert reply.status < 300, reply.text
    return reply
