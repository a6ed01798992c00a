"""The door of carts."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from chalicelib.carts import rules
from chalicelib.carts.errors import CartClosed, CartFull, CartNotFound
from chalicelib.carts.models import Cart, OwnerRow
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


def of(customer: str) -> Basket:
    """The customer's open cart; a new one where they have none."""
    for attempt in range(TRIES):
        named, basket = _open_cart(customer)
        if basket is not None:
            return basket
        with suppress(WriteRefused):
            return _made(customer, named)
        db.back_off(attempt)
    raise WriteRefused()


def lookup(cart_id: str, customer: str | None = None) -> db.Lookup[Basket]:
    """Reads a cart, open or closed: a guest's, or that of the ``customer`` who has logged in. Raises CartNotFound."""
    row = Cart.lookup(cart_id)

    def build(rows: list[Cart | None]) -> Basket:
        cart = row.build(rows)
        if cart is None or cart.owner not in {None, customer}:
            raise CartNotFound()
        return cart.basket()

    return db.Lookup(row.keys, build)


def get(cart_id: str, customer: str | None = None) -> Basket:
    """A cart, open or closed: a guest's, or that of the ``customer`` who has logged in. Raises CartNotFound."""
    return db.look(lookup(cart_id, customer))[0]


def set_line(cart_id: str, sku: str, quantity: int, customer: str | None = None) -> Basket:
    """Let the cart hold ``quantity`` of ``sku`` (0 takes it out); repeating changes nothing more.

    Raises CartNotFound, CartClosed, CartFull, UnknownSku, NotForSale.
    """
    for _ in range(TRIES):
        basket, offers = db.look(lookup(cart_id, customer), catalog.lookup_offers([sku]))
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


def merge(cart_id: str, customer: str) -> Basket:
    """The customer's open cart, with what is in the guest's cart; repeated, nothing is added twice.

    Quantities add up as far as a cart goes. The guest's cart is closed; where the customer has none open, it becomes
    theirs instead. Raises CartNotFound, also for another customer's cart, and CartClosed for one that was ordered.
    """
    for attempt in range(TRIES):
        (other,) = db.look(lookup(cart_id, customer))
        if other.owner is not None:
            return of(customer)
        if not other.is_open:
            raise CartClosed(order_id=other.order_id)
        with suppress(WriteRefused, CartClosed):
            return _merged(other, customer)
        db.back_off(attempt)
    raise WriteRefused()


def forget(customer: str) -> None:
    """Take the customer's open cart away; nothing where they have none."""
    for attempt in range(TRIES):
        named, basket = _open_cart(customer)
        if named is None:
            return
        with suppress(WriteRefused):
            with db.transaction() as tx:
                OwnerRow.remove(tx, customer, named)
                if basket is not None:
                    Cart.remove(tx, basket)
            return
        db.back_off(attempt)
    raise WriteRefused()


def export(customer: str) -> list[dict[str, Any]]:
    """The customer's open cart, as they may have it; none where they have none."""
    _, basket = _open_cart(customer)
    if basket is None:
        return []
    return [{"id": basket.id, "lines": [{"sku": line.sku, "quantity": line.quantity} for line in basket.lines]}]


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


def _open_cart(customer: str) -> tuple[str | None, Basket | None]:
    """Which cart was the customer's last, and that cart if it is still open."""
    (named,) = db.look(OwnerRow.lookup(customer))
    (cart,) = db.look(Cart.lookup(named)) if named else (None,)
    basket = cart.basket() if cart else None
    return named, basket if basket and basket.is_open else None


def _made(customer: str, before: str | None) -> Basket:
    cart_id = ids.capability("crt")
    with db.transaction() as tx:
        Cart.add(tx, cart_id, customer)
        OwnerRow.point(tx, customer, cart_id, before=before)
    return Basket(id=cart_id, is_open=True, order_id=None, lines=(), version=1, owner=customer)


def _merged(other: Basket, customer: str) -> Basket:
    named, mine = _open_cart(customer)
    with db.transaction() as tx:
        if mine is None:
            after = replace(other, owner=customer, version=other.version + 1)
            Cart.give(tx, other, customer)
            OwnerRow.point(tx, customer, other.id, before=named)
        else:
            after = replace(mine, lines=rules.merged(mine.lines, other.lines), version=mine.version + 1)
            Cart.set_lines(tx, mine, after.lines)
            Cart.close_into(tx, other, mine)
    return after


def _rates(offers: Mapping[str, Offer]) -> dict[str, TaxRate]:
    today = clock.business_date(clock.now())
    return {offer.tax_class: taxes.rate_on(today, offer.tax_class) for offer in offers.values()}


def _with_line(basket: Basket, sku: str, quantity: int, offers: Mapping[str, Offer]) -> tuple[Line, ...]:
    if not basket.is_open:
        raise CartClosed(order_id=basket.order_id, merged_into=basket.merged_into)
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
