"""The door of the order desk: orders read, drafted, written and paid; ``moves`` holds what can happen to one."""

from datetime import date, timedelta

from chalicelib.carts.service import Priced, PricedLine
from chalicelib.core import clock, db, ids, outbox
from chalicelib.core.config import settings
from chalicelib.core.idempotency import Claim
from chalicelib.core.money import Money
from chalicelib.events.orders import OrderLine as PlacedLine
from chalicelib.events.orders import OrderPlaced
from chalicelib.orders import rules
from chalicelib.orders.errors import NotPayable
from chalicelib.orders.models import OrderRow
from chalicelib.orders.moves import cancel, expire_due, follow_payment, hold, release
from chalicelib.orders.rules import Address, Contact, Order, OrderLine, Shipping, Totals
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
    "cancel",
    "expire_due",
    "follow_payment",
    "hold",
    "release",
]


def lookup(order_id: str) -> db.Lookup[Order]:
    """Reads an order. Raises OrderNotFound."""
    return OrderRow.lookup(order_id)


def get(order_id: str) -> Order:
    """An order as it stands. Raises OrderNotFound."""
    return db.look(lookup(order_id))[0]


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


def with_payments(order_id: str) -> tuple[Order, list[Attempt]]:
    """An order and the tries to pay it, oldest first. Raises OrderNotFound."""
    return get(order_id), list(payments.account(order_id).attempts)


def draft(priced: Priced, option: Option, *, contact: Contact, address: Address) -> Order:
    """A basket as an order that is not written yet: prices, tax rates and the day frozen as they are now."""
    now = clock.now()
    today, totals = clock.business_date(now), priced.totals
    return Order(
        id=ids.new("ord", now),
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
        contact=contact,
        address=address,
        shipping=Shipping(option.id, option.courier, option.service, option.days),
        placed_at=now,
        business_date=today,
        expires_at=now + timedelta(minutes=settings.payment_minutes),
        version=1,
    )


def purchase(order: Order) -> Purchase:
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
    contact = order.contact
    return Purchase(tuple(items), Customer(contact.name, contact.email, contact.phone))


def pay_again(order_id: str, choice: PaymentChoice, claim: Claim) -> Attempt:
    """Another try to pay an order that waits for its payment.

    Raises OrderNotFound, NotPayable, UnknownGateway, UnknownMethod.
    """
    order, standing = db.look(lookup(order_id), payments.lookup_standing(order_id))
    waiting = order.state is State.PENDING and clock.now() < order.expires_at
    if not waiting or rules.is_covered(standing):
        raise NotPayable(state=order.state, payment_status=standing.status)
    return payments.again(order_id, choice, purchase(order), claim, expires_at=order.expires_at)


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
