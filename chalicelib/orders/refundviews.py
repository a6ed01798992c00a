"""Refunds by staff on the wire."""

from typing import Annotated

import msgspec

from chalicelib.core import clock
from chalicelib.core.errors import Invalid
from chalicelib.core.money import Money
from chalicelib.core.personal import PERSONAL
from chalicelib.orders.refunds import RefundRequest, RequestState


class AskForRefund(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much goes back, and why."""

    amount: Money
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500), PERSONAL]

    def money(self) -> Money:
        """The amount. Raises Invalid for one that is nothing."""
        if self.amount.amount <= 0:
            raise Invalid.field("/amount/amount", "must be more than 0")
        return self.amount


class RefundView(msgspec.Struct, frozen=True, kw_only=True):
    """Money that a member of staff gives back, or wants to: ``refund_id`` is the promise, once it is granted."""

    id: str
    order_id: str
    amount: Money
    reason: Annotated[str, PERSONAL]
    state: RequestState
    asked_by: str
    asked_at: str
    decided_by: str | None
    decided_at: str | None
    refund_id: str | None

    @classmethod
    def of(cls, request: RefundRequest) -> "RefundView":
        """On the wire."""
        return cls(
            id=request.id,
            order_id=request.order_id,
            amount=request.amount,
            reason=request.reason,
            state=request.state,
            asked_by=request.asked_by,
            asked_at=clock.stamp(request.asked_at),
            decided_by=request.decided_by,
            decided_at=clock.stamp(request.decided_at) if request.decided_at else None,
            refund_id=request.refund_id,
        )


class RefundList(msgspec.Struct, frozen=True):
    """Refunds that wait for a second person, the oldest first."""

    items: list[RefundView]
    next_cursor: str | None


class ListRefunds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None
