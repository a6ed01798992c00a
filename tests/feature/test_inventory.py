"""The warehouse as staff see it: locations, receipts, movements and audits."""

import pytest

from chalicelib.core import db, outbox
from chalicelib.core.errors import WriteRefused
from chalicelib.inventory import service as inventory
from chalicelib.inventory.errors import TooManyLocations
from chalicelib.inventory.rules import MOST_LOCATIONS, MOST_UNITS, Discrepancy, Location
from tests.kit import calls, faults
from tests.kit.api import call
from tests.kit.stock import ask, hold, level, line, open_locations, overtaken, receive, sell, tamper


@pytest.fixture(autouse=True)
def goods(aws):
    """Two SKUs in the catalogue and two locations, all empty."""
    open_locations("jkt", "sby")
    return sell("KEMEJA-M", "SARUNG")


# Locations


def test_locations_are_listed_the_preferred_first():
    added = ask("POST", "/locations", {"id": "toko-bdg", "name": "Toko Bandung", "priority": 0})

    assert added.status == 201
    assert added.headers["Location"] == "/admin/stock/locations/toko-bdg"
    assert added.body == {"id": "toko-bdg", "name": "Toko Bandung", "priority": 0, "is_active": True}
    assert [each["id"] for each in ask("GET", "/locations").body["items"]] == ["toko-bdg", "jkt", "sby"]


def test_a_second_location_with_the_same_id_is_refused():
    answer = ask("POST", "/locations", {"id": "jkt", "name": "Another", "priority": 9})

    assert (answer.status, answer.code) == (409, "location_exists")
    assert ask("GET", "/locations").body["items"][0]["name"] == "Gudang jkt"


def test_a_location_can_be_renamed_moved_back_and_closed():
    changed = ask("PATCH", "/locations/jkt", {"name": "Gudang Lama", "priority": 9, "is_active": False})

    assert changed.body == {"id": "jkt", "name": "Gudang Lama", "priority": 9, "is_active": False}
    assert [each["id"] for each in ask("GET", "/locations").body["items"]] == ["sby", "jkt"]


def test_what_is_not_given_of_a_location_stays():
    ask("PATCH", "/locations/jkt", {"is_active": False})
    changed = ask("PATCH", "/locations/jkt", {"priority": 3})

    assert changed.body == {"id": "jkt", "name": "Gudang jkt", "priority": 3, "is_active": False}


def test_a_location_that_is_not_there_cannot_be_changed():
    answer = ask("PATCH", "/locations/mars", {"priority": 1})

    assert (answer.status, answer.code, answer.body["location"]) == (404, "unknown_location", "mars")


@pytest.mark.parametrize(
    "body",
    [
        {"id": "JKT", "name": "Jakarta", "priority": 1},
        {"id": "a#b", "name": "Jakarta", "priority": 1},
        {"id": "bdg", "name": "", "priority": 1},
        {"id": "bdg", "name": "Bandung", "priority": -1},
        {"id": "bdg", "name": "Bandung", "priority": 1, "is_active": True},
        {"id": "bdg", "name": "Bandung"},
    ],
)
def test_a_location_that_makes_no_sense_is_refused(body):
    answer = ask("POST", "/locations", body)

    assert (answer.status, answer.code) == (422, "invalid")
    assert len(ask("GET", "/locations").body["items"]) == 2


def test_there_are_only_so_many_locations():
    for number in range(MOST_LOCATIONS - 2):
        inventory.add_location(Location(f"toko-{number}", "Toko", 5))

    with pytest.raises(TooManyLocations):
        inventory.add_location(Location("one-more", "Toko", 5))

    assert len(db.look(inventory.lookup_locations())[0]) == MOST_LOCATIONS


def test_a_change_of_locations_that_was_overtaken_is_made_on_what_there_is_now():
    def meanwhile(request, send):
        inventory.add_location(Location("mdn", "Toko Medan", 9))

    with faults.on_dynamodb("TransactWriteItems", [meanwhile]):
        inventory.add_location(Location("bdg", "Toko Bandung", 0))

    assert [each.id for each in db.look(inventory.lookup_locations())[0]] == ["bdg", "jkt", "sby", "mdn"]


def test_a_change_of_locations_that_is_always_overtaken_gives_up():
    with (
        faults.on_dynamodb("TransactWriteItems", [overtaken(1, 0)] * inventory.TRIES),
        pytest.raises(WriteRefused),
    ):
        inventory.add_location(Location("bdg", "Toko Bandung", 0))

    assert [each.id for each in db.look(inventory.lookup_locations())[0]] == ["jkt", "sby"]


# Receipts

RECEIPT = {"location": "jkt", "document": "SJ-7", "lines": [{"sku": "KEMEJA-M", "quantity": 5}]}


def test_goods_that_come_in_are_on_hand_and_available(goods):
    answer = ask("POST", "/receipts", RECEIPT, key="k1")

    assert answer.status == 201
    assert answer.body["id"].startswith("rcp_")
    assert answer.body["document"] == "SJ-7"
    assert answer.body["levels"] == [
        {
            "sku": "KEMEJA-M",
            "location": "jkt",
            "on_hand": 5,
            "available": 5,
            "reserved": 0,
            "allocated": 0,
            "unavailable": 0,
            "incoming": 0,
            "version": 1,
            "unavailable_by_reason": {"damaged": 0, "quality_control": 0, "safety": 0},
        }
    ]


def test_a_receipt_is_written_in_the_log_and_as_movements(goods):
    receipt = ask("POST", "/receipts", RECEIPT, key="k1").body["id"]

    (fact,) = outbox.history(receipt)
    assert (fact.type, fact.actor) == ("stock.received", "key:TESTTESTTESTTEST")
    assert fact.data["lines"] == [{"sku": "KEMEJA-M", "location": "jkt", "quantity": 5}]
    (movement,) = inventory.movements_of("KEMEJA-M", limit=10, cursor=None).items
    assert (movement.kind, movement.owner, movement.document) == ("received", receipt, "SJ-7")
    assert movement.business_date.isoformat() == "2026-11-24"


def test_a_receipt_repeated_with_its_key_is_answered_again_and_counted_once(goods):
    first = ask("POST", "/receipts", RECEIPT, key="k1")
    second = ask("POST", "/receipts", RECEIPT, key="k1")

    assert second.text == first.text
    assert second.headers["Idempotent-Replayed"] == "true"
    assert level() == (5, 5, 0, 0, 0)


def test_a_receipt_whose_answer_was_lost_is_finished_by_its_repeat(goods, clock):
    with faults.on_dynamodb("BatchGetItem", [lambda *_: None] * 2 + [faults.request_lost] * 3):
        lost = ask("POST", "/receipts", RECEIPT, key="k1")
    too_soon = ask("POST", "/receipts", RECEIPT, key="k1")
    clock.pass_(minutes=1)
    answer = ask("POST", "/receipts", RECEIPT, key="k1")

    assert (lost.status, too_soon.code, answer.status) == (503, "in_progress", 201)
    assert answer.body["levels"][0]["on_hand"] == 5
    assert outbox.history(answer.body["id"])[0].type == "stock.received"
    assert level() == (5, 5, 0, 0, 0)


def test_a_receipt_without_a_key_is_refused(goods):
    answer = ask("POST", "/receipts", RECEIPT)

    assert (answer.status, answer.code) == (400, "idempotency_key_missing")
    assert level() is None


def test_a_key_used_for_another_receipt_is_refused(goods):
    ask("POST", "/receipts", RECEIPT, key="k1")

    answer = ask("POST", "/receipts", RECEIPT | {"document": "SJ-8"}, key="k1")

    assert (answer.status, answer.code) == (422, "idempotency_key_reused")
    assert level() == (5, 5, 0, 0, 0)


def test_lines_of_the_same_sku_are_put_together(goods):
    lines = [{"sku": "SARUNG", "quantity": 2}, {"sku": "KEMEJA-M", "quantity": 1}, {"sku": "SARUNG", "quantity": 3}]

    answer = ask("POST", "/receipts", RECEIPT | {"lines": lines}, key="k1")

    assert [(each["sku"], each["on_hand"]) for each in answer.body["levels"]] == [("KEMEJA-M", 1), ("SARUNG", 5)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (RECEIPT | {"location": "mars"}, 404, "unknown_location"),
        (
            RECEIPT | {"lines": [{"sku": "KEMEJA-M", "quantity": 1}, {"sku": "GHOST", "quantity": 1}]},
            404,
            "unknown_sku",
        ),
        (RECEIPT | {"lines": []}, 422, "invalid"),
        (RECEIPT | {"lines": [{"sku": "KEMEJA-M", "quantity": 1}] * 41}, 422, "invalid"),
        (RECEIPT | {"lines": [{"sku": "KEMEJA-M", "quantity": 0}]}, 422, "invalid"),
        (RECEIPT | {"lines": [{"sku": "KEMEJA-M", "quantity": -5}]}, 422, "invalid"),
        (RECEIPT | {"lines": [{"sku": "KEMEJA-M", "quantity": 1.5}]}, 422, "invalid"),
        (RECEIPT | {"lines": [{"sku": "KEMEJA-M", "quantity": "5"}]}, 422, "invalid"),
        (RECEIPT | {"lines": [{"sku": "KEMEJA-M", "quantity": MOST_UNITS + 1}]}, 422, "invalid"),
        (RECEIPT | {"lines": [{"sku": "KEMEJA-M", "quantity": 1, "price": 1}]}, 422, "invalid"),
        (RECEIPT | {"note": "x"}, 422, "invalid"),
    ],
)
def test_a_receipt_that_cannot_be_changes_nothing_and_leaves_its_key_free(goods, body, status, code):
    answer = ask("POST", "/receipts", body, key="k1")

    assert (answer.status, answer.code) == (status, code)
    assert level() is None
    assert ask("POST", "/receipts", RECEIPT, key="k1").status == 201


def test_a_location_holds_only_so_much(goods):
    receive("jkt", KEMEJA_M=MOST_UNITS)

    answer = ask("POST", "/receipts", RECEIPT, key="k1")

    assert (answer.status, answer.code, answer.body["most"]) == (409, "too_much_stock", MOST_UNITS)
    assert level() == (MOST_UNITS, MOST_UNITS, 0, 0, 0)


def test_a_receipt_asks_the_storage_three_times_whatever_its_length(goods):
    with calls.recorded() as log:
        receive("jkt", KEMEJA_M=5, SARUNG=5)

    assert log.operations == {"BatchGetItem": 2, "TransactWriteItems": 1}


# Views


def test_the_stock_of_a_sku_is_shown_in_all_and_by_location(goods):
    receive("jkt", KEMEJA_M=5)
    receive("sby", KEMEJA_M=2)
    hold(line(1), line(1, location="sby"))

    answer = ask("GET", "/KEMEJA-M")

    assert answer.status == 200
    assert {name: value for name, value in answer.body.items() if name != "locations"} == {
        "sku": "KEMEJA-M",
        "on_hand": 7,
        "available": 5,
        "reserved": 2,
        "allocated": 0,
        "unavailable": 0,
        "incoming": 0,
    }
    assert [(each["location"], each["available"]) for each in answer.body["locations"]] == [("jkt", 4), ("sby", 1)]


def test_a_sku_that_never_had_stock_has_none(goods):
    answer = ask("GET", "/KEMEJA-M")

    assert (answer.status, answer.body["available"], answer.body["locations"]) == (200, 0, [])


@pytest.mark.parametrize("path", ["/GHOST", "/GHOST/movements", "/GHOST/audit", f"/{'X' * 200}"])
def test_an_unknown_sku_is_not_found(path):
    answer = ask("GET", path)

    assert (answer.status, answer.code) == (404, "unknown_sku")


def test_movements_come_newest_first_over_all_locations_page_by_page(goods):
    for quantity in range(1, 6):
        receive("jkt" if quantity % 2 else "sby", KEMEJA_M=quantity)

    pages: list[list[int]] = []
    cursor: str | None = ""
    while cursor is not None:
        answer = ask("GET", f"/KEMEJA-M/movements?limit=2{f'&cursor={cursor}' if cursor else ''}")
        pages.append([each["delta"]["on_hand"] for each in answer.body["items"]])
        cursor = answer.body["next_cursor"]

    assert pages == [[5, 4], [3, 2], [1]]


def test_a_cursor_of_another_list_is_refused(goods):
    receive("jkt", KEMEJA_M=1, SARUNG=1)
    receive("jkt", KEMEJA_M=1, SARUNG=1)
    cursor = ask("GET", "/KEMEJA-M/movements?limit=1").body["next_cursor"]

    answer = ask("GET", f"/SARUNG/movements?cursor={cursor}")

    assert (answer.status, answer.code) == (422, "invalid")


@pytest.mark.parametrize("limit", ["0", "101", "many"])
def test_a_page_has_at_most_a_hundred_movements(goods, limit):
    assert ask("GET", f"/KEMEJA-M/movements?limit={limit}").status == 422


def test_an_audit_finds_nothing_in_books_that_agree(goods):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))

    assert ask("GET", "/KEMEJA-M/audit").body == {"sku": "KEMEJA-M", "is_consistent": True, "discrepancies": []}


def test_an_audit_names_what_somebody_changed_by_hand(goods):
    receive("jkt", KEMEJA_M=5)
    hold(line(2))
    tamper(reserved=3)

    answer = ask("GET", "/KEMEJA-M/audit")

    assert answer.body["is_consistent"] is False
    assert inventory.verify("KEMEJA-M") == [
        Discrepancy("KEMEJA-M", "jkt", "I1", "on_hand", 5, 6),
        Discrepancy("KEMEJA-M", "jkt", "I2", "reserved", 3, 2),
        Discrepancy("KEMEJA-M", "jkt", "I3", "reserved", 3, 2),
    ]


def test_an_audit_of_stock_that_moves_all_the_time_gives_up(goods):
    receive("jkt", KEMEJA_M=5)

    def moved(request, send):
        send_one_more.append(request)
        if len(send_one_more) % 3 == 0:
            tamper(version=100 + len(send_one_more))

    send_one_more = []
    with faults.on_dynamodb("Query", [moved] * 100):
        answer = ask("GET", "/KEMEJA-M/audit")

    assert (answer.status, answer.code) == (409, "write_refused")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/locations"),
        ("POST", "/locations"),
        ("PATCH", "/locations/jkt"),
        ("POST", "/receipts"),
        ("POST", "/adjustments"),
        ("GET", "/KEMEJA-M"),
        ("GET", "/KEMEJA-M/movements"),
        ("GET", "/KEMEJA-M/audit"),
    ],
)
def test_only_staff_may_see_or_change_stock(method, path):
    answer = call(method, f"/admin/stock{path}", {}, headers={"Idempotency-Key": "k1"})

    assert (answer.status, answer.code) == (401, "unauthenticated")
