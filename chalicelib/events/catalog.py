"""What the catalogue says."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ProductChanged:
    """A product was made or changed; its listings have to follow."""

    TYPE: ClassVar[str] = "product.changed"
    KEY: ClassVar[str] = "product_id"

    product_id: str
    version: int


@dataclass(frozen=True, slots=True)
class CategoryChanged:
    """A category was renamed or moved; the listings of its products have to follow."""

    TYPE: ClassVar[str] = "category.changed"
    KEY: ClassVar[str] = "category_id"

    category_id: str
    version: int
