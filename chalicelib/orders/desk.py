"""What a second person does about refunds that are above another's limit."""

from chalicelib.core.access import Caller
from chalicelib.core.api import Api
from chalicelib.core.errors import WriteRefused
from chalicelib.identity.service import staff
from chalicelib.orders import refunds
from chalicelib.orders.errors import (
    IllegalMove,
    RefundLimitTooLow,
    RefundRequestDecided,
    RefundRequestNotFound,
    SecondPersonNeeded,
)
from chalicelib.orders.refundviews import ListRefunds, RefundList, RefundView
from chalicelib.payments.errors import RefundTooLarge

api = Api(__name__)

approver = staff("refunds:approve", step_up=True)


@api.get("/", access=staff("refunds:approve"), query=ListRefunds, answers={200: RefundList})
def list_refund_requests(query: ListRefunds) -> RefundList:
    """Refunds that wait for a second person, the oldest first."""
    page = refunds.waiting(limit=query.limit, cursor=query.cursor)
    return RefundList([RefundView.of(request) for request in page.items], page.next_cursor)


@api.post(
    "/{request_id}/approve",
    access=approver,
    answers={200: RefundView},
    refusals=(
        RefundRequestNotFound,
        RefundRequestDecided,
        SecondPersonNeeded,
        RefundLimitTooLow,
        IllegalMove,
        RefundTooLarge,
        WriteRefused,
    ),
)
def approve_refund(request_id: str, caller: Caller) -> RefundView:
    """Grant a refund that somebody else asked for; your own limit must suffice."""
    return RefundView.of(refunds.approve(request_id, caller))


@api.post(
    "/{request_id}/decline",
    access=approver,
    answers={200: RefundView},
    refusals=(RefundRequestNotFound, RefundRequestDecided, SecondPersonNeeded, RefundLimitTooLow, WriteRefused),
)
def decline_refund(request_id: str, caller: Caller) -> RefundView:
    """Turn down a refund that somebody else asked for."""
    return RefundView.of(refunds.decline(request_id, caller))
