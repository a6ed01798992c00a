"""How listings and words are stored: thin rows written by a worker, and for each product the index of its rows.

The index is changed in the same transaction as the rows and only from the revision that was read. So it always names
exactly the rows that exist, whoever else is at work, and a row that should go cannot be missed.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.catalog.rules.listings import Address, Entry, Found, Sort, mark, shelf_key, word_key
from chalicelib.core import db
from chalicelib.core.config import settings

AT_ONCE: Final = 98
"""Rows of one transaction, beside the index and the product."""

_found: Final = msgspec.json.Decoder(Found)
_marks: Final = msgspec.json.Decoder(list[tuple[Address, str]])

Change = tuple[Address, Entry | None]


class ByName(GlobalSecondaryIndex["ListingRow"]):
    """The products of a list by name."""

    class Meta:
        index_name = "by_name"
        projection = KeysOnlyProjection()

    pk = UnicodeAttribute(hash_key=True)
    name_key = UnicodeAttribute(range_key=True)


class ByPrice(GlobalSecondaryIndex["ListingRow"]):
    """The products of a list by their lowest price."""

    class Meta:
        index_name = "by_price"
        projection = KeysOnlyProjection()

    pk = UnicodeAttribute(hash_key=True)
    price_key = UnicodeAttribute(range_key=True)


class ListingRow(db.Row):
    """pk = "LIST#" and "all" or a category id, sk = product id: with the sort keys; or pk = "WORD#" and its first
    letters, sk = word, "#", product id: with what a search needs.
    """

    class Meta:
        table_name = settings.table("catalog")

    name_key = UnicodeAttribute(null=True)
    price_key = UnicodeAttribute(null=True)
    found = UnicodeAttribute(null=True)

    by_name = ByName()
    by_price = ByPrice()

    @classmethod
    def page(cls, shelf: str, sort: Sort, *, limit: int, cursor: str | None) -> "db.Page[str]":
        """Ids of the products on a shelf."""
        index = {Sort.NAME: cls.by_name, Sort.PRICE: cls.by_price, Sort.PRICE_DOWN: cls.by_price}.get(sort)
        found = db.page(cls, shelf_key(shelf), index=index, newest_first=sort.is_falling, limit=limit, cursor=cursor)
        return db.Page([row.sk for row in found.items], found.next_cursor)

    @classmethod
    def all_of(cls, shelf: str) -> list[str]:
        """Ids of all products on a shelf, read consistently."""
        return [row.sk for row in db.rows(cls, shelf_key(shelf))]

    @classmethod
    def beginning(cls, word: str, most: int) -> list[Found]:
        """What is found under the words that begin like ``word``, at most ``most`` rows."""
        rows = db.rows(cls, word_key(word), cls.sk.startswith(word), limit=most)
        return [_found.decode(row.found) for row in rows if row.found]

    @classmethod
    def write(cls, tx: db.Transaction, address: Address, entry: Entry | None) -> None:
        """Write or remove a row; that it is right to do so is the index row's condition."""
        row = cls(*address)
        as_it_may_be = cls.pk.does_not_exist() | (cls.sk == row.sk)
        if entry is None:
            tx.delete(row, condition=as_it_may_be)
            return
        row.name_key, row.price_key = entry.name_key, entry.price_key
        row.found = msgspec.json.encode(entry.found).decode() if entry.found else None
        tx.put(row, condition=as_it_may_be)


class IndexRow(db.Row):
    """pk = product id, sk = "INDEX": the rows that make it findable, each with a mark of its content."""

    class Meta:
        table_name = settings.table("catalog")

    marks = UnicodeAttribute()
    revision = NumberAttribute()

    @classmethod
    def lookup(cls, product_id: str) -> "db.Lookup[IndexRow]":
        """Reads a product's index; an empty one of revision 0 if there is none."""
        key = (cls, product_id, "INDEX")
        return db.Lookup((key,), lambda rows: rows[0] or cls(*key[1:], marks="[]", revision=0))

    @property
    def rows(self) -> dict[Address, str]:
        """The marks of the rows, by key."""
        return dict(_marks.decode(self.marks))

    def step(self, tx: db.Transaction, changes: Sequence[Change]) -> "IndexRow":
        """Write ``changes`` and the index after them, which is given; WriteRefused if somebody was faster."""
        for address, entry in changes:
            ListingRow.write(tx, address, entry)
        after = type(self)(self.pk, self.sk, marks=_text(_after(self.rows, changes)), revision=int(self.revision) + 1)
        unchanged = IndexRow.revision == self.revision if self.revision else IndexRow.pk.does_not_exist()
        tx.put(after, condition=unchanged)
        return after


def _after(rows: Mapping[Address, str], changes: Sequence[Change]) -> dict[Address, str]:
    changed = dict(changes)
    kept = {address: known for address, known in rows.items() if address not in changed}
    return kept | {address: mark(entry) for address, entry in changed.items() if entry is not None}


def _text(rows: Mapping[Address, str]) -> str:
    return msgspec.json.encode(list(rows.items())).decode()
