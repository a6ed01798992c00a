"""Listings and search: the rows that make products findable, kept by a worker and read by storefronts."""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from chalicelib.catalog.models.categories import CategoryRow
from chalicelib.catalog.models.listings import AT_ONCE, Change, IndexRow, ListingRow
from chalicelib.catalog.models.products import ProductRow
from chalicelib.catalog.rules import listings as rules
from chalicelib.catalog.rules.listings import ALL, Sort
from chalicelib.catalog.rules.products import Product
from chalicelib.catalog.states import State
from chalicelib.core import cursors, db, outbox
from chalicelib.core.errors import WriteRefused
from chalicelib.core.log import logger
from chalicelib.events.catalog import ProductChanged

TRIES: Final = 6
MOST_FOUND: Final = 1000
"""Rows that a search looks at: of a word that begins more, the first in the alphabet are found."""


def browse(*, category_id: str | None, q: str, sort: Sort, limit: int, cursor: str | None) -> db.Page[Product]:
    """Active products of a category with those below it (or of all), in two calls.

    With ``q`` only those that have, for each of its words, a word beginning like it: in names, brand or SKUs. A product
    that was put in a moment ago may still be missing.
    """
    if q.strip():
        page = _search(q, category_id, sort, limit=limit, cursor=cursor)
    else:
        page = ListingRow.page(category_id or ALL, sort, limit=limit, cursor=cursor)
    (products,) = db.look(ProductRow.lookup_all(page.items))
    return db.Page([product for product in products if product.state is State.ACTIVE], page.next_cursor)


def relist(product_id: str) -> None:
    """Bring the rows that make a product findable, and the names of its categories on its page, up to date.

    Safe to repeat, at the same time too. Raises WriteRefused if others always were faster.
    """
    for _ in range(TRIES):
        tree = CategoryRow.tree()
        product, index = db.look(ProductRow.lookup(product_id), IndexRow.lookup(product_id))
        shelves = tree.shelves(product.details.category_ids) if product else ()
        changes = rules.differences(index.rows, rules.entries(product, tree))
        try:
            if product and product.shelves != shelves:
                with db.transaction() as tx:
                    ProductRow.set_shelves(tx, product, shelves)
            for part in _parts(changes):
                with db.transaction() as tx:
                    index = index.step(tx, part)
        except WriteRefused:
            continue
        # A category that moved before this read was perhaps not seen above; one that moves after it sees these rows.
        if db.look(CategoryRow.lookup_version()) == (tree.version,):
            logger.info("product relisted", product_id=product_id, rows=len(index.rows), changed=len(changes))
            return
    raise WriteRefused()


def relist_category(category_id: str) -> None:
    """Announce every listed product of a category again, so that its listings follow the tree."""
    ids = iter(ListingRow.all_of(category_id))
    while part := list(islice(ids, db.LARGEST_TRANSACTION)):
        (products,) = db.look(ProductRow.lookup_all(part))
        with db.transaction() as tx:
            for product in products:
                outbox.publish(tx, ProductChanged(product.id, product.version))


def _search(q: str, category_id: str | None, sort: Sort, *, limit: int, cursor: str | None) -> db.Page[str]:
    """Ids of what is found: one query by the longest word, the rest decided here."""
    words = rules.words(q)
    scope = f"search|{category_id}|{sort}|{' '.join(words)}"
    after = cursors.open_(scope, cursor) if cursor else None
    if not words:
        return db.Page([], None)
    candidates = ListingRow.beginning(max(words, key=len), MOST_FOUND)
    found = rules.chosen(candidates, words, shelf=category_id, sort=sort, after=after)
    page = found[:limit]
    further = cursors.seal(scope, page[-1].key(sort)) if len(found) > limit else None
    return db.Page([each.id for each in page], further)


def _parts(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    for start in range(0, len(changes), AT_ONCE):
        yield changes[start : start + AT_ONCE]
