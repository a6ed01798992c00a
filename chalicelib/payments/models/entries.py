"""What all items of an order's money have in common."""

from typing import Any, Final

from chalicelib.core import db
from chalicelib.core.config import settings

ENTRIES: Final[dict[str, type["Entry"]]] = {}
"""The classes of items by what their sk begins with; ``books`` names them."""


class Entry(db.Row):
    """Any item of an order's money (pk = order id), read as what its sk says it is."""

    class Meta:
        table_name = settings.table("payments")

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Any:
        """The item as an instance of its own class."""
        kind = ENTRIES.get(data["sk"]["S"].partition("#")[0], cls)
        return super(Entry, kind).from_raw_data(data)
