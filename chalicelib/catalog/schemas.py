"""Products and categories on the wire."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.catalog.rules.categories import Category, Shelf
from chalicelib.catalog.rules.listings import Sort
from chalicelib.catalog.rules.products import (
    Details,
    Dimensions,
    Image,
    Option,
    Product,
    Sku,
    Slug,
    Variant,
    choices,
)
from chalicelib.catalog.states import State
from chalicelib.core import clock
from chalicelib.core.money import Money
from chalicelib.core.texts import LocalText

Brand = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
CategoryId = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
CategoryIds = Annotated[tuple[CategoryId, ...], msgspec.Meta(max_length=10)]
AttributeName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
AttributeValue = Annotated[str, msgspec.Meta(max_length=500)]
Attributes = Annotated[dict[AttributeName, AttributeValue], msgspec.Meta(max_length=50)]
Images = Annotated[tuple[Image, ...], msgspec.Meta(max_length=20)]
Options = Annotated[tuple[Option, ...], msgspec.Meta(max_length=3)]
Variants = Annotated[tuple[Variant, ...], msgspec.Meta(min_length=1)]
TaxClass = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Version = Annotated[int, msgspec.Meta(ge=1)]
Position = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Limit = Annotated[int, msgspec.Meta(ge=1, le=100)]
Cursor = Annotated[str, msgspec.Meta(max_length=1000)]


class CreateProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new product. Without ``slug`` it gets one made of its Indonesian name."""

    name: LocalText
    variants: Variants
    description: LocalText | None = None
    slug: Slug | None = None
    brand: Brand | None = None
    category_ids: CategoryIds = ()
    attributes: Attributes = {}
    images: Images = ()
    options: Options = ()
    dimensions_mm: Dimensions | None = None
    tax_class: TaxClass = "standard"
    state: Literal["draft", "active"] = "draft"

    def details(self) -> Details:
        """What is written about it."""
        fields = msgspec.structs.asdict(self)
        return Details(**{name: value for name, value in fields.items() if name not in {"slug", "state"}})


class ChangeProduct(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shall be different about a product that is still at ``version``; a list is given whole."""

    version: Version
    name: LocalText | UnsetType = UNSET
    description: LocalText | UnsetType | None = UNSET
    slug: Slug | UnsetType = UNSET
    brand: Brand | UnsetType | None = UNSET
    category_ids: CategoryIds | UnsetType = UNSET
    attributes: Attributes | UnsetType = UNSET
    images: Images | UnsetType = UNSET
    options: Options | UnsetType = UNSET
    variants: Variants | UnsetType = UNSET
    dimensions_mm: Dimensions | UnsetType | None = UNSET
    tax_class: TaxClass | UnsetType = UNSET
    state: State | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """The fields that were given."""
        return _given(self)


class StaffProduct(msgspec.Struct, frozen=True):
    """A product as staff see it. ``available`` by SKU: what can be sold, as far as the warehouse has told."""

    id: str
    slug: str
    state: State
    name: LocalText
    description: LocalText | None
    brand: str | None
    category_ids: Sequence[str]
    attributes: dict[str, str]
    images: Sequence[Image]
    options: Sequence[Option]
    variants: Sequence[Variant]
    dimensions_mm: Dimensions | None
    tax_class: str
    available: dict[str, int]
    version: int
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, product: Product) -> "StaffProduct":
        """On the wire."""
        details = product.details
        return cls(
            id=product.id,
            slug=product.slug,
            state=product.state,
            name=details.name,
            description=details.description,
            brand=details.brand,
            category_ids=details.category_ids,
            attributes=details.attributes,
            images=details.images,
            options=details.options,
            variants=details.variants,
            dimensions_mm=details.dimensions_mm,
            tax_class=details.tax_class,
            available={sku: product.available.get(sku, 0) for sku in product.skus},
            version=product.version,
            created_at=clock.stamp(product.created_at),
            updated_at=clock.stamp(product.updated_at),
        )


class ListProducts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of which list: of one state, or of all, one state after the other; each newest first."""

    state: State | None = None
    limit: Limit = 50
    cursor: Cursor | None = None


class StaffProductList(msgspec.Struct, frozen=True):
    """Products as staff see them."""

    items: list[StaffProduct]
    next_cursor: str | None


class BrowseProducts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a shopper wants to see.

    ``category`` is an id or slug and brings the categories below it. ``q`` are words, all of which a product must have
    in its names, brand or SKUs; three letters of a word are enough. A search looks at the first thousand it finds.
    """

    category: Annotated[str, msgspec.Meta(max_length=100)] = ""
    q: Annotated[str, msgspec.Meta(max_length=200)] = ""
    sort: Sort = Sort.NEWEST
    limit: Limit = 24
    cursor: Cursor = ""


class ProductCard(msgspec.Struct, frozen=True):
    """A product in a list. ``compare_at`` belongs to the cheapest variant."""

    id: str
    slug: str
    name: LocalText
    image: Image | None
    price_from: Money
    price_to: Money
    compare_at: Money | None
    available: bool

    @classmethod
    def of(cls, product: Product) -> "ProductCard":
        """On the wire."""
        details = product.details
        cheapest = min(details.variants, key=lambda variant: variant.price.amount)
        return cls(
            id=product.id,
            slug=product.slug,
            name=details.name,
            image=details.images[0] if details.images else None,
            price_from=cheapest.price,
            price_to=max(product.prices),
            compare_at=cheapest.compare_at,
            available=any(product.available.get(sku, 0) > 0 for sku in product.skus),
        )


class ProductCards(msgspec.Struct, frozen=True):
    """Products for shoppers."""

    items: list[ProductCard]
    next_cursor: str | None


class Choice(msgspec.Struct, frozen=True):
    """An option, and the value a variant has of it."""

    name: LocalText
    value: LocalText


class StoreVariant(msgspec.Struct, frozen=True):
    """What can be put in a cart; ``available`` is how many can be sold."""

    sku: Sku
    options: list[Choice]
    price: Money
    compare_at: Money | None
    available: int

    @classmethod
    def of(cls, product: Product, variant: Variant) -> "StoreVariant":
        """On the wire."""
        pairs = choices(product.details, variant)
        return cls(
            sku=variant.sku,
            options=[Choice(option.name, value) for option, value in pairs],
            price=variant.price,
            compare_at=variant.compare_at,
            available=product.available.get(variant.sku, 0),
        )


class StoreProduct(msgspec.Struct, frozen=True):
    """A product's page."""

    id: str
    slug: str
    name: LocalText
    description: LocalText | None
    brand: str | None
    images: Sequence[Image]
    attributes: dict[str, str]
    categories: Sequence[Shelf]
    options: Sequence[Option]
    variants: list[StoreVariant]
    dimensions_mm: Dimensions | None

    @classmethod
    def of(cls, product: Product) -> "StoreProduct":
        """On the wire."""
        details = product.details
        return cls(
            id=product.id,
            slug=product.slug,
            name=details.name,
            description=details.description,
            brand=details.brand,
            images=details.images,
            attributes=details.attributes,
            categories=product.shelves,
            options=details.options,
            variants=[StoreVariant.of(product, variant) for variant in details.variants],
            dimensions_mm=details.dimensions_mm,
        )


class CreateCategory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new category, at the top where no ``parent_id`` is given."""

    name: LocalText
    slug: Slug
    parent_id: CategoryId | None = None
    position: Position = 0


class ChangeCategory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shall be different about a category that is still at ``version``."""

    version: Version
    name: LocalText | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    parent_id: CategoryId | UnsetType | None = UNSET
    position: Position | UnsetType = UNSET

    def changes(self) -> dict[str, Any]:
        """The fields that were given."""
        return _given(self)


class ListCategories(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the list."""

    limit: Limit = 100
    cursor: Cursor | None = None


class CategoryList(msgspec.Struct, frozen=True):
    """Categories, the oldest first."""

    items: list[Category]
    next_cursor: str | None


class Branch(msgspec.Struct, frozen=True):
    """A category with those below it, in their order."""

    id: str
    slug: str
    name: LocalText
    children: list["Branch"]


class CategoryTree(msgspec.Struct, frozen=True):
    """All categories, those at the top first."""

    items: list[Branch]

    @classmethod
    def of(cls, categories: Iterable[Category]) -> "CategoryTree":
        """On the wire."""
        below: dict[str | None, list[Category]] = {}
        for category in sorted(categories, key=lambda each: (each.position, each.slug)):
            below.setdefault(category.parent_id, []).append(category)
        return cls(_branches(None, below))


def _branches(parent_id: str | None, below: dict[str | None, list[Category]]) -> list[Branch]:
    return [
        Branch(category.id, category.slug, category.name, _branches(category.id, below))
        for category in below.get(parent_id, [])
    ]


def _given(asked: msgspec.Struct) -> dict[str, Any]:
    fields = msgspec.structs.asdict(asked)
    return {name: value for name, value in fields.items() if value is not UNSET and name != "version"}
