"""What staff and integrations do with stock."""

from chalicelib.catalog.errors import UnknownSku
from chalicelib.core import db
from chalicelib.core.api import Api, Created
from chalicelib.core.errors import WriteRefused
from chalicelib.core.idempotency import Claim
from chalicelib.identity.service import staff
from chalicelib.inventory import service as inventory
from chalicelib.inventory.errors import (
    LocationExists,
    NotEnoughStock,
    StaleStock,
    TooManyLocations,
    TooMuchStock,
    UnknownLocation,
)
from chalicelib.inventory.rules import Level, Location
from chalicelib.inventory.schemas import (
    AddLocation,
    AdjustStock,
    AuditView,
    ChangeLocation,
    ListMovements,
    LocationList,
    MovementList,
    ReceiveStock,
    StockView,
)
from chalicelib.inventory.service import Receipt

api = Api(__name__)


@api.get("/locations", access=staff("stock:read"), answers={200: LocationList})
def list_locations() -> LocationList:
    """All locations, the preferred first."""
    return LocationList(db.look(inventory.lookup_locations())[0])


@api.post(
    "/locations",
    access=staff("stock:write"),
    body=AddLocation,
    answers={201: Location},
    refusals=(LocationExists, TooManyLocations),
)
def add_location(asked: AddLocation) -> Created:
    """Add a place with stock."""
    added = inventory.add_location(asked.location())
    return Created(added, location=f"/admin/stock/locations/{added.id}")


@api.patch(
    "/locations/{location_id}",
    access=staff("stock:write"),
    body=ChangeLocation,
    answers={200: Location},
    refusals=(UnknownLocation,),
)
def change_location(location_id: str, asked: ChangeLocation) -> Location:
    """Change a location's name, its priority or whether it serves orders.

    What storefronts show as available follows with the next movement of each SKU.
    """
    return inventory.change_location(location_id, name=asked.name, priority=asked.priority, is_active=asked.is_active)


@api.post(
    "/receipts",
    access=staff("stock:write"),
    body=ReceiveStock,
    answers={201: Receipt},
    idempotent=True,
    claims_in_use_case=True,
    refusals=(UnknownLocation, UnknownSku, TooMuchStock),
)
def receive_stock(asked: ReceiveStock, claim: Claim) -> Created:
    """Take in goods; get the levels after it. The same key takes them in once."""
    receipt = inventory.receive(asked.location, asked.document, asked.stock_lines(), claim)
    return Created(receipt, location=f"/admin/stock/{asked.lines[0].sku}/movements")


@api.post(
    "/adjustments",
    access=staff("stock:write"),
    body=AdjustStock,
    answers={201: Level},
    idempotent=True,
    claims_in_use_case=True,
    refusals=(UnknownLocation, UnknownSku, StaleStock, NotEnoughStock, TooMuchStock, WriteRefused),
)
def adjust_stock(asked: AdjustStock, claim: Claim) -> Created:
    """Correct the books, or set units aside, if the stock is what you believe it is; get the level after it."""
    level = inventory.adjust(asked.adjustment(), claim)
    return Created(level, location=f"/admin/stock/{asked.sku}")


@api.get("/{sku}", access=staff("stock:read"), answers={200: StockView}, refusals=(UnknownSku,))
def get_stock(sku: str) -> StockView:
    """A SKU's stock, in all and at each location."""
    return StockView.of(sku, inventory.levels_of(sku))


@api.get(
    "/{sku}/movements",
    access=staff("stock:read"),
    query=ListMovements,
    answers={200: MovementList},
    refusals=(UnknownSku,),
)
def list_movements(sku: str, query: ListMovements) -> MovementList:
    """What moved a SKU's stock and for whom, newest first."""
    page = inventory.movements_of(sku, limit=query.limit, cursor=query.cursor)
    return MovementList(page.items, page.next_cursor)


@api.get(
    "/{sku}/audit",
    access=staff("stock:read"),
    answers={200: AuditView},
    refusals=(UnknownSku, WriteRefused),
)
def audit_stock(sku: str) -> AuditView:
    """Check a SKU's counters against their sum (I1), every movement (I2) and every open hold (I3)."""
    found = inventory.verify(sku)
    return AuditView(sku, not found, found)
