"""Carts of guests."""

import pytest

from chalicelib.carts.rules import MOST_LINES
from tests.kit import faults
from tests.kit.api import call
from tests.kit.shop import PRICE


def put(cart_id, sku, body):
    return call("PUT", f"/store/carts/{cart_id}/lines/{sku}", body)


def test_a_cart_starts_empty_under_an_id_nobody_can_guess(shop):
    first, second = (call("POST", "/store/carts") for _ in range(2))

    assert first.status == 201
    assert first.headers["Location"] == f"/store/carts/{first.body['id']}"
    assert first.body["lines"] == []
    assert first.body["totals"]["total"] == {"amount": 0, "currency": "IDR"}
    assert len(first.body["id"]) == 36
    assert first.body["id"] != second.body["id"]


def test_a_line_is_set_changed_and_taken_out(shop):
    shop.sells("KEMEJA-M", 5)
    cart_id = shop.cart()

    assert put(cart_id, "KEMEJA-M", {"quantity": 2}).body["totals"]["total"]["amount"] == 2 * PRICE
    assert put(cart_id, "KEMEJA-M", {"quantity": 2}).body["lines"][0]["quantity"] == 2
    assert put(cart_id, "KEMEJA-M", {"quantity": 3}).body["lines"][0]["amount"]["amount"] == 3 * PRICE
    assert put(cart_id, "KEMEJA-M", {"quantity": 0}).body["lines"] == []
    assert put(cart_id, "KEMEJA-M", {"quantity": 0}).status == 200


def test_putting_the_same_again_writes_nothing(shop):
    shop.sells("KEMEJA-M", 5)
    cart_id = shop.cart(("KEMEJA-M", 2))

    with faults.on_dynamodb("TransactWriteItems", []) as sent:
        put(cart_id, "KEMEJA-M", {"quantity": 2})

    assert "TransactWriteItems" not in sent


@pytest.mark.parametrize(
    "body",
    [{}, {"quantity": -1}, {"quantity": 1000}, {"quantity": 1.5}, {"quantity": "2"}, {"quantity": 1, "price": 1}],
)
def test_a_quantity_that_makes_no_sense_is_refused(shop, body):
    shop.sells("KEMEJA-M", 5)
    cart_id = shop.cart()

    answer = put(cart_id, "KEMEJA-M", body)

    assert (answer.status, answer.code) == (422, "invalid")
    assert call("GET", f"/store/carts/{cart_id}").body["lines"] == []


def test_unknown_things_are_not_found(shop):
    shop.sells("KEMEJA-M", 5)

    assert put(shop.cart(), "KEMEJA-XXL", {"quantity": 1}).code == "unknown_sku"
    assert put("crt_nobody", "KEMEJA-M", {"quantity": 1}).code == "cart_not_found"
    assert call("GET", "/store/carts/crt_nobody").code == "cart_not_found"


def test_a_draft_is_not_for_sale(shop):
    shop.sells("KEMEJA-M", 5, state="draft")

    answer = put(shop.cart(), "KEMEJA-M", {"quantity": 1})

    assert (answer.status, answer.code) == (409, "not_for_sale")


def test_a_closed_cart_takes_nothing_more(shop):
    shop.sells("KEMEJA-M", 5)
    cart_id = shop.cart(("KEMEJA-M", 1))
    order_id = shop.checks_out(cart_id).body["order"]["id"]

    answer = put(cart_id, "KEMEJA-M", {"quantity": 2})

    assert (answer.status, answer.code, answer.body["order_id"]) == (409, "cart_closed", order_id)
    assert call("GET", f"/store/carts/{cart_id}").body["state"] == "closed"


def test_a_cart_holds_so_many_skus_and_no_more(shop):
    variants = [
        {"sku": f"SKU-{n}", "option_values": [n], "price": {"amount": PRICE}, "weight_grams": 1}
        for n in range(MOST_LINES + 1)
    ]
    values = [{"id": str(n)} for n in range(MOST_LINES + 1)]
    shop.sells("X", 0, variants=variants, options=[{"name": {"id": "Nomor"}, "values": values}])
    cart_id = shop.cart(*((f"SKU-{n}", 1) for n in range(MOST_LINES)))

    answer = put(cart_id, f"SKU-{MOST_LINES}", {"quantity": 1})

    assert (answer.status, answer.code, answer.body["most"]) == (409, "cart_full", MOST_LINES)


def test_two_who_change_a_cart_at_once_are_both_heard(shop):
    shop.sells("A", 5)
    shop.sells("B", 5)
    cart_id = shop.cart()

    def meanwhile(request, send):
        assert put(cart_id, "B", {"quantity": 1}).status == 200

    with faults.on_dynamodb("TransactWriteItems", [meanwhile]):
        put(cart_id, "A", {"quantity": 1})

    lines = call("GET", f"/store/carts/{cart_id}").body["lines"]
    assert {line["sku"] for line in lines} == {"A", "B"}


@pytest.mark.parametrize("sku", ["S", "N", "B", "M", "NULL"])
def test_a_sku_that_looks_like_a_type_of_dynamodb_is_only_a_sku(shop, sku):
    """PynamoDB takes a map with one such key for a value that is serialised already."""
    shop.sells(sku, 5)

    placed = shop.places((sku, 2))

    assert placed["order"]["lines"][0]["sku"] == sku
