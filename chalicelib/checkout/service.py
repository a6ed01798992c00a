"""The conductor: a basket becomes an order, in one transaction, and its payment begins."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from chalicelib.carts import service as carts
from chalicelib.carts.errors import CartClosed, CartEmpty, PriceChanged
from chalicelib.carts.service import Basket, Priced
from chalicelib.catalog import service as catalog
from chalicelib.catalog.errors import NotForSale, UnknownSku
from chalicelib.catalog.service import Offer
from chalicelib.checkout.errors import CheckoutClosed
from chalicelib.core import db, flags, metrics
from chalicelib.core.flags import Switch
from chalicelib.core.idempotency import Claim
from chalicelib.core.log import logger
from chalicelib.core.texts import LocalText
from chalicelib.core.vault import DataKey
from chalicelib.customers import service as customers
from chalicelib.customers.errors import BuyerChanged
from chalicelib.customers.service import Buyer, Person
from chalicelib.events.inventory import StockLine
from chalicelib.inventory import service as inventory
from chalicelib.inventory.errors import OutOfStock
from chalicelib.orders import service as orders
from chalicelib.orders.errors import NotPayable, NumberTaken
from chalicelib.orders.service import Address, Contact, Order, Personal
from chalicelib.payments import service as payments
from chalicelib.payments.service import Attempt, PaymentChoice
from chalicelib.shipping import service as shipping
from chalicelib.shipping.service import Option

TRIES: Final = 4
"""For a number that is taken, and a buyer whose first orders are placed at once."""
SWITCH: Final = Switch(
    name="checkout",
    meaning=LocalText(
        "Toko menerima pesanan baru. Bila ditutup, pembayaran, kedaluwarsa, dan pengembalian dana tetap berjalan.",
        "The shop takes new orders. While closed, payments, expiry and refunds go on.",
    ),
    when_off=LocalText(
        "Toko sedang tidak menerima pesanan. Keranjang Anda tetap tersimpan; silakan coba lagi nanti.",
        "The shop takes no orders at the moment. Your cart is kept; please try again later.",
    ),
    refusal=CheckoutClosed,
)
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
    customer: str | None = None
    """Who is logged in."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A wish with all that was read for it, to be written."""

    wish: Wish
    basket: Basket
    priced: Priced
    option: Option
    stock: tuple[StockLine, ...]
    buyer: Buyer
    key: DataKey | None


@dataclass(frozen=True, slots=True)
class Placed:
    """An order and its first payment."""

    order: Order
    attempt: Attempt


def quotes(cart_id: str, address: Address, customer: str | None = None) -> list[Option]:
    """What it costs to send the cart there, cheapest first. Raises CartNotFound, CartEmpty, NotDeliverable."""
    basket = carts.get(cart_id, customer)
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
    UnknownGateway, UnknownMethod, KeysUnavailable; CheckoutClosed and PaymentWayClosed by switches; Replayed,
    KeyReused and InProgress by the claim.
    """
    payments.check(wish.payment)
    made, basket, locations, buyer = db.look(
        claim.lookup(),
        carts.lookup(wish.cart_id, wish.customer),
        inventory.lookup_locations(),
        customers.lookup_buyer(wish.contact.email, wish.customer),
    )
    if made is not None:
        return _resumed(made)
    flags.check(SWITCH, wish.customer, wish.cart_id)
    payments.check_open(wish.payment, wish.customer, wish.cart_id)
    _check_basket(basket)
    offers, levels, key = db.look(
        catalog.lookup_offers(basket.skus),
        inventory.lookup_levels(basket.skus, locations),
        customers.lookup_key(buyer),
    )
    _check_offers(basket, offers)
    weight = carts.price(basket, offers).weight_grams
    option = shipping.option(wish.shipping_option, wish.address.country, wish.address.province, weight)
    priced = carts.price(basket, offers, option.price)
    stock = inventory.plan(basket.demand, levels, locations)
    ready = Ready(wish, basket, priced, option, stock, buyer, key)
    try:
        order, attempt = _write(ready, claim)
    except OutOfStock:  # somebody else was quicker at this location; there may be enough at another
        (levels,) = db.look(inventory.lookup_levels(basket.skus, locations))
        stock = inventory.plan(basket.demand, levels, locations)
        order, attempt = _write(replace(ready, stock=stock), claim)
    logger.info("order placed", order_id=order.id, lines=len(order.lines), total=order.totals.total)
    metrics.value("placed_value", order.totals.total)
    return Placed(order, payments.start(attempt, orders.purchase(order, wish.contact)))


def _write(ready: Ready, claim: Claim) -> tuple[Order, Attempt]:
    for attempt in range(1, TRIES + 1):
        try:
            return _write_once(ready, claim)
        except (NumberTaken, BuyerChanged) as taken:
            if attempt == TRIES:
                raise
            if isinstance(taken, BuyerChanged):
                ready = _with_buyer(ready)
    raise AssertionError("unreachable")


def _write_once(ready: Ready, claim: Claim) -> tuple[Order, Attempt]:
    wish, about = ready.wish, ready.wish.contact
    with db.transaction() as tx:
        key = customers.buyer(tx, ready.buyer, ready.key, Person(about.name, about.email, about.phone))
        order = orders.draft(ready.priced, ready.option, personal=Personal(about, wish.address), key=key)
        claim.record(tx, order.id)
        carts.close(tx, ready.basket, order.id)
        orders.create(tx, order)
        inventory.hold(tx, order.id, ready.stock, expires_at=order.expires_at + HOLD_OUTLASTS)
        attempt = payments.open(tx, order.id, wish.payment, amount=order.total, expires_at=order.expires_at)
    return order, attempt


def _with_buyer(ready: Ready) -> Ready:
    """Somebody with the same address was quicker, or the buyer was erased: look again whose the order is."""
    (buyer,) = db.look(customers.lookup_buyer(ready.wish.contact.email, ready.wish.customer))
    (key,) = db.look(customers.lookup_key(buyer))
    return replace(ready, buyer=buyer, key=key)


def _resumed(order_id: str) -> Placed:
    """The first try placed the order and died before it could answer: go on from there."""
    order, attempt = db.look(orders.lookup(order_id), payments.lookup_attempt(order_id, 1))
    if attempt is None:
        raise AssertionError(f"order {order_id} has no payment")
    known = orders.personal(order)
    if known is None:
        raise NotPayable(state=order.state, payment_status=order.payment_status)
    return Placed(order, payments.start(attempt, orders.purchase(order, known.contact)))


def _check_basket(basket: Basket) -> None:
    if not basket.is_open:
        raise CartClosed(order_id=basket.order_id, merged_into=basket.merged_into)
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
