"""What staff do with orders."""

from chalicelib.core.access import Caller
from chalicelib.core.api import Api, Created
from chalicelib.core.errors import WriteRefused
from chalicelib.core.escrow import HoldMoved, Unbalanced
from chalicelib.core.idempotency import Claim
from chalicelib.core.vault import KeysUnavailable
from chalicelib.identity.service import staff
from chalicelib.orders import refunds
from chalicelib.orders import service as orders
from chalicelib.orders.errors import IllegalMove, OrderNotFound, StaleOrder
from chalicelib.orders.refunds import RequestState
from chalicelib.orders.refundviews import AskForRefund, RefundView
from chalicelib.orders.schemas import (
    CancelOrder,
    HoldOrder,
    ListOrders,
    OrderList,
    OrderSummary,
    StaffOrder,
    staff_order,
)
from chalicelib.orders.states import legal
from chalicelib.payments.errors import RefundTooLarge

api = Api(__name__)


@api.get("/", access=staff("orders:read"), query=ListOrders, answers={200: OrderList})
def list_orders(query: ListOrders) -> OrderList:
    """Orders, newest first, by state and by business day where given."""
    page = orders.page(state=query.state, day=query.on(), limit=query.limit, cursor=query.cursor)
    return OrderList([OrderSummary.of(order) for order in page.items], page.next_cursor)


@api.get(
    "/{order_id}",
    access=staff("orders:read"),
    answers={200: StaffOrder},
    refusals=(OrderNotFound, KeysUnavailable),
)
def get_order(order_id: str) -> StaffOrder:
    """An order with its payments, its timeline and the events that may follow."""
    return _view(order_id)


@api.post(
    "/{order_id}/cancel",
    access=staff("orders:write"),
    body=CancelOrder,
    answers={200: StaffOrder},
    refusals=(OrderNotFound, IllegalMove, StaleOrder, HoldMoved, Unbalanced, KeysUnavailable),
)
def cancel_order(order_id: str, asked: CancelOrder) -> StaffOrder:
    """Call an order off before anything was handed over; what was paid is owed back."""
    _check_readable(order_id)
    orders.cancel(order_id, asked.reason, asked.version)
    return _view(order_id)


@api.post(
    "/{order_id}/hold",
    access=staff("orders:write"),
    body=HoldOrder,
    answers={200: StaffOrder},
    refusals=(OrderNotFound, IllegalMove, KeysUnavailable),
)
def hold_order(order_id: str, asked: HoldOrder) -> StaffOrder:
    """Stop the fulfilment of a confirmed order."""
    _check_readable(order_id)
    orders.hold(order_id, asked.reason)
    return _view(order_id)


@api.post(
    "/{order_id}/release",
    access=staff("orders:write"),
    answers={200: StaffOrder},
    refusals=(OrderNotFound, IllegalMove, KeysUnavailable),
)
def release_order(order_id: str) -> StaffOrder:
    """Let the fulfilment of a held order go on."""
    _check_readable(order_id)
    orders.release(order_id)
    return _view(order_id)


@api.post(
    "/{order_id}/refunds",
    access=staff("refunds:write", step_up=True),
    body=AskForRefund,
    answers={202: RefundView, 201: RefundView},
    idempotent=True,
    claims_in_use_case=True,
    refusals=(OrderNotFound, IllegalMove, RefundTooLarge, WriteRefused),
)
def refund_order(order_id: str, asked: AskForRefund, caller: Caller, claim: Claim) -> Created | RefundView:
    """Give some of an order's price back.

    Up to your role's limit, for all that staff give back of the order together, it is granted (201); above that it
    waits for a second person (202).
    """
    refund = refunds.refund(order_id, asked.money(), asked.reason, caller=caller, claim=claim)
    view = RefundView.of(refund)
    return view if refund.state is RequestState.WAITING else Created(view, location=f"/admin/orders/{order_id}")


def _check_readable(order_id: str) -> None:
    """Raises KeysUnavailable if the answer could not say who ordered: before anything is done, not after."""
    orders.personal(orders.get(order_id))


def _view(order_id: str) -> StaffOrder:
    order = orders.get(order_id)
    known, attempts = orders.personal(order), orders.attempts(order_id)
    return staff_order(order, known, attempts, orders.timeline(order_id), list(legal(order.state)))
