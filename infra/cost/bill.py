"""A month's bill."""

from dataclasses import dataclass

from infra.cost.basis import Basis, Item
from infra.cost.moving import moving
from infra.cost.prices import Book
from infra.cost.standing import standing


@dataclass(frozen=True, slots=True)
class Bill:
    """What a month with ``orders`` paid orders costs."""

    orders: float
    book: Book
    lines: tuple[tuple[Item, float], ...]
    """Each with its USD."""

    @property
    def usd(self) -> float:
        """All of it."""
        return sum(usd for _, usd in self.lines)

    @property
    def usd_per_order(self) -> float | None:
        """What one order costs, its share of what stands there included; None where there is none."""
        return self.usd / self.orders if self.orders else None

    def by_service(self) -> dict[str, float]:
        """USD by service, in the order of the lines."""
        sums: dict[str, float] = {}
        for item, usd in self.lines:
            service = self.book.prices[item.price].service
            sums[service] = sums.get(service, 0.0) + usd
        return sums


def month(basis: Basis, orders: float) -> Bill:
    """The bill of a month with so many paid orders. What is free is taken from the lines of a price in turn."""
    left = {name: price.free if basis.free_tier else 0.0 for name, price in basis.book.prices.items()}
    lines = []
    for item in (*standing(basis), *moving(basis, orders)):
        given = min(left[item.price], item.quantity)
        left[item.price] -= given
        if item.quantity:
            lines.append((item, basis.book.usd(item.price, item.quantity - given)))
    return Bill(orders, basis.book, tuple(lines))


def marginal_usd(basis: Basis) -> float:
    """What the next paid order adds where there are many, all that led to it included."""
    few, more = 1_000_000, 1_010_000
    return (month(basis, more).usd - month(basis, few).usd) / (more - few)
