"""The warehouse's workers: the catalogue learns what can be sold, and forgotten holds are released."""

from chalice.app import Blueprint, Rate

from chalicelib.core import clock
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.worker import each_message, scheduled
from chalicelib.events.inventory import (
    StockAdjusted,
    StockDeallocated,
    StockHeld,
    StockReceived,
    StockReleased,
)
from chalicelib.inventory import service as inventory

workers = Blueprint(__name__)

StockNews = StockAdjusted | StockDeallocated | StockHeld | StockReceived | StockReleased


@workers.on_sqs_message(queue=settings.queue("inventory"), batch_size=10, name="inventory-on-stock")
@each_message
def on_stock(news: StockNews) -> None:
    """What storefronts show follows the stock: it is read, so news said twice or out of order end the same."""
    inventory.show_availability(*sorted({line.sku for line in news.lines}))


@workers.schedule(Rate(5, unit=Rate.MINUTES), name="inventory-sweep-holds")
@scheduled
def sweep_holds() -> Counts:
    """Release holds that their orders forgot for a day."""
    return inventory.sweep_due(clock.now())
