"""What storefronts do to order a basket."""

from chalicelib.carts.errors import CartClosed, CartEmpty, CartNotFound, PriceChanged
from chalicelib.catalog.errors import NotForSale, UnknownSku
from chalicelib.checkout import service as checkout
from chalicelib.checkout.errors import CheckoutClosed
from chalicelib.checkout.schemas import (
    AskForQuotes,
    PlacedOrder,
    PlaceOrder,
    ShippingOption,
    ShippingOptions,
)
from chalicelib.checkout.service import Wish
from chalicelib.core.access import Caller, token_for
from chalicelib.core.api import Api, Created
from chalicelib.core.idempotency import Claim
from chalicelib.core.vault import KeysUnavailable
from chalicelib.identity.service import customer_or_guest
from chalicelib.inventory.errors import OutOfStock, TooManyLines
from chalicelib.orders.errors import NotPayable, NumberTaken
from chalicelib.orders.service import OrderView, PaymentView
from chalicelib.payments.errors import PaymentWayClosed, UnknownGateway, UnknownMethod
from chalicelib.shipping.errors import NotDeliverable, UnknownShippingOption

api = Api(__name__)


@api.post(
    "/shipping-quotes",
    access=customer_or_guest,
    body=AskForQuotes,
    answers={200: ShippingOptions},
    refusals=(CartNotFound, CartEmpty, NotDeliverable),
)
def quote_shipping(asked: AskForQuotes, caller: Caller) -> ShippingOptions:
    """What it costs to send a cart to an address, cheapest first."""
    options = checkout.quotes(asked.cart_id, asked.address.address(), caller.account)
    return ShippingOptions([ShippingOption.of(option) for option in options])


@api.post(
    "/checkout",
    access=customer_or_guest,
    body=PlaceOrder,
    answers={201: PlacedOrder},
    idempotent=True,
    claims_in_use_case=True,
    refusals=(
        CartNotFound,
        CartClosed,
        CartEmpty,
        UnknownSku,
        NotForSale,
        PriceChanged,
        OutOfStock,
        TooManyLines,
        UnknownShippingOption,
        NotDeliverable,
        UnknownGateway,
        UnknownMethod,
        CheckoutClosed,
        PaymentWayClosed,
        NotPayable,
        NumberTaken,
        KeysUnavailable,
    ),
)
def place_order(asked: PlaceOrder, claim: Claim, caller: Caller) -> Created:
    """Order a cart and get the next payment step.

    The order is the customer's who shows their session, or of whom the e-mail address is known. The stock
    is held until `expires_at`. `access_token` is the key to the order: keep it. If the gateway cannot be
    reached the order stands all the same, and `next_step.kind` is `retry`: start another payment for it.
    """
    wish = Wish(
        cart_id=asked.cart_id,
        contact=asked.contact.contact(),
        address=asked.address.address(),
        shipping_option=asked.shipping_option,
        payment=asked.payment.choice(),
        customer=caller.account,
    )
    placed = checkout.place(wish, claim)
    order = placed.order
    answer = PlacedOrder(
        order=OrderView.of(order),
        access_token=token_for("order", order.id),
        payment=PaymentView.of(placed.attempt),
    )
    return Created(answer, location=f"/store/orders/{order.id}")
