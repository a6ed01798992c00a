"""A customer's addresses: at most twenty, one of them the default, sealed under the customer's key."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Final

from chalicelib.core import db, ids, vault
from chalicelib.core.errors import WriteRefused
from chalicelib.customers.errors import AddressBookFull, AddressNotFound, CustomerNotFound, StaleAddress
from chalicelib.customers.models.addresses import Book, BookRow, Place, SavedAddress

__all__ = ["Book", "Place", "SavedAddress", "add", "change", "export", "find", "get", "remove"]

MOST: Final = 20
TRIES: Final = 5


def get(customer_id: str) -> Book:
    """The customer's book, empty where nothing was put in. Raises CustomerNotFound if their key is gone."""
    return _read(customer_id)[0]


def add(customer_id: str, place: Place, *, is_default: bool) -> tuple[Book, SavedAddress]:
    """Put a place into the book; the first is the default, and so is one that asks for it. Raises AddressBookFull."""
    address = SavedAddress(ids.new("adr"), place, version=1)

    def with_it(book: Book) -> Book:
        if len(book.addresses) >= MOST:
            raise AddressBookFull(most=MOST)
        return book.with_all((*book.addresses, address), address.id if is_default else book.default)

    return _changed(customer_id, with_it), address


def change(
    customer_id: str, address_id: str, place: Place, *, is_default: bool, version: int
) -> tuple[Book, SavedAddress]:
    """Put another place under an id, if it is still at ``version``. Raises AddressNotFound, StaleAddress."""
    after = SavedAddress(address_id, place, version + 1)

    def with_it(book: Book) -> Book:
        before = find(book, address_id)
        if before.version != version:
            raise StaleAddress(version=before.version)
        places = tuple(after if each.id == address_id else each for each in book.addresses)
        return book.with_all(places, address_id if is_default else book.default)

    return _changed(customer_id, with_it), after


def remove(customer_id: str, address_id: str) -> None:
    """Take an address out; was it the default, the first of the others is. Raises AddressNotFound."""

    def without_it(book: Book) -> Book:
        gone = find(book, address_id)
        return book.with_all(tuple(each for each in book.addresses if each is not gone), book.default)

    _changed(customer_id, without_it)


def export(customer_id: str) -> list[dict[str, Any]]:
    """The whole book, as its owner may have it. Raises CustomerNotFound, KeysUnavailable."""
    book = get(customer_id)
    return [
        {"id": address.id, **asdict(address.place), "is_default": address.id == book.default}
        for address in book.addresses
    ]


def find(book: Book, address_id: str) -> SavedAddress:
    """One address of the book. Raises AddressNotFound."""
    for address in book.addresses:
        if address.id == address_id:
            return address
    raise AddressNotFound()


def _changed(customer_id: str, decide: Callable[[Book], Book]) -> Book:
    """The book as ``decide`` makes it, decided anew if somebody else was quicker."""
    for attempt in range(TRIES):
        before, key = _read(customer_id)
        after = decide(before)
        try:
            with db.transaction() as tx:
                BookRow.write(tx, key, before, after)
            return replace(after, version=before.version + 1)
        except WriteRefused:
            db.back_off(attempt)
    raise WriteRefused()


def _read(customer_id: str) -> tuple[Book, vault.DataKey]:
    row, key = db.look(BookRow.lookup(customer_id), vault.lookup(customer_id))
    if key is None:
        raise CustomerNotFound()
    return (row.opened(key) if row else Book(customer_id)), key
