"""The demo shop is consistent and has a picture for everything it sells."""

import re
from collections import Counter
from itertools import product as every_choice
from xml.etree import ElementTree

import pytest

from infra.local.demo.motifs import MOTIFS
from infra.local.demo.pictures import (
    BATIK,
    FLAT,
    HANGING,
    MOTIF_BY_SHAPE,
    MOTIF_BY_WORD,
    SHAPE_BY_CATEGORY,
    SHAPE_BY_WORD,
    SHAPES,
    picture,
    picture_of,
)
from infra.local.demo.shop import read_shop

SHOP = read_shop()
VARIANTS = [variant for product in SHOP.products for variant in product["variants"]]


def texts_of(product):
    yield product["name"]
    yield product["description"]
    yield from (image["alt"] for image in product["images"])
    for option in product["options"]:
        yield option["name"]
        yield from option["values"]


def check_digit(digits):
    return -sum(int(digit) * weight for digit, weight in zip(digits, [1, 3] * 6, strict=True)) % 10


def test_the_shop_sells_about_sixty_products_of_which_one_is_a_draft_and_one_is_archived():
    states = Counter(product["state"] for product in SHOP.products)

    assert 55 <= len(SHOP.products) <= 70
    assert (states["draft"], states["archived"]) == (1, 1)
    assert states["active"] == len(SHOP.products) - 2


def test_every_slug_and_every_sku_and_every_barcode_is_used_once():
    slugs = [thing["slug"] for thing in SHOP.products]
    skus = [variant["sku"] for variant in VARIANTS]
    barcodes = [variant["barcode"] for variant in VARIANTS if variant["barcode"]]

    assert len(slugs) == len(set(slugs))
    assert len(skus) == len(set(skus))
    assert len(barcodes) == len(set(barcodes))
    assert len({category["slug"] for category in SHOP.categories}) == len(SHOP.categories)


def test_slugs_and_skus_are_readable_and_allowed():
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", thing["slug"]) for thing in SHOP.products)
    assert all(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", variant["sku"]) for variant in VARIANTS)


def test_barcodes_are_indonesian_ean_13_with_their_check_digit():
    barcodes = [variant["barcode"] for variant in VARIANTS if variant["barcode"]]

    assert len(barcodes) > 30
    assert all(re.fullmatch(r"899\d{10}", code) for code in barcodes)
    assert all(check_digit(code[:12]) == int(code[12]) for code in barcodes)


def test_the_check_digit_of_a_known_barcode_is_right():
    assert check_digit("400638133393") == 1


@pytest.mark.parametrize("product", SHOP.products, ids=lambda product: product["slug"])
def test_a_product_has_one_variant_for_every_choice_of_its_options(product):
    choices = [
        list(choice) for choice in every_choice(*(range(len(option["values"])) for option in product["options"]))
    ]

    assert [variant["option_values"] for variant in product["variants"]] == choices


@pytest.mark.parametrize("product", SHOP.products, ids=lambda product: product["slug"])
def test_a_product_has_exactly_the_members_that_the_admin_api_takes(product):
    assert set(product) == {
        "name", "description", "slug", "brand", "categories", "attributes", "images", "options", "variants",
        "dimensions_mm", "tax_class", "state",
    }  # fmt: skip
    assert product["tax_class"] == "standard"
    assert {"material", "origin"} <= set(product["attributes"])
    assert all(isinstance(value, str) and value for value in product["attributes"].values())
    assert all(
        set(variant) == {"sku", "barcode", "option_values", "price", "compare_at", "weight_grams"}
        for variant in product["variants"]
    )


@pytest.mark.parametrize("product", SHOP.products, ids=lambda product: product["slug"])
def test_everything_a_buyer_reads_is_there_in_indonesian_and_english(product):
    for text in texts_of(product):
        assert set(text) == {"id", "en"}
        assert all(words.strip() == words and words for words in text.values())
    assert product["description"]["id"] != product["description"]["en"]


def test_prices_are_whole_rupiah_above_zero_and_the_old_price_is_higher():
    for variant in VARIANTS:
        price, old = variant["price"], variant["compare_at"]
        assert type(price["amount"]) is int
        assert price["amount"] > 0
        assert price["currency"] == "IDR"
        assert old is None or (old["amount"] > price["amount"] and old["currency"] == "IDR")
    assert any(variant["compare_at"] for variant in VARIANTS)


def test_a_parcel_can_be_computed_for_every_variant():
    sides = [side for product in SHOP.products for side in product["dimensions_mm"].values()]

    assert all(type(number) is int and number > 0 for number in sides)
    assert all(type(variant["weight_grams"]) is int and variant["weight_grams"] > 0 for variant in VARIANTS)


def test_categories_form_a_tree_of_three_levels_with_parents_before_children():
    depth = {None: 0}
    for category in SHOP.categories:
        depth[category["slug"]] = depth[category["parent"]] + 1
        assert set(category) == {"slug", "name", "parent", "position"}
        assert set(category["name"]) == {"id", "en"}

    assert max(depth.values()) == 3


def test_every_product_is_in_a_category_and_every_leaf_has_a_product():
    slugs = {category["slug"] for category in SHOP.categories}
    leaves = slugs - {category["parent"] for category in SHOP.categories}
    used = {slug for product in SHOP.products for slug in product["categories"]}

    assert all(product["categories"] for product in SHOP.products)
    assert used <= slugs
    assert leaves <= used


def test_stock_lies_in_the_two_warehouses_and_some_of_it_is_low_or_gone():
    skus = {variant["sku"] for variant in VARIANTS}
    total: Counter[str] = Counter()
    for quantity_by_sku in SHOP.stock.values():
        total.update(quantity_by_sku)

    assert {(place["id"], place["priority"]) for place in SHOP.locations} == {("jkt", 1), ("sby", 2)}
    assert set(SHOP.stock) == {"jkt", "sby"}
    assert set(total) == skus
    assert all(quantity >= 0 for quantity in total.values())
    assert sum(quantity == 0 for quantity in total.values()) >= 3
    assert sum(1 <= quantity <= 3 for quantity in total.values()) >= 3


@pytest.mark.parametrize("product", SHOP.products, ids=lambda product: product["slug"])
def test_the_picture_of_a_product_is_a_well_formed_svg_that_stands_alone(product):
    root = ElementTree.fromstring(picture_of(product["slug"]))
    ids = {element.get("id") for element in root.iter()}
    values = " ".join(value for element in root.iter() for value in element.attrib.values())
    used = set(re.findall(r"url\(#([^)]+)\)", values))
    used |= {element.get("href", "#").removeprefix("#") for element in root.iter()} - {""}

    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root[0].text == f"{product['name']['id']} · Toko Laris"
    assert used <= ids
    assert "$" not in values


def test_pictures_are_the_same_every_time_and_no_two_products_share_one():
    seen = {product["slug"]: picture_of(product["slug"]) for product in SHOP.products}

    drawn = {re.sub(rb"p[0-9a-f]{8}|<title>.*</title>", b"", image) for image in seen.values()}
    assert len(drawn) == len(SHOP.products)
    assert all(picture_of(slug) == image for slug, image in seen.items())
    assert all(product["images"][0]["url"] == f"{product['slug']}.svg" for product in SHOP.products)


def test_the_same_thing_in_two_colours_looks_different():
    blue, red = (picture(f"kaos-{colour}", "Kaos", "kaos") for colour in ("biru", "merah"))

    assert b"#33648f" in blue
    assert b"#33648f" not in red


def test_a_product_we_have_no_drawing_for_comes_in_a_gift_box_whatever_its_name():
    image = picture('x"><script>', "Teh & <b>Kopi</b>", "lain")

    assert ElementTree.fromstring(image)[0].text == "Teh & <b>Kopi</b> · Toko Laris"
    assert b"<script>" not in image


def test_an_unknown_slug_is_drawn_from_its_own_words():
    assert picture_of("kalung-manik-baru") == picture("kalung-manik-baru", "Kalung Manik Baru", "")


def test_every_drawing_is_used_and_every_drawing_named_exists():
    named = {*SHAPE_BY_WORD.values(), *SHAPE_BY_CATEGORY.values(), "kotak"}
    categories = {category["slug"] for category in SHOP.categories}

    assert named == {path.stem for path in SHAPES.glob("*.svg")}
    assert named >= FLAT | HANGING | set(MOTIF_BY_SHAPE)
    assert {*MOTIF_BY_WORD.values(), *MOTIF_BY_SHAPE.values(), *BATIK} <= set(MOTIFS)
    assert set(SHAPE_BY_CATEGORY) == categories
