"""Products and their offers, as staff write them and shoppers read them."""

import pytest

from chalicelib.catalog import service as catalog
from chalicelib.catalog.models.products import ProductRow
from chalicelib.catalog.service import Offer
from chalicelib.catalog.states import State
from chalicelib.core import db
from chalicelib.core.money import Money
from chalicelib.core.texts import LocalText
from tests.kit import faults
from tests.kit.api import call
from tests.kit.catalog import changed, get, made, patch, post, product, sizes, stored, variant

NOBODY = "prd_01KAV3Z5W8Q2M7N4T6Y9BCDEFG"
PAGE = "/store/products"
FULL = {
    "name": {"id": "Kemeja Lurik", "en": "Lurik Shirt"},
    "description": {"id": "Tenun tangan.", "en": None},
    "slug": "kemeja-lurik",
    "brand": "Punakawan",
    "category_ids": [],
    "attributes": {"material": "Katun"},
    "images": [{"url": "https://example.com/lurik.jpg", "alt": {"id": "Kemeja", "en": "Shirt"}}],
    "options": [
        {"name": {"id": "Ukuran", "en": "Size"}, "values": [{"id": "M", "en": None}, {"id": "L", "en": None}]},
        {"name": {"id": "Warna", "en": "Colour"}, "values": [{"id": "Biru", "en": "Blue"}]},
    ],
    "variants": [
        {
            "sku": "LURIK-M.1",
            "price": {"amount": 150_000, "currency": "IDR"},
            "option_values": [0, 0],
            "compare_at": {"amount": 200_000, "currency": "IDR"},
            "barcode": "8991234567891",
            "weight_grams": 300,
        },
        {
            "sku": "LURIK-L.1",
            "price": {"amount": 160_000, "currency": "IDR"},
            "option_values": [1, 0],
            "compare_at": None,
            "barcode": None,
            "weight_grams": 320,
        },
    ],
    "dimensions_mm": {"length": 300, "width": 200, "height": 30},
    "tax_class": "standard",
    "state": "active",
}
TWO_SIZES = {"options": [sizes("M", "L")], "variants": [variant("M", 0), variant("L", 1)]}


def page(slug):
    return call("GET", f"{PAGE}/{slug}")


def offers(*skus):
    return db.look(catalog.lookup_offers(skus))[0]


def test_a_product_is_given_back_as_it_was_posted(aws):
    answer = post("products", FULL)

    assert answer.status == 201
    assert answer.headers["Location"] == f"/admin/products/{answer.body['id']}"
    assert answer.body == get(f"products/{answer.body['id']}").body
    assert {name: answer.body[name] for name in FULL} == FULL
    assert (answer.body["version"], answer.body["available"]) == (1, {"LURIK-M.1": 0, "LURIK-L.1": 0})


def test_shoppers_read_it_with_what_each_variant_is(aws):
    made("products", FULL)

    answer = page("kemeja-lurik")

    assert answer.status == 200
    assert answer.body["name"] == FULL["name"]
    assert [(each["sku"], each["available"]) for each in answer.body["variants"]] == [
        ("LURIK-M.1", 0),
        ("LURIK-L.1", 0),
    ]
    assert answer.body["variants"][0]["options"] == [
        {"name": {"id": "Ukuran", "en": "Size"}, "value": {"id": "M", "en": None}},
        {"name": {"id": "Warna", "en": "Colour"}, "value": {"id": "Biru", "en": "Blue"}},
    ]


def test_a_product_page_is_one_call_of_dynamodb(aws):
    made("products", FULL)

    with faults.on_dynamodb("Query", []) as sent:
        page("kemeja-lurik")
        page("kemeja-flanel")

    assert sent == ["Query", "Query"]


def test_the_till_gets_the_offer_of_each_sku_and_nothing_for_unknown_ones(aws):
    product_id = made("products", FULL)["id"]

    found = offers("LURIK-M.1", "TIDAK-ADA", "", "not a sku", "X" * 5000)

    assert found == {
        "LURIK-M.1": Offer(
            sku="LURIK-M.1",
            product_id=product_id,
            slug="kemeja-lurik",
            name=LocalText("Kemeja Lurik", "Lurik Shirt"),
            options=(LocalText("M"), LocalText("Biru", "Blue")),
            price=Money(150_000),
            compare_at=Money(200_000),
            weight_grams=300,
            tax_class="standard",
            is_sellable=True,
            image_url="https://example.com/lurik.jpg",
        )
    }


def test_without_a_slug_it_gets_one_made_of_its_indonesian_name(aws):
    answer = made("products", product(name={"id": "Kemeja Batik “Mega Mendung”, Édisi 2"}, slug=None))

    assert answer["slug"] == "kemeja-batik-mega-mendung-edisi-2"


@pytest.mark.parametrize(
    ("instead", "pointer"),
    [
        ({"colour": "red"}, ""),
        ({"name": "Kemeja"}, "/name"),
        ({"name": {"id": ""}}, "/name/id"),
        ({"name": {"id": "x" * 201}}, "/name"),
        ({"slug": "Kemeja Lurik"}, "/slug"),
        ({"slug": "kemeja\n"}, "/slug"),
        ({"slug": None, "name": {"id": "!!!"}}, "/slug"),
        ({"variants": []}, "/variants"),
        ({"variants": [variant("A"), variant("B")]}, "/variants"),
        ({"variants": [variant("A", 0)]}, "/variants/0/option_values"),
        ({"variants": [variant("a b")]}, "/variants/0/sku"),
        ({"variants": [variant("AB\n")]}, "/variants/0/sku"),
        ({"variants": [variant("A", amount=0)]}, "/variants/0/price/amount"),
        ({"variants": [variant("A", amount=-1)]}, "/variants/0/price/amount"),
        ({"variants": [variant("A", amount=10**12 + 1)]}, "/variants/0/price/amount"),
        ({"variants": [variant("A", amount=10**40)]}, "/variants/0/price/amount"),
        ({"variants": [variant("A", amount=1.5)]}, "/variants/0/price/amount"),
        ({"variants": [variant("A", amount=150000.0)]}, "/variants/0/price/amount"),
        ({"variants": [variant("A", amount="150000")]}, "/variants/0/price/amount"),
        ({"variants": [variant("A", price={"amount": 5, "currency": "USD"})]}, "/variants/0/price/currency"),
        ({"variants": [variant("A", compare_at={"amount": 150_000})]}, "/variants/0/compare_at"),
        ({"variants": [variant("A", barcode="8991234567892")]}, "/variants/0/barcode"),
        ({"variants": [variant("A", weight_grams=-1)]}, "/variants/0/weight_grams"),
        ({"options": [sizes("M", "L")], "variants": [variant("A", 2)]}, "/variants/0/option_values/0"),
        ({"options": [sizes("M", "L")], "variants": [variant("A", -1)]}, "/variants/0/option_values/0"),
        ({"options": [sizes("M", "L")], "variants": [variant("A", 0), variant("A", 1)]}, "/variants/1"),
        ({"options": [sizes("M", "L")], "variants": [variant("A", 0), variant("B", 0)]}, "/variants/1"),
        ({"options": [sizes("M", "m")], "variants": [variant("A", 0)]}, "/options/0/values/1"),
        ({"options": [sizes("M"), sizes("L")], "variants": [variant("A", 0, 0)]}, "/options/1"),
        ({"options": [sizes("x" * 101)], "variants": [variant("A", 0)]}, "/options/0/values/0"),
        ({"category_ids": [NOBODY]}, "/category_ids/0"),
        ({"images": [{"url": "javascript:alert(1)"}]}, "/images/0/url"),
        ({"state": "archived"}, "/state"),
        ({"dimensions_mm": {"length": 0, "width": 1, "height": 1}}, "/dimensions_mm/length"),
    ],
)
def test_a_product_that_makes_no_sense_is_refused_and_nothing_is_written(aws, instead, pointer):
    before = stored()

    answer = post("products", product(**instead))

    assert (answer.status, answer.code) == (422, "invalid"), answer.text
    assert answer.body["errors"][0]["pointer"] == pointer
    assert stored() == before


def test_a_tax_class_nobody_knows_is_refused(aws):
    answer = post("products", product(tax_class="none-such"))

    assert (answer.status, answer.code) == (422, "unknown_tax_class")


def test_a_product_as_big_as_a_body_may_be_is_refused_if_it_would_not_fit_with_the_rest(aws):
    text = {"id": "x" * 10_000, "en": "y" * 10_000}
    made_ = made("products", product(images=[{"url": f"https://e.com/{n}", "alt": text} for n in range(10)]))
    more = [sizes(*("z" * 90 + str(n) for n in range(90)))]
    images = [{"url": f"https://e.com/{n}", "alt": text} for n in range(12)]

    answer = patch(
        f"products/{made_['id']}", {"version": 1, "images": images, "options": more, "variants": [variant("A", 0)]}
    )

    assert (answer.status, answer.code) == (422, "invalid")
    assert "250000 bytes" in answer.body["detail"]


def test_ninety_variants_are_a_product_and_ninety_one_are_not(aws):
    def many(count):
        names = [f"S{number}" for number in range(count)]
        return product(
            options=[sizes(*names[:45]), {"name": {"id": "Warna"}, "values": [{"id": "a"}, {"id": "b"}, {"id": "c"}]}],
            variants=[variant(name, number % 45, number // 45) for number, name in enumerate(names)],
        )

    refused = post("products", many(91))
    before = stored()
    taken = made("products", many(90))
    others = [variant(f"T{number}", number % 45, number // 45) for number in range(90)]
    too_many_at_once = patch(f"products/{taken['id']}", {"version": 1, "variants": others})

    assert (refused.status, refused.code, refused.body["most"]) == (422, "too_many_variants", 90)
    assert before == {"catalog": [], "events": []}
    assert len(taken["variants"]) == 90
    assert (too_many_at_once.status, too_many_at_once.code) == (422, "too_many_variants")
    assert get(f"products/{taken['id']}").body == taken


def test_a_slug_and_a_sku_are_given_once(aws):
    made("products", product("KEMEJA"))
    before = stored()

    same_slug = post("products", product("LAIN", slug="kemeja"))
    same_sku = post("products", product("KEMEJA", slug="lain"))

    assert (same_slug.status, same_slug.code, same_slug.body["slug"]) == (409, "slug_taken", "kemeja")
    assert (same_sku.status, same_sku.code, same_sku.body["sku"]) == (409, "sku_taken", "KEMEJA")
    assert stored() == before


def test_a_change_names_what_is_different_and_leaves_the_rest(aws):
    before = made("products", FULL)

    after = changed(f"products/{before['id']}", 1, brand=None, attributes={"motif": "lurik"}, slug="lurik")

    different = {"brand": None, "attributes": {"motif": "lurik"}, "slug": "lurik", "version": 2}
    assert after == before | different | {"updated_at": after["updated_at"]}
    assert after["updated_at"] > before["updated_at"]
    assert (page("kemeja-lurik").status, page("lurik").status) == (404, 200)
    assert offers("LURIK-M.1")["LURIK-M.1"].slug == "lurik"


def test_a_slug_that_was_given_back_can_be_taken(aws):
    first = made("products", product("A"))
    changed(f"products/{first['id']}", 1, slug="baru")

    second = made("products", product("B", slug="a"))
    taken = patch(f"products/{first['id']}", {"version": 2, "slug": "a"})

    assert page("a").body["id"] == second["id"]
    assert (taken.status, taken.code) == (409, "slug_taken")
    assert page("baru").body["id"] == first["id"]


def test_what_is_the_same_already_changes_nothing(aws):
    before = made("products", FULL)
    rows = stored()

    answer = changed(f"products/{before['id']}", 1, **FULL)

    assert answer == before
    assert stored() == rows


def test_a_change_of_an_old_version_is_refused_with_the_current_one(aws):
    first = made("products", product())
    changed(f"products/{first['id']}", 1, brand="Punakawan")
    before = stored()

    answer = patch(f"products/{first['id']}", {"version": 1, "brand": "Lain"})

    assert (answer.status, answer.code, answer.body["version"]) == (409, "stale_version", 2)
    assert stored() == before


@pytest.mark.parametrize("body", [{}, {"brand": "x"}, {"version": 0}, {"version": 1.0}, {"version": 1, "id": "x"}])
def test_a_change_without_a_version_or_of_unknown_fields_is_refused(aws, body):
    first = made("products", product())
    before = stored()

    answer = patch(f"products/{first['id']}", body)

    assert (answer.status, answer.code) == (422, "invalid")
    assert stored() == before


def test_of_two_edits_at_once_exactly_one_wins(aws):
    first = made("products", product())
    path = f"products/{first['id']}"
    answers = []

    def edit_meanwhile(request, send):
        answers.append(patch(path, {"version": 1, "brand": "Dalam"}))

    with faults.on_dynamodb("TransactWriteItems", [edit_meanwhile]):
        answers.append(patch(path, {"version": 1, "brand": "Luar", "slug": "luar"}))

    assert [(each.status, each.code) for each in answers] == [(200, None), (409, "stale_version")]
    after = get(path).body
    assert (after["brand"], after["version"], after["slug"]) == ("Dalam", 2, "kemeja")
    assert page("luar").status == 404


def test_an_archived_product_is_neither_seen_nor_sold_and_can_come_back(aws):
    first = made("products", product())
    path = f"products/{first['id']}"

    changed(path, 1, state="archived")

    assert (page("kemeja").status, page("kemeja").code) == (404, "product_not_found")
    assert not offers("KEMEJA")["KEMEJA"].is_sellable
    changed(path, 2, state="active")
    assert page("kemeja").status == 200
    assert offers("KEMEJA")["KEMEJA"].is_sellable


def test_a_draft_is_not_seen_and_no_product_becomes_one_again(aws):
    first = made("products", product(state="draft"))
    path = f"products/{first['id']}"
    unseen = page("kemeja").status
    changed(path, 1, state="active")

    answer = patch(path, {"version": 2, "state": "draft", "brand": "x"})

    assert unseen == 404
    assert (answer.status, answer.code) == (409, "illegal_product_move")
    assert (answer.body["state"], answer.body["legal"]) == ("active", ["archived"])
    assert get(path).body["brand"] is None


def test_a_variant_that_is_taken_out_goes_off_the_market_and_its_sku_may_be_used_again(aws):
    first = made("products", product("KEMEJA", **TWO_SIZES))
    other = made("products", product("LAIN"))

    changed(f"products/{first['id']}", 1, variants=[variant("M", 0)])

    assert {sku: offer.is_sellable for sku, offer in offers("M", "L").items()} == {"M": True, "L": False}
    changed(f"products/{other['id']}", 1, variants=[variant("L")])
    assert offers("L")["L"].product_id == other["id"]
    taken = patch(f"products/{first['id']}", {"version": 2, "variants": [variant("M", 0), variant("L", 1)]})
    assert (taken.status, taken.code, taken.body["sku"]) == (409, "sku_taken", "L")


def test_news_of_stock_is_shown_and_older_news_is_ignored(aws):
    first = made("products", FULL)

    for available, watermark in [(5, 10), (7, 9), (5, 10), (3, 12), (4, 11)]:
        catalog.set_availability({"LURIK-M.1": (available, watermark)})
    catalog.set_availability({"LURIK-L.1": (8, 1)})
    catalog.set_availability({"TIDAK-ADA": (8, 1)})

    assert [each["available"] for each in page("kemeja-lurik").body["variants"]] == [3, 8]
    assert get(f"products/{first['id']}").body["version"] == 1


def test_editing_a_product_leaves_what_can_be_sold_as_it_is(aws):
    first = made("products", product())

    def sell_meanwhile(request, send):
        catalog.set_availability({"KEMEJA": (4, 2)})

    catalog.set_availability({"KEMEJA": (5, 1)})
    with faults.on_dynamodb("TransactWriteItems", [sell_meanwhile]):
        changed(f"products/{first['id']}", 1, brand="Punakawan")

    assert page("kemeja").body["variants"][0]["available"] == 4
    assert page("kemeja").body["brand"] == "Punakawan"


@pytest.mark.parametrize("product_id", [NOBODY, "x", "prd_" + "0" * 200])
def test_an_unknown_product_is_not_found(aws, product_id):
    assert get(f"products/{product_id}").code == "product_not_found"
    assert patch(f"products/{product_id}", {"version": 1}).code == "product_not_found"


@pytest.mark.parametrize("slug", ["tidak-ada", "TIDAK ADA", "a" * 200, "%00"])
def test_an_unknown_page_is_not_found(aws, slug):
    assert (page(slug).status, page(slug).code) == (404, "product_not_found")


@pytest.mark.parametrize("query", ["", "state=active&"])
def test_staff_list_each_product_once_newest_first_within_its_state(aws, query):
    slugs = {state: [f"{state}-{n}" for n in range(4)] for state in ("draft", "active")}
    for state in ("active", "draft"):
        for slug in slugs[state]:
            made("products", product(slug.upper(), state=state))
    wanted = [*([] if query else slugs["draft"][::-1]), *slugs["active"][::-1]]

    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = get(f"products?{query}limit=3" + (f"&cursor={cursor}" if cursor else ""))
        found += [each["slug"] for each in answer.body["items"]]
        cursor = answer.body["next_cursor"]

    assert found == wanted


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "state=gone", "cursor=abc", "page=2"])
def test_a_list_that_makes_no_sense_is_refused(aws, query):
    assert get(f"products?{query}").code == "invalid"


@pytest.mark.parametrize(("method", "path"), [("POST", "products"), ("GET", "products"), ("PATCH", "categories/x")])
def test_only_staff_come_in_by_the_back_door(aws, method, path):
    assert call(method, f"/admin/{path}", {}).status == 401


def test_every_change_is_in_the_event_log(aws):
    first = made("products", product())
    changed(f"products/{first['id']}", 1, state="archived")

    from chalicelib.core import outbox

    history = outbox.history(first["id"])
    assert [(each.type, each.actor, each.data) for each in history] == [
        ("product.changed", "key:TESTTESTTESTTEST", {"product_id": first["id"], "version": version})
        for version in (1, 2)
    ]


def test_rows_beside_products_stay_out_of_the_products_indexes(aws):
    made("products", FULL)
    made("categories", {"name": {"id": "Kemeja"}, "slug": "kemeja"})

    items = stored()["catalog"]

    assert {item["sk"]["S"] for item in items if {"slug", "state"} & item.keys()} == {"PRODUCT"}
    assert [row.pk for row in db.rows(ProductRow, State.ACTIVE, index=ProductRow.by_state)] == [
        item["pk"]["S"] for item in items if item["sk"]["S"] == "PRODUCT"
    ]
