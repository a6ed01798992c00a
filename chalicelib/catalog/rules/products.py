"""What a product is, and what it has to be like to stand in the catalogue."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from chalicelib.catalog.errors import TooManyVariants
from chalicelib.catalog.rules.categories import Shelf
from chalicelib.catalog.states import State, move
from chalicelib.core.config import settings
from chalicelib.core.errors import Invalid
from chalicelib.core.money import Money
from chalicelib.core.texts import LocalText

SKU_PATTERN: Final = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
SLUG_PATTERN: Final = "^[a-z0-9]+(-[a-z0-9]+)*$"
URL_PATTERN: Final = r"^https?://[^\s]+$"
BARCODE_PATTERN: Final = r"^([0-9]{8}|[0-9]{12}|[0-9]{13})$"
LONGEST_SLUG: Final = 100
LONGEST_NAME: Final = 200
LONGEST_CHOICE: Final = 100
HIGHEST_PRICE: Final = 10**12
MOST_VARIANTS: Final = 90
MOST_OPTIONS: Final = 3
MOST_TOUCHED: Final = 96
"""Offers one transaction writes beside the product, its old and new slug, and the event."""
LARGEST: Final = 250_000
"""Bytes; an item of DynamoDB holds 400 KB, and what can be sold stands in it too."""

Sku = Annotated[str, msgspec.Meta(pattern=SKU_PATTERN)]
Slug = Annotated[str, msgspec.Meta(pattern=SLUG_PATTERN, max_length=LONGEST_SLUG)]
Url = Annotated[str, msgspec.Meta(pattern=URL_PATTERN, max_length=2000)]
Barcode = Annotated[str, msgspec.Meta(pattern=BARCODE_PATTERN)]
Millimetres = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Grams = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Index = Annotated[int, msgspec.Meta(ge=0, le=MOST_VARIANTS)]


class Image(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture, and what it shows for those who do not see it."""

    url: Url
    alt: LocalText | None = None


class Option(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What variants differ in, and the values it has."""

    name: LocalText
    values: Annotated[tuple[LocalText, ...], msgspec.Meta(min_length=1, max_length=MOST_VARIANTS)]


class Variant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What can be bought: one value of each option, by its position in the option's ``values``."""

    sku: Sku
    price: Money
    option_values: Annotated[tuple[Index, ...], msgspec.Meta(max_length=MOST_OPTIONS)] = ()
    compare_at: Money | None = None
    barcode: Barcode | None = None
    weight_grams: Grams = 0


class Dimensions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The size of one piece as it is packed."""

    length: Millimetres
    width: Millimetres
    height: Millimetres


@dataclass(frozen=True, slots=True)
class Details:
    """What is written about a product, as opposed to where it stands."""

    name: LocalText
    description: LocalText | None
    brand: str | None
    category_ids: tuple[str, ...]
    attributes: dict[str, str]
    images: tuple[Image, ...]
    options: tuple[Option, ...]
    variants: tuple[Variant, ...]
    dimensions_mm: Dimensions | None
    tax_class: str


@dataclass(frozen=True, slots=True)
class Product:
    """A product. ``shelves`` are its categories as they were called when that was last looked up; ``available`` is how
    much of each SKU can be sold, as far as the warehouse has told.
    """

    id: str
    slug: str
    state: State
    details: Details
    shelves: tuple[Shelf, ...]
    available: Mapping[str, int]
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def skus(self) -> list[str]:
        """The SKUs of its variants."""
        return [variant.sku for variant in self.details.variants]

    @property
    def prices(self) -> list[Money]:
        """The prices of its variants."""
        return [variant.price for variant in self.details.variants]


@dataclass(frozen=True, slots=True)
class Offer:
    """What carts, the till and the warehouse need of a SKU."""

    sku: str
    product_id: str
    slug: str
    name: LocalText
    options: tuple[LocalText, ...]
    price: Money
    compare_at: Money | None
    weight_grams: int
    tax_class: str
    is_sellable: bool
    image_url: str | None


def edited(product: Product, changes: Mapping[str, Any]) -> Product:
    """The product with ``changes`` of its slug, state and details. Raises IllegalMove."""
    about = dict(changes)
    slug = about.pop("slug", product.slug)
    state = move(product.state, about.pop("state", product.state))
    return replace(product, slug=slug, state=state, details=replace(product.details, **about))


def offers(product: Product) -> dict[str, Offer]:
    """The offer of each variant, by SKU."""
    return {variant.sku: _offer(product, variant) for variant in product.details.variants}


def choices(details: Details, variant: Variant) -> list[tuple[Option, LocalText]]:
    """Each option with the value that ``variant`` has of it."""
    pairs = zip(details.options, variant.option_values, strict=True)
    return [(option, option.values[position]) for option, position in pairs]


def slug_of(name: str) -> str:
    """A slug made of ``name``; empty if it has no letter or digit of the Latin alphabet."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain)[:LONGEST_SLUG].strip("-")


def check(product: Product) -> None:
    """Raise Invalid, naming the first field that is wrong, or TooManyVariants."""
    details = product.details
    if not re.fullmatch(SLUG_PATTERN, product.slug):
        raise Invalid.field("/slug", "a slug is words of a-z and 0-9 with hyphens between; none follows from the name")
    _check_length(details.name, LONGEST_NAME, "/name")
    _check_distinct(details.category_ids, "/category_ids")
    _check_options(details.options)
    _check_variants(details)
    if len(msgspec.json.encode(details)) > LARGEST:
        raise Invalid(f"A product is at most {LARGEST} bytes in all: shorten its texts.")


def check_touched(before: Product, after: Product) -> None:
    """Raise TooManyVariants if the change touches more SKUs than one transaction holds."""
    if len({*before.skus, *after.skus}) > MOST_TOUCHED:
        raise TooManyVariants(
            f"This change takes more than {MOST_TOUCHED} SKUs in or out: make it in two.", most=MOST_TOUCHED
        )


def is_barcode(digits: str) -> bool:
    """Whether the last digit fits the others: EAN-8, UPC-A or EAN-13 (GS1 General Specifications, 7.9)."""
    if not re.fullmatch(BARCODE_PATTERN, digits):
        return False
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return weighted % 10 == 0


def _offer(product: Product, variant: Variant) -> Offer:
    details = product.details
    return Offer(
        sku=variant.sku,
        product_id=product.id,
        slug=product.slug,
        name=details.name,
        options=tuple(value for _, value in choices(details, variant)),
        price=variant.price,
        compare_at=variant.compare_at,
        weight_grams=variant.weight_grams,
        tax_class=details.tax_class,
        is_sellable=product.state is State.ACTIVE,
        image_url=details.images[0].url if details.images else None,
    )


def _check_length(text: LocalText, most: int, pointer: str) -> None:
    if max(len(text.id), len(text.en or "")) > most:
        raise Invalid.field(pointer, f"at most {most} characters")


def _check_distinct(values: Sequence[object], pointer: str) -> None:
    for position, value in enumerate(values):
        if value in values[:position]:
            raise Invalid.field(f"{pointer}/{position}", "this is here twice")


def _check_options(options: Sequence[Option]) -> None:
    _check_distinct([option.name.id.casefold() for option in options], "/options")
    for at, option in enumerate(options):
        _check_length(option.name, LONGEST_CHOICE, f"/options/{at}/name")
        _check_distinct([value.id.casefold() for value in option.values], f"/options/{at}/values")
        for position, value in enumerate(option.values):
            _check_length(value, LONGEST_CHOICE, f"/options/{at}/values/{position}")


def _check_variants(details: Details) -> None:
    variants = details.variants
    if len(variants) > MOST_VARIANTS:
        raise TooManyVariants(most=MOST_VARIANTS)
    if not details.options and len(variants) != 1:
        raise Invalid.field("/variants", "a product without options has exactly one variant")
    for at, variant in enumerate(variants):
        for where, problem in _problems(variant, details.options):
            raise Invalid.field(f"/variants/{at}{where}", problem)
    _check_distinct([variant.sku for variant in variants], "/variants")
    _check_distinct([variant.option_values for variant in variants], "/variants")


def _problems(variant: Variant, options: Sequence[Option]) -> Iterator[tuple[str, str]]:
    if not re.fullmatch(SKU_PATTERN, variant.sku):
        yield "/sku", "not a SKU"
    if variant.barcode is not None and not is_barcode(variant.barcode):
        yield "/barcode", "the check digit is wrong"
    if len(variant.option_values) != len(options):
        yield "/option_values", "one value for each option"
    for place, (position, option) in enumerate(zip(variant.option_values, options, strict=False)):
        if position >= len(option.values):
            yield f"/option_values/{place}", "the option has no such value"
    yield from _price_problems(variant)


def _price_problems(variant: Variant) -> Iterator[tuple[str, str]]:
    for where, money in (("/price", variant.price), ("/compare_at", variant.compare_at or variant.price)):
        if money.currency != settings.currency:
            yield f"{where}/currency", f"prices are in {settings.currency}"
        elif not 0 < money.amount <= HIGHEST_PRICE:
            yield f"{where}/amount", f"from 1 to {HIGHEST_PRICE}"
    if variant.compare_at is not None and variant.compare_at.amount <= variant.price.amount:
        yield "/compare_at", "higher than the price, or none"
