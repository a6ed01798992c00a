"""What the warehouse says. ``owner`` is whose stock it is (an order) or the document that moved it."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class StockLine:
    """A quantity of one SKU at one location."""

    sku: str
    location: str
    quantity: int


@dataclass(frozen=True, slots=True)
class StockHeld:
    """Stock went from available to reserved for an order that waits for its payment."""

    TYPE: ClassVar[str] = "stock.held"
    KEY: ClassVar[str] = "owner"

    owner: str
    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True)
class StockAllocated:
    """Stock was promised to a confirmed order: it was held before, be it in the same moment."""

    TYPE: ClassVar[str] = "stock.allocated"
    KEY: ClassVar[str] = "owner"

    owner: str
    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True)
class StockReleased:
    """Held stock is available again."""

    TYPE: ClassVar[str] = "stock.released"
    KEY: ClassVar[str] = "owner"

    owner: str
    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True)
class StockDeallocated:
    """Stock that was promised to a confirmed order is available again."""

    TYPE: ClassVar[str] = "stock.deallocated"
    KEY: ClassVar[str] = "owner"

    owner: str
    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True)
class StockReceived:
    """Goods came in."""

    TYPE: ClassVar[str] = "stock.received"
    KEY: ClassVar[str] = "owner"

    owner: str
    document: str
    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True)
class StockAdjusted:
    """Somebody counted, and the books follow: the lines hold the differences."""

    TYPE: ClassVar[str] = "stock.adjusted"
    KEY: ClassVar[str] = "owner"

    owner: str
    reason: str
    lines: tuple[StockLine, ...]
