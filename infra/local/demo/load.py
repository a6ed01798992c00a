"""Puts the demo shop into a running system through the admin API, as any other client would."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import urllib3

from infra.local.demo.shop import Json, Shop, read_shop

LINES_A_RECEIPT: Final = 40
PAGE: Final = 100
TIMEOUT: Final = urllib3.Timeout(connect=3, read=30)


@dataclass(frozen=True, slots=True)
class LoadedShop:
    """How many of each this run made; all zero when the shop was there already."""

    categories: int
    products: int
    variants: int
    receipts: int
    units: int


class LoadRefused(Exception):
    """The admin API gave an answer that loading cannot go on from."""


def load(base_url: str, admin_key: str, *, pictures_url: str, progress: Callable[[str], None] = print) -> LoadedShop:
    """Make categories, products and their first stock; what is there already stays as it is.

    Archiving is the last step, so a shop whose archived products are archived is complete and gets no stock
    again; before that the receipts' Idempotency-Keys, made from their lines, keep a second run from counting
    twice.
    Raises LoadRefused at the first answer that is neither a success nor "exists already".
    """
    shop = read_shop()
    admin = _Admin(base_url, admin_key)
    category_ids, categories = _make_categories(admin, shop)
    progress(f"demo shop: {len(category_ids)} categories, {categories} new")
    known = {product["slug"]: product for product in admin.every("/admin/products")}
    wanted = [_asked(product, category_ids, pictures_url.rstrip("/")) for product in shop.products]
    made = _make_products(admin, [asked for asked in wanted if asked["slug"] not in known], known, progress)
    progress(f"demo shop: {len(wanted)} products, {len(made)} new")
    receipts = [] if _is_complete(shop, known) else _receive_stock(admin, shop)
    _archive(admin, shop, known)
    loaded = LoadedShop(
        categories=categories,
        products=len(made),
        variants=sum(len(product["variants"]) for product in made),
        receipts=len(receipts),
        units=sum(line["quantity"] for receipt in receipts for line in receipt["lines"]),
    )
    progress(f"demo shop: {loaded.units} units of stock by {loaded.receipts} receipts")
    return loaded


def _make_categories(admin: _Admin, shop: Shop) -> tuple[dict[str, str], int]:
    """The ids of all categories by slug, and how many of them are new."""
    id_by_slug = {category["slug"]: category["id"] for category in admin.every("/admin/categories")}
    missing = [category for category in shop.categories if category["slug"] not in id_by_slug]
    for category in missing:
        asked = {key: value for key, value in category.items() if key != "parent"}
        asked["parent_id"] = id_by_slug[category["parent"]] if category["parent"] else None
        made = admin.create("/admin/categories", asked)
        if made is None:
            raise LoadRefused(f"the slug {category['slug']} is taken by a category that is not listed")
        id_by_slug[category["slug"]] = made["id"]
    return id_by_slug, len(missing)


def _make_products(
    admin: _Admin, missing: list[Json], known: dict[str, Json], progress: Callable[[str], None]
) -> list[Json]:
    """What was made of ``missing``; ``known`` learns the ids and versions."""
    made = []
    for asked in missing:
        answer = admin.create("/admin/products", asked)
        if answer is not None:
            known[asked["slug"]] = answer
            made.append(asked)
            if len(made) % 20 == 0:
                progress(f"demo shop: {len(made)} of {len(missing)} products")
    return made


def _asked(product: Json, category_ids: dict[str, str], pictures_url: str) -> Json:
    """The product as the admin API takes it; one that ends archived starts as a draft nobody can buy."""
    asked = {key: value for key, value in product.items() if key != "categories"}
    asked["category_ids"] = [category_ids[slug] for slug in product["categories"]]
    asked["images"] = [image | {"url": f"{pictures_url}/{image['url']}"} for image in product["images"]]
    asked["state"] = "draft" if product["state"] == "archived" else product["state"]
    return asked


def _archived(shop: Shop) -> list[str]:
    return [product["slug"] for product in shop.products if product["state"] == "archived"]


def _is_complete(shop: Shop, known: dict[str, Json]) -> bool:
    return all(known.get(slug, {}).get("state") == "archived" for slug in _archived(shop))


def _receive_stock(admin: _Admin, shop: Shop) -> list[Json]:
    """The receipts that filled the locations."""
    for location in shop.locations:
        admin.create("/admin/stock/locations", location)
    receipts = list(_receipts(shop))
    for receipt in receipts:
        digest = hashlib.sha256(json.dumps(receipt, sort_keys=True).encode()).hexdigest()[:16]
        admin.post("/admin/stock/receipts", receipt, key=f"demo-{receipt['document']}-{digest}")
    return receipts


def _receipts(shop: Shop) -> Iterator[Json]:
    for location, quantity_by_sku in shop.stock.items():
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in quantity_by_sku.items() if quantity]
        for number, start in enumerate(range(0, len(lines), LINES_A_RECEIPT), 1):
            yield {
                "location": location,
                "document": f"DEMO-{location.upper()}-{number}",
                "lines": lines[start : start + LINES_A_RECEIPT],
            }


def _archive(admin: _Admin, shop: Shop, known: dict[str, Json]) -> None:
    for slug in _archived(shop):
        product = known.get(slug)  # one that a listing leaves out once archived is not known
        if product and product["state"] != "archived":
            path = f"/admin/products/{product['id']}"
            admin.change(path, {"version": product["version"], "state": "archived"})


class _Admin:
    """The admin API over one kept-alive connection, nothing retried."""

    def __init__(self, base_url: str, key: str) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._http = urllib3.PoolManager(maxsize=1, retries=False, timeout=TIMEOUT)

    def create(self, path: str, body: Json) -> Json | None:
        """What was made, or None if it exists already: a 409 that asks for no second try."""
        answer = self._send("POST", path, body)
        if answer.status == 409 and "Retry-After" not in answer.headers:
            return None
        return _members(answer, f"POST {path}")

    def post(self, path: str, body: Json, *, key: str) -> None:
        _members(self._send("POST", path, body, {"Idempotency-Key": key}), f"POST {path}")

    def change(self, path: str, body: Json) -> None:
        _members(self._send("PATCH", path, body), f"PATCH {path}")

    def every(self, path: str) -> Iterator[Json]:
        """All items of a list, page by page."""
        cursor = ""
        while True:
            page = _members(self._send("GET", f"{path}?limit={PAGE}{cursor}"), f"GET {path}")
            yield from page["items"]
            if not page.get("next_cursor"):
                return
            cursor = f"&cursor={quote(page['next_cursor'], safe='')}"

    def _send(
        self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> urllib3.BaseHTTPResponse:
        return self._http.request(method, self._base + path, json=body, headers=self._headers | dict(headers or {}))


def _members(answer: urllib3.BaseHTTPResponse, asked: str) -> Json:
    if answer.status >= 300:
        words = answer.data[:500].decode(errors="replace")
        raise LoadRefused(f"{asked} was answered {answer.status}: {words}")
    return dict(answer.json())
