"""Loads a product export in Shopify's classic layout into a running system, through the admin API.

``python -m tests.feature.shopify_products BASE_URL ADMIN_KEY CSV [RUPIAH]``. RUPIAH is what one unit of the file's
prices is worth, 1000 unless said: 1 for a shop that sold in rupiah. Run again it makes what is still missing and
nothing twice. What the layout leaves out or has otherwise than Laris: only the first row of a handle has the product's
own columns and option names; a row may carry an image alone; ``Title: Default Title`` means no options; SKUs may be
missing, so they are made of handle and options; a body may be HTML; tags stand in for categories.
"""

import csv
import hashlib
import html
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import urllib3

from chalicelib.catalog.rules.products import is_barcode, slug_of

Json = dict[str, Any]
Send = Callable[[str, str, Json | None, Mapping[str, str]], tuple[int, Json]]
"""Method, path, body and headers to status and answer."""

RUPIAH_PER_UNIT = 1000
LONGEST_SKU = 64
LINES_A_RECEIPT = 40
OPTIONS = (1, 2, 3)


class Refused(Exception):
    """An answer that loading cannot go on from."""


@dataclass(frozen=True)
class Listed:
    """A product of the file: what the admin API takes, and how many of each SKU there are."""

    body: Json
    tags: list[str]
    stock: dict[str, int]


@dataclass(frozen=True)
class Loaded:
    """What a run made."""

    categories: int
    products: int
    units: int


def read(path: Path, rupiah: int = RUPIAH_PER_UNIT) -> list[Listed]:
    """The products of a file, in its order; ``rupiah`` is what one unit of its prices is worth."""
    rows_by_handle: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            rows_by_handle.setdefault(row["Handle"], []).append(
                {key: (value or "").strip() for key, value in row.items()}
            )
    return [_listed(handle, rows, rupiah) for handle, rows in rows_by_handle.items()]


def load(products: list[Listed], send: Send, progress: Callable[[str], None] = print) -> Loaded:
    """Make categories, products and their first stock. Raises Refused."""
    shop = _Shop(send)
    tags = list(dict.fromkeys(tag for product in products for tag in product.tags))
    ids, categories = shop.make_categories(tags)
    progress(f"{len(tags)} categories, {categories} new")
    made = shop.make_products(products, ids, progress)
    progress(f"{len(products)} products, {made} new")
    units = shop.receive({sku: units for product in products for sku, units in product.stock.items()})
    progress(f"{units} units received")
    return Loaded(categories, made, units)


class _Shop:
    def __init__(self, send: Send) -> None:
        self._send = send

    def make_categories(self, tags: Iterable[str]) -> tuple[dict[str, str], int]:
        """The ids of the categories that stand for ``tags``, and how many are new."""
        known = {category["slug"]: category["id"] for category in self._every("/admin/categories")}
        missing = [tag for tag in tags if slug_of(tag) not in known]
        for tag in missing:
            body = {"name": {"id": tag.title(), "en": tag.title()}, "slug": slug_of(tag)}
            known[body["slug"]] = self._done("POST", "/admin/categories", body)["id"]
        return {tag: known[slug_of(tag)] for tag in tags}, len(missing)

    def make_products(self, products: Iterable[Listed], ids: Mapping[str, str], progress: Callable[[str], None]) -> int:
        """How many products were not there yet."""
        known = {product["slug"] for product in self._every("/admin/products")}
        missing = [product for product in products if product.body["slug"] not in known]
        for number, product in enumerate(missing, 1):
            category_ids = [ids[tag] for tag in product.tags]
            self._done("POST", "/admin/products", product.body | {"category_ids": category_ids})
            progress(f"  {number}/{len(missing)} {product.body['slug']} ({len(product.body['variants'])})")
        return len(missing)

    def receive(self, units_by_sku: Mapping[str, int]) -> int:
        """How many units came in: of each SKU that nothing ever moved of."""
        fresh = [sku for sku, units in units_by_sku.items() if units > 0 and self._is_untouched(sku)]
        location = self._location()
        for start in range(0, len(fresh), LINES_A_RECEIPT):
            lines = [{"sku": sku, "quantity": units_by_sku[sku]} for sku in fresh[start : start + LINES_A_RECEIPT]]
            body = {"location": location, "document": "SHOPIFY-CSV", "lines": lines}
            key = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:32]
            self._done("POST", "/admin/stock/receipts", body, {"Idempotency-Key": f"shopify-{key}"})
        return sum(units_by_sku[sku] for sku in fresh)

    def _is_untouched(self, sku: str) -> bool:
        return not self._done("GET", f"/admin/stock/{quote(sku)}/movements?limit=1")["items"]

    def _location(self) -> str:
        """The preferred location; one is made where there is none."""
        active = [each for each in self._done("GET", "/admin/stock/locations")["items"] if each["is_active"]]
        if active:
            return str(active[0]["id"])
        body = {"id": "utama", "name": "Gudang utama", "priority": 1}
        return str(self._done("POST", "/admin/stock/locations", body)["id"])

    def _every(self, path: str) -> Iterator[Json]:
        cursor = ""
        while True:
            page = self._done("GET", f"{path}?limit=100{cursor}")
            yield from page["items"]
            if not page["next_cursor"]:
                return
            cursor = f"&cursor={quote(page['next_cursor'], safe='')}"

    def _done(self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None) -> Json:
        status, answer = self._send(method, path, body, headers or {})
        if status not in {200, 201}:
            raise Refused(f"{method} {path}: {status} {answer}")
        return answer


def _listed(handle: str, rows: list[dict[str, str]], rupiah: int) -> Listed:
    first = rows[0]
    names = [first[f"Option{n} Name"] for n in OPTIONS if first[f"Option{n} Name"]]
    if names == ["Title"]:
        names = []
    sold = [row for row in rows if row["Variant Price"]]
    chosen = [[row[f"Option{n} Value"] for n in OPTIONS[: len(names)]] for row in sold]
    values = [list(dict.fromkeys(each[place] for each in chosen)) for place in range(len(names))]
    positions = [[values[place].index(value) for place, value in enumerate(each)] for each in chosen]
    skus = [row["Variant SKU"] or _sku(handle, each) for row, each in zip(sold, chosen, strict=True)]
    body = {
        "name": {"id": first["Title"], "en": first["Title"]},
        "description": _text(first["Body (HTML)"]),
        "slug": slug_of(handle),
        "brand": first["Vendor"] or None,
        "attributes": {"type": first["Type"]} if first["Type"] else {},
        "images": [_image(row) for row in rows if row["Image Src"]],
        "options": [
            {"name": {"id": name, "en": name}, "values": [{"id": value, "en": value} for value in values[place]]}
            for place, name in enumerate(names)
        ],
        "variants": [_variant(*each, rupiah) for each in zip(sold, skus, positions, strict=True)],
        "state": "active" if first["Published"].lower() == "true" else "draft",
    }
    tags = [tag.strip() for tag in first["Tags"].split(",") if tag.strip()]
    stock = {sku: int(row["Variant Inventory Qty"] or 0) for row, sku in zip(sold, skus, strict=True)}
    return Listed(body, tags, stock)


def _variant(row: dict[str, str], sku: str, positions: list[int], rupiah: int) -> Json:
    price = _money(row["Variant Price"], rupiah)
    compare_at = _money(row["Variant Compare At Price"] or "0", rupiah)
    barcode = row["Variant Barcode"]
    return {
        "sku": sku,
        "option_values": positions,
        "price": price,
        "compare_at": compare_at if compare_at["amount"] > price["amount"] else None,
        "barcode": barcode if is_barcode(barcode) else None,
        "weight_grams": int(Decimal(row["Variant Grams"] or "0")),
    }


def _sku(handle: str, values: Iterable[str]) -> str:
    name = re.sub("[^A-Z0-9]+", "-", "-".join([handle, *values]).upper()).strip("-")
    if len(name) <= LONGEST_SKU:
        return name
    return f"{name[: LONGEST_SKU - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"


def _image(row: dict[str, str]) -> Json:
    alt = row["Image Alt Text"]
    return {"url": row["Image Src"], "alt": {"id": alt, "en": alt} if alt else None}


def _text(body: str) -> Json | None:
    plain = " ".join(html.unescape(re.sub("<[^>]*>", " ", body)).split())
    return {"id": plain, "en": plain} if plain else None


def _money(price: str, rupiah: int) -> Json:
    return {"amount": int(Decimal(price) * rupiah), "currency": "IDR"}


def over_http(base_url: str, admin_key: str) -> Send:
    """Ask a running system."""
    http = urllib3.PoolManager(maxsize=1, retries=False, timeout=30)

    def send(method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> tuple[int, Json]:
        said = {"Authorization": f"Bearer {admin_key}", **headers}
        answer = http.request(method, base_url.rstrip("/") + path, json=body, headers=said)
        return answer.status, answer.json()

    return send


def main(arguments: list[str]) -> int:
    """The command; its exit status."""
    if len(arguments) not in {3, 4}:
        sys.stderr.write("usage: python -m tests.feature.shopify_products BASE_URL ADMIN_KEY CSV [RUPIAH]\n")
        return 2
    base_url, admin_key, path, *rupiah = arguments
    try:
        load(read(Path(path), int(rupiah[0]) if rupiah else RUPIAH_PER_UNIT), over_http(base_url, admin_key))
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
