"""How orders are stored: one item each, and one per number so that no number is given twice.

Lists read by thin indexes whose keys are spread over shards, since an index keyed by state alone would slow every write
to its one partition; the order id sorts by time and is the position in every list.
"""

import zlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

import msgspec
from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.core import clock, crypto, cursors, db
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError
from chalicelib.core.vault import SealedAttribute
from chalicelib.orders.errors import NumberTaken, OrderNotFound, StaleOrder
from chalicelib.orders.rules import Order, OrderLine, Sealed, Shipping, Totals
from chalicelib.orders.states import HoldReason, State

TABLE: Final = settings.table("orders")
SHARDS: Final = 4
ALL: Final = "all"
REASONS: Final = "cancel-reasons"
"""Why an order was called off may say who ordered it, so it is kept locked."""


class ByTime(GlobalSecondaryIndex["OrderRow"]):
    """All orders of a shard, by id and so by time."""

    class Meta:
        index_name = "by_time"
        projection = KeysOnlyProjection()

    list_shard = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class ByState(GlobalSecondaryIndex["OrderRow"]):
    """The orders of a state and shard, by id and so by time."""

    class Meta:
        index_name = "by_state"
        projection = KeysOnlyProjection()

    state_shard = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class ByDue(GlobalSecondaryIndex["OrderRow"]):
    """The orders of a shard that wait for their payment, by when that ends."""

    class Meta:
        index_name = "by_due"
        projection = KeysOnlyProjection()

    due_shard = UnicodeAttribute(hash_key=True)
    expires_at = UnicodeAttribute(range_key=True)


class ByCustomer(GlobalSecondaryIndex["OrderRow"]):
    """The orders of a customer, by id and so by time."""

    class Meta:
        index_name = "by_customer"
        projection = KeysOnlyProjection()

    customer_id = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class OrderRow(db.Row):
    """pk = order id, sk = "ORDER"; ``personal`` is a Personal under the customer's key."""

    class Meta:
        table_name = TABLE

    number = UnicodeAttribute()
    customer_id = UnicodeAttribute()
    personal = SealedAttribute(null=True)
    state = UnicodeAttribute()
    currency = UnicodeAttribute()
    lines: JSONAttribute = JSONAttribute()
    totals: JSONAttribute = JSONAttribute()
    shipping: JSONAttribute = JSONAttribute()
    placed_at = UnicodeAttribute()
    business_date = UnicodeAttribute()
    expires_at = UnicodeAttribute()
    version = NumberAttribute()
    payment_status = UnicodeAttribute()
    standing_version = NumberAttribute()
    hold_reason = UnicodeAttribute(null=True)
    cancel_reason = UnicodeAttribute(null=True)
    fulfilment_status = UnicodeAttribute()
    return_status = UnicodeAttribute()
    given_back = NumberAttribute(null=True)
    list_shard = UnicodeAttribute()
    state_shard = UnicodeAttribute()
    due_shard = UnicodeAttribute(null=True)

    by_time = ByTime()
    by_state = ByState()
    by_due = ByDue()
    by_customer = ByCustomer()

    @classmethod
    def lookup(cls, order_id: str) -> "db.Lookup[Order]":
        """Reads one order. Raises OrderNotFound."""

        def build(rows: list[OrderRow | None]) -> Order:
            if rows[0] is None:
                raise OrderNotFound()
            return rows[0].order()

        return db.Lookup(((cls, order_id, "ORDER"),), build)

    @classmethod
    def add(cls, tx: db.Transaction, order: Order) -> None:
        """Write a new order and take its number. Refused with NumberTaken."""
        shard = _shard(order.id)
        row = cls(
            pk=order.id,
            sk="ORDER",
            **_plain(order),
            list_shard=f"{ALL}#{shard}",
            state_shard=f"{order.state}#{shard}",
            due_shard=str(shard) if order.state is State.PENDING else None,
        )
        tx.put(row)
        tx.put(NumberRow(pk=f"NUMBER#{order.number}", sk="NUMBER", order_id=order.id), refusal=NumberTaken())

    @classmethod
    def change(cls, tx: db.Transaction, before: Order, after: Order) -> None:
        """Write what differs, if the stored order is still ``before``. Refused with StaleOrder."""
        shard = _shard(before.id)
        actions: list[Action] = [
            cls.state.set(after.state),
            cls.state_shard.set(f"{after.state}#{shard}"),
            cls.version.set(before.version + 1),
            cls.payment_status.set(after.payment_status),
            cls.standing_version.set(after.standing_version),
            cls.hold_reason.set(after.hold_reason) if after.hold_reason else cls.hold_reason.remove(),
        ]
        if after.given_back != before.given_back:
            actions.append(cls.given_back.set(after.given_back))
        if after.cancel_reason:
            locked = crypto.lock_text(REASONS, before.id, after.cancel_reason)
            actions.append(cls.cancel_reason.set(locked))
        if after.state is not State.PENDING:
            actions.append(cls.due_shard.remove())
        tx.update(
            cls(before.id, "ORDER"),
            actions,
            condition=(cls.state == before.state) & (cls.version == before.version),
            refusal=_refused,
        )

    @classmethod
    def forget_person(cls, tx: db.Transaction, order_id: str) -> None:
        """Take away what tells who ordered it. Refused with OrderNotFound."""
        actions: list[Action] = [cls.personal.remove(), cls.cancel_reason.remove()]
        tx.update(cls(order_id, "ORDER"), actions, condition=cls.pk.exists(), refusal=OrderNotFound())

    @classmethod
    def due(cls, now: datetime, limit: int) -> list[str]:
        """Ids of orders whose time to pay is over, at most ``limit`` a shard."""
        before = cls.expires_at <= clock.stamp(now)
        return [
            row.pk for shard in range(SHARDS) for row in db.rows(cls, str(shard), before, index=cls.by_due, limit=limit)
        ]

    @classmethod
    def page(
        cls, *, state: State | None, bounds: tuple[str, str] | None, limit: int, cursor: str | None
    ) -> "db.Page[Order]":
        """Orders, newest first: of a state, and with ids within ``bounds``, where given."""
        scope = f"orders|{state}|{bounds}"
        highest = cursors.open_(scope, cursor) if cursor else (bounds[1] if bounds else "ord_~")
        lowest = bounds[0] if bounds else "ord_"
        found = sorted(
            (each for shard in range(SHARDS) for each in cls._ids(state, shard, lowest, highest, limit + 1)),
            reverse=True,
        )
        ids = found[:limit]
        (orders,) = db.look(cls._lookup_all(ids))
        return db.Page(orders, cursors.seal(scope, ids[-1]) if len(found) > limit else None)

    @classmethod
    def page_of(cls, customers: Sequence[str], *, limit: int, cursor: str | None) -> "db.Page[Order]":
        """The orders of these customers together, newest first."""
        scope = f"orders of|{'|'.join(sorted(customers))}"
        highest = cursors.open_(scope, cursor) if cursor else "ord_~"
        found = sorted(
            (each for customer in customers for each in cls._ids_of(customer, highest, limit + 1)), reverse=True
        )
        ids = found[:limit]
        (orders,) = db.look(cls._lookup_all(ids))
        return db.Page(orders, cursors.seal(scope, ids[-1]) if len(found) > limit else None)

    @classmethod
    def oldest(cls, lowest: str, highest: str, limit: int) -> list[Order]:
        """The orders with ids in [lowest, highest), oldest first."""
        within = cls.pk.between(lowest, highest)
        rows = [
            row
            for shard in range(SHARDS)
            for row in db.rows(cls, f"{ALL}#{shard}", within, index=cls.by_time, limit=limit)
        ]
        ids = sorted(row.pk for row in rows if row.pk != highest)[:limit]
        return db.look(cls._lookup_all(ids))[0]

    @classmethod
    def _ids_of(cls, customer: str, highest: str, limit: int) -> list[str]:
        before = cls.pk < highest
        rows = db.rows(cls, customer, before, index=cls.by_customer, newest_first=True, limit=limit)
        return [row.pk for row in rows]

    @classmethod
    def _ids(cls, state: State | None, shard: int, lowest: str, highest: str, limit: int) -> list[str]:
        """Ids in [lowest, highest), newest first. The upper bound is itself left out: it was on the page before."""
        index = cls.by_state if state else cls.by_time
        rows = db.rows(
            cls,
            f"{state or ALL}#{shard}",
            cls.pk.between(lowest, highest),
            index=index,
            newest_first=True,
            limit=limit + 1,
        )
        return [row.pk for row in rows if row.pk != highest]

    @classmethod
    def _lookup_all(cls, ids: Sequence[str]) -> "db.Lookup[list[Order]]":
        return db.Lookup(tuple((cls, each, "ORDER") for each in ids), lambda rows: [row.order() for row in rows if row])

    def order(self) -> Order:
        """The row as a value."""
        return Order(
            id=self.pk,
            customer_id=self.customer_id,
            number=self.number,
            state=State(self.state),
            currency=self.currency,
            lines=msgspec.convert(self.lines, tuple[OrderLine, ...]),
            totals=msgspec.convert(self.totals, Totals),
            personal=Sealed(self.personal) if self.personal else None,
            shipping=msgspec.convert(self.shipping, Shipping),
            placed_at=clock.instant(self.placed_at),
            business_date=date.fromisoformat(self.business_date),
            expires_at=clock.instant(self.expires_at),
            version=int(self.version),
            payment_status=self.payment_status,
            standing_version=int(self.standing_version),
            hold_reason=HoldReason(self.hold_reason) if self.hold_reason else None,
            cancel_reason=crypto.unlock_text(REASONS, self.pk, self.cancel_reason) if self.cancel_reason else None,
            fulfilment_status=self.fulfilment_status,
            return_status=self.return_status,
            given_back=int(self.given_back or 0),
        )


class NumberRow(db.Row):
    """pk = "NUMBER#" and the order's number: whose it is."""

    class Meta:
        table_name = TABLE

    order_id = UnicodeAttribute()


def place(order_id: str) -> str:
    """Where an order's sealed text stands."""
    return f"{TABLE}|{order_id}|ORDER|personal"


def _plain(order: Order) -> dict[str, Any]:
    return {
        "number": order.number,
        "customer_id": order.customer_id,
        "personal": order.personal,
        "state": order.state,
        "currency": order.currency,
        "lines": msgspec.to_builtins(order.lines),
        "totals": asdict(order.totals),
        "shipping": asdict(order.shipping),
        "placed_at": clock.stamp(order.placed_at),
        "business_date": order.business_date.isoformat(),
        "expires_at": clock.stamp(order.expires_at),
        "version": order.version,
        "payment_status": order.payment_status,
        "standing_version": order.standing_version,
        "fulfilment_status": order.fulfilment_status,
        "return_status": order.return_status,
    }


def _refused(row: OrderRow | None) -> LarisError:
    return StaleOrder(version=int(row.version)) if row else OrderNotFound()


def _shard(order_id: str) -> int:
    return zlib.crc32(order_id.encode()) % SHARDS
