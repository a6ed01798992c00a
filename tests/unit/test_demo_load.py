"""Loading the demo shop asks the admin API for the right things, and for each of them once."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra.local.demo.load import LoadRefused, load
from infra.local.demo.shop import read_shop

SHOP = read_shop()
VARIANTS = [variant for product in SHOP.products for variant in product["variants"]]
PICTURES_URL = "http://localhost:9/pictures"


class FakeAdmin:
    """An admin API that keeps what it is given, in the contract's shapes."""

    def __init__(self):
        self.calls = []
        self.categories, self.products, self.locations, self.receipts = {}, {}, {}, {}
        self.is_busy = False
        self.fails_at = None
        self.unlisted = set()
        self.page = 30
        self.url = ""

    def answer(self, method, path, query, headers, body):
        self.calls.append((method, path))
        if headers.get("Authorization") != "Bearer key-1":
            return 401, {"code": "unauthenticated"}
        if self.fails_at == path:
            return 503, {"code": "unavailable"}
        if method == "GET":
            return 200, self._list(path.rsplit("/", 1)[1], query)
        if method == "PATCH":
            return self._change(path.rsplit("/", 1)[1], body)
        return self._make(path, headers, body)

    def writes(self):
        return [call for call in self.calls if call[0] != "GET"]

    def units(self, location=None):
        return sum(
            line["quantity"]
            for receipt in self.receipts.values()
            if location in (None, receipt["location"])
            for line in receipt["lines"]
        )

    def _list(self, kind, query):
        items = [] if kind in self.unlisted else list(getattr(self, kind).values())
        start = int(query.partition("cursor=")[2] or 0)
        end = start + self.page
        return {"items": items[start:end], "next_cursor": str(end) if end < len(items) else None}

    def _make(self, path, headers, body):
        if path == "/admin/stock/receipts":
            return 201, self.receipts.setdefault(headers["Idempotency-Key"], body)
        kind = path.rsplit("/", 1)[1]
        kept, name = getattr(self, kind), body.get("slug", body.get("id"))
        if name in kept or self.is_busy:
            return 409, {"code": "slug_taken"}
        kept[name] = {"id": f"{kind}-{name}", "version": 1} | body
        return 201, kept[name]

    def _change(self, product_id, body):
        product = next(made for made in self.products.values() if made["id"] == product_id)
        assert body == {"version": product["version"], "state": "archived"}
        product.update(state="archived", version=product["version"] + 1)
        return 200, product


@pytest.fixture
def admin():
    fake = FakeAdmin()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: two would wait for each other's acknowledgement

        def answer(self):
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            path, _, query = self.path.partition("?")
            status, answer = fake.answer(self.command, path, query, self.headers, body)
            raw = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            if fake.is_busy:
                self.send_header("Retry-After", "1")
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815  (the names http.server calls)

        def log_message(self, *_):
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


def fill(admin, key="key-1"):
    said: list[str] = []
    loaded = load(admin.url, key, pictures_url=PICTURES_URL, progress=said.append)
    return loaded, said


def test_loading_fills_an_empty_shop(admin):
    loaded, said = fill(admin)

    assert (loaded.categories, loaded.products) == (len(SHOP.categories), len(SHOP.products))
    assert loaded.variants == len(VARIANTS)
    assert loaded.units == admin.units() == sum(sum(place.values()) for place in SHOP.stock.values())
    assert admin.units("sby") == sum(SHOP.stock["sby"].values())
    assert set(admin.locations) == {"jkt", "sby"}
    assert all(1 <= len(receipt["lines"]) <= 40 for receipt in admin.receipts.values())
    assert all(line["quantity"] > 0 for receipt in admin.receipts.values() for line in receipt["lines"])
    assert loaded.receipts == len(admin.receipts) <= 8
    assert len(admin.writes()) == len(SHOP.categories) + len(SHOP.products) + 2 + loaded.receipts + 1
    assert said[-1] == f"demo shop: {loaded.units} units of stock by {loaded.receipts} receipts"


def test_a_loaded_product_has_category_ids_absolute_pictures_and_its_state(admin):
    fill(admin)

    shirt = admin.products["kemeja-batik-parang"]
    assert shirt["category_ids"] == ["categories-batik", "categories-kemeja"]
    assert shirt["images"][0]["url"] == f"{PICTURES_URL}/kemeja-batik-parang.svg"
    assert "categories" not in shirt
    assert admin.categories["kemeja"]["parent_id"] == "categories-pria"
    assert admin.categories["pakaian"]["parent_id"] is None
    assert "parent" not in admin.categories["pakaian"]
    assert {slug: made["state"] for slug, made in admin.products.items()} == {
        product["slug"]: product["state"] for product in SHOP.products
    }


def test_loading_twice_changes_nothing(admin):
    fill(admin)
    before, writes = json.dumps([admin.categories, admin.products]), admin.writes()

    loaded, _ = fill(admin)

    assert loaded == type(loaded)(categories=0, products=0, variants=0, receipts=0, units=0)
    assert json.dumps([admin.categories, admin.products]) == before
    assert admin.writes() == writes


def test_a_load_that_was_cut_off_is_finished_by_the_next_without_counting_stock_twice(admin):
    fill(admin)
    units = admin.units()
    del admin.products["tote-kanvas-kawung"]
    admin.products["kelom-geulis-merah"]["state"] = "draft"

    loaded, _ = fill(admin)

    assert (loaded.categories, loaded.products) == (0, 1)
    assert admin.products["kelom-geulis-merah"]["state"] == "archived"
    assert "tote-kanvas-kawung" in admin.products
    assert admin.units() == units


def test_a_slug_that_is_taken_but_not_listed_is_left_alone(admin):
    fill(admin)
    before = json.dumps(admin.products)
    admin.unlisted = {"products"}

    loaded, _ = fill(admin)

    assert loaded.products == 0
    assert json.dumps(admin.products) == before


def test_a_taken_category_that_is_not_listed_stops_the_load(admin):
    fill(admin)
    before = admin.writes()
    admin.unlisted = {"categories"}

    with pytest.raises(LoadRefused, match="slug pakaian is taken"):
        fill(admin)

    assert admin.writes() == [*before, ("POST", "/admin/categories")]


def test_a_wrong_key_stops_the_load_before_anything_is_made(admin):
    with pytest.raises(LoadRefused, match="answered 401"):
        fill(admin, key="wrong")

    assert admin.writes() == []


def test_a_conflict_that_asks_for_a_second_try_is_not_taken_for_a_taken_slug(admin):
    admin.is_busy = True

    with pytest.raises(LoadRefused, match="answered 409"):
        fill(admin)

    assert admin.categories == {}


def test_a_refused_receipt_leaves_the_archived_product_for_the_next_run(admin):
    admin.fails_at = "/admin/stock/receipts"

    with pytest.raises(LoadRefused, match="answered 503"):
        fill(admin)

    assert admin.products["kelom-geulis-merah"]["state"] == "draft"
    assert admin.receipts == {}
