"""What storefronts read of the catalogue."""

from chalicelib.catalog import categories, listings
from chalicelib.catalog import service as catalog
from chalicelib.catalog.errors import CategoryNotFound, ProductNotFound
from chalicelib.catalog.models.categories import CategoryRow
from chalicelib.catalog.schemas import BrowseProducts, CategoryTree, ProductCard, ProductCards, StoreProduct
from chalicelib.core.api import Api
from chalicelib.identity.service import storefront

api = Api(__name__)


@api.get(
    "/products", access=storefront, query=BrowseProducts, answers={200: ProductCards}, refusals=(CategoryNotFound,)
)
def browse_products(query: BrowseProducts) -> ProductCards:
    """Products for shoppers: of a category, found by words, or all.

    What was changed a moment ago may not have come into the list yet; prices and what can be sold are of now. A page
    may hold fewer than `limit`: go on while there is a `next_cursor`.
    """
    page = listings.browse(
        category_id=categories.named(query.category).id if query.category else None,
        q=query.q,
        sort=query.sort,
        limit=query.limit,
        cursor=query.cursor or None,
    )
    return ProductCards([ProductCard.of(product) for product in page.items], page.next_cursor)


@api.get("/products/{slug}", access=storefront, answers={200: StoreProduct}, refusals=(ProductNotFound,))
def get_product(slug: str) -> StoreProduct:
    """A product's page, with its variants."""
    return StoreProduct.of(catalog.on_sale(slug))


@api.get("/categories", access=storefront, answers={200: CategoryTree})
def get_categories() -> CategoryTree:
    """The category tree."""
    return CategoryTree.of(CategoryRow.tree().categories.values())
