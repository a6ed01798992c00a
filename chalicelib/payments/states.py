"""The tables of payments (domain.md 5.2): a transaction by its facts, an attempt, a refund, a message."""

from collections.abc import Set
from enum import StrEnum
from typing import Final

from chalicelib.payments.errors import IllegalRefundMove
from chalicelib.payments.gateways.port import Kind


class PaymentStatus(StrEnum):
    """How an order's money stands."""

    UNPAID = "unpaid"
    AUTHORIZED = "authorized"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERPAID = "overpaid"
    PARTIALLY_REFUNDED = "partially_refunded"
    REFUNDED = "refunded"
    REVERSED = "reversed"


class TransactionState(StrEnum):
    """Where one transaction of a gateway stands."""

    PENDING = "pending"
    REVIEW = "review"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    REVERSED = "reversed"
    VOIDED = "voided"
    EXPIRED = "expired"
    FAILED = "failed"


TRANSACTION_STATES: Final[tuple[tuple[frozenset[Kind], TransactionState], ...]] = (
    (frozenset({Kind.CAPTURED, Kind.DENIED}), TransactionState.REVERSED),
    (frozenset({Kind.CAPTURED, Kind.VOIDED}), TransactionState.VOIDED),
    (frozenset({Kind.CAPTURED}), TransactionState.CAPTURED),
    (frozenset({Kind.DENIED}), TransactionState.FAILED),
    (frozenset({Kind.VOIDED}), TransactionState.VOIDED),
    (frozenset({Kind.EXPIRED}), TransactionState.EXPIRED),
    (frozenset({Kind.AUTHORIZED}), TransactionState.AUTHORIZED),
    (frozenset({Kind.CHALLENGED}), TransactionState.REVIEW),
)
"""The first whose kinds have all been seen says the state. Money wins: captured stays captured if it then expires."""


def transaction_state(seen: Set[Kind]) -> TransactionState:
    """The state of a transaction by the set of what was seen of it, in whatever order it came."""
    for kinds, state in TRANSACTION_STATES:
        if kinds <= seen:
            return state
    return TransactionState.PENDING


class AttemptState(StrEnum):
    """Where a try to pay stands."""

    STARTING = "starting"
    """Written here; the gateway has not been asked yet, or its answer was lost."""
    AWAITING = "awaiting"
    """The buyer has been told how to pay."""
    FAILED = "failed"
    """Refused by the gateway or rejected by staff."""
    CLOSED = "closed"
    """Paid, run out, or called off with its order."""


class AttemptEvent(StrEnum):
    """What can happen to one."""

    START = "start"
    REFUSE = "refuse"
    END = "end"


ATTEMPT_MOVES: Final[dict[tuple[AttemptState, AttemptEvent], AttemptState]] = {
    (AttemptState.STARTING, AttemptEvent.START): AttemptState.AWAITING,
    (AttemptState.STARTING, AttemptEvent.REFUSE): AttemptState.FAILED,
    (AttemptState.AWAITING, AttemptEvent.REFUSE): AttemptState.FAILED,
    (AttemptState.STARTING, AttemptEvent.END): AttemptState.CLOSED,
    (AttemptState.AWAITING, AttemptEvent.END): AttemptState.CLOSED,
}
"""Nothing else moves an attempt: what is told of one that has ended is a fact of its own and leaves it as it is."""

OPEN_ATTEMPTS: Final = frozenset({AttemptState.STARTING, AttemptState.AWAITING})

ENDINGS: Final[tuple[tuple[Kind, AttemptEvent], ...]] = (
    (Kind.CAPTURED, AttemptEvent.END),
    (Kind.DENIED, AttemptEvent.REFUSE),
    (Kind.VOIDED, AttemptEvent.END),
    (Kind.EXPIRED, AttemptEvent.END),
)
"""What a fact means for its attempt, the first that was seen. A single failed try leaves the attempt open."""


def attempt_after(state: AttemptState, seen: Set[Kind]) -> AttemptState:
    """The state of an attempt after facts of these kinds."""
    event = next((event for kind, event in ENDINGS if kind in seen), None)
    return state if event is None else ATTEMPT_MOVES.get((state, event), state)


class RefundState(StrEnum):
    """Where a refund stands."""

    GRANTED = "granted"
    REQUESTED = "requested"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class RefundEvent(StrEnum):
    """What can happen to one."""

    REQUEST = "request"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"


REFUND_MOVES: Final[dict[tuple[RefundState, RefundEvent], RefundState]] = {
    (RefundState.GRANTED, RefundEvent.REQUEST): RefundState.REQUESTED,
    (RefundState.GRANTED, RefundEvent.CANCEL): RefundState.CANCELLED,
    (RefundState.REQUESTED, RefundEvent.SUCCEED): RefundState.SUCCEEDED,
    (RefundState.REQUESTED, RefundEvent.FAIL): RefundState.FAILED,
    (RefundState.FAILED, RefundEvent.REQUEST): RefundState.REQUESTED,
}

OUTCOMES: Final[tuple[tuple[Kind, tuple[RefundEvent, ...]], ...]] = (
    (Kind.REFUNDED, (RefundEvent.REQUEST, RefundEvent.SUCCEED)),
    (Kind.REFUND_FAILED, (RefundEvent.REQUEST, RefundEvent.FAIL)),
    (Kind.REFUND_REQUESTED, (RefundEvent.REQUEST,)),
)
"""What was seen of a refund, the strongest first, as the way it must have gone; what is behind it is skipped."""


def move_refund(state: RefundState, event: RefundEvent) -> RefundState:
    """The state after ``event``. Raises IllegalRefundMove, which names the legal next events."""
    try:
        return REFUND_MOVES[state, event]
    except KeyError:
        legal = [event for (before, event) in REFUND_MOVES if before is state]
        raise IllegalRefundMove(state=state, event=event, legal=legal) from None


def refund_after(state: RefundState, seen: Set[Kind]) -> RefundState:
    """The state of a refund by the set of what its gateway has said, in whatever order it came.

    Money that went stays gone; a refund that was called off does not move.
    """
    way = next((events for kind, events in OUTCOMES if kind in seen), ())
    for event in way:
        state = REFUND_MOVES.get((state, event), state)
    return state


class MessageState(StrEnum):
    """Where a partner's message stands."""

    RECEIVED = "received"
    PARKED = "parked"
    """It speaks of what we do not know yet; it is looked at again for a day."""
    PROCESSED = "processed"
    QUARANTINED = "quarantined"
    """Kept, not acted upon, for somebody to look at."""


UNSETTLED: Final = frozenset({MessageState.RECEIVED, MessageState.PARKED})
