"""What storefronts do with carts."""

from chalicelib.carts import service as carts
from chalicelib.carts.errors import CartClosed, CartFull, CartNotFound
from chalicelib.carts.rules import Basket
from chalicelib.carts.schemas import CartView, SetLine
from chalicelib.catalog import service as catalog
from chalicelib.catalog.errors import NotForSale, UnknownSku
from chalicelib.core import db
from chalicelib.core.access import public
from chalicelib.core.api import Api, Created

api = Api(__name__)


@api.post("/", access=public, answers={201: CartView})
def create_cart() -> Created:
    """Start an empty cart; its id is the key to it."""
    basket = carts.create()
    return Created(_view(basket), location=f"/store/carts/{basket.id}")


@api.get("/{cart_id}", access=public, answers={200: CartView}, refusals=(CartNotFound,))
def get_cart(cart_id: str) -> CartView:
    """The cart at today's prices."""
    return _view(carts.get(cart_id))


@api.put(
    "/{cart_id}/lines/{sku}",
    access=public,
    body=SetLine,
    answers={200: CartView},
    refusals=(CartNotFound, CartClosed, CartFull, UnknownSku, NotForSale),
)
def set_line(cart_id: str, sku: str, asked: SetLine) -> CartView:
    """Let the cart hold so many of a SKU; 0 takes it out. Repeating changes nothing more."""
    return _view(carts.set_line(cart_id, sku, asked.quantity))


def _view(basket: Basket) -> CartView:
    (offers,) = db.look(catalog.lookup_offers(basket.skus))
    return CartView.of(basket, carts.price(basket, offers), offers)
