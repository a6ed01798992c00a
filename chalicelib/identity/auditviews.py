"""The audit trail on the wire."""

from typing import Annotated, Any

import msgspec

from chalicelib.core import audit
from chalicelib.core.personal import PERSONAL


class ReadTrail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entries. A `day` is one of UTC; `who` is as entries say it (`staff:stf_…`, `key:…`); a `subject` is what
    was changed (`order:ord_…`, or its id alone) or an id in the path.
    """

    day: Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$")]
    who: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    subject: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class ChangeView(msgspec.Struct, frozen=True):
    """A thing as it was and as it is since, personal data masked; `before` is null for something new."""

    subject: str
    before: Any
    after: Any


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done by privilege, or refused: `outcome` is `done` or the code of the refusal."""

    entry_id: str
    at: str
    who: str
    action: str
    target: dict[str, str]
    source: Annotated[str, PERSONAL]
    agent: Annotated[str, PERSONAL]
    request_id: str
    outcome: str
    asked: Any
    changes: list[ChangeView]


class EntryList(msgspec.Struct, frozen=True):
    """Entries of a day, the oldest first."""

    items: list[EntryView]
    next_cursor: str | None

    @classmethod
    def of(cls, entries: list[dict[str, Any]], next_cursor: str | None) -> "EntryList":
        """On the wire."""
        return cls([_view(entry) for entry in entries], next_cursor)


def _view(entry: dict[str, Any]) -> EntryView:
    whence = {name: audit.whence(entry["entry_id"], entry[name]) for name in ("source", "agent")}
    return msgspec.convert({**entry, **whence}, EntryView)
