"""What staff do with orders."""

from chalicelib.core.api import Api
from chalicelib.core.escrow import HoldMoved, Unbalanced
from chalicelib.identity.service import staff
from chalicelib.orders import service as orders
from chalicelib.orders.errors import IllegalMove, OrderNotFound, StaleOrder
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

api = Api(__name__)


@api.get("/", access=staff("orders:read"), query=ListOrders, answers={200: OrderList})
def list_orders(query: ListOrders) -> OrderList:
    """Orders, newest first, by state and by business day where given."""
    page = orders.page(state=query.state, day=query.on(), limit=query.limit, cursor=query.cursor)
    return OrderList([OrderSummary.of(order) for order in page.items], page.next_cursor)


@api.get("/{order_id}", access=staff("orders:read"), answers={200: StaffOrder}, refusals=(OrderNotFound,))
def get_order(order_id: str) -> StaffOrder:
    """An order with its payments, its timeline and the events that may follow."""
    return _view(order_id)


@api.post(
    "/{order_id}/cancel",
    access=staff("orders:write"),
    body=CancelOrder,
    answers={200: StaffOrder},
    refusals=(OrderNotFound, IllegalMove, StaleOrder, HoldMoved, Unbalanced),
)
def cancel_order(order_id: str, asked: CancelOrder) -> StaffOrder:
    """Call an order off before anything was handed over; what was paid is owed back."""
    orders.cancel(order_id, asked.reason, asked.version)
    return _view(order_id)


@api.post(
    "/{order_id}/hold",
    access=staff("orders:write"),
    body=HoldOrder,
    answers={200: StaffOrder},
    refusals=(OrderNotFound, IllegalMove),
)
def hold_order(order_id: str, asked: HoldOrder) -> StaffOrder:
    """Stop the fulfilment of a confirmed order."""
    orders.hold(order_id, asked.reason)
    return _view(order_id)


@api.post(
    "/{order_id}/release",
    access=staff("orders:write"),
    answers={200: StaffOrder},
    refusals=(OrderNotFound, IllegalMove),
)
def release_order(order_id: str) -> StaffOrder:
    """Let the fulfilment of a held order go on."""
    orders.release(order_id)
    return _view(order_id)


def _view(order_id: str) -> StaffOrder:
    order, attempts = orders.with_payments(order_id)
    return staff_order(order, attempts, orders.timeline(order_id), list(legal(order.state)))
