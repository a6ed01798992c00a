"""Stock on the wire. Levels, locations, movements and discrepancies go out as they are."""

from typing import Annotated, Final

import msgspec

from chalicelib.events.inventory import StockLine
from chalicelib.inventory.rules import (
    LONGEST_SKU,
    MOST_LINES,
    MOST_UNITS,
    Adjustment,
    Discrepancy,
    Level,
    Location,
    Movement,
    Reason,
)

Sku = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_SKU)]
LocationId = Annotated[str, msgspec.Meta(pattern="^[a-z0-9][a-z0-9-]{0,31}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Priority = Annotated[int, msgspec.Meta(ge=0, le=1000)]
Document = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=MOST_UNITS)]
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_UNITS)]
Difference = Annotated[int, msgspec.Meta(ge=-MOST_UNITS, le=MOST_UNITS)]

SIGNS: Final = {Reason.LOST: -1, Reason.FOUND: 1}
"""What is lost gets less, what is found gets more."""


class AddLocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place with stock; of two that could serve an order, the one with the lower priority does."""

    id: LocationId
    name: Name
    priority: Priority

    def location(self) -> Location:
        """The new location."""
        return Location(self.id, self.name, self.priority)


class ChangeLocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shall be different; one that is not active serves no orders, its stock stays."""

    name: Name | None = None
    priority: Priority | None = None
    is_active: bool | None = None


class LocationList(msgspec.Struct, frozen=True):
    """All locations, the preferred first."""

    items: tuple[Location, ...]


class ReceivedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many of a SKU came in."""

    sku: Sku
    quantity: Quantity


class ReceiveStock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods that came in at a location, and the paper they came with."""

    location: LocationId
    document: Document
    lines: Annotated[tuple[ReceivedLine, ...], msgspec.Meta(min_length=1, max_length=MOST_LINES)]

    def stock_lines(self) -> list[StockLine]:
        """Where each line goes."""
        return [StockLine(line.sku, self.location, line.quantity) for line in self.lines]


class AdjustStock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A correction of the books, for a reason.

    ``counted``, ``lost``, ``found`` and ``correction`` change what is on hand; ``damaged``, ``quality_control`` and
    ``safety`` set available units aside, or with a negative difference back.

    Give either ``quantity``, the new number on hand (or set aside for this reason), or ``delta``, the difference; and
    what you believe is there: ``expected_on_hand``, or the level's ``expected_version``.
    """

    sku: Sku
    location: LocationId
    reason: Reason
    quantity: Count | None = None
    delta: Difference | None = None
    expected_on_hand: Count | None = None
    expected_version: Annotated[int, msgspec.Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        if (self.quantity is None) == (self.delta is None):
            raise ValueError("give either quantity or delta")
        if self.expected_on_hand is None and self.expected_version is None:
            raise ValueError("give expected_on_hand or expected_version")
        if (self.delta or 0) * SIGNS.get(self.reason, 0) < 0:
            raise ValueError(f"a delta of this sign cannot be {self.reason}")

    def adjustment(self) -> Adjustment:
        """For the warehouse."""
        return Adjustment(**msgspec.structs.asdict(self))


class StockView(msgspec.Struct, frozen=True):
    """A SKU's stock: the sums, and the level at each location."""

    sku: str
    on_hand: int
    available: int
    reserved: int
    allocated: int
    unavailable: int
    incoming: int
    locations: list[Level]

    @classmethod
    def of(cls, sku: str, levels: list[Level]) -> "StockView":
        """On the wire."""
        return cls(
            sku=sku,
            on_hand=sum(level.on_hand for level in levels),
            available=sum(level.available for level in levels),
            reserved=sum(level.reserved for level in levels),
            allocated=sum(level.allocated for level in levels),
            unavailable=sum(level.unavailable for level in levels),
            incoming=sum(level.incoming for level in levels),
            locations=levels,
        )


class ListMovements(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the list."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class MovementList(msgspec.Struct, frozen=True):
    """Movements, newest first."""

    items: list[Movement]
    next_cursor: str | None


class AuditView(msgspec.Struct, frozen=True):
    """Whether a SKU's books agree, and where they do not."""

    sku: str
    is_consistent: bool
    discrepancies: list[Discrepancy]
