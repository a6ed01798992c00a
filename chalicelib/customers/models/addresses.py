"""A customer's address book: one item, sealed as a whole under the customer's key, so that what holds for all of the
addresses (how many there may be, which is the default) is one condition.
"""

from dataclasses import dataclass, replace
from typing import Final

from pynamodb.attributes import NumberAttribute

from chalicelib.core import db
from chalicelib.core.config import settings
from chalicelib.core.vault import DataKey, SealedAttribute

BOOK: Final = "ADDRESSES"


@dataclass(frozen=True, slots=True)
class Place:
    """Who gets a parcel, and where."""

    label: str
    """What the customer calls it, such as Rumah."""
    name: str
    phone: str
    line1: str
    district: str
    city: str
    province: str
    postal_code: str
    country: str


@dataclass(frozen=True, slots=True)
class SavedAddress:
    """A place in an address book."""

    id: str
    place: Place
    version: int


@dataclass(frozen=True, slots=True)
class Book:
    """All addresses of a customer, in the order in which they were put; ``default`` is the id of one of them."""

    customer_id: str
    addresses: tuple[SavedAddress, ...] = ()
    default: str | None = None
    version: int = 0

    def with_all(self, addresses: tuple[SavedAddress, ...], default: str | None) -> "Book":
        """The book with other addresses; the first is the default where ``default`` is none of them."""
        ids = [address.id for address in addresses]
        chosen = default if default in ids else next(iter(ids), None)
        return replace(self, addresses=addresses, default=chosen)


class BookRow(db.Row):
    """pk = customer id, sk = "ADDRESSES"."""

    class Meta:
        table_name = settings.table("customers")

    book = SealedAttribute()
    version = NumberAttribute()

    @classmethod
    def lookup(cls, customer_id: str) -> "db.Lookup[BookRow | None]":
        """Reads a customer's book, still sealed."""
        return db.Lookup(((cls, customer_id, BOOK),), lambda rows: rows[0])

    @classmethod
    def write(cls, tx: db.Transaction, key: DataKey, before: Book, after: Book) -> None:
        """Write the book, if the stored one is still ``before``; else refused with WriteRefused."""
        content = {"addresses": after.addresses, "default": after.default}
        row = cls(
            pk=before.customer_id,
            sk=BOOK,
            book=key.seal(_place(before.customer_id), content),
            version=before.version + 1,
        )
        tx.put(row, condition=cls.version == before.version if before.version else None)

    def opened(self, key: DataKey) -> Book:
        """The row as a value."""
        content = key.open(_place(self.pk), self.book, _Content)
        return Book(self.pk, content.addresses, content.default, int(self.version))


@dataclass(frozen=True, slots=True)
class _Content:
    addresses: tuple[SavedAddress, ...]
    default: str | None


def _place(customer_id: str) -> str:
    return f"{settings.table('customers')}|{customer_id}|{BOOK}|book"
