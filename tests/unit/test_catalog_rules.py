"""What a good product is, where categories may stand, and by which rows a product is found."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import product as every_pair

import pytest

from chalicelib.catalog.errors import (
    CategoryCycle,
    CategoryNotFound,
    CategoryTooDeep,
    IllegalMove,
    SlugTaken,
    StaleVersion,
    TooManyCategories,
    TooManyVariants,
)
from chalicelib.catalog.rules import products
from chalicelib.catalog.rules.categories import DEEPEST, MOST_CATEGORIES, Category, Shelf, Tree
from chalicelib.catalog.rules.listings import Entry, Found, Sort, chosen, differences, entries, mark, words
from chalicelib.catalog.rules.products import Details, Option, Product, Variant, is_barcode, slug_of
from chalicelib.catalog.states import MOVES, State, move
from chalicelib.core.errors import Invalid
from chalicelib.core.money import Money
from chalicelib.core.texts import LocalText

AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SIZE = Option(LocalText("Ukuran", "Size"), (LocalText("M"), LocalText("L")))
COLOUR = Option(LocalText("Warna", "Colour"), (LocalText("Biru", "Blue"), LocalText("Merah", "Red")))
LEGAL = {
    (State.DRAFT, State.ACTIVE),
    (State.DRAFT, State.ARCHIVED),
    (State.ACTIVE, State.ARCHIVED),
    (State.ARCHIVED, State.ACTIVE),
}


def details(**about):
    plain = Details(
        name=LocalText("Kemeja Lurik", "Lurik Shirt"),
        description=None,
        brand=None,
        category_ids=(),
        attributes={},
        images=(),
        options=(),
        variants=(Variant("LURIK", Money(150_000)),),
        dimensions_mm=None,
        tax_class="standard",
    )
    return replace(plain, **about)


def product(*, state=State.ACTIVE, **about):
    return Product(
        id="prd_1",
        slug="kemeja-lurik",
        state=state,
        details=details(**about),
        shelves=(),
        available={},
        version=1,
        created_at=AT,
        updated_at=AT,
    )


def category(id_, parent=None, **about):
    return replace(Category(id_, f"slug-{id_}", LocalText(id_), parent, 0, 1), **about)


def tree(*categories):
    return Tree(1, {each.id: each for each in categories})


# Products


@pytest.mark.parametrize(("before", "after"), list(every_pair(State, State)))
def test_a_product_moves_as_the_table_says_and_no_other_way(before, after):
    if before == after or (before, after) in LEGAL:
        assert move(before, after) is after
        return

    with pytest.raises(IllegalMove) as refused:
        move(before, after)

    assert refused.value.facts["legal"] == sorted(MOVES[before])


@pytest.mark.parametrize("digits", ["96385074", "036000291452", "4006381333931", "8991234567891", "00000000"])
def test_the_last_digit_of_a_barcode_checks_the_others(digits):
    assert is_barcode(digits)
    assert not any(is_barcode(digits[:-1] + str(other)) for other in range(10) if str(other) != digits[-1])


@pytest.mark.parametrize("text", ["", "1", "9638507", "963850745", "96385O74", "96385074\n", "٩٦٣٨٥٠٧٤"])
def test_what_has_not_the_form_of_a_barcode_is_none(text):
    assert not is_barcode(text)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Kemeja Lurik", "kemeja-lurik"),
        ("  Kopi 100% Arabika! ", "kopi-100-arabika"),
        ("Édisi Spésial", "edisi-spesial"),
        ("日本", ""),
        ("a" * 99 + " b", "a" * 99),
    ],
)
def test_a_slug_keeps_the_letters_and_digits_of_a_name(name, slug):
    assert slug_of(name) == slug


def test_each_variant_has_an_offer_with_the_values_it_stands_for():
    variants = (Variant("M-B", Money(1), (0, 0)), Variant("L-R", Money(2), (1, 1), compare_at=Money(3)))

    offers = products.offers(product(options=(SIZE, COLOUR), variants=variants))

    assert {sku: offer.options for sku, offer in offers.items()} == {
        "M-B": (LocalText("M"), LocalText("Biru", "Blue")),
        "L-R": (LocalText("L"), LocalText("Merah", "Red")),
    }
    assert [(offer.price, offer.compare_at) for offer in offers.values()] == [(Money(1), None), (Money(2), Money(3))]


@pytest.mark.parametrize("state", list(State))
def test_only_what_an_active_product_offers_is_sellable(state):
    offers = products.offers(product(state=state))

    assert offers["LURIK"].is_sellable is (state is State.ACTIVE)


def test_an_edit_changes_what_it_names():
    before = product()

    after = products.edited(before, {"slug": "baru", "state": State.ARCHIVED, "brand": "Punakawan"})

    assert after == replace(before, slug="baru", state=State.ARCHIVED, details=details(brand="Punakawan"))


def test_a_good_product_passes():
    products.check(product(options=(SIZE,), variants=(Variant("M", Money(1), (0,)), Variant("L", Money(10**12), (1,)))))


@pytest.mark.parametrize(
    ("about", "pointer"),
    [
        ({"variants": (Variant("A", Money(0)),)}, "/variants/0/price/amount"),
        ({"variants": (Variant("A", Money(10**12 + 1)),)}, "/variants/0/price/amount"),
        ({"variants": (Variant("A", Money(1, "USD")),)}, "/variants/0/price/currency"),
        ({"variants": (Variant("A", Money(2), compare_at=Money(2)),)}, "/variants/0/compare_at"),
        ({"variants": (Variant("A", Money(2), compare_at=Money(3, "USD")),)}, "/variants/0/compare_at/currency"),
        ({"variants": (Variant("A", Money(2), compare_at=Money(-3)),)}, "/variants/0/compare_at/amount"),
        ({"options": (SIZE,), "variants": (Variant("A", Money(2), (0, 0)),)}, "/variants/0/option_values"),
        ({"options": (SIZE,), "variants": (Variant("A", Money(2), (2,)),)}, "/variants/0/option_values/0"),
        ({"category_ids": ("cat_1", "cat_2", "cat_1")}, "/category_ids/2"),
    ],
)
def test_what_is_wrong_is_named(about, pointer):
    with pytest.raises(Invalid) as refused:
        products.check(product(**about))

    assert refused.value.facts["errors"][0]["pointer"] == pointer


def test_one_change_touches_no_more_skus_than_a_transaction_holds():
    def sizes(prefix, count):
        return product(variants=tuple(Variant(f"{prefix}{number}", Money(1)) for number in range(count)))

    products.check_touched(sizes("A", 90), sizes("A", 90))
    products.check_touched(sizes("A", 90), sizes("B", 6))
    with pytest.raises(TooManyVariants):
        products.check_touched(sizes("A", 90), sizes("B", 7))


# Categories


def test_the_line_of_a_category_goes_up_to_the_top():
    assert tree(category("a"), category("b", "a"), category("c", "b")).line("c") == ["c", "b", "a"]


def test_a_category_is_found_by_id_and_by_slug():
    grown = tree(category("a"), category("b", "a"))

    assert grown.find("b") == grown.find("slug-b") == category("b", "a")
    with pytest.raises(CategoryNotFound):
        grown.find("c")


def test_a_category_is_changed_only_at_the_version_that_is_known():
    grown = tree(category("a", version=3))

    assert grown.current("a", 3).id == "a"
    with pytest.raises(StaleVersion) as refused:
        grown.current("a", 2)
    assert refused.value.facts == {"version": 3}
    with pytest.raises(CategoryNotFound):
        grown.current("b", 1)


def test_the_shelves_of_a_product_are_named_and_have_to_exist():
    grown = tree(category("a"))

    assert grown.shelves(["a"]) == (Shelf("a", "slug-a", LocalText("a")),)
    with pytest.raises(Invalid) as refused:
        grown.shelves(["a", "b"])
    assert refused.value.facts["errors"][0]["pointer"] == "/category_ids/1"


def test_no_category_stands_below_itself():
    grown = tree(category("a"), category("b", "a"), category("c", "b"))

    for parent in ("a", "b", "c"):
        with pytest.raises(CategoryCycle):
            grown.with_(category("a", parent))
    assert grown.with_(category("c", "a")).line("c") == ["c", "a"]


def test_a_move_takes_along_what_stands_below_and_none_of_it_gets_too_deep():
    line = [category("c1"), *(category(f"c{n}", f"c{n - 1}") for n in range(2, DEEPEST + 1))]
    grown = tree(*line, category("other"))

    with pytest.raises(CategoryTooDeep):
        grown.with_(category("new", f"c{DEEPEST}"))
    with pytest.raises(CategoryTooDeep):
        grown.with_(category("c1", "other"))
    assert grown.with_(category("c2", "other")).line(f"c{DEEPEST}")[-1] == "other"


def test_a_slug_names_one_category_and_there_are_only_so_many():
    full = tree(*(category(str(number)) for number in range(MOST_CATEGORIES)))

    with pytest.raises(SlugTaken):
        tree(category("a")).with_(category("b", slug="slug-a"))
    with pytest.raises(TooManyCategories):
        full.with_(category("new"))
    assert full.with_(category("1", slug="renamed")).categories["1"].slug == "renamed"


# Listings


def test_words_are_compared_without_case_accents_and_punctuation():
    assert words("Kopi CAFÉ, kopi-susu (Édisi_2)!") == ["kopi", "cafe", "susu", "edisi", "2"]
    assert words("") == []


def test_a_product_is_listed_on_its_shelves_and_all_above_and_under_each_of_its_words():
    grown = tree(category("cat_top"), category("cat_mid", "cat_top"), category("cat_low", "cat_mid"), category("cat_x"))

    rows = entries(product(category_ids=("cat_low", "cat_x"), brand="Punakawan"), grown)

    assert set(rows) == {
        *((f"LIST#{shelf}", "prd_1") for shelf in ("all", "cat_low", "cat_mid", "cat_top", "cat_x")),
        ("WORD#kem", "kemeja#prd_1"),
        ("WORD#lur", "lurik#prd_1"),
        ("WORD#shi", "shirt#prd_1"),
        ("WORD#pun", "punakawan#prd_1"),
    }
    assert rows["LIST#all", "prd_1"] == Entry("kemeja lurik\tprd_1", "0000000150000\tprd_1")


@pytest.mark.parametrize("missing", [None, product(state=State.DRAFT), product(state=State.ARCHIVED)])
def test_what_is_not_for_sale_is_not_listed(missing):
    assert entries(missing, tree()) == {}


def test_only_rows_that_differ_are_written():
    rows = entries(product(), tree())
    address = ("LIST#all", "prd_1")
    known = {each: mark(entry) for each, entry in rows.items()}

    assert differences(known, rows) == []
    assert differences(known | {address: "old"}, rows) == [(address, rows[address])]
    assert differences(known | {("LIST#gone", "prd_1"): "old"}, rows) == [(("LIST#gone", "prd_1"), None)]
    assert dict(differences({}, rows)) == rows
    assert dict(differences(known, {})) == dict.fromkeys(rows)


def test_a_search_gives_each_product_once_in_order_from_beyond_a_place():
    found = [
        Found(f"prd_{n}", ("kemeja", "kemejaku", colour), ("cat_1",), f"name {9 - n}", f"{price:03d}\tprd_{n}")
        for n, colour, price in [(1, "biru", 5), (2, "merah", 5), (3, "biru", 1)]
    ]

    def ids(asked, sort, after=None, shelf=None):
        return [each.id[-1] for each in chosen(found + found, asked, shelf=shelf, sort=sort, after=after)]

    assert ids(["kem"], Sort.NEWEST) == ["3", "2", "1"]
    assert ids(["kem"], Sort.NEWEST, "prd_2") == ["1"]
    assert ids(["kem"], Sort.NAME) == ["3", "2", "1"]
    assert ids(["kem"], Sort.PRICE) == ["3", "1", "2"]
    assert ids(["kem"], Sort.PRICE, "005\tprd_1") == ["2"]
    assert ids(["kem"], Sort.PRICE_DOWN) == ["2", "1", "3"]
    assert ids(["biru", "kem"], Sort.NEWEST) == ["3", "1"]
    assert ids(["kem"], Sort.NEWEST, shelf="cat_2") == []
