"""How carts are stored: one item each under its id, and one for each customer that names their open cart."""

from datetime import timedelta
from typing import Any, Final

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

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
    owner = UnicodeAttribute(null=True)
    merged_into = UnicodeAttribute(null=True)
    version = NumberAttribute()
    expires = NumberAttribute()

    @classmethod
    def lookup(cls, cart_id: str) -> "db.Lookup[Cart | None]":
        """Reads one cart."""
        return db.Lookup(((cls, cart_id, "CART"),), lambda rows: rows[0])

    @classmethod
    def add(cls, tx: db.Transaction, cart_id: str, owner: str | None = None) -> None:
        """Write a new empty cart, a customer's or a guest's."""
        row = cls(
            pk=cart_id,
            sk="CART",
            state=OPEN,
            currency=settings.currency,
            lines=[],
            owner=owner,
            version=1,
            expires=_expiry(),
        )
        tx.put(row)

    @classmethod
    def set_lines(cls, tx: db.Transaction, basket: Basket, lines: tuple[Line, ...]) -> None:
        """Replace the lines of an open cart that nobody changed meanwhile."""
        stored = [[line.sku, line.quantity, line.seen.amount] for line in lines]
        cls._change(tx, basket, [cls.lines.set(stored), cls.expires.set(_expiry())])

    @classmethod
    def close(cls, tx: db.Transaction, basket: Basket, order_id: str) -> None:
        """Close an open cart that nobody changed meanwhile: it became ``order_id``."""
        cls._change(tx, basket, [cls.state.set(CLOSED), cls.order_id.set(order_id)])

    @classmethod
    def close_into(cls, tx: db.Transaction, basket: Basket, into: Basket) -> None:
        """Close an open cart that nobody changed meanwhile: what was in it is in ``into``."""
        cls._change(tx, basket, [cls.state.set(CLOSED), cls.merged_into.set(into.id), cls.owner.set(str(into.owner))])

    @classmethod
    def give(cls, tx: db.Transaction, basket: Basket, owner: str) -> None:
        """Make an open guest's cart that nobody changed meanwhile a customer's."""
        cls._change(tx, basket, [cls.owner.set(owner), cls.expires.set(_expiry())])

    @classmethod
    def remove(cls, tx: db.Transaction, basket: Basket) -> None:
        """Take the cart away, if nobody changed it meanwhile."""
        tx.delete(cls(basket.id, "CART"), condition=cls.version == basket.version)

    @classmethod
    def _change(cls, tx: db.Transaction, basket: Basket, actions: list[Action]) -> None:
        tx.update(
            cls(basket.id, "CART"),
            [*actions, cls.version.set(basket.version + 1)],
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
            owner=self.owner,
            merged_into=self.merged_into,
        )


class OwnerRow(db.Row):
    """pk = "OWNER#" and a customer's id, sk = "CART": which cart is theirs."""

    class Meta:
        table_name = settings.table("carts")

    cart_id = UnicodeAttribute()

    @classmethod
    def lookup(cls, customer: str) -> "db.Lookup[str | None]":
        """Reads which cart is the customer's; it may be closed, or gone."""
        return db.Lookup(((cls, _owner(customer), "CART"),), lambda rows: rows[0].cart_id if rows[0] else None)

    @classmethod
    def point(cls, tx: db.Transaction, customer: str, cart_id: str, *, before: str | None) -> None:
        """Let the customer's cart be this one, if it was ``before``; refused with WriteRefused."""
        as_read = cls.cart_id == before if before else cls.pk.does_not_exist()
        row = cls(pk=_owner(customer), sk="CART", cart_id=cart_id)
        tx.put(row, condition=as_read)

    @classmethod
    def remove(cls, tx: db.Transaction, customer: str, cart_id: str) -> None:
        """Let the customer have no cart, if it was this one; refused with WriteRefused."""
        tx.delete(cls(_owner(customer), "CART"), condition=cls.cart_id == cart_id)


def refused(cart: Cart | None) -> LarisError:
    """Why a cart could not be changed."""
    if cart is None:
        return CartNotFound()
    if cart.state == CLOSED:
        return CartClosed(order_id=cart.order_id, merged_into=cart.merged_into)
    return WriteRefused()


def _owner(customer: str) -> str:
    return f"OWNER#{customer}"


def _expiry() -> int:
    return int((clock.now() + LIVES).timestamp())
