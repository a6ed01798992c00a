"""Letters about an order: taken, and paid for. They follow the event, so that neither checkout nor payment waits."""

from typing import Final

from chalicelib.core import db
from chalicelib.core.access import token_for
from chalicelib.core.config import settings
from chalicelib.core.money import Money
from chalicelib.customers import service as customers
from chalicelib.customers.errors import CustomerNotFound
from chalicelib.notices import service as notices
from chalicelib.notices.service import Notice, Recipient
from chalicelib.orders.models.orders import OrderRow, place
from chalicelib.orders.rules import Order, Personal
from chalicelib.orders.states import State

PLACED: Final = "order_placed"
CONFIRMED: Final = "order_confirmed"


def tell_placed(order_id: str) -> None:
    """Tell the buyer that the order is taken and how long it waits, once; nothing where it waits no longer."""
    order, is_asked = db.look(OrderRow.lookup(order_id), notices.lookup_asked(_key(PLACED, order_id)))
    if order.state is State.PENDING and not is_asked:
        _tell(order, PLACED, expires=True)


def tell_confirmed(order_id: str) -> None:
    """Tell the buyer that the order is paid for, once; nothing where it has been called off since."""
    order, is_asked = db.look(OrderRow.lookup(order_id), notices.lookup_asked(_key(CONFIRMED, order_id)))
    if order.state in {State.CONFIRMED, State.ON_HOLD, State.COMPLETED} and not is_asked:
        _tell(order, CONFIRMED, expires=False)


def _tell(order: Order, template: str, *, expires: bool) -> None:
    try:
        customer, key = customers.read(order.customer_id)
    except CustomerNotFound:  # erased meanwhile: there is nobody to tell
        return
    if order.personal is None:
        return
    personal: Personal = key.open(place(order.id), order.personal, Personal)
    contact, language = personal.contact, customer.language
    facts = {"number": order.number, "total": _money(order.total), "link": _link(order.id)}
    if expires:
        facts["expires"] = notices.when(order.expires_at, language)
    to = Recipient(key.subject, contact.name, contact.email, contact.phone)
    with db.transaction() as tx:
        notices.send(tx, Notice(template, to, facts, language, _key(template, order.id)), key)


def _key(template: str, order_id: str) -> str:
    return f"{template}:{order_id}"


def _money(total: Money) -> str:
    return f"Rp{total.amount:,}".replace(",", ".") if total.currency == "IDR" else f"{total.currency} {total.amount:,}"


def _link(order_id: str) -> str:
    """The storefront's page of the order; what follows # never reaches a server's log."""
    return f"{settings.store_url}/orders/{order_id}#{token_for('order', order_id)}"
