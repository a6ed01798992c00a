"""What buyers do with their order."""

from chalicelib.core.access import holder_of
from chalicelib.core.api import Api, Created
from chalicelib.core.idempotency import Claim
from chalicelib.orders import service as orders
from chalicelib.orders.errors import NotPayable, OrderNotFound
from chalicelib.orders.schemas import OrderDetail, PayAgain, PaymentView
from chalicelib.payments.errors import AlreadyCovered, TooManyAttempts, UnknownGateway, UnknownMethod

api = Api(__name__)
holder = holder_of("order", "order_id")


@api.get("/{order_id}", access=holder, answers={200: OrderDetail}, refusals=(OrderNotFound,))
def get_order(order_id: str) -> OrderDetail:
    """The order, with how it is paid."""
    order, attempts = orders.with_payments(order_id)
    return OrderDetail.with_payments(order, attempts)


@api.post(
    "/{order_id}/payments",
    access=holder,
    body=PayAgain,
    answers={201: PaymentView},
    idempotent=True,
    refusals=(OrderNotFound, NotPayable, AlreadyCovered, TooManyAttempts, UnknownGateway, UnknownMethod),
)
def pay_again(order_id: str, asked: PayAgain, claim: Claim) -> Created:
    """Pay in another way, or try once more.

    Earlier tries stay open until they end; should two of them be paid, the second is owed back.
    """
    attempt = orders.pay_again(order_id, asked.choice(), claim)
    return Created(PaymentView.of(attempt), location=f"/store/orders/{order_id}")
