"""Switches: parts of the shop that staff close, or open to some before they open them to all, without a deployment.

A switch is declared as data where it is used. How it stands is a row of the table ``runs``, read at most once in half a
minute by each running copy, all switches at once. A switch never takes the shop down: while they cannot be read the
last known state counts, and before there is one the default.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
from botocore.exceptions import ClientError
from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.core import audit, clock, db, log
from chalicelib.core.config import settings
from chalicelib.core.errors import Conflict, LarisError
from chalicelib.core.texts import LocalText

KEPT_FOR: Final = timedelta(seconds=30)
ALL: Final = "SWITCHES"
EVERYBODY: Final = 100
NOBODY: Final = 0


class StaleSwitch(Conflict):
    """The switch was turned since you read it; ``version`` is the current one. Read it again and repeat."""

    code = "stale_switch"


@dataclass(frozen=True, slots=True)
class Switch:
    """A part of the shop that can be closed: what it lets happen, and what is said to whom it is closed.

    ``refusal`` is what ``check`` raises; None where nobody waits for an answer.
    """

    name: str
    meaning: LocalText
    when_off: LocalText
    refusal: type[LarisError] | None = None
    default: int = EVERYBODY


@dataclass(frozen=True, slots=True)
class State:
    """How a switch stands: open to ``share`` of 100 callers, and to those in ``circle`` whatever the share."""

    share: int
    circle: tuple[str, ...] = ()
    version: int = 0
    reason: str | None = None
    changed_at: str | None = None
    changed_by: str | None = None


class SwitchRow(db.Row):
    """pk = "SWITCHES", sk = the switch's name."""

    class Meta:
        table_name = settings.table("runs")

    share = NumberAttribute()
    circle: JSONAttribute = JSONAttribute()
    version = NumberAttribute()
    reason = UnicodeAttribute()
    changed_at = UnicodeAttribute()
    changed_by = UnicodeAttribute()

    def state(self) -> State:
        """The row as a value."""
        members: list[str] = self.circle
        return State(int(self.share), tuple(members), int(self.version), self.reason, self.changed_at, self.changed_by)


_kept: Final[dict[str, State]] = {}
"""The switches that were ever turned, as last read."""
_read: Final[dict[str, datetime]] = {}
"""When they were read, or could not be."""


def is_on(switch: Switch, *who: str | None) -> bool:
    """Whether ``switch`` is open to the caller, known by the ids that are given: a customer's, a cart's.

    The circle is looked up for each id; the share goes by the first one, and always the same way for the same id. Who
    is known by none is let in where everybody is.
    """
    state = _kept_state(switch)
    known = [each for each in who if each]
    if state.share in (NOBODY, EVERYBODY) or not known:
        is_in_share = state.share == EVERYBODY
    else:
        is_in_share = _place(switch.name, known[0]) < state.share
    return is_in_share or not set(state.circle).isdisjoint(known)


def check(switch: Switch, *who: str | None) -> None:
    """Raises the refusal of ``switch``, with a text for the caller in both languages, where it is not open to them."""
    if switch.refusal is not None and not is_on(switch, *who):
        raise switch.refusal(switch.when_off.to("en"), message=msgspec.to_builtins(switch.when_off))


def state_of(switch: Switch) -> State:
    """How a switch stands this moment."""
    row = db.get(SwitchRow, ALL, switch.name)
    return row.state() if row else State(switch.default)


def states(switches: tuple[Switch, ...]) -> list[tuple[Switch, State]]:
    """How each of ``switches`` stands this moment."""
    rows = {row.sk: row.state() for row in db.rows(SwitchRow, ALL)}
    return [(switch, rows.get(switch.name, State(switch.default))) for switch in switches]


def turn(switch: Switch, share: int, circle: tuple[str, ...], *, reason: str, by: str, version: int) -> State:
    """Turn ``switch``, if it still stands as in ``version``; every copy of the API follows within half a minute.

    Raises StaleSwitch.
    """
    before = state_of(switch)
    if before.version != version:
        raise StaleSwitch(version=before.version)
    after = State(share, circle, version + 1, reason, clock.stamp(clock.now()), by)
    audit.change(f"switch:{switch.name}", before=_facts(before), after=_facts(after))
    condition = SwitchRow.version == version if version else SwitchRow.pk.does_not_exist()
    with db.transaction() as tx:
        tx.put(_row(switch, after), condition=condition)
    forget()
    log.logger.warning("switch turned", switch=switch.name, share=share, circle=len(circle))
    return after


def forget() -> None:
    """Drop what is kept, so that a switch that was turned is seen at once."""
    _kept.clear()
    _read.clear()


def _kept_state(switch: Switch) -> State:
    now = clock.now()
    read_at = _read.get(ALL)
    if read_at is None or not timedelta() <= now - read_at < KEPT_FOR:
        _read[ALL] = now  # also where it fails: a table that does not answer is not asked by every request
        _refresh()
    return _kept.get(switch.name, State(switch.default))


def _refresh() -> None:
    try:
        rows = {row.sk: row.state() for row in db.rows(SwitchRow, ALL)}
    except (LarisError, ClientError):
        log.logger.exception("switches unreadable", known=len(_kept))
        return
    _kept.clear()
    _kept.update(rows)


def _place(name: str, who: str) -> int:
    """Where somebody stands among a hundred, by chance and for good; for each switch elsewhere."""
    return int.from_bytes(hashlib.sha256(f"{name}:{who}".encode()).digest()[:8]) % EVERYBODY


def _row(switch: Switch, state: State) -> SwitchRow:
    return SwitchRow(
        pk=ALL,
        sk=switch.name,
        share=state.share,
        circle=list(state.circle),
        version=state.version,
        reason=state.reason,
        changed_at=state.changed_at,
        changed_by=state.changed_by,
    )


def _facts(state: State) -> dict[str, object]:
    return {"share": state.share, "circle": list(state.circle), "reason": state.reason}
