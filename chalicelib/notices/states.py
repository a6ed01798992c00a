"""How far a notice has come. Facts about it arrive twice and in any order: what is later in rank stays."""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """QUEUED waits, SENDING was handed over without an answer so far, SENT was taken by the partner.

    DELIVERED reached the person; BOUNCED never will; COMPLAINED was called spam; FAILED was refused for good;
    SUPPRESSED was not sent, since there is no sender, the address is blocked or letters are switched off; CANCELLED
    need not be sent any more.
    """

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"


UNSENT: Final = frozenset({State.QUEUED, State.SENDING})
RESENDABLE: Final = frozenset(State) - {State.SENDING, State.CANCELLED}

MAY_FOLLOW: Final[dict[State, frozenset[State]]] = {
    State.SENDING: frozenset({State.QUEUED, State.SENDING}),
    State.QUEUED: UNSENT,
    State.SENT: UNSENT,
    State.DELIVERED: frozenset({State.SENDING, State.SENT}),
    State.FAILED: frozenset({State.QUEUED, State.SENDING, State.SENT}),
    State.BOUNCED: frozenset({State.SENDING, State.SENT, State.DELIVERED}),
    State.COMPLAINED: frozenset({State.SENDING, State.SENT, State.DELIVERED, State.BOUNCED}),
    State.SUPPRESSED: UNSENT,
    State.CANCELLED: UNSENT,
}
"""The states that each may follow; from any other, what is said changes nothing."""
