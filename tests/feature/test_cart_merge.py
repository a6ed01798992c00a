"""What happens to a guest's cart when its buyer logs in, and that a customer's cart is theirs alone."""

import pytest

from chalicelib.carts import service as carts
from chalicelib.carts.rules import MOST_LINES, MOST_PER_LINE
from tests.kit import faults
from tests.kit.api import call
from tests.kit.customers import BUDI, items, member
from tests.kit.shop import PRICE, Stock


@pytest.fixture
def stocked(shop):
    for sku in ("A", "B", "C"):
        shop.sells(sku, 50)
    return shop


@pytest.fixture
def siti(stocked):
    return member()


def opens(who, cart_id=None):
    return call("POST", "/store/me/cart", {"cart_id": cart_id} if cart_id else {}, headers=who.headers)


def put(cart_id, sku, quantity, who=None):
    headers = who.headers if who else {}
    return call("PUT", f"/store/carts/{cart_id}/lines/{sku}", {"quantity": quantity}, headers=headers)


def filled(who, *lines):
    cart_id = opens(who).body["id"]
    for sku, quantity in lines:
        assert put(cart_id, sku, quantity, who).status == 200
    return cart_id


def content(cart):
    return {line["sku"]: line["quantity"] for line in cart["lines"]}


def test_a_customer_has_one_open_cart(siti):
    first, again = opens(siti), opens(siti)

    assert (first.status, first.body["state"], first.body["lines"]) == (200, "open", [])
    assert again.body == first.body


def test_a_guests_cart_becomes_the_customers_who_has_none(stocked, siti):
    cart_id = stocked.cart(("A", 2))

    opened, again = opens(siti, cart_id), opens(siti, cart_id)

    assert (opened.status, opened.body["id"], content(opened.body)) == (200, cart_id, {"A": 2})
    assert again.body == opened.body == opens(siti).body


def test_a_guests_cart_goes_into_the_customers_once(stocked, siti):
    mine = filled(siti, ("A", 2), ("B", 1))
    guest = stocked.cart(("B", 3), ("C", 4))

    opened = [opens(siti, guest) for _ in range(3)][-1]

    assert opened.body["id"] == mine
    assert content(opened.body) == {"A": 2, "B": 4, "C": 4}
    assert opened.body["totals"]["total"]["amount"] == 10 * PRICE
    closed = call("GET", f"/store/carts/{guest}", headers=siti.headers).body
    assert (closed["state"], closed["merged_into"]) == ("closed", mine)


def test_a_cart_that_went_into_another_takes_nothing_more(stocked, siti):
    mine, guest = filled(siti, ("A", 1)), stocked.cart(("B", 1))
    opens(siti, guest)

    answer = put(guest, "C", 1, siti)
    stranger = put(guest, "C", 1)

    assert (answer.status, answer.code, answer.body["merged_into"]) == (409, "cart_closed", mine)
    assert (stranger.status, stranger.code) == (404, "cart_not_found")


def test_a_cart_holds_no_more_of_anything_by_being_merged(siti, stocked):
    variants = [
        {"sku": f"SKU-{n}", "option_values": [n], "price": {"amount": PRICE}, "weight_grams": 1}
        for n in range(MOST_LINES + 1)
    ]
    values = [{"id": str(n)} for n in range(MOST_LINES + 1)]
    stocked.sells("X", 0, variants=variants, options=[{"name": {"id": "Nomor"}, "values": values}])
    filled(siti, ("SKU-0", MOST_PER_LINE - 1), *((f"SKU-{n}", 1) for n in range(1, MOST_LINES)))
    guest = stocked.cart(("SKU-0", 5), (f"SKU-{MOST_LINES}", 1), ("SKU-1", 1))

    opened = opens(siti, guest)

    held = content(opened.body)
    assert len(held) == MOST_LINES
    assert (held["SKU-0"], held["SKU-1"]) == (MOST_PER_LINE, 2)
    assert f"SKU-{MOST_LINES}" not in held


def test_a_customers_cart_is_nobody_elses(stocked, siti):
    mine, budi = filled(siti, ("A", 1)), member(BUDI)

    refused = [
        answer
        for headers in ({}, budi.headers)
        for answer in (
            call("GET", f"/store/carts/{mine}", headers=headers),
            call("PUT", f"/store/carts/{mine}/lines/A", {"quantity": 9}, headers=headers),
            call("POST", "/store/checkout", stocked.wish(mine), headers={**headers, "Idempotency-Key": "k"}),
            call(
                "POST",
                "/store/shipping-quotes",
                {"cart_id": mine, "address": stocked.wish(mine)["address"]},
                headers=headers,
            ),
        )
    ]
    refused.append(opens(budi, mine))

    assert {(answer.status, answer.code) for answer in refused} == {(404, "cart_not_found")}
    assert content(opens(siti).body) == {"A": 1}
    assert stocked.orders() == []


def test_a_customers_cart_is_ordered_with_their_session_and_the_next_one_is_new(stocked, siti):
    mine = filled(siti, ("A", 2))

    headers = {**siti.headers, "Idempotency-Key": "k1"}
    placed = call("POST", "/store/checkout", stocked.wish(mine), headers=headers)

    assert placed.status == 201, placed.text
    assert stocked.stock_of("A") == Stock(available=48, reserved=2)
    following = opens(siti).body
    assert (following["id"] != mine, following["lines"]) == (True, [])


def test_a_cart_that_was_ordered_is_not_merged(stocked, siti):
    guest = stocked.cart(("A", 1))
    order_id = stocked.checks_out(guest).body["order"]["id"]

    answer = opens(siti, guest)

    assert (answer.status, answer.code, answer.body["order_id"]) == (409, "cart_closed", order_id)
    assert opens(siti, "crt_UNKNOWN").code == "cart_not_found"


def test_a_line_that_is_put_while_carts_are_merged_is_not_lost(stocked, siti):
    filled(siti, ("A", 1))
    guest = stocked.cart(("B", 1))

    def meanwhile(request, send):
        assert put(guest, "C", 5).status == 200

    with faults.on_dynamodb("TransactWriteItems", [meanwhile]):
        opened = opens(siti, guest)

    assert content(opened.body) == {"A": 1, "B": 1, "C": 5}


def test_two_log_ins_at_once_merge_what_both_bring_once(stocked, siti):
    first, second = stocked.cart(("A", 1)), stocked.cart(("A", 2), ("B", 3))

    def meanwhile(request, send):
        assert opens(siti, second).status == 200

    with faults.on_dynamodb("TransactWriteItems", [meanwhile]):
        opened = opens(siti, first)

    assert content(opened.body) == {"A": 3, "B": 3}
    assert opens(siti, first).body == opens(siti, second).body == opened.body


def test_the_same_cart_merged_twice_at_once_counts_once(stocked, siti):
    filled(siti, ("A", 1))
    guest = stocked.cart(("A", 2))

    def meanwhile(request, send):
        assert opens(siti, guest).status == 200

    with faults.on_dynamodb("TransactWriteItems", [meanwhile]):
        opened = opens(siti, guest)

    assert content(opened.body) == {"A": 3}


def test_two_first_looks_at_once_make_one_cart(siti):
    made = []

    def meanwhile(request, send):
        made.append(opens(siti).body["id"])

    with faults.on_dynamodb("TransactWriteItems", [meanwhile]):
        made.append(opens(siti).body["id"])

    assert made[0] == made[1]


def test_who_is_forgotten_has_no_cart(stocked, siti):
    mine = filled(siti, ("A", 1))

    carts.forget(siti.id)
    carts.forget(siti.id)

    assert siti.id not in str(items("carts"))
    assert call("GET", f"/store/carts/{mine}", headers=siti.headers).code == "cart_not_found"


def test_a_cart_asks_for_a_session_that_has_not_ended(stocked):
    answer = call("POST", "/store/me/cart", {}, headers={"Authorization": "Bearer lkc_cus_X_nonsense"})

    assert (answer.status, answer.code) == (401, "session_ended")
    assert call("POST", "/store/me/cart", {}).status == 401
