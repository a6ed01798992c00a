"""How carts are stored: one item each, under its id."""

from datetime import timedelta
from typing import Any, Final

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.carts.errors import CartClosed, CartNotFound
from chalicelib.carts.rules import Basket, Line
from chalicelib.core import clock, db
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError, WriteRefused
from chalicelib.core.money import Money

LIVES: Final = timedelta(days=30)
OPEN: Final = "open"
CLOSED: Final = "closed"


class Cart(db.Row):
    """pk = cart id, sk = "CART"; each of ``lines`` is [SKU, quantity, unit price last shown].

    A list, not a map by SKU: PynamoDB takes a map of one entry called "S" or "B" for a value of DynamoDB's own.
    """

    class Meta:
        table_name = settings.table("carts")

    state = UnicodeAttribute()
    currency = UnicodeAttribute()
    lines: JSONAttribute = JSONAttribute()
    order_id = UnicodeAttribute(null=True)
    version = NumberAttribute()
    expires = NumberAttribute()

    @classmethod
    def lookup(cls, cart_id: str) -> "db.Lookup[Cart | None]":
        """Reads one cart."""
        return db.Lookup(((cls, cart_id, "CART"),), lambda rows: rows[0])

    @classmethod
    def add(cls, tx: db.Transaction, cart_id: str) -> None:
        """Write a new empty cart."""
        row = cls(
            pk=cart_id,
            sk="CART",
            state=OPEN,
            currency=settings.currency,
            lines=[],
            version=1,
            expires=_expiry(),
        )
        tx.put(row)

    @classmethod
    def set_lines(cls, tx: db.Transaction, basket: Basket, lines: tuple[Line, ...]) -> None:
        """Replace the lines of an open cart that nobody changed meanwhile."""
        stored = [[line.sku, line.quantity, line.seen.amount] for line in lines]
        tx.update(
            cls(basket.id, "CART"),
            [cls.lines.set(stored), cls.version.set(basket.version + 1), cls.expires.set(_expiry())],
            condition=(cls.state == OPEN) & (cls.version == basket.version),
            refusal=refused,
        )

    @classmethod
    def close(cls, tx: db.Transaction, basket: Basket, order_id: str) -> None:
        """Close an open cart that nobody changed meanwhile: it became ``order_id``."""
        tx.update(
            cls(basket.id, "CART"),
            [cls.state.set(CLOSED), cls.order_id.set(order_id), cls.version.set(basket.version + 1)],
            condition=(cls.state == OPEN) & (cls.version == basket.version),
            refusal=refused,
        )

    def basket(self) -> Basket:
        """The cart as a value; lines in the order in which they were put."""
        stored: list[Any] = self.lines
        return Basket(
            id=self.pk,
            is_open=self.state == OPEN,
            order_id=self.order_id,
            lines=tuple(Line(sku, quantity, Money(seen, self.currency)) for sku, quantity, seen in stored),
            version=int(self.version),
        )


def refused(cart: Cart | None) -> LarisError:
    """Why a cart could not be changed."""
    if cart is None:
        return CartNotFound()
    if cart.state == CLOSED:
        return CartClosed(order_id=cart.order_id)
    return WriteRefused()


def _expiry() -> int:
    return int((clock.now() + LIVES).timestamp())
