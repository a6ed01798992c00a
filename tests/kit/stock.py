"""Goods for tests of the warehouse: SKUs in the catalogue, locations, and what lies there."""

from datetime import timedelta
from typing import Any, Final

import msgspec

from chalicelib.catalog import service as catalog
from chalicelib.catalog.schemas import CreateProduct
from chalicelib.catalog.service import Product
from chalicelib.catalog.states import State
from chalicelib.core import clock, db, ids
from chalicelib.core.idempotency import Claim
from chalicelib.events.inventory import StockLine
from chalicelib.inventory import service as inventory
from chalicelib.inventory.models import StockRow
from chalicelib.inventory.service import Location
from tests.kit import faults
from tests.kit.api import Reply, as_staff, call

ORDER: Final = "ord_01KAV3Z5W8Q2M7N4T6Y9BCDEFG"
PRICE: Final = {"amount": 150_000, "currency": "IDR"}


def sell(*skus: str) -> list[Product]:
    """A product of one variant for each SKU."""
    return [catalog.create(_details(sku).details(), slug=sku.lower(), state=State.ACTIVE) for sku in skus]


def open_locations(*names: str) -> None:
    """Locations, the first one preferred."""
    for priority, name in enumerate(names, 1):
        inventory.add_location(Location(name, f"Gudang {name}", priority))


def receive(location: str, **quantities: int) -> None:
    """Goods that came in; a SKU is written with an underscore for each dash."""
    lines = [StockLine(sku.replace("_", "-"), location, quantity) for sku, quantity in quantities.items()]
    inventory.receive(location, "SJ-1", lines, claim())


def claim(key: str | None = None) -> Claim:
    """The use of a new Idempotency-Key, or of this one."""
    return Claim.of(key or ids.chance(20), principal="staff:tests", route="POST stock", request=b"{}")


def ask(method: str, path: str, body: Any = None, key: str | None = None) -> Reply:
    """Ask a door of the warehouse, as staff."""
    return call(method, f"/admin/stock{path}", body, headers=as_staff() | ({"Idempotency-Key": key} if key else {}))


def line(quantity: int, sku: str = "KEMEJA-M", location: str = "jkt") -> StockLine:
    """So many of a SKU at a location."""
    return StockLine(sku, location, quantity)


def hold(*lines: StockLine, owner: str = ORDER) -> None:
    """Hold ``lines`` for two hours."""
    with db.transaction() as tx:
        inventory.hold(tx, owner, lines, expires_at=clock.now() + timedelta(hours=2))


def held(owner: str = ORDER) -> Any:
    """What ``owner`` holds or held, or None."""
    return db.look(inventory.lookup_hold(owner))[0]


def kinds(sku: str = "KEMEJA-M") -> list[str]:
    """The kinds of the SKU's movements, newest first."""
    return [movement.kind for movement in inventory.movements_of(sku, limit=100, cursor=None).items]


def write(move: Any, *arguments: Any, **named: Any) -> None:
    """One move of the warehouse in a transaction of its own."""
    with db.transaction() as tx:
        move(tx, *arguments, **named)


def level(sku: str = "KEMEJA-M", location: str = "jkt") -> tuple[int, ...] | None:
    """On hand, available, reserved, allocated and unavailable; None where there never was anything."""
    (found,) = db.look(StockRow.lookup([sku], [location]))
    return next(
        ((each.on_hand, each.available, each.reserved, each.allocated, each.unavailable) for each in found), None
    )


def tamper(**counters: int) -> None:
    """Write wrong numbers past all conditions."""
    actions = [getattr(StockRow, name).set(value) for name, value in counters.items()]
    with db.transaction() as tx:
        tx.update(StockRow("KEMEJA-M", "STOCK#jkt"), actions, condition=StockRow.pk.exists())


def overtaken(writes: int, failed: int) -> faults.Fault:
    """A transaction of so many writes, of which number ``failed`` came too late."""
    reasons = ["ConditionalCheckFailed" if number == failed else "None" for number in range(writes)]
    return faults.refusal("TransactionCanceledException", reasons)


def _details(sku: str) -> CreateProduct:
    variant = {"sku": sku, "option_values": [], "price": PRICE, "weight_grams": 300}
    return msgspec.convert({"name": {"id": sku}, "variants": [variant]}, CreateProduct)
