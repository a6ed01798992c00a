"""The rows that make a product findable: where it is listed and by which words it is found."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from chalicelib.catalog.rules.categories import Tree
from chalicelib.catalog.rules.products import Product
from chalicelib.catalog.states import State

ALL: Final = "all"
MOST_WORDS: Final = 60
LONGEST_WORD: Final = 40
LONGEST_KEY: Final = 80
FIRST_LETTERS: Final = 3
"""Words are kept together by their first letters; a shorter word is found whole, not as a beginning."""


class Sort(StrEnum):
    """The order of a list of products."""

    NEWEST = "newest"
    NAME = "name"
    PRICE = "price"
    PRICE_DOWN = "-price"

    @property
    def is_falling(self) -> bool:
        """Whether the highest key comes first."""
        return self in (Sort.NEWEST, Sort.PRICE_DOWN)


@dataclass(frozen=True, slots=True)
class Found:
    """What a search needs of a product: its words, its categories, and the keys it is sorted by."""

    id: str
    words: tuple[str, ...]
    shelves: tuple[str, ...]
    name_key: str
    price_key: str

    def key(self, sort: Sort) -> str:
        """Where it stands in that order; no two products stand at one place."""
        match sort:
            case Sort.NEWEST:
                return self.id
            case Sort.NAME:
                return self.name_key
            case _:
                return self.price_key


@dataclass(frozen=True, slots=True)
class Entry:
    """The content of one row: the sort keys of a listing, or what a search needs of the product."""

    name_key: str | None = None
    price_key: str | None = None
    found: Found | None = None


Address = tuple[str, str]
"""The key of a row."""


def entries(product: Product | None, tree: Tree) -> dict[Address, Entry]:
    """Every row that makes ``product`` findable: none unless it is active."""
    if product is None or product.state is not State.ACTIVE:
        return {}
    found = _found(product, tree)
    listed = Entry(name_key=found.name_key, price_key=found.price_key)
    rows = {(shelf_key(shelf), product.id): listed for shelf in (ALL, *found.shelves)}
    return rows | {(word_key(word), f"{word}#{product.id}"): Entry(found=found) for word in found.words}


def shelf_key(shelf: str) -> str:
    """The key under which the products of a category, or all of them, are listed."""
    return f"LIST#{shelf}"


def word_key(word: str) -> str:
    """The key under which words that begin like ``word`` are kept."""
    return f"WORD#{word[:FIRST_LETTERS]}"


def mark(entry: Entry) -> str:
    """A short text that differs where entries do."""
    return hashlib.blake2s(msgspec.json.encode(entry), digest_size=8).hexdigest()


def differences(before: Mapping[Address, str], after: Mapping[Address, Entry]) -> list[tuple[Address, Entry | None]]:
    """What to write (or None to remove) so that the rows ``before``, given by their marks, become those ``after``."""
    gone: list[tuple[Address, Entry | None]] = [(address, None) for address in before if address not in after]
    return gone + [(address, entry) for address, entry in after.items() if before.get(address) != mark(entry)]


def words(text: str) -> list[str]:
    """The words of ``text`` as they are compared: without case, accents and punctuation, each once."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    found = re.findall(r"[^\W_]+", letters)
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in found))


def chosen(
    candidates: Iterable[Found], asked: Sequence[str], *, shelf: str | None, sort: Sort, after: str | None
) -> list[Found]:
    """The products that have a word beginning with each of ``asked``, each once, in order, from beyond ``after``."""
    unique = {
        each.id: each for each in candidates if _matches(each, asked) and (shelf is None or shelf in each.shelves)
    }
    ordered = sorted(unique.values(), key=lambda each: each.key(sort), reverse=sort.is_falling)
    if after is None:
        return ordered
    return [each for each in ordered if (each.key(sort) < after if sort.is_falling else each.key(sort) > after)]


def _matches(found: Found, asked: Sequence[str]) -> bool:
    return all(any(word.startswith(each) for word in found.words) for each in asked)


def _found(product: Product, tree: Tree) -> Found:
    details = product.details
    texts = [details.name.id, details.name.en or "", details.brand or "", *product.skus]
    name = " ".join(words(details.name.id))[:LONGEST_KEY]
    lowest = min(price.amount for price in product.prices)
    shelves = dict.fromkeys(above for category_id in details.category_ids for above in tree.line(category_id))
    return Found(
        id=product.id,
        words=tuple(words(" ".join(texts))[:MOST_WORDS]),
        shelves=tuple(shelves),
        name_key=f"{name}\t{product.id}",
        price_key=f"{lowest:013d}\t{product.id}",
    )
