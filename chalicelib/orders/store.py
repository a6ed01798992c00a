"""What buyers do with their order."""

from typing import Final

from chalicelib.core.access import Access, Caller, Visit, holder_of
from chalicelib.core.api import Api, Created
from chalicelib.core.errors import NotFound, Unauthenticated
from chalicelib.core.idempotency import Claim
from chalicelib.core.vault import KeysUnavailable
from chalicelib.customers import service as customers
from chalicelib.customers.errors import CustomerNotFound
from chalicelib.identity.errors import SessionEnded
from chalicelib.identity.service import customer
from chalicelib.orders import service as orders
from chalicelib.orders.errors import NotPayable, OrderNotFound
from chalicelib.orders.schemas import ListMyOrders, OrderDetail, OrderList, OrderSummary, PayAgain, PaymentView
from chalicelib.payments import service as payments
from chalicelib.payments.errors import (
    AlreadyCovered,
    NotManual,
    PaymentClosed,
    PaymentNotFound,
    PaymentWayClosed,
    TooManyAttempts,
    UnknownGateway,
    UnknownMethod,
)
from chalicelib.payments.service import AskForProof, ProofUpload

api = Api(__name__)
mine = Api(__name__)
"""What customers who have logged in do."""

CUSTOMERS_TOKENS: Final = "lkc_"
_holder: Final = holder_of("order", "order_id")


def _admit(visit: Visit) -> Caller:
    """Whose order it is, is known when it has been read: ``orders.get_for``."""
    return (customer if visit.bearer.startswith(CUSTOMERS_TOKENS) else _holder).admit(visit)


buyer: Final = Access(
    "holder of the order's access token, or its customer",
    "access_token",
    _admit,
    (Unauthenticated, SessionEnded, NotFound),
)
"""Who holds the order's access token, and the customer whose order it is by their session."""


@api.get("/{order_id}", access=buyer, answers={200: OrderDetail}, refusals=(OrderNotFound, KeysUnavailable))
def get_order(order_id: str, caller: Caller) -> OrderDetail:
    """The order, with how it is paid."""
    order = orders.get_for(order_id, caller.account)
    return OrderDetail.with_payments(order, orders.personal(order), orders.attempts(order_id))


@api.post(
    "/{order_id}/payments",
    access=buyer,
    body=PayAgain,
    answers={201: PaymentView},
    idempotent=True,
    refusals=(
        OrderNotFound,
        NotPayable,
        AlreadyCovered,
        TooManyAttempts,
        UnknownGateway,
        UnknownMethod,
        PaymentWayClosed,
        KeysUnavailable,
    ),
)
def pay_again(order_id: str, asked: PayAgain, claim: Claim, caller: Caller) -> Created:
    """Pay in another way, or try once more.

    Earlier tries stay open until they end; should two of them be paid, the second is owed back.
    """
    attempt = orders.pay_again(order_id, asked.choice(), claim, customer=caller.account)
    return Created(PaymentView.of(attempt), location=f"/store/orders/{order_id}")


@api.post(
    "/{order_id}/payments/{payment_id}/proof",
    access=buyer,
    body=AskForProof,
    answers={200: ProofUpload},
    refusals=(OrderNotFound, PaymentNotFound, NotManual, PaymentClosed),
)
def ask_for_proof(order_id: str, payment_id: str, asked: AskForProof, caller: Caller) -> ProofUpload:
    """Get the form by which a picture of a bank transfer is sent; of several, the last one counts."""
    if caller.account is not None:
        orders.get_for(order_id, caller.account)
    return ProofUpload.of(payments.ask_for_proof(order_id, payment_id, asked.content_type))


@mine.get(
    "/orders",
    access=customer,
    query=ListMyOrders,
    answers={200: OrderList},
    refusals=(CustomerNotFound,),
)
def list_my_orders(query: ListMyOrders, caller: Caller) -> OrderList:
    """The customer's orders, newest first, those included that they placed as a guest before proving their e-mail."""
    owner = customers.get(str(caller.account))
    page = orders.of_customer(owner.ids, limit=query.limit, cursor=query.cursor)
    return OrderList([OrderSummary.of(order) for order in page.items], page.next_cursor)
