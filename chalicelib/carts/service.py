"""The door of carts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from chalicelib.carts import rules
from chalicelib.carts.errors import CartClosed, CartFull, CartNotFound
from chalicelib.carts.models import Cart
from chalicelib.carts.rules import Basket, Line, Priced, PricedLine, changes
from chalicelib.catalog import service as catalog
from chalicelib.catalog.errors import NotForSale, UnknownSku
from chalicelib.catalog.service import Offer
from chalicelib.core import clock, db, ids
from chalicelib.core.config import settings
from chalicelib.core.errors import WriteRefused
from chalicelib.core.money import Money
from chalicelib.taxes import service as taxes
from chalicelib.taxes.service import TaxRate

__all__ = ["Basket", "Priced", "PricedLine", "changes"]

TRIES: Final = 5


def create() -> Basket:
    """A new empty cart, under an id that nobody can guess."""
    cart_id = ids.capability("crt")
    with db.transaction() as tx:
        Cart.add(tx, cart_id)
    return Basket(id=cart_id, is_open=True, order_id=None, lines=(), version=1)


def lookup(cart_id: str) -> db.Lookup[Basket]:
    """Reads a cart, open or closed. Raises CartNotFound."""
    row = Cart.lookup(cart_id)

    def build(rows: list[Cart | None]) -> Basket:
        cart = row.build(rows)
        if cart is None:
            raise CartNotFound()
        return cart.basket()

    return db.Lookup(row.keys, build)


def get(cart_id: str) -> Basket:
    """A cart, open or closed. Raises CartNotFound."""
    return db.look(lookup(cart_id))[0]


def set_line(cart_id: str, sku: str, quantity: int) -> Basket:
    """Let the cart hold ``quantity`` of ``sku`` (0 takes it out); repeating changes nothing more.

    Raises CartNotFound, CartClosed, CartFull, UnknownSku, NotForSale.
    """
    for _ in range(TRIES):
        basket, offers = db.look(lookup(cart_id), catalog.lookup_offers([sku]))
        changed = _with_line(basket, sku, quantity, offers)
        if changed == basket.lines:
            return basket
        try:
            with db.transaction() as tx:
                Cart.set_lines(tx, basket, changed)
        except WriteRefused:
            continue
        return replace(basket, lines=changed, version=basket.version + 1)
    raise WriteRefused()


def close(tx: db.Transaction, basket: Basket, order_id: str) -> None:
    """Close the cart in ``tx``: it became an order. Refused with CartClosed, or WriteRefused if it changed."""
    Cart.close(tx, basket, order_id)


def show_prices(basket: Basket, offers: Mapping[str, Offer]) -> None:
    """Remember today's prices as the ones the buyer is shown."""
    lines = tuple(replace(line, seen=offers[line.sku].price) for line in basket.lines)
    with db.transaction() as tx:
        Cart.set_lines(tx, basket, lines)


def price(basket: Basket, offers: Mapping[str, Offer], shipping: Money | None = None) -> Priced:
    """What the cart costs today; lines whose SKU is gone are left out."""
    lines = [line for line in basket.lines if line.sku in offers]
    return rules.price(lines, offers, _rates(offers), shipping=shipping, tax_included=settings.prices_include_tax)


def _rates(offers: Mapping[str, Offer]) -> dict[str, TaxRate]:
    today = clock.business_date(clock.now())
    return {offer.tax_class: taxes.rate_on(today, offer.tax_class) for offer in offers.values()}


def _with_line(basket: Basket, sku: str, quantity: int, offers: Mapping[str, Offer]) -> tuple[Line, ...]:
    if not basket.is_open:
        raise CartClosed(order_id=basket.order_id)
    if quantity == 0:
        return tuple(line for line in basket.lines if line.sku != sku)
    if sku not in offers:
        raise UnknownSku(sku=sku)
    if not offers[sku].is_sellable:
        raise NotForSale(sku=sku)
    wanted = Line(sku, quantity, offers[sku].price)
    if sku in basket.skus:
        return tuple(wanted if line.sku == sku else line for line in basket.lines)
    if len(basket.lines) == rules.MOST_LINES:
        raise CartFull(most=rules.MOST_LINES)
    return (*basket.lines, wanted)
