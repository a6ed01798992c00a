"""The order's lifecycle: a move is legal exactly if the table of domain 5.1 says so."""

from itertools import product

import pytest

from chalicelib.orders.errors import IllegalMove
from chalicelib.orders.states import MOVES, Event, State, legal, move

LAW = {
    "draft": {"place": "pending", "discard": "cancelled"},
    "pending": {
        "pay_covered": "confirmed",
        "accept": "confirmed",
        "expire": "expired",
        "cancel": "cancelled",
    },
    "confirmed": {
        "hold": "on_hold",
        "payment_reversed": "on_hold",
        "cancel": "cancelled",
        "complete": "completed",
    },
    "on_hold": {"release": "confirmed", "payment_reversed": "on_hold", "cancel": "cancelled"},
    "completed": {"payment_reversed": "completed"},
    "expired": {"late_payment": "confirmed"},
    "cancelled": {"late_payment": "cancelled"},
}
PAIRS = list(product(State, Event))


def test_there_are_seven_states_and_eleven_events():
    assert len(PAIRS) == 77


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_a_move_is_legal_exactly_if_the_law_has_it(state, event):
    lawful = LAW[state].get(event)

    if lawful is None:
        with pytest.raises(IllegalMove) as refused:
            move(state, event)
        assert refused.value.facts["legal"] == legal(state)
        assert set(legal(state)) == set(LAW[state])
    else:
        assert move(state, event) == lawful


def test_only_a_late_payment_may_leave_an_order_where_it_was():
    undecided = {pair for pair, outcomes in MOVES.items() if len(outcomes) > 1}

    assert undecided == {(State.EXPIRED, Event.LATE_PAYMENT)}
