"""What the demo shop sells, read from the JSON files beside this module."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shop:
    """The files as they are: the admin API's shapes, but slugs for category ids and file names for addresses.

    ``stock`` is what each location holds at the start, by location id and SKU; 0 says sold out on purpose.
    """

    categories: list[Json]
    products: list[Json]
    locations: list[Json]
    stock: dict[str, dict[str, int]]


@cache
def read_shop() -> Shop:
    """The whole demo shop; parents stand before their children."""
    frame = json.loads((HERE / "shop.json").read_text(encoding="utf-8"))
    shelves = sorted((HERE / "products").glob("*.json"))
    products = [product for shelf in shelves for product in json.loads(shelf.read_text(encoding="utf-8"))]
    return Shop(frame["categories"], products, frame["locations"], frame["stock"])
