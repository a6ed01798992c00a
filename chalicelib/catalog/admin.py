"""What staff and integrations do with the catalogue."""

from chalicelib.catalog import categories
from chalicelib.catalog import service as catalog
from chalicelib.catalog.errors import (
    CategoryCycle,
    CategoryNotFound,
    CategoryTooDeep,
    IllegalMove,
    ProductNotFound,
    SkuTaken,
    SlugTaken,
    StaleVersion,
    TooManyCategories,
    TooManyVariants,
)
from chalicelib.catalog.models.categories import CategoryRow
from chalicelib.catalog.models.products import ProductRow
from chalicelib.catalog.rules.categories import Category
from chalicelib.catalog.schemas import (
    CategoryList,
    ChangeCategory,
    ChangeProduct,
    CreateCategory,
    CreateProduct,
    ListCategories,
    ListProducts,
    StaffProduct,
    StaffProductList,
)
from chalicelib.catalog.states import State
from chalicelib.core.api import Api, Created
from chalicelib.identity.service import staff
from chalicelib.taxes.errors import UnknownTaxClass

api = Api(__name__)


@api.post(
    "/products",
    access=staff("catalog:write"),
    body=CreateProduct,
    answers={201: StaffProduct},
    refusals=(SlugTaken, SkuTaken, TooManyVariants, UnknownTaxClass),
)
def create_product(asked: CreateProduct) -> Created:
    """Put a product into the catalogue, as a draft or for sale at once.

    Slug and SKUs are unique, so repeating this after a lost answer makes no second product.
    """
    product = catalog.create(asked.details(), slug=asked.slug, state=State(asked.state))
    return Created(StaffProduct.of(product), location=f"/admin/products/{product.id}")


@api.get("/products", access=staff("catalog:read"), query=ListProducts, answers={200: StaffProductList})
def list_products(query: ListProducts) -> StaffProductList:
    """Products in any state, newest first within a state."""
    page = ProductRow.page(query.state, limit=query.limit, cursor=query.cursor)
    return StaffProductList([StaffProduct.of(product) for product in page.items], page.next_cursor)


@api.get(
    "/products/{product_id}",
    access=staff("catalog:read"),
    answers={200: StaffProduct},
    refusals=(ProductNotFound,),
)
def get_product(product_id: str) -> StaffProduct:
    """A product in any state."""
    return StaffProduct.of(catalog.get(product_id))


@api.patch(
    "/products/{product_id}",
    access=staff("catalog:write"),
    body=ChangeProduct,
    answers={200: StaffProduct},
    refusals=(ProductNotFound, StaleVersion, IllegalMove, SlugTaken, SkuTaken, TooManyVariants, UnknownTaxClass),
)
def change_product(product_id: str, asked: ChangeProduct) -> StaffProduct:
    """Change the fields given, or the state, of a product that is still at the version you know.

    A variant left out of `variants` goes off the market; its SKU may be taken up again by any product.
    """
    return StaffProduct.of(catalog.change(product_id, asked.version, asked.changes()))


@api.post(
    "/categories",
    access=staff("catalog:write"),
    body=CreateCategory,
    answers={201: Category},
    refusals=(SlugTaken, CategoryTooDeep, TooManyCategories),
)
def create_category(asked: CreateCategory) -> Created:
    """Put a category into the tree."""
    category = categories.create(asked.name, asked.slug, parent_id=asked.parent_id, position=asked.position)
    return Created(category, location=f"/admin/categories/{category.id}")


@api.get("/categories", access=staff("catalog:read"), query=ListCategories, answers={200: CategoryList})
def list_categories(query: ListCategories) -> CategoryList:
    """All categories."""
    page = CategoryRow.page(limit=query.limit, cursor=query.cursor)
    return CategoryList(page.items, page.next_cursor)


@api.patch(
    "/categories/{category_id}",
    access=staff("catalog:write"),
    body=ChangeCategory,
    answers={200: Category},
    refusals=(CategoryNotFound, StaleVersion, SlugTaken, CategoryCycle, CategoryTooDeep),
)
def change_category(category_id: str, asked: ChangeCategory) -> Category:
    """Rename or move a category that is still at the version you know; the listings of its products follow."""
    return categories.change(category_id, asked.version, asked.changes())
