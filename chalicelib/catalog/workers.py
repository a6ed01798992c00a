"""The catalogue's worker: listings follow products and categories."""

from chalice.app import Blueprint

from chalicelib.catalog import listings
from chalicelib.core.config import settings
from chalicelib.core.worker import each_message
from chalicelib.events.catalog import CategoryChanged, ProductChanged

workers = Blueprint(__name__)

CatalogNews = ProductChanged | CategoryChanged


@workers.on_sqs_message(queue=settings.queue("catalog"), batch_size=10, name="catalog-on-product")
@each_message
def on_product(news: CatalogNews) -> None:
    """The listings follow: what is stored is read, so news said twice or out of order end the same."""
    if isinstance(news, CategoryChanged):
        listings.relist_category(news.category_id)
    else:
        listings.relist(news.product_id)
