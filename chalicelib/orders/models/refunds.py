"""Refunds that staff asked for, under their order; those that wait for a second person are one list besides."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, crypto, db, ids
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError
from chalicelib.core.money import Money
from chalicelib.orders.errors import RefundRequestDecided, RefundRequestNotFound

PREFIX: Final = "REFUND-REQUEST#"
WAITING: Final = "REFUND-REQUESTS"
REASONS: Final = "refund-reasons"
"""Why money goes back may say who ordered, so it is kept locked."""


class RequestState(StrEnum):
    """WAITING: for a second person. GRANTED: the money is promised. DECLINED: nothing goes back."""

    WAITING = "waiting"
    GRANTED = "granted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """Money that a member of staff wants to give back. Its id holds its order's, so that it is found without a list."""

    id: str
    order_id: str
    amount: Money
    reason: str
    state: RequestState
    asked_by: str
    asked_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    refund_id: str | None = None


class RefundRequestRow(db.Row):
    """pk = order id, sk = "REFUND-REQUEST#" and its id."""

    class Meta:
        table_name = settings.table("orders")

    amount = NumberAttribute()
    currency = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    state = UnicodeAttribute()
    asked_by = UnicodeAttribute()
    asked_at = UnicodeAttribute()
    decided_by = UnicodeAttribute(null=True)
    decided_at = UnicodeAttribute(null=True)
    refund_id = UnicodeAttribute(null=True)

    @classmethod
    def lookup(cls, id_: str) -> "db.Lookup[RefundRequest]":
        """Reads one. Raises RefundRequestNotFound."""

        def build(rows: list[RefundRequestRow | None]) -> RefundRequest:
            if rows[0] is None:
                raise RefundRequestNotFound()
            return rows[0].request()

        return db.Lookup(((cls, order_of(id_), f"{PREFIX}{id_}"),), build)

    @staticmethod
    def how_many_wait(most: int) -> int:
        """How many wait; ``most`` at most are counted."""
        return len(db.rows(WaitingRow, WAITING, limit=most))

    @classmethod
    def waiting(cls, *, limit: int, cursor: str | None) -> "db.Page[RefundRequest]":
        """Those that wait, the oldest first."""
        found = db.page(WaitingRow, WAITING, limit=limit, cursor=cursor)
        ids_ = [row.sk.partition("#")[2] for row in found.items]
        places = tuple((cls, order_of(id_), f"{PREFIX}{id_}") for id_ in ids_)
        (requests,) = db.look(db.Lookup(places, lambda rows: [row.request() for row in rows if row]))
        return db.Page(requests, found.next_cursor)

    @classmethod
    def add(cls, tx: db.Transaction, request: RefundRequest) -> None:
        """Write a new one, decided or waiting."""
        row = cls(
            pk=request.order_id,
            sk=f"{PREFIX}{request.id}",
            amount=request.amount.amount,
            currency=request.amount.currency,
            reason=crypto.lock_text(REASONS, request.id, request.reason),
            state=request.state,
            asked_by=request.asked_by,
            asked_at=clock.stamp(request.asked_at),
            decided_by=request.decided_by,
            decided_at=clock.stamp(request.decided_at) if request.decided_at else None,
            refund_id=request.refund_id,
        )
        tx.put(row)
        if request.state is RequestState.WAITING:
            tx.put(WaitingRow(pk=WAITING, sk=_position(request)))

    @classmethod
    def decide(cls, tx: db.Transaction, request: RefundRequest, *, state: RequestState, by: str, refund: str) -> None:
        """End the wait, once; refused with RefundRequestDecided. ``refund`` is empty where nothing goes back."""
        actions = [
            cls.state.set(state),
            cls.decided_by.set(by),
            cls.decided_at.set(clock.stamp(clock.now())),
        ]
        if refund:
            actions.append(cls.refund_id.set(refund))
        row = cls(request.order_id, f"{PREFIX}{request.id}")
        tx.update(row, actions, condition=cls.state == RequestState.WAITING, refusal=_refused)
        tx.delete(WaitingRow(WAITING, _position(request)), condition=WaitingRow.pk.exists())

    @classmethod
    def forget_reasons(cls, tx: db.Transaction, order_id: str) -> None:
        """Take away what staff wrote about an order's refunds; refused with WriteRefused if one is gone."""
        for row in db.rows(cls, order_id, cls.sk.startswith(PREFIX)):
            tx.update(cls(row.pk, row.sk), [cls.reason.remove()], condition=cls.pk.exists())

    def request(self) -> RefundRequest:
        """The row as a value."""
        id_ = self.sk.removeprefix(PREFIX)
        return RefundRequest(
            id=id_,
            order_id=self.pk,
            amount=Money(int(self.amount), self.currency),
            reason=crypto.unlock_text(REASONS, id_, self.reason) if self.reason else "",
            state=RequestState(self.state),
            asked_by=self.asked_by,
            asked_at=clock.instant(self.asked_at),
            decided_by=self.decided_by,
            decided_at=clock.instant(self.decided_at) if self.decided_at else None,
            refund_id=self.refund_id,
        )


class WaitingRow(db.Row):
    """pk = "REFUND-REQUESTS", sk = when it was asked for and its id."""

    class Meta:
        table_name = settings.table("orders")


def new_id(order_id: str) -> str:
    """An id for a request about ``order_id``."""
    return f"rrq_{order_id.removeprefix('ord_')}_{ids.chance(8)}"


def order_of(id_: str) -> str:
    """The order that a request's id is about; of a text that is no such id, one that does not exist."""
    return f"ord_{id_.removeprefix('rrq_').rpartition('_')[0]}"


def _position(request: RefundRequest) -> str:
    return f"{clock.stamp(request.asked_at)}#{request.id}"


def _refused(row: RefundRequestRow | None) -> LarisError:
    return RefundRequestDecided(state=row.state) if row else RefundRequestNotFound()
