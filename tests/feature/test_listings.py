"""Categories, the lists that follow products and categories, and search."""

import pytest

from chalicelib.catalog import listings
from chalicelib.catalog.models.listings import AT_ONCE, IndexRow
from chalicelib.catalog.rules.listings import MOST_WORDS
from chalicelib.core import db
from tests.kit import faults
from tests.kit.api import call
from tests.kit.catalog import changed, get, listed, made, patch, post, product, sizes, stored, variant

NOBODY = "cat_01KAV3Z5W8Q2M7N4T6Y9BCDEFG"


def category(slug, parent=None, **about):
    body = {"name": {"id": slug.title(), "en": f"{slug} en"}, "slug": slug, **about}
    return made("categories", body | ({"parent_id": parent["id"]} if parent else {}))


def sell(sku, *shelves, amount=150_000, **about):
    body = product(sku, variants=[variant(sku, amount=amount)], category_ids=[each["id"] for each in shelves])
    return made("products", body | about)


def listing_rows():
    rows = stored()["catalog"]
    return [row for row in rows if row["pk"]["S"].startswith(("LIST#", "WORD#"))]


@pytest.fixture
def clothes(pumps):
    """Clothes, of them men's, of them shirts; and bags."""
    clothes = category("pakaian")
    men = category("pria", clothes)
    return {"pakaian": clothes, "pria": men, "kemeja": category("kemeja", men), "tas": category("tas")}


# Categories


def test_categories_are_a_tree_in_their_order(aws):
    first = category("pakaian", position=2)
    category("tas", position=1)
    for position, slug in ((2, "wanita"), (1, "pria")):
        category(slug, first, position=position)

    tree = call("GET", "/store/categories").body["items"]

    assert [each["slug"] for each in tree] == ["tas", "pakaian"]
    assert [each["slug"] for each in tree[1]["children"]] == ["pria", "wanita"]
    assert tree[1]["name"] == {"id": "Pakaian", "en": "pakaian en"}


def test_a_category_is_given_back_and_changed_by_version(aws):
    first = category("pakaian", position=3)

    after = changed(f"categories/{first['id']}", 1, slug="busana", position=4)
    stale = patch(f"categories/{first['id']}", {"version": 1, "slug": "lain"})
    same = changed(f"categories/{first['id']}", 2, slug="busana")

    assert first == {
        "id": first["id"],
        "slug": "pakaian",
        "name": {"id": "Pakaian", "en": "pakaian en"},
        "parent_id": None,
        "position": 3,
        "version": 1,
    }
    assert after == first | {"slug": "busana", "position": 4, "version": 2} == same
    assert (stale.status, stale.code, stale.body["version"]) == (409, "stale_version", 2)
    assert get("categories").body == {"items": [after], "next_cursor": None}


def test_staff_list_each_category_once(aws):
    made_ = [category(f"c{number}")["id"] for number in range(5)]

    first = get("categories?limit=3").body
    rest = get(f"categories?limit=3&cursor={first['next_cursor']}").body

    assert [each["id"] for each in first["items"] + rest["items"]] == made_
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": {"id": "x"}, "slug": "pakaian"}, 409, "slug_taken"),
        ({"name": {"id": "x"}, "slug": "baru", "parent_id": NOBODY}, 422, "invalid"),
        ({"name": {"id": "x" * 101}, "slug": "baru"}, 422, "invalid"),
        ({"name": {"id": "x"}, "slug": "Baru"}, 422, "invalid"),
        ({"name": {"id": "x"}, "slug": "baru\n"}, 422, "invalid"),
        ({"name": {"id": "x"}, "slug": "baru", "colour": 1}, 422, "invalid"),
        ({"name": {"id": "x"}, "slug": "baru", "position": -1}, 422, "invalid"),
    ],
)
def test_a_category_that_cannot_stand_there_is_refused(aws, body, status, code):
    category("pakaian")
    before = stored()

    answer = post("categories", body)

    assert (answer.status, answer.code) == (status, code)
    assert stored() == before


def test_no_category_stands_below_itself_and_none_too_deep(aws):
    line = [category("c1")]
    for number in range(2, 6):
        line.append(category(f"c{number}", line[-1]))
    other = category("lain")
    before = stored()

    ring = patch(f"categories/{line[0]['id']}", {"version": 1, "parent_id": line[4]["id"]})
    itself = patch(f"categories/{line[0]['id']}", {"version": 1, "parent_id": line[0]["id"]})
    deep = post("categories", {"name": {"id": "x"}, "slug": "c6", "parent_id": line[4]["id"]})
    pushed_down = patch(f"categories/{line[0]['id']}", {"version": 1, "parent_id": other["id"]})

    assert [each.code for each in (ring, itself)] == ["category_cycle"] * 2
    assert [each.code for each in (deep, pushed_down)] == ["category_too_deep"] * 2
    assert stored() == before


def test_two_moves_at_once_that_would_make_a_ring_do_not(aws):
    first, second = category("a"), category("b")
    answers = []

    def move_meanwhile(request, send):
        answers.append(patch(f"categories/{second['id']}", {"version": 1, "parent_id": first["id"]}))

    with faults.on_dynamodb("TransactWriteItems", [move_meanwhile]):
        answers.append(patch(f"categories/{first['id']}", {"version": 1, "parent_id": second["id"]}))

    assert [(each.status, each.code) for each in answers] == [(200, None), (409, "category_cycle")]


def test_an_unknown_category_is_not_found(aws):
    assert patch(f"categories/{NOBODY}", {"version": 1}).code == "category_not_found"
    assert call("GET", "/store/products?category=tidak-ada").code == "category_not_found"


# Lists


def test_a_product_is_listed_in_its_category_and_those_above(pumps, clothes):
    sell("KEMEJA-1", clothes["kemeja"])
    sell("TAS-1", clothes["tas"], clothes["kemeja"])
    sell("KONSEP", clothes["kemeja"], state="draft")

    pumps.drain()

    assert listed() == ["tas-1", "kemeja-1"]
    assert listed("category=tas") == ["tas-1"]
    assert listed("category=pakaian") == listed(f"category={clothes['kemeja']['id']}") == ["tas-1", "kemeja-1"]


def test_a_card_says_what_a_shopper_wants_to_know(pumps):
    made(
        "products",
        product(
            "KEMEJA",
            options=[sizes("M", "L")],
            variants=[variant("M", 0, amount=200), variant("L", 1, amount=100, compare_at={"amount": 150})],
            images=[{"url": "https://example.com/1.jpg"}, {"url": "https://example.com/2.jpg"}],
        ),
    )
    pumps.drain()
    from chalicelib.catalog import service as catalog

    before = call("GET", "/store/products").body["items"][0]["available"]
    catalog.set_availability({"M": (3, 1)})
    (card,) = call("GET", "/store/products").body["items"]

    assert before is False
    del card["id"]
    assert card == {
        "slug": "kemeja",
        "name": {"id": "Kemeja KEMEJA", "en": "Shirt KEMEJA"},
        "image": {"url": "https://example.com/1.jpg", "alt": None},
        "price_from": {"amount": 100, "currency": "IDR"},
        "price_to": {"amount": 200, "currency": "IDR"},
        "compare_at": {"amount": 150, "currency": "IDR"},
        "available": True,
    }


def test_a_list_is_two_calls_and_three_by_category(pumps, clothes):
    sell("KEMEJA-1", clothes["kemeja"])
    pumps.drain()

    with faults.on_dynamodb("Query", []) as sent:
        for query in ("", "q=kemeja", "sort=price", "category=kemeja"):
            call("GET", f"/store/products?{query}")

    assert sent == ["Query", "BatchGetItem"] * 3 + ["Query", "Query", "BatchGetItem"]


def test_every_order_pages_through_each_product_once(pumps, clothes):
    names = {"a": "Kemeja B", "b": "kemeja a", "c": "Kemeja É", "d": "KEMEJA c", "e": "Kemeja D"}
    prices = {"a": 200, "b": 200, "c": 9, "d": 1000, "e": 300}
    orders = {"newest": "edcba", "name": "badec", "price": "cabed", "-price": "debac"}
    for slug, name in names.items():
        sell(f"SKU-{slug}", clothes["kemeja"], amount=prices[slug], slug=slug, name={"id": name})
    pumps.drain()

    for filters in ("", "q=kem&", "category=kemeja&", "category=pakaian&q=kemeja&"):
        for limit in (2, 5):
            found = {sort: "".join(listed(f"{filters}sort={sort}&limit={limit}")) for sort in orders}
            assert found == orders, (filters, limit)


def test_a_cursor_belongs_to_its_list(pumps, clothes):
    for number in range(3):
        sell(f"KEMEJA-{number}", clothes["kemeja"])
    pumps.drain()
    cursors = [
        call("GET", f"/store/products?{query}limit=1").body["next_cursor"] for query in ("", "q=kemeja&", "sort=name&")
    ]

    answers = [call("GET", f"/store/products?category=kemeja&cursor={cursor}") for cursor in [*cursors, "x", "YWJj"]]

    assert {(answer.status, answer.code) for answer in answers} == {(422, "invalid")}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "sort=best", "colour=red", f"q={'x' * 201}"])
def test_a_list_that_makes_no_sense_is_refused(aws, query):
    assert call("GET", f"/store/products?{query}").code == "invalid"


def test_lists_follow_edits_and_archival(pumps, clothes):
    first = sell("KEMEJA-1", clothes["kemeja"])
    pumps.drain()

    changed(f"products/{first['id']}", 1, category_ids=[clothes["tas"]["id"]], name={"id": "Ransel"})
    pumps.drain()

    assert (listed("category=pakaian"), listed("category=tas")) == ([], ["kemeja-1"])
    assert (listed("q=shirt"), listed("q=ransel"), listed("q=kemeja-1")) == ([], ["kemeja-1"], ["kemeja-1"])
    changed(f"products/{first['id']}", 2, state="archived")
    assert listed() == []
    pumps.drain()
    assert listing_rows() == []
    changed(f"products/{first['id']}", 3, state="active")
    pumps.drain()
    assert listed("category=tas") == ["kemeja-1"]


def test_lists_and_pages_follow_a_category_that_moves_or_is_renamed(pumps, clothes):
    sell("KEMEJA-1", clothes["kemeja"])
    pumps.drain()

    changed(f"categories/{clothes['pria']['id']}", 1, parent_id=clothes["tas"]["id"])
    changed(f"categories/{clothes['kemeja']['id']}", 1, slug="hem", name={"id": "Hem"})
    pumps.drain()

    assert (listed("category=pakaian"), listed("category=tas"), listed("category=hem")) == (
        [],
        ["kemeja-1"],
        ["kemeja-1"],
    )
    assert call("GET", "/store/products/kemeja-1").body["categories"] == [
        {"id": clothes["kemeja"]["id"], "slug": "hem", "name": {"id": "Hem", "en": None}}
    ]
    assert get("products").body["items"][0]["version"] == 1


def test_news_of_a_product_said_twice_or_out_of_order_ends_the_same(pumps, clothes):
    first = sell("KEMEJA-1", clothes["kemeja"])
    changed(f"products/{first['id']}", 1, name={"id": "Ransel"}, category_ids=[clothes["tas"]["id"]])
    pumps.drain()
    rows = stored()

    for _ in range(2):
        listings.relist(first["id"])

    assert stored() == rows


def test_relisting_that_is_overtaken_leaves_no_row_behind(pumps, clothes):
    first = sell("KEMEJA-1", clothes["kemeja"])

    def overtake(request, send):
        changed(f"products/{first['id']}", 1, name={"id": "Ransel"}, category_ids=[clothes["tas"]["id"]])
        listings.relist(first["id"])

    with faults.on_dynamodb("TransactWriteItems", [overtake]):
        listings.relist(first["id"])

    (index,) = db.look(IndexRow.lookup(first["id"]))
    assert {(row["pk"]["S"], row["sk"]["S"]) for row in listing_rows()} == set(index.rows)
    assert (listed("category=pakaian"), listed("category=tas"), listed("q=shirt")) == ([], ["kemeja-1"], [])


def test_a_category_that_moves_while_a_product_is_relisted_is_seen(pumps, clothes):
    first = sell("KEMEJA-1", clothes["kemeja"])

    def move_meanwhile(request, send):
        changed(f"categories/{clothes['pria']['id']}", 1, parent_id=clothes["tas"]["id"])

    with faults.on_dynamodb("TransactWriteItems", [move_meanwhile]):
        listings.relist(first["id"])

    assert (listed("category=pakaian"), listed("category=tas")) == ([], ["kemeja-1"])


def test_more_rows_than_one_transaction_holds_are_written_and_removed(pumps):
    shelves = []
    for top in range(9):
        line = [category(f"rak{top}")]
        for level in range(4):
            line.append(category(f"rak{top}-{level}", line[-1]))
        shelves.append(line[-1])
    words = " ".join(f"kata{number}" for number in range(70))
    first = sell("X-1", *shelves, name={"id": words[:200], "en": words[200:400]})
    listings.relist(first["id"])
    many = len(listing_rows())

    changed(f"products/{first['id']}", 1, name={"id": "Hem"}, category_ids=[], slug="hem")
    listings.relist(first["id"])

    assert many == 1 + 45 + MOST_WORDS > AT_ONCE
    assert sorted((row["pk"]["S"], row["sk"]["S"]) for row in listing_rows()) == [
        ("LIST#all", first["id"]),
        ("WORD#1", f"1#{first['id']}"),
        ("WORD#hem", f"hem#{first['id']}"),
        ("WORD#x", f"x#{first['id']}"),
    ]


# Search


def test_words_are_found_by_how_they_begin_in_names_brand_and_skus(pumps):
    sell("KMJ-LRK-1", name={"id": "Kemeja Tenun Lurik", "en": "Lurik Shirt"}, slug="lurik")
    sell("KMJ-BTK-1", name={"id": "Kemeja Batik Mega Mendung"}, brand="Punakawan", slug="batik")
    sell("KOPI-1", name={"id": "Kopi Café"}, slug="kopi")
    pumps.drain()
    wanted = {
        "kemeja": {"lurik", "batik"},
        "KEM": {"lurik", "batik"},
        "shirt lur": {"lurik"},
        "  tenun   kemeja ": {"lurik"},
        "puna": {"batik"},
        "KMJ-BTK": {"batik"},
        "mega-mendung": {"batik"},
        "cafe": {"kopi"},
        "café": {"kopi"},
        "m": set(),
        "kemeja m": {"batik"},
        "xyz": set(),
        "kemeja xyz": set(),
        "!!!": set(),
    }

    assert {q: set(listed(f"q={q}")) for q in wanted} == wanted


def test_a_search_keeps_to_its_category(pumps, clothes):
    sell("KEMEJA-1", clothes["kemeja"])
    sell("KEMEJA-2", clothes["tas"])
    pumps.drain()

    assert listed("q=kemeja&category=pakaian") == ["kemeja-1"]
