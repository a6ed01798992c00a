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
