"""What a cart refuses."""

from chalicelib.core.errors import Conflict, NotFound


class CartNotFound(NotFound):
    """There is no such cart, or it is somebody else's."""

    code = "cart_not_found"


class CartClosed(Conflict):
    """This cart has become an order, ``order_id``, or went into another, ``merged_into``. Use that or a new one."""

    code = "cart_closed"


class CartEmpty(Conflict):
    """There is nothing in this cart to order."""

    code = "cart_empty"


class CartFull(Conflict):
    """A cart holds at most ``most`` different SKUs."""

    code = "cart_full"


class PriceChanged(Conflict):
    """Prices changed since they were shown; ``changes`` lists them. The cart has the new ones: show it, then repeat."""

    code = "price_changed"
