"""Privacy for tests: a customer who has a bit of everything, and staff who may see to it."""

from dataclasses import dataclass
from typing import Any

from tests.kit import people
from tests.kit.accounts import Visitor
from tests.kit.api import Reply, call
from tests.kit.shop import Shop

HOME = {
    "label": "Rumah",
    "name": "Siti Rahmawati",
    "phone": "+6281234567890",
    "line1": "Jl. Braga No. 12",
    "district": "Sumur Bandung",
    "city": "Bandung",
    "province": "Jawa Barat",
    "postal_code": "40111",
    "country": "ID",
}
CONSENTS = [{"purpose": "marketing_email", "given": True, "text_version": "2026-11"}]


@dataclass
class Officer:
    """A member of staff who has just proven themselves."""

    headers: dict[str, str]

    def asks(self, method: str, path: str, body: Any = None) -> Reply:
        """Something of the privacy desk."""
        return call(method, path, body, headers=self.headers)


def officer(role: str = "owner") -> Officer:
    """One who has just logged in."""
    return Officer(people.session(role))


def regular(shop: Shop, **about: Any) -> Visitor:
    """A customer with a profile, consents, an address, a paid order and a cart."""
    visitor = Visitor(shop, **about).joins(phone="0812 3456 7890", consents=CONSENTS)
    assert visitor.does("POST", "/store/me/addresses", HOME).status == 201
    buys(visitor, "KEMEJA-M")
    fills_cart(visitor, "KEMEJA-M")
    return visitor


def fills_cart(visitor: Visitor, sku: str) -> str:
    """Something is put into the customer's own cart; its id."""
    cart_id = visitor.does("POST", "/store/me/cart", {}).body["id"]
    put = visitor.does("PUT", f"/store/carts/{cart_id}/lines/{sku}", {"quantity": 1})
    assert put.status == 200, put.text
    return str(cart_id)


def buys(visitor: Visitor, sku: str, *, pays: bool = True, **instead: Any) -> dict[str, Any]:
    """They order one, and pay for it."""
    shop = visitor.shop
    contact = {"name": visitor.name, "email": visitor.email, "phone": "081234567890"}
    wish = shop.wish(fills_cart(visitor, sku), contact=contact, **instead)
    headers = {**visitor.headers, "Idempotency-Key": shop.key()}
    placed = call("POST", "/store/checkout", wish, headers=headers)
    assert placed.status == 201, placed.text
    if pays:
        shop.pays(f"{placed.body['order']['id']}-1")
        shop.drain()
    return dict(placed.body)


def id_of(visitor: Visitor) -> str:
    """The customer's id."""
    return str(visitor.does("GET", "/store/me").body["id"])


def exported(visitor: Visitor) -> dict[str, Any]:
    """The copy of all that is kept of them."""
    asked = visitor.does("POST", "/store/me/exports")
    assert asked.status == 201, asked.text
    visitor.shop.drain()
    got = visitor.does("GET", f"/store/me/exports/{asked.body['id']}")
    assert got.status == 200, got.text
    return dict(got.body)
