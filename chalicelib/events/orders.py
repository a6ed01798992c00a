"""What the order desk says."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class OrderLine:
    """So many of one SKU, and what they cost together after discounts, tax included."""

    sku: str
    quantity: int
    amount: int


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """A buyer ordered; stock is held until ``expires_at``."""

    TYPE: ClassVar[str] = "order.placed"
    KEY: ClassVar[str] = "order_id"

    order_id: str
    number: str
    lines: tuple[OrderLine, ...]
    total: int
    currency: str
    expires_at: str


@dataclass(frozen=True, slots=True)
class OrderConfirmed:
    """The order is paid for (or accepted on terms); ``late`` if the money came after it had expired."""

    TYPE: ClassVar[str] = "order.confirmed"
    KEY: ClassVar[str] = "order_id"

    order_id: str
    late: bool


@dataclass(frozen=True, slots=True)
class OrderExpired:
    """Nobody paid in time, and the gateway said so too."""

    TYPE: ClassVar[str] = "order.expired"
    KEY: ClassVar[str] = "order_id"

    order_id: str


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """Called off before anything was handed over; why stands with the order, since it may say who ordered."""

    TYPE: ClassVar[str] = "order.cancelled"
    KEY: ClassVar[str] = "order_id"

    order_id: str


@dataclass(frozen=True, slots=True)
class OrderHeld:
    """Fulfilment stops for a reason: fraud, address, stock_short, payment_reversed or manual."""

    TYPE: ClassVar[str] = "order.held"
    KEY: ClassVar[str] = "order_id"

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderReleased:
    """The reason for holding it is gone; fulfilment goes on."""

    TYPE: ClassVar[str] = "order.released"
    KEY: ClassVar[str] = "order_id"

    order_id: str


@dataclass(frozen=True, slots=True)
class OrderCaseOpened:
    """Somebody has to look: money that came or went when the order's state could not follow."""

    TYPE: ClassVar[str] = "order.case_opened"
    KEY: ClassVar[str] = "order_id"

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RefundRequested:
    """A member of staff wants to give back more than their limit; a second person decides."""

    TYPE: ClassVar[str] = "order.refund_requested"
    KEY: ClassVar[str] = "order_id"

    order_id: str
    request_id: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class RefundDeclined:
    """A second person turned a refund down."""

    TYPE: ClassVar[str] = "order.refund_declined"
    KEY: ClassVar[str] = "order_id"

    order_id: str
    request_id: str
