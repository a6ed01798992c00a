"""Who goes on when, and what hits whom: drawn by Hypothesis, or written down to be replayed."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from tests.properties.ring.faults import Fault


class Segment(NamedTuple):
    """Go on with the actor ``who`` places further (0: the same) for ``steps`` more steps than one.

    The fault hits the first call from here on, whosever it is, that can meet it.
    """

    who: int = 0
    fault: Fault | None = None
    steps: int = 0


class Choices(list[Segment]):
    """A schedule. After its last segment each actor runs to its end, or until it sleeps, and then the next.

    It prints as what makes it again, so the one of a failure can be kept as a test.
    """

    def __init__(self, segments: Iterable[tuple[int, str | None, int]] = ()) -> None:
        super().__init__(Segment(who, Fault(fault) if fault else None, steps) for who, fault, steps in segments)

    def __repr__(self) -> str:
        shown = ", ".join(f"({who}, {str(fault) if fault else None!r}, {steps})" for who, fault, steps in self)
        return f"Choices([{shown}])"


def schedules(
    actors: int = 3, *, faults: Sequence[Fault] = tuple(Fault), budget: int = 3, segments: int = 10, steps: int = 8
) -> st.SearchStrategy[Choices]:
    """Schedules of at most ``budget`` faults; they shrink towards no switch and no fault.

    Few switches at any place find most races, and keep the failing run short; more ``segments`` dig deeper.
    """
    hits = [*[None] * (2 * len(faults) or 1), *faults]
    length = st.integers(0, 1) | st.integers(0, steps)
    segment = st.tuples(st.integers(0, actors - 1), st.sampled_from(hits), length)
    return st.lists(segment, max_size=segments).map(lambda drawn: _within(budget, drawn))


def _within(budget: int, segments: list[tuple[int, Fault | None, int]]) -> Choices:
    allowed = Choices()
    for who, fault, steps in segments:
        used = sum(earlier.fault is not None for earlier in allowed)
        allowed.append(Segment(who, fault if used < budget else None, steps))
    return allowed
