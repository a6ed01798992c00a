"""What a tester may ask of a simulator, read strictly: how a transaction goes on, and how the partner misbehaves."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

Check = tuple[Callable[[Any], bool], str]


class Refused(Exception):
    """A control that cannot be carried out: answered under ``status`` as ``{"error": why, **facts}``."""

    def __init__(self, status: int, why: str, **facts: Any) -> None:
        super().__init__(why)
        self.status = status
        self.body = {"error": why, **facts}


def _whole(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high, f"a whole number from {low} to {high}"


SWITCH: Final[Check] = (lambda value: isinstance(value, bool), "true or false")
WORD: Final[Check] = (lambda value: isinstance(value, str) and 0 < len(value) <= 50, "a text of 1 to 50 characters")

WISHES: Final[Mapping[str, Check]] = {
    "duplicates": _whole(0, 100),
    "shuffle": SWITCH,
    "delay_ms": _whole(0, 600_000),
    "amount": _whole(1, 10**12),
    "method": WORD,
    "force": SWITCH,
}
MANNERS: Final[Mapping[str, Check]] = {
    "down": SWITCH,
    "slow_ms": _whole(0, 600_000),
    "lose_responses": _whole(0, 1_000_000),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """How a control is carried out.

    ``duplicates`` are extra copies of each notification, ``shuffle`` sends all notifications of the transaction so far
    again in random order, ``delay_ms`` lets them wait, ``amount`` is what is really paid or given back (rupiah),
    ``method`` what the buyer picks on a page with a choice, and ``force`` overrules the state: money that comes late.
    """

    duplicates: int = 0
    shuffle: bool = False
    delay_ms: int = 0
    amount: int | None = None
    method: str | None = None
    force: bool = False

    @classmethod
    def read(cls, raw: bytes) -> "Wish":
        """A wish from a control's body; an empty body wishes nothing special. Raises Refused."""
        return cls(**_read(raw, WISHES))


@dataclass(slots=True)
class Behaviour:
    """How the partner behaves: ``down`` answers 503, ``slow_ms`` has each answer wait, and the answers to the next
    ``lose_responses`` POSTs are lost after the effect. Controls and pages are never affected."""

    down: bool = False
    slow_ms: int = 0
    lose_responses: int = 0

    def change(self, raw: bytes) -> None:
        """Set what the body names and leave the rest. Raises Refused."""
        for name, value in _read(raw, MANNERS).items():
            setattr(self, name, value)

    def reset(self) -> None:
        """Behave well."""
        self.down, self.slow_ms, self.lose_responses = False, 0, 0

    def take_time(self) -> None:
        """Be as slow as asked."""
        if self.slow_ms:
            time.sleep(self.slow_ms / 1000)

    def loses_this(self) -> bool:
        """Whether the answer at hand is one of those to be lost."""
        if not self.lose_responses:
            return False
        self.lose_responses -= 1
        return True

    def shown(self) -> dict[str, Any]:
        """As JSON shows it."""
        return asdict(self)


def _read(raw: bytes, checks: Mapping[str, Check]) -> dict[str, Any]:
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise Refused(422, "The body is no JSON.") from error
    if not isinstance(body, dict):
        raise Refused(422, "The body must be a JSON object.")
    wrong = {name: checks[name][1] if name in checks else "unknown" for name in body if not _fits(name, body, checks)}
    if wrong:
        raise Refused(422, "The body names what cannot be.", fields=wrong, known=sorted(checks))
    return body


def _fits(name: str, body: Mapping[str, Any], checks: Mapping[str, Check]) -> bool:
    return name in checks and checks[name][0](body[name])
