"""The order desk's workers: orders follow their payments, and unpaid ones expire."""

from chalice.app import Blueprint, Rate

from chalicelib.core import clock
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.worker import each_message, scheduled
from chalicelib.events.orders import OrderConfirmed, OrderPlaced
from chalicelib.events.payments import (
    PaymentAuthorized,
    PaymentCaptured,
    PaymentChallenged,
    PaymentFailed,
    PaymentRefunded,
    PaymentReversed,
    RefundGranted,
)
from chalicelib.orders import letters
from chalicelib.orders import service as orders

workers = Blueprint(__name__)

PaymentNews = (
    PaymentAuthorized
    | PaymentCaptured
    | PaymentChallenged
    | PaymentFailed
    | PaymentRefunded
    | PaymentReversed
    | RefundGranted
)


@workers.on_sqs_message(queue=settings.queue("orders"), batch_size=10, name="orders-on-payment")
@each_message
def on_payment(news: PaymentNews) -> None:
    """The order follows its money; said twice, or late, or out of order, it ends the same."""
    orders.follow_payment(news.order_id)


@workers.on_sqs_message(queue=settings.queue("order-letters"), batch_size=10, name="orders-on-order")
@each_message
def on_order(news: OrderPlaced | OrderConfirmed) -> None:
    """The buyer is told that the order is taken, and that it is paid for; once each, however often it is said."""
    if isinstance(news, OrderPlaced):
        letters.tell_placed(news.order_id)
    else:
        letters.tell_confirmed(news.order_id)


@workers.schedule(Rate(1, unit=Rate.MINUTES), name="orders-expire-unpaid")
@scheduled
def expire_unpaid() -> Counts:
    """Expire what nobody paid for, after asking the gateway."""
    return orders.expire_due(clock.now())
