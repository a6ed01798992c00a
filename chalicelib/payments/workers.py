"""The workers of payments. One message at a time where a partner is asked, who may take his time."""

from chalice.app import Blueprint, Rate

from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.worker import each_message, scheduled
from chalicelib.events.orders import OrderCancelled, OrderExpired
from chalicelib.payments import attempts, inbound
from chalicelib.payments.schemas import Delivery

workers = Blueprint(__name__)

OrderEnded = OrderExpired | OrderCancelled


@workers.on_sqs_message(queue=settings.queue("payment-webhooks"), batch_size=1, name="payments-on-webhook")
@each_message
def on_webhook(delivery: Delivery) -> None:
    """What a partner's message speaks of is asked of the partner and recorded; said twice, it is done once."""
    inbound.settle(delivery.message)


@workers.on_sqs_message(queue=settings.queue("payments"), batch_size=1, name="payments-on-order-ended")
@each_message
def on_order_ended(ended: OrderEnded) -> None:
    """An order that has ended can no longer be paid: its open payments are ended too."""
    attempts.end_all(ended.order_id)


@workers.schedule(Rate(5, unit=Rate.MINUTES), name="payments-retry-parked")
@scheduled
def retry_parked() -> Counts:
    """Look again at messages that came before what they are about."""
    return inbound.retry_parked()
