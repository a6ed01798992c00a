"""Checkout: what it refuses, and that a refusal leaves everything as it was."""

import pytest

from tests.kit.api import call
from tests.kit.shop import ADDRESS, CONTACT, PRICE, Stock


@pytest.fixture
def cart(shop):
    shop.sells("KEMEJA-M", 5)
    return shop.cart(("KEMEJA-M", 2))


def nothing_happened(shop, cart_id):
    shop.drain()
    assert shop.orders() == []
    assert shop.stock_of("KEMEJA-M") == Stock(available=5)
    assert shop.bank.charges == {}
    assert call("GET", f"/store/carts/{cart_id}").body["state"] == "open"


def test_an_order_for_more_than_we_have_changes_nothing(shop):
    shop.sells("KEMEJA-M", 5)
    cart_id = shop.cart(("KEMEJA-M", 6))

    answer = shop.checks_out(cart_id)

    assert (answer.status, answer.code, answer.body["sku"]) == (409, "out_of_stock", "KEMEJA-M")
    nothing_happened(shop, cart_id)


@pytest.mark.parametrize(
    ("instead", "status", "code", "pointer"),
    [
        ({"price": 1}, 422, "invalid", ""),
        ({"cart_id": 7}, 422, "invalid", "/cart_id"),
        ({"cart_id": "crt_nobody"}, 404, "cart_not_found", None),
        ({"contact": {**CONTACT, "email": "siti"}}, 422, "invalid", "/contact/email"),
        ({"contact": {**CONTACT, "phone": "++"}}, 422, "invalid", "/contact/phone"),
        ({"contact": {**CONTACT, "phone": "+1234 ()-5"}}, 422, "invalid", "/contact/phone"),
        ({"contact": {**CONTACT, "role": "owner"}}, 422, "invalid", "/contact"),
        ({"address": {**ADDRESS, "postal_code": "4011"}}, 422, "invalid", "/address/postal_code"),
        ({"address": {**ADDRESS, "country": "SG", "postal_code": "018956"}}, 409, "not_deliverable", None),
        ({"address": {"city": "Bandung"}}, 422, "invalid", "/address"),
        ({"shipping_option": "drone"}, 422, "unknown_shipping_option", "/shipping_option"),
        ({"payment": {"gateway": "nobank", "method": "va"}}, 404, "unknown_gateway", None),
        ({"payment": {"gateway": "fake", "method": "gold"}}, 422, "unknown_payment_method", None),
        ({"payment": {"gateway": "midtrans", "method": "card"}}, 422, "invalid", "/payment/token"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_half_done(shop, cart, instead, status, code, pointer):
    answer = shop.checks_out(cart, **instead)

    assert (answer.status, answer.code) == (status, code)
    if pointer is not None:
        assert answer.body["errors"][0]["pointer"] == pointer
    nothing_happened(shop, cart)


def test_a_checkout_without_a_key_is_refused(shop, cart):
    answer = call("POST", "/store/checkout", shop.wish(cart))

    assert (answer.status, answer.code) == (400, "idempotency_key_missing")
    nothing_happened(shop, cart)


def test_an_empty_cart_cannot_be_ordered(shop):
    shop.sells("KEMEJA-M", 5)
    cart_id = shop.cart()

    assert shop.checks_out(cart_id).code == "cart_empty"
    nothing_happened(shop, cart_id)


def test_a_cart_becomes_one_order(shop, cart):
    first = shop.checks_out(cart)

    second = shop.checks_out(cart)

    assert (second.status, second.code) == (409, "cart_closed")
    assert second.body["order_id"] == first.body["order"]["id"]
    assert len(shop.orders()) == 1
    assert shop.stock_of("KEMEJA-M") == Stock(available=3, reserved=2)


def test_the_same_key_gives_the_same_answer_to_the_byte(shop, cart):
    first = shop.checks_out(cart, "k1")

    again = shop.checks_out(cart, "k1")

    assert (again.status, again.text) == (201, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(shop.orders()) == 1


def test_the_same_key_for_something_else_is_refused(shop, cart):
    shop.checks_out(cart, "k1")

    other = shop.checks_out(cart, "k1", shipping_option="jne-reg")

    assert (other.status, other.code) == (422, "idempotency_key_reused")


def change(shop, product, **about):
    changed = shop.staff("PATCH", f"/admin/products/{product['id']}", {"version": product["version"], **about})
    assert changed.status == 200, changed.text
    return changed.body


def test_an_archived_product_cannot_be_ordered(shop):
    product = shop.sells("KEMEJA-M", 5)
    cart_id = shop.cart(("KEMEJA-M", 1))
    change(shop, product, state="archived")

    answer = shop.checks_out(cart_id)

    assert (answer.status, answer.code, answer.body["sku"]) == (409, "not_for_sale", "KEMEJA-M")
    nothing_happened(shop, cart_id)


def test_a_price_that_changed_is_shown_before_it_is_charged(shop):
    product = shop.sells("KEMEJA-M", 5)
    cart_id = shop.cart(("KEMEJA-M", 2))
    variant = {"sku": "KEMEJA-M", "option_values": [], "price": {"amount": PRICE + 5_000}, "weight_grams": 400}
    change(shop, product, variants=[variant])
    seen = call("GET", f"/store/carts/{cart_id}").body["lines"][0]
    assert (seen["price"]["amount"], seen["previous_price"]["amount"]) == (PRICE + 5_000, PRICE)

    refused = shop.checks_out(cart_id)

    assert (refused.status, refused.code) == (409, "price_changed")
    assert refused.body["changes"][0]["now"] == {"amount": PRICE + 5_000, "currency": "IDR"}
    nothing_happened(shop, cart_id)
    accepted = shop.checks_out(cart_id)
    assert accepted.status == 201
    assert accepted.body["order"]["totals"]["subtotal"]["amount"] == 2 * (PRICE + 5_000)


def test_the_same_request_resumes_after_a_crash_between_the_order_and_its_answer(shop, cart, clock):
    """The order was written, then the machine went away before the gateway's answer was kept."""
    shop.bank.loses_answers = True

    def crash(charge):
        raise SystemExit("the machine went away")

    start, shop.bank.start = shop.bank.start, crash
    with pytest.raises(SystemExit):
        shop.checks_out(cart, "k1")
    shop.bank.start, shop.bank.loses_answers = start, False
    assert shop.checks_out(cart, "k1").code == "in_progress"
    clock.pass_(seconds=36)

    resumed = shop.checks_out(cart, "k1")

    assert resumed.status == 201, resumed.text
    assert resumed.body["payment"]["next_step"]["kind"] == "virtual_account"
    assert len(shop.orders()) == 1
    assert shop.stock_of("KEMEJA-M") == Stock(available=3, reserved=2)
    assert shop.checks_out(cart, "k1").text == resumed.text


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("081234567890", "+6281234567890"),
        ("62812-3456-7890", "+6281234567890"),
        ("8123456789", "+628123456789"),
        ("+65 9123 4567", "+6591234567"),
    ],
)
def test_phones_are_kept_as_the_world_writes_them(shop, cart, given, kept):
    placed = shop.checks_out(cart, contact={**CONTACT, "phone": given})

    assert shop.order(placed.body["order"]["id"])["contact"]["phone"] == kept


def test_lists_of_orders_go_by_state_and_day_and_give_each_once(shop, clock):
    shop.sells("KEMEJA-M", 50)
    made = [shop.places(("KEMEJA-M", 1))["order"]["id"] for _ in range(7)]
    shop.staff("POST", f"/admin/orders/{made[0]}/cancel", {"reason": "batal"})
    clock.pass_(days=1)
    made.append(shop.places(("KEMEJA-M", 1))["order"]["id"])

    def listed(query):
        page = shop.staff("GET", f"/admin/orders?limit=3{query}").body
        seen = [each["id"] for each in page["items"]]
        while page["next_cursor"]:
            page = shop.staff("GET", f"/admin/orders?limit=3{query}&cursor={page['next_cursor']}").body
            seen += [each["id"] for each in page["items"]]
        return seen

    assert listed("") == made[::-1]
    assert listed("&day=2026-11-24") == made[6::-1]
    assert listed("&day=2026-11-25") == made[7:]
    assert listed("&state=cancelled") == made[:1]
    assert listed("&state=pending&day=2026-11-24") == made[6:0:-1]
    assert listed("&day=2026-11-23") == []


BAD_QUERIES = [
    *("state=lost", "day=yesterday", "day=9999-12-31", "day=2026-02-30"),
    *("limit=101", "limit=0", "cursor=abc", "page=2"),
]


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_a_list_asked_for_badly_is_refused(shop, query):
    answer = shop.staff("GET", f"/admin/orders?{query}")

    assert (answer.status, answer.code) == (422, "invalid")


def test_shipping_is_quoted_by_weight_and_place(shop, cart):
    quoted = call("POST", "/store/shipping-quotes", {"cart_id": cart, "address": ADDRESS})

    assert quoted.status == 200
    assert quoted.body["options"][0] == {
        "id": "sicepat-halu",
        "courier": "SiCepat",
        "service": "HALU",
        "price": {"amount": 8_000, "currency": "IDR"},
        "days": "2-3",
    }
