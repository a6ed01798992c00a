"""The order's lifecycle (domain.md 5.1): the table is the law; every other pair is illegal."""

from enum import StrEnum
from typing import Final

from chalicelib.orders.errors import IllegalMove


class State(StrEnum):
    """Where an order stands."""

    DRAFT = "draft"
    PENDING = "pending"
    CONFIRMED = "confirmed"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Event(StrEnum):
    """What can happen to one."""

    PLACE = "place"
    DISCARD = "discard"
    PAY_COVERED = "pay_covered"
    ACCEPT = "accept"
    """Cash on delivery, or credit terms: confirmed though unpaid."""
    EXPIRE = "expire"
    CANCEL = "cancel"
    HOLD = "hold"
    RELEASE = "release"
    PAYMENT_REVERSED = "payment_reversed"
    COMPLETE = "complete"
    LATE_PAYMENT = "late_payment"


class HoldReason(StrEnum):
    """Why fulfilment of an order stops."""

    FRAUD = "fraud"
    ADDRESS = "address"
    STOCK_SHORT = "stock_short"
    PAYMENT_REVERSED = "payment_reversed"
    MANUAL = "manual"


MOVES: Final[dict[tuple[State, Event], tuple[State, ...]]] = {
    (State.DRAFT, Event.PLACE): (State.PENDING,),
    (State.DRAFT, Event.DISCARD): (State.CANCELLED,),
    (State.PENDING, Event.PAY_COVERED): (State.CONFIRMED,),
    (State.PENDING, Event.ACCEPT): (State.CONFIRMED,),
    (State.PENDING, Event.EXPIRE): (State.EXPIRED,),
    (State.PENDING, Event.CANCEL): (State.CANCELLED,),
    (State.CONFIRMED, Event.HOLD): (State.ON_HOLD,),
    (State.CONFIRMED, Event.PAYMENT_REVERSED): (State.ON_HOLD,),
    (State.CONFIRMED, Event.CANCEL): (State.CANCELLED,),
    (State.CONFIRMED, Event.COMPLETE): (State.COMPLETED,),
    (State.ON_HOLD, Event.RELEASE): (State.CONFIRMED,),
    (State.ON_HOLD, Event.PAYMENT_REVERSED): (State.ON_HOLD,),
    (State.ON_HOLD, Event.CANCEL): (State.CANCELLED,),
    (State.COMPLETED, Event.PAYMENT_REVERSED): (State.COMPLETED,),
    # Confirmed if the goods can be reserved again; else it stays, and the money goes back.
    (State.EXPIRED, Event.LATE_PAYMENT): (State.CONFIRMED, State.EXPIRED),
    (State.CANCELLED, Event.LATE_PAYMENT): (State.CANCELLED,),
}


def move(state: State, event: Event) -> State:
    """The state after ``event``, where all goes well. Raises IllegalMove, which names the legal next events."""
    try:
        return MOVES[state, event][0]
    except KeyError:
        raise IllegalMove(state=state, event=event, legal=legal(state)) from None


def legal(state: State) -> list[Event]:
    """The events that may follow ``state``."""
    return [event for (before, event) in MOVES if before == state]
