"""Goods for tests of the warehouse: SKUs in the catalogue, locations, and what lies there."""

from typing import Final

import msgspec

from chalicelib.catalog import service as catalog
from chalicelib.catalog.schemas import CreateProduct
from chalicelib.catalog.service import Product
from chalicelib.catalog.states import State
from chalicelib.core import ids
from chalicelib.core.idempotency import Claim
from chalicelib.events.inventory import StockLine
from chalicelib.inventory import service as inventory
from chalicelib.inventory.service import Location

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


def _details(sku: str) -> CreateProduct:
    variant = {"sku": sku, "option_values": [], "price": PRICE, "weight_grams": 300}
    return msgspec.convert({"name": {"id": sku}, "variants": [variant]}, CreateProduct)
