"""The conductor: a basket becomes an order, in one transaction, and its payment begins."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from chalicelib.carts import service as carts
from chalicelib.carts.errors import CartClosed, CartEmpty, PriceChanged
from chalicelib.carts.service import Basket, Priced
from chalicelib.catalog import service as catalog
from chalicelib.catalog.errors import NotForSale, UnknownSku
from chalicelib.catalog.service import Offer
from chalicelib.core import db
from chalicelib.core.idempotency import Claim
from chalicelib.core.log import logger
from chalicelib.events.inventory import StockLine
from chalicelib.inventory import service as inventory
from chalicelib.inventory.errors import OutOfStock
from chalicelib.orders import service as orders
from chalicelib.orders.errors import NumberTaken
from chalicelib.orders.service import Address, Contact, Order
from chalicelib.payments import service as payments
from chalicelib.payments.service import Attempt, PaymentChoice
from chalicelib.shipping import service as shipping
from chalicelib.shipping.service import Option

NUMBER_TRIES: Final = 3
HOLD_OUTLASTS: Final = timedelta(hours=1)
"""A hold ends later than its order may be paid: the order's own expiry gives the stock back first."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a buyer asks for."""

    cart_id: str
    contact: Contact
    address: Address
    shipping_option: str
    payment: PaymentChoice


@dataclass(frozen=True, slots=True)
class Placed:
    """An order and its first payment."""

    order: Order
    attempt: Attempt


def quotes(cart_id: str, address: Address) -> list[Option]:
    """What it costs to send the cart there, cheapest first. Raises CartNotFound, CartEmpty, NotDeliverable."""
    basket = carts.get(cart_id)
    (offers,) = db.look(catalog.lookup_offers(basket.skus))
    priced = carts.price(basket, offers)
    if not priced.lines:
        raise CartEmpty()
    return shipping.quotes(address.country, address.province, priced.weight_grams)


def place(wish: Wish, claim: Claim) -> Placed:
    """Hold everything the basket needs, create the order and announce it, all or nothing; then ask for the money.

    Prices, tax and shipping are ours, never the caller's. Three round trips to the storage before the gateway is asked.
    A gateway that is down does not lose the order: its payment then says to try again. Raises CartNotFound, CartClosed,
    CartEmpty, UnknownSku, NotForSale, PriceChanged, OutOfStock, TooManyLines, UnknownShippingOption, NotDeliverable,
    UnknownGateway, UnknownMethod; Replayed, KeyReused and InProgress by the claim.
    """
    payments.check(wish.payment)
    made, basket, locations = db.look(claim.lookup(), carts.lookup(wish.cart_id), inventory.lookup_locations())
    if made is not None:
        return _resumed(made)
    _check_basket(basket)
    offers, levels = db.look(catalog.lookup_offers(basket.skus), inventory.lookup_levels(basket.skus, locations))
    _check_offers(basket, offers)
    weight = carts.price(basket, offers).weight_grams
    option = shipping.option(wish.shipping_option, wish.address.country, wish.address.province, weight)
    priced = carts.price(basket, offers, option.price)
    stock = inventory.plan(basket.demand, levels, locations)
    try:
        order, attempt = _write(wish, claim, basket, priced, option, stock)
    except OutOfStock:  # somebody else was quicker at this location; there may be enough at another
        (levels,) = db.look(inventory.lookup_levels(basket.skus, locations))
        stock = inventory.plan(basket.demand, levels, locations)
        order, attempt = _write(wish, claim, basket, priced, option, stock)
    logger.info("order placed", order_id=order.id, lines=len(order.lines), total=order.totals.total)
    return Placed(order, payments.start(attempt, orders.purchase(order)))


def _write(
    wish: Wish, claim: Claim, basket: Basket, priced: Priced, option: Option, stock: tuple[StockLine, ...]
) -> tuple[Order, Attempt]:
    for _ in range(NUMBER_TRIES):
        order = orders.draft(priced, option, contact=wish.contact, address=wish.address)
        try:
            with db.transaction() as tx:
                claim.record(tx, order.id)
                carts.close(tx, basket, order.id)
                orders.create(tx, order)
                inventory.hold(tx, order.id, stock, expires_at=order.expires_at + HOLD_OUTLASTS)
                attempt = payments.open(tx, order.id, wish.payment, amount=order.total, expires_at=order.expires_at)
        except NumberTaken:
            continue
        return order, attempt
    raise NumberTaken()


def _resumed(order_id: str) -> Placed:
    """The first try placed the order and died before it could answer: go on from there."""
    order, attempt = db.look(orders.lookup(order_id), payments.lookup_attempt(order_id, 1))
    if attempt is None:
        raise AssertionError(f"order {order_id} has no payment")
    return Placed(order, payments.start(attempt, orders.purchase(order)))


def _check_basket(basket: Basket) -> None:
    if not basket.is_open:
        raise CartClosed(order_id=basket.order_id)
    if not basket.lines:
        raise CartEmpty()


def _check_offers(basket: Basket, offers: Mapping[str, Offer]) -> None:
    """Everything is for sale, at the price the buyer was shown."""
    for line in basket.lines:
        if line.sku not in offers:
            raise UnknownSku(sku=line.sku)
        if not offers[line.sku].is_sellable:
            raise NotForSale(sku=line.sku)
    changes = carts.changes(basket.lines, offers)
    if changes:
        carts.show_prices(basket, offers)
        raise PriceChanged(changes=[{"sku": each.sku, "was": each.was, "now": each.now} for each in changes])
