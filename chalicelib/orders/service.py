"""The door of the order desk: orders read, drafted, written and paid; ``moves`` holds what can happen to one."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec

from chalicelib.carts.service import Priced, PricedLine
from chalicelib.core import clock, db, ids, outbox, vault
from chalicelib.core.config import settings
from chalicelib.core.idempotency import Claim
from chalicelib.core.money import Money
from chalicelib.core.vault import DataKey
from chalicelib.customers import service as customers
from chalicelib.events.orders import OrderLine as PlacedLine
from chalicelib.events.orders import OrderPlaced
from chalicelib.orders import rules
from chalicelib.orders.errors import NotPayable, OrderNotFound
from chalicelib.orders.models.orders import OrderRow, place
from chalicelib.orders.models.refunds import RefundRequestRow
from chalicelib.orders.moves import cancel, expire_due, follow_payment, hold, release
from chalicelib.orders.rules import Address, Contact, Order, OrderLine, Personal, Sealed, Shipping, Totals
from chalicelib.orders.schemas import OrderView, PaymentView
from chalicelib.orders.states import Event, State, move
from chalicelib.payments import service as payments
from chalicelib.payments.service import Attempt, Customer, Item, PaymentChoice, Purchase
from chalicelib.shipping.service import Option

__all__ = [
    "Address",
    "Contact",
    "Order",
    "OrderView",
    "PaymentView",
    "Personal",
    "cancel",
    "expire_due",
    "follow_payment",
    "hold",
    "release",
]

EXPORTED_AT_ONCE: Final = 100


def lookup(order_id: str) -> db.Lookup[Order]:
    """Reads an order. Raises OrderNotFound."""
    return OrderRow.lookup(order_id)


def get(order_id: str) -> Order:
    """An order as it stands. Raises OrderNotFound."""
    return db.look(lookup(order_id))[0]


def get_for(order_id: str, customer: str | None) -> Order:
    """An order as it stands; for a ``customer`` who has logged in, only one of their own. Raises OrderNotFound."""
    order, ids_ = db.look(lookup(order_id), _lookup_ids(customer))
    _check_owner(order, ids_)
    return order


def timeline(order_id: str) -> list[outbox.Recorded]:
    """Everything that happened to the order, its stock and its money, oldest first."""
    return outbox.history(order_id)


def page(*, state: State | None, day: date | None, limit: int, cursor: str | None) -> db.Page[Order]:
    """Orders, newest first: of a state and of a business day, where given."""
    bounds = None
    if day is not None:
        start, end = clock.day_bounds(day)
        bounds = ids.first_at("ord", start), ids.first_at("ord", end)
    return OrderRow.page(state=state, bounds=bounds, limit=limit, cursor=cursor)


def of_customer(ids_: Sequence[str], *, limit: int, cursor: str | None) -> db.Page[Order]:
    """The orders of these customers together, newest first; one placed a moment ago may still be missing."""
    return OrderRow.page_of(ids_, limit=limit, cursor=cursor)


def placed_between(start: datetime, end: datetime, *, after: str | None, limit: int) -> list[Order]:
    """Orders placed from ``start`` until before ``end``, oldest first, those after the id ``after`` where given."""
    lowest = f"{after}0" if after else ids.first_at("ord", start)
    return OrderRow.oldest(lowest, ids.first_at("ord", end), limit)


def attempts(order_id: str) -> list[Attempt]:
    """The tries to pay an order, oldest first. Raises PaymentNotFound."""
    return list(payments.account(order_id).attempts)


def personal(order: Order) -> Personal | None:
    """Who ordered, and where it goes; None once that was erased. Raises KeysUnavailable, Unreadable."""
    if order.personal is None:
        return None
    return _opened(order, vault.key(order.customer_id))


def draft(priced: Priced, option: Option, *, personal: Personal, key: DataKey) -> Order:
    """A basket as an order that is not written yet: prices, tax rates and the day frozen as they are now.

    It is the order of the customer whose ``key`` it is, and who they are is sealed under it.
    """
    now = clock.now()
    today, totals, id_ = clock.business_date(now), priced.totals, ids.new("ord", now)
    return Order(
        id=id_,
        customer_id=key.subject,
        personal=Sealed(key.seal(place(id_), personal)),
        number=rules.number(today),
        state=move(State.DRAFT, Event.PLACE),
        currency=totals.total.currency,
        lines=tuple(_line(line) for line in priced.lines),
        totals=Totals(
            subtotal=totals.subtotal.amount,
            discount=totals.discount.amount,
            shipping=totals.shipping.amount,
            tax=totals.tax.amount,
            tax_included=totals.tax_included,
            total=totals.total.amount,
        ),
        shipping=Shipping(option.id, option.courier, option.service, option.days),
        placed_at=now,
        business_date=today,
        expires_at=now + timedelta(minutes=settings.payment_minutes),
        version=1,
    )


def purchase(order: Order, contact: Contact) -> Purchase:
    """The order as a gateway's receipt wants it: items that sum to its total, and who pays."""
    items = [
        Item(line.sku, line.name.id, Money(line.unit_price, order.currency), line.quantity) for line in order.lines
    ]
    totals = order.totals
    extras = (
        ("SHIPPING", f"Ongkos kirim {order.shipping.courier} {order.shipping.service}", totals.shipping),
        ("DISCOUNT", "Diskon", -totals.discount),
        ("TAX", "PPN", 0 if totals.tax_included else totals.tax),
    )
    items += [Item(id_, name, Money(amount, order.currency), 1) for id_, name, amount in extras if amount]
    return Purchase(tuple(items), Customer(contact.name, contact.email, contact.phone))


def pay_again(order_id: str, choice: PaymentChoice, claim: Claim, *, customer: str | None = None) -> Attempt:
    """Another try to pay an order that waits for its payment; one whose customer was erased takes none.

    Raises OrderNotFound, NotPayable, UnknownGateway, UnknownMethod, PaymentWayClosed, KeysUnavailable.
    """
    order, standing, ids_ = db.look(lookup(order_id), payments.lookup_standing(order_id), _lookup_ids(customer))
    _check_owner(order, ids_)
    waiting = order.state is State.PENDING and clock.now() < order.expires_at
    known = personal(order) if waiting and not rules.is_covered(standing) else None
    if known is None:
        raise NotPayable(state=order.state, payment_status=standing.status)
    bought = purchase(order, known.contact)
    return payments.again(order_id, choice, bought, claim, expires_at=order.expires_at, customer=customer)


def create(tx: db.Transaction, order: Order) -> None:
    """Write a new order in ``tx`` and announce it. Refused with NumberTaken: draw another number."""
    OrderRow.add(tx, order)
    lines = tuple(PlacedLine(line.sku, line.quantity, line.gross) for line in order.lines)
    placed = OrderPlaced(
        order_id=order.id,
        number=order.number,
        lines=lines,
        total=order.totals.total,
        currency=order.currency,
        expires_at=clock.stamp(order.expires_at),
    )
    outbox.publish(tx, placed)


def anonymise(order_id: str) -> None:
    """Take away what tells who ordered it; the books stay. Repeated, it does nothing more. Raises OrderNotFound."""
    with db.transaction() as tx:
        OrderRow.forget_person(tx, order_id)
        RefundRequestRow.forget_reasons(tx, order_id)


def refunds_waiting(most: int) -> int:
    """How many refunds wait for a second person; ``most`` at most are counted."""
    return RefundRequestRow.how_many_wait(most)


def export(ids_: Sequence[str]) -> list[dict[str, Any]]:
    """Every order of these customers, oldest first, as their owner may have them. Raises KeysUnavailable."""
    (keys,) = db.look(vault.lookup_all(list(ids_)))
    return [_exported(order, _opened(order, keys.get(order.customer_id))) for order in _all_of(ids_)][::-1]


def _lookup_ids(customer: str | None) -> db.Lookup[tuple[str, ...] | None]:
    """Reads whose orders a customer may see; None for one who shows an order's own token instead."""
    if customer is None:
        return db.Lookup((), lambda _: None)
    row = customers.lookup(customer)
    return db.Lookup(row.keys, lambda rows: row.build(rows).ids)


def _check_owner(order: Order, ids_: tuple[str, ...] | None) -> None:
    if ids_ is not None and order.customer_id not in ids_:
        raise OrderNotFound()


def _all_of(ids_: Sequence[str]) -> Iterable[Order]:
    cursor = None
    while True:
        found = of_customer(ids_, limit=EXPORTED_AT_ONCE, cursor=cursor)
        yield from found.items
        cursor = found.next_cursor
        if cursor is None:
            return


def _exported(order: Order, known: Personal | None) -> dict[str, Any]:
    about = asdict(known) if known else {"contact": None, "address": None}
    return {**msgspec.to_builtins(OrderView.of(order)), **about}


def _opened(order: Order, key: DataKey | None) -> Personal | None:
    if key is None or order.personal is None:
        return None
    opened: Personal = key.open(place(order.id), order.personal, Personal)
    return opened


def _line(line: PricedLine) -> OrderLine:
    offer = line.offer
    return OrderLine(
        sku=offer.sku,
        product_id=offer.product_id,
        name=offer.name,
        options=offer.options,
        quantity=line.quantity,
        unit_price=offer.price.amount,
        amount=line.amount.amount,
        discount=0,
        net=line.net.amount,
        tax=line.tax.amount,
        tax_name=line.rate.name,
        tax_numerator=line.rate.numerator,
        tax_denominator=line.rate.denominator,
        weight_grams=offer.weight_grams,
    )
