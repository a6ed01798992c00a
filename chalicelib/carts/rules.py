"""Pricing a basket: pure arithmetic over offers and tax rates, in whole units of money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.catalog.service import Offer
from chalicelib.core.money import Money, total, zero
from chalicelib.taxes.service import TaxRate, add_exclusive, split_inclusive

MOST_LINES: Final = 40
MOST_PER_LINE: Final = 999


@dataclass(frozen=True, slots=True)
class Line:
    """So many of a SKU, and the unit price the buyer was last shown."""

    sku: str
    quantity: int
    seen: Money


@dataclass(frozen=True, slots=True)
class Basket:
    """A cart as it stands."""

    id: str
    is_open: bool
    order_id: str | None
    lines: tuple[Line, ...]
    version: int
    owner: str | None = None
    """The customer whose cart it is; None for a guest's."""
    merged_into: str | None = None
    """The cart that took in what was in this one."""

    @property
    def skus(self) -> tuple[str, ...]:
        """The SKUs in it."""
        return tuple(line.sku for line in self.lines)

    @property
    def demand(self) -> dict[str, int]:
        """How many of each SKU."""
        return {line.sku: line.quantity for line in self.lines}


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line at today's price. ``net + tax`` is what it adds to the total; ``amount`` is unit price by quantity."""

    offer: Offer
    quantity: int
    amount: Money
    net: Money
    tax: Money
    rate: TaxRate

    @property
    def gross(self) -> Money:
        """What the buyer pays for the line, tax included."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class Totals:
    """What it comes to: total = subtotal - discount + shipping, and + tax where prices do not hold it."""

    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    tax_included: bool
    total: Money


@dataclass(frozen=True, slots=True)
class Priced:
    """A basket at today's prices."""

    lines: tuple[PricedLine, ...]
    totals: Totals
    weight_grams: int


@dataclass(frozen=True, slots=True)
class Change:
    """A price that is no longer what the buyer was shown."""

    sku: str
    was: Money
    now: Money


def price(
    lines: Sequence[Line],
    offers: Mapping[str, Offer],
    rates: Mapping[str, TaxRate],
    *,
    shipping: Money | None = None,
    tax_included: bool,
) -> Priced:
    """What ``lines`` cost by ``offers``; ``rates`` are by tax class. Shipping is passed on untaxed."""
    priced = tuple(_line(line, offers[line.sku], rates, tax_included) for line in lines)
    shipping = shipping or zero()
    subtotal = total(line.amount for line in priced)
    tax = total(line.tax for line in priced)
    added = zero() if tax_included else tax
    totals = Totals(
        subtotal=subtotal,
        discount=zero(),
        shipping=shipping,
        tax=tax,
        tax_included=tax_included,
        total=subtotal + shipping + added,
    )
    weight = sum(line.offer.weight_grams * line.quantity for line in priced)
    return Priced(lines=priced, totals=totals, weight_grams=weight)


def changes(lines: Sequence[Line], offers: Mapping[str, Offer]) -> list[Change]:
    """Where today's price is not the one the buyer was shown."""
    return [
        Change(line.sku, was=line.seen, now=offers[line.sku].price)
        for line in lines
        if offers[line.sku].price != line.seen
    ]


def merged(into: Sequence[Line], others: Sequence[Line]) -> tuple[Line, ...]:
    """What is in either; of a SKU in both, as many as in both together, up to what a cart may hold.

    The price last shown is that of ``others``: what came in later was seen later.
    """
    found = {line.sku: line for line in into}
    for line in others:
        before = found[line.sku].quantity if line.sku in found else 0
        if before or len(found) < MOST_LINES:
            found[line.sku] = replace(line, quantity=min(before + line.quantity, MOST_PER_LINE))
    return tuple(found.values())


def _line(line: Line, offer: Offer, rates: Mapping[str, TaxRate], tax_included: bool) -> PricedLine:
    rate = rates[offer.tax_class]
    amount = offer.price * line.quantity
    taxed = split_inclusive(amount, rate) if tax_included else add_exclusive(amount, rate)
    return PricedLine(offer, line.quantity, amount, taxed.net, taxed.tax, rate)
