"""A product's states."""

from enum import StrEnum
from typing import Final

from chalicelib.catalog.errors import IllegalMove


class State(StrEnum):
    """Where a product stands: only an active one is seen and sold."""

    DRAFT = "draft"
    ACTIVE = "active"
    ARCHIVED = "archived"


MOVES: Final[dict[State, frozenset[State]]] = {
    State.DRAFT: frozenset({State.ACTIVE, State.ARCHIVED}),
    State.ACTIVE: frozenset({State.ARCHIVED}),
    State.ARCHIVED: frozenset({State.ACTIVE}),
}


def move(before: State, after: State) -> State:
    """``after``, if a product may go there (or is there). Raises IllegalMove, which names the legal next states."""
    if after != before and after not in MOVES[before]:
        raise IllegalMove(state=before, asked=after, legal=sorted(MOVES[before]))
    return after
