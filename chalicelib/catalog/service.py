"""The door of the catalogue: products and their offers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from chalicelib.catalog.errors import ProductNotFound, StaleVersion
from chalicelib.catalog.models.categories import CategoryRow
from chalicelib.catalog.models.products import ProductRow, SkuRow, SlugRow
from chalicelib.catalog.rules import products as rules
from chalicelib.catalog.rules.products import SKU_PATTERN, Details, Offer, Product
from chalicelib.catalog.states import State
from chalicelib.core import audit, clock, db, ids, outbox
from chalicelib.core.errors import WriteRefused
from chalicelib.core.log import logger
from chalicelib.events.catalog import ProductChanged
from chalicelib.taxes import service as taxes

__all__ = ["Offer", "Product"]


def lookup_offers(skus: Iterable[str]) -> db.Lookup[dict[str, Offer]]:
    """Reads what carts and the till need of SKUs; unknown ones are absent."""
    return SkuRow.lookup(sku for sku in skus if re.fullmatch(SKU_PATTERN, sku))


def set_availability(told: Mapping[str, tuple[int, int]]) -> None:
    """Let the shop show how many of each SKU can be sold, unless news with a later watermark came before.

    ``told`` is (available, watermark) by SKU. Safe to repeat; an unknown SKU changes nothing.
    """
    (offers,) = db.look(lookup_offers(told))
    for sku, (available, watermark) in told.items():
        if sku not in offers:
            logger.warning("availability of an unknown SKU told", sku=sku)
            continue
        try:
            with db.transaction() as tx:
                ProductRow.set_available(tx, offers[sku].product_id, sku, available, watermark)
        except WriteRefused:
            logger.info("old availability ignored", sku=sku, watermark=watermark)


def get(product_id: str) -> Product:
    """A product, whatever its state. Raises ProductNotFound."""
    (product,) = db.look(ProductRow.lookup(_checked(product_id)))
    if product is None:
        raise ProductNotFound()
    return product


def on_sale(slug: str) -> Product:
    """The active product with this slug, in one call. Raises ProductNotFound."""
    product = ProductRow.of_slug(slug) if re.fullmatch(rules.SLUG_PATTERN, slug[:200]) else None
    if product is None or product.state is not State.ACTIVE:
        raise ProductNotFound()
    return product


def create(details: Details, *, slug: str | None, state: State) -> Product:
    """A new product; without a slug it gets one made of its Indonesian name.

    Raises Invalid, UnknownTaxClass, TooManyVariants, SlugTaken, SkuTaken.
    """
    now = clock.now()
    product = Product(
        id=ids.new("prd"),
        slug=slug or rules.slug_of(details.name.id),
        state=state,
        details=details,
        shelves=CategoryRow.tree().shelves(details.category_ids),
        available={},
        version=1,
        created_at=now,
        updated_at=now,
    )
    _check(product)
    audit.change(f"product:{product.id}", after={"slug": product.slug, "state": state, "skus": product.skus})
    with db.transaction() as tx:
        ProductRow.add(tx, product)
        SlugRow.take(tx, product.slug, product.id)
        for offer in rules.offers(product).values():
            SkuRow.put_offer(tx, offer)
        outbox.publish(tx, ProductChanged(product.id, product.version))
    logger.info("product created", product_id=product.id, state=product.state)
    return product


def change(product_id: str, version: int, changes: Mapping[str, Any]) -> Product:
    """Change the named fields of a product that is still at ``version``; what is the same already changes nothing.

    ``changes`` names fields of Details, ``slug`` and ``state``. SKUs of variants that go are retired. Raises
    ProductNotFound, StaleVersion, IllegalMove, Invalid, UnknownTaxClass, TooManyVariants, SlugTaken, SkuTaken.
    """
    before = get(product_id)
    if before.version != version:
        raise StaleVersion(version=before.version)
    after = rules.edited(before, changes)
    after = replace(after, shelves=CategoryRow.tree().shelves(after.details.category_ids))
    if after == before:
        return before
    _check(after)
    rules.check_touched(before, after)
    after = replace(after, version=version + 1, updated_at=clock.now())
    audit.changed(f"product:{product_id}", before, after)
    with db.transaction() as tx:
        ProductRow.change(tx, before, after)
        _move_slug(tx, before, after)
        _write_offers(tx, before, after)
        outbox.publish(tx, ProductChanged(after.id, after.version))
    logger.info("product changed", product_id=after.id, version=after.version, state=after.state)
    return after


def _checked(product_id: str) -> str:
    if not re.fullmatch("prd_[0-9A-Z]{26}", product_id):
        raise ProductNotFound()
    return product_id


def _check(product: Product) -> None:
    rules.check(product)
    taxes.rate_on(clock.business_date(product.updated_at), product.details.tax_class)


def _move_slug(tx: db.Transaction, before: Product, after: Product) -> None:
    if after.slug != before.slug:
        SlugRow.take(tx, after.slug, after.id)
        SlugRow.free(tx, before.slug, before.id)


def _write_offers(tx: db.Transaction, before: Product, after: Product) -> None:
    old, new = rules.offers(before), rules.offers(after)
    for sku, offer in new.items():
        if old.get(sku) != offer:
            SkuRow.put_offer(tx, offer)
    for sku in old.keys() - new.keys():
        SkuRow.retire(tx, old[sku])
