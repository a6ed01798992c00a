"""How products are stored: one item each, one for each SKU's offer, and one for each slug so that none is given twice.

Only product rows carry the attributes ``slug`` and ``state``, so the indexes over these hold products alone.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

import msgspec
from pynamodb.attributes import BooleanAttribute, MapAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.catalog.errors import ProductNotFound, SkuTaken, SlugTaken, StaleVersion
from chalicelib.catalog.rules.categories import Shelf
from chalicelib.catalog.rules.products import Details, Offer, Product
from chalicelib.catalog.states import State
from chalicelib.core import clock, cursors, db
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError

AFTER_ALL: Final = "prd_~"

_details: Final = msgspec.json.Decoder(Details)
_shelves: Final = msgspec.json.Decoder(tuple[Shelf, ...])
_offer: Final = msgspec.json.Decoder(Offer)


class BySlug(GlobalSecondaryIndex["ProductRow"]):
    """The product with a slug, whole."""

    class Meta:
        index_name = "by_slug"
        projection = AllProjection()

    slug = UnicodeAttribute(hash_key=True)


class ByState(GlobalSecondaryIndex["ProductRow"]):
    """The products in a state, by id and so by time."""

    class Meta:
        index_name = "by_state"
        projection = KeysOnlyProjection()

    state = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class ProductRow(db.Row):
    """pk = product id, sk = "PRODUCT". ``availability`` by SKU: what can be sold, and the watermark of that news."""

    class Meta:
        table_name = settings.table("catalog")

    slug = UnicodeAttribute()
    state = UnicodeAttribute()
    details = UnicodeAttribute()
    shelves = UnicodeAttribute()
    availability: MapAttribute[str, Any] = MapAttribute(default=dict)
    version = NumberAttribute()
    created_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()

    by_slug = BySlug()
    by_state = ByState()

    @classmethod
    def lookup(cls, product_id: str) -> "db.Lookup[Product | None]":
        """Reads one product."""
        return db.Lookup(((cls, product_id, "PRODUCT"),), lambda rows: rows[0].product() if rows[0] else None)

    @classmethod
    def lookup_all(cls, ids: Iterable[str]) -> "db.Lookup[list[Product]]":
        """Reads products, in the order of ``ids``; those that do not exist are left out."""
        keys = tuple((cls, each, "PRODUCT") for each in ids)
        return db.Lookup(keys, lambda rows: [row.product() for row in rows if row])

    @classmethod
    def of_slug(cls, slug: str) -> Product | None:
        """The product with this slug, in one call; a moment behind the latest change."""
        found = db.rows(cls, slug, index=cls.by_slug, limit=1)
        return found[0].product() if found else None

    @classmethod
    def page(cls, state: State | None, *, limit: int, cursor: str | None) -> "db.Page[Product]":
        """Products of a state, or of one state after the other, each newest first."""
        scope = f"products|{state}"
        states = [state] if state else list(State)
        at, _, below = cursors.open_(scope, cursor).partition("|") if cursor else (states[0], "", AFTER_ALL)
        found: list[tuple[State, str]] = []
        for each in states[states.index(State(at)) :]:
            found += [(each, id_) for id_ in cls._ids(each, below if each == at else AFTER_ALL, limit + 1 - len(found))]
            if len(found) > limit:
                break
        (products,) = db.look(cls.lookup_all(id_ for _, id_ in found[:limit]))
        return db.Page(products, cursors.seal(scope, "|".join(found[limit - 1])) if len(found) > limit else None)

    @classmethod
    def add(cls, tx: db.Transaction, product: Product) -> None:
        """Write a new product."""
        row = cls(
            pk=product.id,
            sk="PRODUCT",
            slug=product.slug,
            state=product.state,
            details=_text(product.details),
            shelves=_text(product.shelves),
            availability={},
            version=product.version,
            created_at=clock.stamp(product.created_at),
            updated_at=clock.stamp(product.updated_at),
        )
        tx.put(row)

    @classmethod
    def change(cls, tx: db.Transaction, before: Product, after: Product) -> None:
        """Write what an editor changes, if the stored product is still ``before``; what can be sold stays untouched.

        Refused with StaleVersion.
        """
        tx.update(
            cls(before.id, "PRODUCT"),
            [
                cls.slug.set(after.slug),
                cls.state.set(after.state),
                cls.details.set(_text(after.details)),
                cls.shelves.set(_text(after.shelves)),
                cls.version.set(after.version),
                cls.updated_at.set(clock.stamp(after.updated_at)),
            ],
            condition=cls.version == before.version,
            refusal=_refused,
        )

    @classmethod
    def set_shelves(cls, tx: db.Transaction, product: Product, shelves: tuple[Shelf, ...]) -> None:
        """Show the categories of an unchanged product as they are called now."""
        tx.update(
            cls(product.id, "PRODUCT"),
            [cls.shelves.set(_text(shelves))],
            condition=cls.version == product.version,
        )

    @classmethod
    def set_available(cls, tx: db.Transaction, product_id: str, sku: str, available: int, watermark: int) -> None:
        """Take news of a SKU's stock, if it is newer than what is known."""
        known = cls.availability[sku]
        tx.update(
            cls(product_id, "PRODUCT"),
            [known.set({"available": available, "watermark": watermark})],
            condition=cls.pk.exists() & (known.does_not_exist() | (known["watermark"] < watermark)),
        )

    @classmethod
    def _ids(cls, state: State, below: str, limit: int) -> list[str]:
        rows = db.rows(cls, state, cls.pk < below, index=cls.by_state, newest_first=True, limit=limit)
        return [row.pk for row in rows]

    def product(self) -> Product:
        """The row as a value."""
        known = self.availability.as_dict()
        return Product(
            id=self.pk,
            slug=self.slug,
            state=State(self.state),
            details=_details.decode(self.details),
            shelves=_shelves.decode(self.shelves),
            available={sku: int(about["available"]) for sku, about in known.items()},
            version=int(self.version),
            created_at=clock.instant(self.created_at),
            updated_at=clock.instant(self.updated_at),
        )


class SkuRow(db.Row):
    """pk = "SKU#" and the SKU, sk = "OFFER": its offer.

    A SKU that is taken out of its product stays, retired: stock of it may lie about. Any product may take it up again.
    """

    class Meta:
        table_name = settings.table("catalog")

    product_id = UnicodeAttribute()
    offer = UnicodeAttribute()
    is_retired = BooleanAttribute()

    @classmethod
    def lookup(cls, skus: Iterable[str]) -> "db.Lookup[dict[str, Offer]]":
        """Reads the offers of SKUs; unknown ones are absent."""
        keys = tuple((cls, f"SKU#{sku}", "OFFER") for sku in skus)
        return db.Lookup(keys, lambda rows: {row.pk[4:]: _offer.decode(row.offer) for row in rows if row})

    @classmethod
    def put_offer(cls, tx: db.Transaction, offer: Offer) -> None:
        """Write an offer under a SKU that is new, retired or this product's own. Refused with SkuTaken."""
        cls._put(tx, offer, is_retired=False)

    @classmethod
    def retire(cls, tx: db.Transaction, offer: Offer) -> None:
        """Take a SKU off the market."""
        cls._put(tx, replace(offer, is_sellable=False), is_retired=True)

    @classmethod
    def _put(cls, tx: db.Transaction, offer: Offer, *, is_retired: bool) -> None:
        row = cls(
            pk=f"SKU#{offer.sku}",
            sk="OFFER",
            product_id=offer.product_id,
            offer=_text(offer),
            is_retired=is_retired,
        )
        tx.put(
            row,
            condition=cls.pk.does_not_exist() | (cls.product_id == offer.product_id) | (cls.is_retired == True),  # noqa: E712
            refusal=SkuTaken(sku=offer.sku),
        )


class SlugRow(db.Row):
    """pk = "SLUG#" and the slug, sk = "SLUG": whose it is."""

    class Meta:
        table_name = settings.table("catalog")

    product_id = UnicodeAttribute()

    @classmethod
    def take(cls, tx: db.Transaction, slug: str, product_id: str) -> None:
        """Let the product have a slug. Refused with SlugTaken."""
        tx.put(cls(pk=f"SLUG#{slug}", sk="SLUG", product_id=product_id), refusal=SlugTaken(slug=slug))

    @classmethod
    def free(cls, tx: db.Transaction, slug: str, product_id: str) -> None:
        """Give the product's slug back."""
        tx.delete(cls(f"SLUG#{slug}", "SLUG"), condition=cls.product_id == product_id)


def _refused(row: ProductRow | None) -> LarisError:
    return StaleVersion(version=int(row.version)) if row else ProductNotFound()


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
