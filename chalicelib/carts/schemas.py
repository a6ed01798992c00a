"""Carts on the wire."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from chalicelib.carts.rules import MOST_PER_LINE, Basket, Priced, PricedLine
from chalicelib.carts.rules import Totals as PricedTotals
from chalicelib.catalog.service import Offer
from chalicelib.core.money import Money
from chalicelib.core.texts import LocalText


class SetLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many of the SKU the cart shall hold; 0 takes it out."""

    quantity: Annotated[int, msgspec.Meta(ge=0, le=MOST_PER_LINE)]


class OpenCart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cart that was filled before logging in, if there is one."""

    cart_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class Totals(msgspec.Struct, frozen=True):
    """What it comes to; ``tax`` is within the other amounts if ``tax_included``."""

    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    tax_included: bool
    total: Money

    @classmethod
    def of(cls, totals: PricedTotals) -> "Totals":
        """On the wire."""
        return cls(
            subtotal=totals.subtotal,
            discount=totals.discount,
            shipping=totals.shipping,
            tax=totals.tax,
            tax_included=totals.tax_included,
            total=totals.total,
        )


class CartLine(msgspec.Struct, frozen=True):
    """A line at today's price; ``previous_price`` if the buyer was last shown another."""

    sku: str
    quantity: int
    slug: str
    name: LocalText
    options: tuple[LocalText, ...]
    image_url: str | None
    price: Money
    previous_price: Money | None
    amount: Money
    can_be_ordered: bool

    @classmethod
    def of(cls, line: PricedLine, seen: Money) -> "CartLine":
        """On the wire."""
        offer = line.offer
        return cls(
            sku=offer.sku,
            quantity=line.quantity,
            slug=offer.slug,
            name=offer.name,
            options=offer.options,
            image_url=offer.image_url,
            price=offer.price,
            previous_price=seen if seen != offer.price else None,
            amount=line.amount,
            can_be_ordered=offer.is_sellable,
        )


class CartView(msgspec.Struct, frozen=True):
    """A cart at today's prices. Whoever knows ``id`` may use it, until a customer who logged in takes it over."""

    id: str
    state: Literal["open", "closed"]
    order_id: str | None
    merged_into: str | None
    """The cart that took in what was in this one when its buyer logged in."""
    lines: list[CartLine]
    gone: list[str]
    """SKUs in the cart that are no longer in the catalogue: take them out."""
    totals: Totals

    @classmethod
    def of(cls, basket: Basket, priced: Priced, offers: Mapping[str, Offer]) -> "CartView":
        """On the wire."""
        seen = {line.sku: line.seen for line in basket.lines}
        return cls(
            id=basket.id,
            state="open" if basket.is_open else "closed",
            order_id=basket.order_id,
            merged_into=basket.merged_into,
            lines=[CartLine.of(line, seen[line.offer.sku]) for line in priced.lines],
            gone=[sku for sku in seen if sku not in offers],
            totals=Totals.of(priced.totals),
        )
