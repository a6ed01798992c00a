"""Switches on the wire."""

from typing import Annotated

import msgspec

from chalicelib.core.flags import EVERYBODY, NOBODY, State, Switch
from chalicelib.core.texts import LocalText

MOST_IN_CIRCLE = 100

CustomerId = Annotated[str, msgspec.Meta(pattern="^cus_[0-9A-Z]{26}$")]
Share = Annotated[int, msgspec.Meta(ge=NOBODY, le=EVERYBODY)]


class TurnSwitch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a switch shall stand, why (name nobody: the audit trail keeps it), and the `version` it was read in."""

    share: Share
    reason: Annotated[str, msgspec.Meta(min_length=3, max_length=300)]
    version: Annotated[int, msgspec.Meta(ge=0)]
    circle: Annotated[list[CustomerId], msgspec.Meta(max_length=MOST_IN_CIRCLE)] = []


class SwitchView(msgspec.Struct, frozen=True):
    """A switch as it stands: open to `share` of a hundred callers and to those in `circle`. Version 0: never turned."""

    switch: str
    meaning: LocalText
    when_off: LocalText
    share: int
    circle: list[str]
    version: int
    reason: str | None
    changed_at: str | None
    changed_by: str | None

    @classmethod
    def of(cls, switch: Switch, state: State) -> "SwitchView":
        """On the wire."""
        return cls(
            switch=switch.name,
            meaning=switch.meaning,
            when_off=switch.when_off,
            share=state.share,
            circle=list(state.circle),
            version=state.version,
            reason=state.reason,
            changed_at=state.changed_at,
            changed_by=state.changed_by,
        )


class SwitchList(msgspec.Struct, frozen=True):
    """Every switch there is."""

    items: list[SwitchView]


class AskForServices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cart that a guest would order."""

    cart_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class ServiceView(msgspec.Struct, frozen=True):
    """Something the shop does; `message` is what to tell the buyer where it does not."""

    name: str
    is_open: bool
    message: LocalText | None

    @classmethod
    def of(cls, switch: Switch, *, is_open: bool) -> "ServiceView":
        """On the wire."""
        return cls(switch.name, is_open, None if is_open else switch.when_off)


class ServiceList(msgspec.Struct, frozen=True):
    """What the shop does for a buyer."""

    items: list[ServiceView]
