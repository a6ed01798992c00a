"""How stock is stored: one table with the locations, a row per SKU and location, its movements, a hold per owner."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from chalicelib.core import clock, cursors, db, ids
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError, WriteRefused
from chalicelib.core.escrow import Counter, Hold, Move, Part, Pool, Shift
from chalicelib.events.inventory import StockLine
from chalicelib.inventory.errors import OutOfStock, TooMuchStock
from chalicelib.inventory.rules import (
    MOST_UNITS,
    SET_ASIDE,
    Delta,
    Kind,
    Level,
    Location,
    Movement,
)

TABLE: Final = settings.table("inventory")
STOCK: Final = "STOCK#"
MOVE: Final = "MOVE#"

KINDS: Final = {
    Move.HOLD: Kind.HELD,
    Move.CONSUME: Kind.CONSUMED,
    Move.RELEASE: Kind.RELEASED,
    Move.TAKE: Kind.TAKEN,
    Move.GIVE_BACK: Kind.DEALLOCATED,
}
COUNTERS: Final = {
    Counter.AVAILABLE: "available",
    Counter.RESERVED: "reserved",
    Counter.SPENT: "allocated",
}


@dataclass(frozen=True, slots=True)
class Directory:
    """All locations, and how often they have been changed."""

    locations: tuple[Location, ...]
    version: int


class LocationsRow(db.Row):
    """pk = "LOCATIONS", sk = "ALL": every location in one row, since every plan needs all of them."""

    class Meta:
        table_name = TABLE

    locations: JSONAttribute = JSONAttribute()
    version = NumberAttribute()

    @classmethod
    def lookup(cls) -> "db.Lookup[Directory]":
        """Reads the locations."""

        def build(rows: list[LocationsRow | None]) -> Directory:
            if rows[0] is None:
                return Directory((), 0)
            return Directory(tuple(Location(**each) for each in rows[0].locations), int(rows[0].version))

        return db.Lookup(((cls, "LOCATIONS", "ALL"),), build)

    @classmethod
    def replace(cls, tx: db.Transaction, before: Directory, locations: Sequence[Location]) -> None:
        """Write ``locations`` if nobody changed them since ``before`` was read."""
        row = cls(
            pk="LOCATIONS",
            sk="ALL",
            locations=[asdict(each) for each in locations],
            version=before.version + 1,
        )
        tx.put(row, condition=_at_version(cls, before.version))


class MovementRow(db.Row):
    """pk = SKU, sk = "MOVE#", its location, "#" and its id, which sorts by time."""

    class Meta:
        table_name = TABLE

    location = UnicodeAttribute()
    kind = UnicodeAttribute()
    on_hand = NumberAttribute()
    available = NumberAttribute()
    reserved = NumberAttribute()
    allocated = NumberAttribute()
    unavailable = NumberAttribute()
    incoming = NumberAttribute()
    owner = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    document = UnicodeAttribute(null=True)
    occurred_at = UnicodeAttribute()
    business_date = UnicodeAttribute()

    @classmethod
    def add(cls, tx: db.Transaction, movement: Movement) -> None:
        """Write a movement down, for good."""
        row = cls(
            pk=movement.sku,
            sk=f"{MOVE}{movement.location}#{movement.id}",
            location=movement.location,
            kind=movement.kind,
            **asdict(movement.delta),
            owner=movement.owner,
            reason=movement.reason,
            document=movement.document,
            occurred_at=clock.stamp(movement.occurred_at),
            business_date=movement.business_date.isoformat(),
        )
        tx.put(row)

    @classmethod
    def all_of(cls, sku: str) -> list[Movement]:
        """Every movement of the SKU."""
        return [row.movement() for row in db.rows(cls, sku, cls.sk.startswith(MOVE))]

    @classmethod
    def page(cls, sku: str, locations: Iterable[str], *, limit: int, cursor: str | None) -> "db.Page[Movement]":
        """The SKU's movements at ``locations``, newest first; the position in the list is a movement's id."""
        scope = f"movements|{sku}"
        before = cursors.open_(scope, cursor) if cursor else "mov_~"
        found = sorted(
            (row for location in locations for row in cls._before(sku, location, before, limit + 1)),
            key=lambda movement: movement.id,
            reverse=True,
        )
        items = found[:limit]
        return db.Page(items, cursors.seal(scope, items[-1].id) if len(found) > limit else None)

    @classmethod
    def _before(cls, sku: str, location: str, before: str, limit: int) -> list[Movement]:
        """The upper bound is itself left out: it was on the page before."""
        start = f"{MOVE}{location}#"
        rows = db.rows(cls, sku, cls.sk.between(start, start + before), newest_first=True, limit=limit + 1)
        return [row.movement() for row in rows if row.sk != start + before]

    def movement(self) -> Movement:
        """The row as a value."""
        return Movement(
            id=self.sk.rpartition("#")[2],
            sku=self.pk,
            location=self.location,
            kind=Kind(self.kind),
            delta=Delta(**{name: int(getattr(self, name)) for name in Delta.__slots__}),
            owner=self.owner,
            reason=self.reason,
            document=self.document,
            occurred_at=clock.instant(self.occurred_at),
            business_date=date.fromisoformat(self.business_date),
        )


class StockRow(Pool):
    """pk = SKU, sk = "STOCK#" and the location. What is spent of it is allocated."""

    class Meta:
        table_name = TABLE

    on_hand = NumberAttribute()
    spent = NumberAttribute(attr_name="allocated")
    unavailable = NumberAttribute()
    damaged = NumberAttribute()
    quality_control = NumberAttribute()
    safety = NumberAttribute()
    incoming = NumberAttribute()
    last_movement_id = UnicodeAttribute()

    @classmethod
    def lookup(cls, skus: Iterable[str], locations: Iterable[str]) -> "db.Lookup[list[Level]]":
        """Reads the levels of each SKU at each location; there is none where nothing ever was."""
        places = tuple(locations)
        keys = tuple((cls, sku, STOCK + place) for sku in skus for place in places)
        return db.Lookup(keys, lambda rows: [row.level() for row in rows if row])

    @classmethod
    def all_of(cls, sku: str) -> list[Level]:
        """The SKU's levels, by location."""
        return [row.level() for row in db.rows(cls, sku, cls.sk.startswith(STOCK))]

    @classmethod
    def receive(cls, tx: db.Transaction, line: StockLine, *, owner: str, document: str) -> None:
        """Add what came in, whatever is there. Refused with TooMuchStock."""
        movement = _movement(
            tx,
            line,
            Kind.RECEIVED,
            Delta(on_hand=line.quantity, available=line.quantity),
            owner=owner,
            document=document,
        )
        has_room = cls.on_hand.does_not_exist() | (cls.on_hand <= MOST_UNITS - line.quantity)
        too_much = TooMuchStock(sku=line.sku, location=line.location, most=MOST_UNITS)
        cls._move(tx, movement, condition=has_room, refusal=too_much)

    @classmethod
    def adjust(cls, tx: db.Transaction, level: Level, delta: Delta, *, owner: str, reason: str) -> None:
        """Apply ``delta`` if nothing moved since ``level`` was read. Refused with WriteRefused."""
        kind = Kind.SET_ASIDE if reason in SET_ASIDE else Kind.ADJUSTED
        line = StockLine(level.sku, level.location, delta.available)
        movement = _movement(tx, line, kind, delta, owner=owner, reason=reason)
        cls._move(tx, movement, condition=_at_version(cls, level.version), refusal=WriteRefused())

    @classmethod
    def _move(cls, tx: db.Transaction, movement: Movement, *, condition: Condition, refusal: LarisError) -> None:
        """Write a movement and what it does to the counters, which begin at zero where there is no row."""
        delta = asdict(movement.delta)
        delta["spent"] = delta.pop("allocated")
        delta |= {each: delta["unavailable"] if each == movement.reason else 0 for each in SET_ASIDE}
        counters = [(getattr(cls, name), number) for name, number in delta.items()]
        actions = [counter.set((counter | 0) + number) for counter, number in counters]
        actions += [cls.version.set((cls.version | 0) + 1), cls.last_movement_id.set(movement.id)]
        row = cls(movement.sku, STOCK + movement.location)
        tx.update(row, actions, condition=condition, refusal=refusal)
        MovementRow.add(tx, movement)

    @staticmethod
    def note(tx: db.Transaction, shift: Shift) -> list[Action]:
        """Writes the movement of a hold's move."""
        part = shift.part
        changed = {COUNTERS[shift.source]: -part.quantity, COUNTERS[shift.target]: part.quantity}
        movement = _movement(tx, line_of(part), KINDS[shift.move], Delta(**changed), owner=shift.owner)
        MovementRow.add(tx, movement)
        return [StockRow.last_movement_id.set(movement.id)]

    @staticmethod
    def short(part: Part, row: Any) -> LarisError:
        """There is less than a hold needs."""
        return OutOfStock(sku=part.pk, available=max(0, int(row.available)) if row else 0)

    def level(self) -> Level:
        """The row as a value."""
        return Level(
            sku=self.pk,
            location=self.sk.removeprefix(STOCK),
            on_hand=int(self.on_hand),
            available=int(self.available),
            reserved=int(self.reserved),
            allocated=int(self.spent),
            unavailable=int(self.unavailable),
            incoming=int(self.incoming),
            version=int(self.version),
            unavailable_by_reason={str(reason): int(getattr(self, reason)) for reason in SET_ASIDE},
        )


class HoldRow(Hold):
    """pk = the owner, sk = "HOLD": what an order holds or has consumed."""

    class Meta:
        table_name = TABLE

    POOL = StockRow


def part_of(line: StockLine) -> Part:
    """The part of a stock row that ``line`` speaks of."""
    return Part(line.sku, STOCK + line.location, line.quantity)


def line_of(part: Part) -> StockLine:
    """``part`` as a line."""
    return StockLine(part.pk, part.sk.removeprefix(STOCK), part.quantity)


def _movement(
    tx: db.Transaction,
    line: StockLine,
    kind: Kind,
    delta: Delta,
    *,
    owner: str,
    reason: str | None = None,
    document: str | None = None,
) -> Movement:
    now = clock.now()
    return Movement(
        id=ids.new("mov", now, step=len(tx)),
        sku=line.sku,
        location=line.location,
        kind=kind,
        delta=delta,
        owner=owner,
        reason=reason,
        document=document,
        occurred_at=now,
        business_date=clock.business_date(now),
    )


def _at_version(row: type[LocationsRow | StockRow], version: int) -> Condition:
    """Nobody wrote since; version 0 is a row that was not there."""
    return row.version == version if version else row.pk.does_not_exist()
