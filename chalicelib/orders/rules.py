"""Pure decisions about orders: the order as a value, what money means for it, and its number."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NewType

from chalicelib.core import ids
from chalicelib.core.money import Money
from chalicelib.core.texts import LocalText
from chalicelib.events.payments import Standing
from chalicelib.orders.states import Event, HoldReason, State

Sealed = NewType("Sealed", str)
"""A ``Personal`` under its customer's key, readable only where it stands."""


STANDING: Final = frozenset({State.CONFIRMED, State.ON_HOLD, State.COMPLETED})
"""The states of an order that is neither open nor ended: its price can be given back in part."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Who ordered."""

    name: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class Address:
    """Where it goes."""

    line1: str
    district: str
    city: str
    province: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True)
class Personal:
    """What of an order tells who somebody is."""

    contact: Contact = field(repr=False)
    address: Address = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shipping:
    """How it goes."""

    option: str
    courier: str
    service: str
    days: str


@dataclass(frozen=True, slots=True)
class OrderLine:
    """What was sold, frozen as it was at that moment, with the tax rate as a fraction of the net price."""

    sku: str
    product_id: str
    name: LocalText
    options: tuple[LocalText, ...]
    quantity: int
    unit_price: int
    amount: int
    discount: int
    net: int
    tax: int
    tax_name: str
    tax_numerator: int
    tax_denominator: int
    weight_grams: int
    cancelled: int = 0
    handed_over: int = 0
    delivered: int = 0

    @property
    def gross(self) -> int:
        """What the buyer pays for it, tax included."""
        return self.net + self.tax


@dataclass(frozen=True, slots=True)
class Totals:
    """What it comes to, frozen at placement."""

    subtotal: int
    discount: int
    shipping: int
    tax: int
    tax_included: bool
    total: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands. Who ordered it is known only under the customer's key (``personal``)."""

    id: str
    customer_id: str
    number: str
    state: State
    currency: str
    lines: tuple[OrderLine, ...]
    totals: Totals
    personal: Sealed | None = field(repr=False)
    """None once it was taken away."""
    shipping: Shipping
    placed_at: datetime
    business_date: date
    expires_at: datetime
    version: int
    payment_status: str = "unpaid"
    standing_version: int = 0
    hold_reason: HoldReason | None = None
    cancel_reason: str | None = None
    fulfilment_status: str = "unfulfilled"
    return_status: str = "none"
    given_back: int = 0
    """What staff gave back of its price, all in all."""

    @property
    def total(self) -> Money:
        """What the buyer pays."""
        return Money(self.totals.total, self.currency)

    @property
    def keeps(self) -> int:
        """What of the buyer's money the shop may keep while the order stands."""
        return self.totals.total - self.given_back

    @property
    def is_handed_over(self) -> bool:
        """True if any of it has left the house."""
        return any(line.handed_over for line in self.lines)

    @property
    def demand(self) -> dict[str, int]:
        """How many of each SKU are still wanted."""
        return {line.sku: line.quantity - line.cancelled for line in self.lines}


def number(day: date) -> str:
    """A fresh order number such as L261124-7K3QF: the day and five characters that are hard to misread.

    Random, not counted, so that no counter is written by every order; a taken number is refused and drawn again.
    """
    return f"L{day:%y%m%d}-{ids.chance(5)}"


def is_covered(standing: Standing) -> bool:
    """True if the net money reaches what is payable, also where some of the price was given back."""
    if standing.status in {"refunded", "partially_refunded"}:
        return standing.payable <= standing.net
    return standing.status in {"paid", "overpaid"}


def is_overpromised(standing: Standing) -> bool:
    """True if more was promised back than is left of what came in: money was taken back after the promise."""
    return standing.granted > standing.captured - standing.charged_back


def is_unpaid_though_confirmed(order: Order, standing: Standing) -> bool:
    """True if a confirmed order's money went away by another way than a reversal, such as a refund at the gateway."""
    return order.state is State.CONFIRMED and order.payment_status != standing.status and not is_covered(standing)


def owed(order: Order, standing: Standing, *, keeps: int) -> Money:
    """What must go back to the buyer of an order that ``keeps`` so much money, beyond what was granted already."""
    promised = max(standing.granted, standing.refunded)
    excess = standing.captured - standing.charged_back - promised - keeps
    return Money(max(0, excess), order.currency)


def reaction(order: Order, standing: Standing) -> Event | None:
    """What the money means for the order's lifecycle, if anything."""
    if order.state is State.PENDING and is_covered(standing):
        return Event.PAY_COVERED
    if order.state in {State.EXPIRED, State.CANCELLED} and owed(order, standing, keeps=0):
        return Event.LATE_PAYMENT
    if standing.status == "reversed" and _stands(order):
        return Event.PAYMENT_REVERSED
    if order.hold_reason is HoldReason.PAYMENT_REVERSED and is_covered(standing):
        return Event.RELEASE
    return None


def _stands(order: Order) -> bool:
    """True if the order counts on money that may be taken back, and has not been stopped for it yet."""
    if order.state is State.CONFIRMED:
        return True
    return order.state in {State.ON_HOLD, State.COMPLETED} and order.payment_status != "reversed"
