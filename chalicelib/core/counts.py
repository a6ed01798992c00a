"""What a schedule has to say for itself."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """How many things a schedule looked at, changed, and had to leave for the next time."""

    seen: int = 0
    done: int = 0
    left: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.seen + other.seen, self.done + other.done, self.left + other.left)
