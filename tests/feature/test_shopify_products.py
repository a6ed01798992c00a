"""The small loader of Shopify product exports, on a file with the oddities of real ones."""

import pytest

from tests.feature.shopify_products import Loaded, Refused, load, read
from tests.kit.api import as_staff, call
from tests.kit.catalog import get, listed, stored

COLUMNS = (
    "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Option3 Name,Option3 Value,Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,"
    "Variant Compare At Price,Variant Barcode,Image Src,Image Alt Text"
)
ROWS = [
    "shirt,Ocean Shirt,<p>Blue &amp; soft </p>,demo,,men,true,Title,Default Title,,,,,,0,1,50,,,https://e.com/1.jpg,",
    'top,Varsity Top,,demo,,"women, new",true,Size,Small,Colour,Red,,,TOP-S,250.0,2,60.50,70,123,https://e.com/2.jpg,Top',
    "top,,,,,,,,Medium,,Red,,,,,0,60.50,,,,",
    "top,,,,,,,,,,,,,,,,,,,https://e.com/3.jpg,",
    "old,Old Top,,,,,,Title,Default Title,,,,,,0,3,10,,,,",
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "products.csv"
    path.write_text("\ufeff" + "\r\n".join([COLUMNS, *ROWS]), encoding="utf-8")
    return path


def send(method, path, body, headers):
    answer = call(method, path, body, headers={**as_staff(), **headers})
    return answer.status, answer.body


def test_a_file_becomes_products_with_stock(file, pumps):
    said: list[str] = []

    loaded = load(read(file), send, said.append)
    pumps.drain()

    assert loaded == Loaded(categories=3, products=3, units=6)
    assert said[-1] == "6 units received"
    assert listed() == ["top", "shirt"]
    top = call("GET", "/store/products/top").body
    assert [(each["sku"], each["price"]["amount"], each["available"]) for each in top["variants"]] == [
        ("TOP-S", 60_500, 2),
        ("TOP-MEDIUM-RED", 60_500, 0),
    ]
    assert top["variants"][0]["compare_at"]["amount"] == 70_000
    assert [each["slug"] for each in top["categories"]] == ["women", "new"]
    assert len(top["images"]) == 2
    shirt = call("GET", "/store/products/shirt").body
    assert shirt["description"]["id"] == "Blue & soft"
    assert (shirt["options"], shirt["variants"][0]["sku"]) == ([], "SHIRT")
    assert {each["slug"]: each["state"] for each in get("products").body["items"]}["old"] == "draft"


def test_loaded_again_it_makes_nothing(file, pumps):
    load(read(file), send, lambda _: None)
    before = stored()

    again = load(read(file), send, lambda _: None)

    assert again == Loaded(0, 0, 0)
    assert stored() == before


def test_what_is_missing_is_made_by_the_next_run(file, pumps):
    def send_until_receipts(method, path, body, headers):
        return (503, {}) if path == "/admin/stock/receipts" else send(method, path, body, headers)

    with pytest.raises(Refused):
        load(read(file), send_until_receipts, lambda _: None)

    assert load(read(file), send, lambda _: None) == Loaded(0, 0, 6)


def test_a_shop_that_sold_in_rupiah_keeps_its_prices(tmp_path):
    path = tmp_path / "products.csv"
    row = "batik,Batik,,demo,,,true,Title,Default Title,,,,,BATIK,0,1,189000.00,225000,,,"
    path.write_text("\r\n".join([COLUMNS, row]), encoding="utf-8")

    (listed_,) = read(path, rupiah=1)

    (variant,) = listed_.body["variants"]
    assert (variant["price"]["amount"], variant["compare_at"]["amount"]) == (189_000, 225_000)
