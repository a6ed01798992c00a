"""Orders on the wire."""

from datetime import date
from typing import Annotated, Any

import msgspec

from chalicelib.core import clock
from chalicelib.core.errors import Invalid
from chalicelib.core.money import Money
from chalicelib.core.outbox import Recorded
from chalicelib.core.personal import PERSONAL, SECRET
from chalicelib.core.texts import LocalText
from chalicelib.orders.rules import Address, Contact, Order, OrderLine, Personal, Shipping
from chalicelib.orders.states import HoldReason, State
from chalicelib.payments.service import Attempt, NextStep, PaymentChoice


class OrderTotals(msgspec.Struct, frozen=True):
    """What it comes to, frozen at placement; ``tax`` is within the other amounts if ``tax_included``."""

    subtotal: Money
    discount: Money
    shipping: Money
    tax: Money
    tax_included: bool
    total: Money


class OrderLineView(msgspec.Struct, frozen=True):
    """What was sold, as it was at that moment."""

    sku: str
    name: LocalText
    options: tuple[LocalText, ...]
    quantity: int
    price: Money
    amount: Money
    discount: Money
    tax: Money

    @classmethod
    def of(cls, line: OrderLine, currency: str) -> "OrderLineView":
        """On the wire."""
        return cls(
            sku=line.sku,
            name=line.name,
            options=line.options,
            quantity=line.quantity,
            price=Money(line.unit_price, currency),
            amount=Money(line.amount, currency),
            discount=Money(line.discount, currency),
            tax=Money(line.tax, currency),
        )


class OrderSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An order in a list."""

    id: str
    number: str
    state: State
    payment_status: str
    fulfilment_status: str
    return_status: str
    hold_reason: HoldReason | None
    totals: OrderTotals
    business_date: str
    placed_at: str
    expires_at: str
    version: int

    @classmethod
    def of(cls, order: Order) -> "OrderSummary":
        """On the wire."""
        return cls(**_summary(order))


class OrderView(OrderSummary, frozen=True, kw_only=True):
    """An order as it was placed."""

    lines: list[OrderLineView]
    shipping: Shipping

    @classmethod
    def of(cls, order: Order) -> "OrderView":
        """On the wire."""
        return cls(**_summary(order), **_content(order))


class PaymentView(msgspec.Struct, frozen=True):
    """One try to pay; ``reference`` is what the gateway calls it."""

    id: str
    reference: str
    gateway: str
    method: str
    amount: Money
    state: str
    expires_at: str
    next_step: NextStep | None

    @classmethod
    def of(cls, attempt: Attempt) -> "PaymentView":
        """On the wire."""
        return cls(
            id=attempt.payment_id,
            reference=attempt.reference,
            gateway=attempt.gateway,
            method=attempt.method,
            amount=attempt.amount,
            state=attempt.state,
            expires_at=clock.stamp(attempt.expires_at),
            next_step=attempt.next_step,
        )


class OrderDetail(OrderView, frozen=True, kw_only=True):
    """An order as who placed it sees it: with who, where, and how it is paid.

    ``contact`` and ``address`` are null once the customer has been erased.
    """

    contact: Annotated[Contact, PERSONAL] | None
    address: Annotated[Address, PERSONAL] | None
    payments: list[PaymentView]

    @classmethod
    def with_payments(cls, order: Order, personal: Personal | None, attempts: list[Attempt]) -> "OrderDetail":
        """On the wire."""
        return cls(**_summary(order), **_content(order), **_detail(personal, attempts))


class TimelineEntry(msgspec.Struct, frozen=True):
    """Something that happened."""

    id: str
    type: str
    at: str
    actor: str
    data: dict[str, Any]

    @classmethod
    def of(cls, fact: Recorded) -> "TimelineEntry":
        """On the wire."""
        return cls(fact.id, fact.type, clock.stamp(fact.occurred_at), fact.actor, fact.data)


class StaffOrder(OrderDetail, frozen=True, kw_only=True):
    """An order as staff see it: with its timeline and what may happen next."""

    customer_id: str
    cancel_reason: Annotated[str, PERSONAL] | None
    next_events: list[str]
    timeline: list[TimelineEntry]


class OrderList(msgspec.Struct, frozen=True):
    """Orders, newest first."""

    items: list[OrderSummary]
    next_cursor: str | None


class ListOrders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which orders."""

    state: State | None = None
    day: Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$")] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None

    def on(self) -> date | None:
        """The day. Raises Invalid for one that no calendar has."""
        try:
            return date.fromisoformat(self.day) if self.day else None
        except ValueError:
            raise Invalid.field("/day", "no such day") from None


class ListMyOrders(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class CancelOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and of which version (none: whatever it is now)."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500), PERSONAL]
    version: Annotated[int, msgspec.Meta(ge=1)] | None = None


class HoldOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why fulfilment stops."""

    reason: HoldReason


class PayAgain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the buyer wants to pay now."""

    gateway: Annotated[str, msgspec.Meta(max_length=40)]
    method: Annotated[str, msgspec.Meta(max_length=40)]
    token: Annotated[str, msgspec.Meta(max_length=200), SECRET] | None = None

    def choice(self) -> PaymentChoice:
        """For the till."""
        return PaymentChoice(self.gateway, self.method, self.token)


def staff_order(
    order: Order,
    personal: Personal | None,
    attempts: list[Attempt],
    facts: list[Recorded],
    next_events: list[str],
) -> StaffOrder:
    """An order on the wire, for staff."""
    return StaffOrder(
        **_summary(order),
        **_content(order),
        **_detail(personal, attempts),
        customer_id=order.customer_id,
        cancel_reason=order.cancel_reason,
        next_events=next_events,
        timeline=[TimelineEntry.of(fact) for fact in facts],
    )


def _summary(order: Order) -> dict[str, Any]:
    totals = order.totals
    return {
        "id": order.id,
        "number": order.number,
        "state": order.state,
        "payment_status": order.payment_status,
        "fulfilment_status": order.fulfilment_status,
        "return_status": order.return_status,
        "hold_reason": order.hold_reason,
        "totals": OrderTotals(
            subtotal=Money(totals.subtotal, order.currency),
            discount=Money(totals.discount, order.currency),
            shipping=Money(totals.shipping, order.currency),
            tax=Money(totals.tax, order.currency),
            tax_included=totals.tax_included,
            total=Money(totals.total, order.currency),
        ),
        "business_date": order.business_date.isoformat(),
        "placed_at": clock.stamp(order.placed_at),
        "expires_at": clock.stamp(order.expires_at),
        "version": order.version,
    }


def _content(order: Order) -> dict[str, Any]:
    return {
        "lines": [OrderLineView.of(line, order.currency) for line in order.lines],
        "shipping": order.shipping,
    }


def _detail(personal: Personal | None, attempts: list[Attempt]) -> dict[str, Any]:
    return {
        "contact": personal.contact if personal else None,
        "address": personal.address if personal else None,
        "payments": [PaymentView.of(attempt) for attempt in attempts],
    }
