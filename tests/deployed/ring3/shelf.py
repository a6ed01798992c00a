"""A few of the demo shop's goods, put on the shelf through the admin API."""

from typing import Any, Final

from infra.local.demo.shop import Json, read_shop
from infra.local.demo.telling import Line

CATEGORY: Final = "batik"
PRODUCTS: Final = 3
UNITS: Final = 40


def load(api: Line, admin_key: str) -> list[str]:
    """Make a warehouse and some batik of the demo shop, ``UNITS`` of each variant; the SKUs."""
    shop = read_shop()
    category = next(each for each in shop.categories if each["slug"] == CATEGORY)
    asked = {key: value for key, value in category.items() if key != "parent"} | {"parent_id": None}
    id_ = _made(api, "/admin/categories", asked, admin_key)["id"]
    products = [each for each in shop.products if CATEGORY in each["categories"] and each["state"] == "active"]
    skus = [sku for product in products[:PRODUCTS] for sku in _load(api, product, id_, admin_key)]
    place = shop.locations[0]
    _made(api, "/admin/stock/locations", place, admin_key)
    lines = [{"sku": sku, "quantity": UNITS} for sku in skus]
    _made(api, "/admin/stock/receipts", {"location": place["id"], "document": "PO-1", "lines": lines}, admin_key)
    return skus


def _load(api: Line, product: Json, category_id: str, admin_key: str) -> list[str]:
    asked = {key: value for key, value in product.items() if key != "categories"} | {"category_ids": [category_id]}
    asked["images"] = [image | {"url": f"https://cdn.toko.example/{image['url']}"} for image in product["images"]]
    made = _made(api, "/admin/products", asked, admin_key)
    return [variant["sku"] for variant in made["variants"]]


def _made(api: Line, path: str, body: Any, admin_key: str) -> dict[str, Any]:
    answer = api.ask("POST", path, body, token=admin_key, key=f"load-{path}" if "receipts" in path else "")
    assert answer.status == 201, f"{answer.request}: {answer.status} {answer.raw[:500]!r}"
    return dict(answer.body)
