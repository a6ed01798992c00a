"""What storefronts do with carts."""

from chalicelib.carts import service as carts
from chalicelib.carts.errors import CartClosed, CartFull, CartNotFound
from chalicelib.carts.rules import Basket
from chalicelib.carts.schemas import CartView, OpenCart, SetLine
from chalicelib.catalog import service as catalog
from chalicelib.catalog.errors import NotForSale, UnknownSku
from chalicelib.core import db
from chalicelib.core.access import Caller
from chalicelib.core.api import Api, Created
from chalicelib.core.errors import WriteRefused
from chalicelib.identity.service import customer, customer_or_guest

api = Api(__name__)
mine = Api(__name__)
"""What customers who have logged in do with theirs."""


@api.post("/", access=customer_or_guest, answers={201: CartView})
def create_cart() -> Created:
    """Start an empty guest's cart; its id is the key to it."""
    basket = carts.create()
    return Created(_view(basket), location=f"/store/carts/{basket.id}")


@api.get("/{cart_id}", access=customer_or_guest, answers={200: CartView}, refusals=(CartNotFound,))
def get_cart(cart_id: str, caller: Caller) -> CartView:
    """The cart at today's prices. A customer's cart is shown to nobody else."""
    return _view(carts.get(cart_id, caller.account))


@api.put(
    "/{cart_id}/lines/{sku}",
    access=customer_or_guest,
    body=SetLine,
    answers={200: CartView},
    refusals=(CartNotFound, CartClosed, CartFull, UnknownSku, NotForSale),
)
def set_line(cart_id: str, sku: str, asked: SetLine, caller: Caller) -> CartView:
    """Let the cart hold so many of a SKU; 0 takes it out. Repeating changes nothing more."""
    return _view(carts.set_line(cart_id, sku, asked.quantity, caller.account))


@mine.post(
    "/cart", access=customer, body=OpenCart, answers={200: CartView}, refusals=(CartNotFound, CartClosed, WriteRefused)
)
def open_cart(asked: OpenCart, caller: Caller) -> CartView:
    """Get the customer's open cart, or a new one.

    What is in the cart `cart_id`, filled before logging in, is put into it, once however often this is repeated. That
    cart is closed then, or becomes the customer's own where they had none.
    """
    customer_id = str(caller.account)
    return _view(carts.merge(asked.cart_id, customer_id) if asked.cart_id else carts.of(customer_id))


def _view(basket: Basket) -> CartView:
    (offers,) = db.look(catalog.lookup_offers(basket.skus))
    return CartView.of(basket, carts.price(basket, offers), offers)
