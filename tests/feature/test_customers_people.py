"""Whose an order is: guests are known again by their address, customers by their session, and nobody sees another's."""

import pytest

from chalicelib.core import crypto, db, secrets, vault
from chalicelib.core.errors import WriteRefused
from chalicelib.customers import service as customers
from chalicelib.customers.errors import CustomerNotFound
from chalicelib.customers.models.profiles import ProfileRow
from chalicelib.orders import service as orders
from infra.local import guard
from tests.kit import faults, kms
from tests.kit.api import call
from tests.kit.cloud import SECRETS
from tests.kit.customers import BUDI, SITI, erase, items, logs_in, member, registers, row, verifies
from tests.kit.shop import CONTACT, Stock


@pytest.fixture
def stocked(shop):
    shop.sells("KEMEJA-M", 50)
    return shop


def buys(shop, **instead):
    """The id of a new order, and whose it is."""
    order_id = shop.places(("KEMEJA-M", 1), **instead)["order"]["id"]
    return order_id, orders.get(order_id).customer_id


def by(email, name="Siti Rahmawati"):
    return {"contact": {**CONTACT, "email": email, "name": name}}


def buys_as(shop, who, **instead):
    headers = {**who.headers, "Idempotency-Key": shop.key()}
    placed = call("POST", "/store/checkout", shop.wish(shop.cart(("KEMEJA-M", 1)), **instead), headers=headers)
    assert placed.status == 201, placed.text
    return placed.body["order"]["id"]


def profiles():
    return {item["pk"]["S"] for item in items("customers") if item["sk"]["S"] == "PROFILE"}


def test_a_guest_gets_a_profile_of_their_own_with_the_order(stocked):
    _, customer_id = buys(stocked)

    customer, key = customers.read(customer_id)
    assert customer.state == "guest"
    assert customers.person(customer, key) == SITI
    assert customers.id_of("siti@example.com") == customer_id


@pytest.mark.parametrize("email", ["siti@example.com", " SITI@Example.COM ".strip(), "Siti@example.com"])
def test_a_guest_is_known_again_by_the_address(stocked, email):
    _, first = buys(stocked)

    _, second = buys(stocked, **by(email, "Bu Siti"))

    assert second == first
    assert profiles() == {first}


def test_another_address_is_another_guest(stocked):
    _, siti = buys(stocked)

    _, budi = buys(stocked, **by("budi@example.com"))

    assert siti != budi
    assert profiles() == {siti, budi}


def test_who_is_logged_in_orders_for_themselves_whatever_address_is_given(stocked):
    budi = member(BUDI)
    _, siti = buys(stocked)

    order_id = buys_as(stocked, budi, **by("siti@example.com"))

    assert orders.get(order_id).customer_id == budi.id != siti


def test_a_guest_with_a_customers_address_orders_for_them_and_learns_nothing_of_them(stocked):
    siti = member(SITI)

    placed = stocked.places(("KEMEJA-M", 1), **by("siti@example.com", "Orang Asing"))

    order = orders.get(placed["order"]["id"])
    token = {"Authorization": f"Bearer {placed['access_token']}"}
    seen = call("GET", f"/store/orders/{order.id}", headers=token)
    assert order.customer_id == siti.id
    assert seen.body["contact"]["name"] == "Orang Asing"
    assert siti.id not in seen.text
    assert "Rahmawati" not in seen.text + str(placed)


def test_who_has_not_proven_an_address_gets_none_of_its_orders(stocked):
    stranger = registers(SITI)

    order_id, customer_id = buys(stocked)

    assert customer_id != stranger
    answer = call("GET", f"/store/orders/{order_id}", headers=logs_in(stranger).headers)
    assert (answer.status, answer.code) == (404, "order_not_found")


def test_who_proves_an_address_has_what_was_ordered_with_it_before_and_after(stocked):
    before, guest = buys(stocked)
    siti = logs_in(registers(SITI))
    assert call("GET", f"/store/orders/{before}", headers=siti.headers).status == 404

    verifies(siti.id)

    after, customer_id = buys(stocked)
    assert customer_id == siti.id
    assert customers.get(siti.id).claims == (guest,)
    assert customers.get(siti.id).state == "active"
    for order_id in (before, after):
        seen = call("GET", f"/store/orders/{order_id}", headers=siti.headers)
        assert (seen.status, seen.body["contact"]["email"]) == (200, "siti@example.com")
    assert [order.id for order in orders.of_customer(customers.get(siti.id).ids, limit=10, cursor=None).items] == [
        after,
        before,
    ]


def test_the_orders_of_a_customer_come_page_by_page_newest_first(stocked):
    guest = [buys(stocked)[0] for _ in range(3)]
    siti = member(SITI)
    own = [buys(stocked)[0] for _ in range(2)]
    buys(stocked, **by("budi@example.com"))
    ids = customers.get(siti.id).ids

    first = orders.of_customer(ids, limit=3, cursor=None)
    second = orders.of_customer(ids, limit=3, cursor=first.next_cursor)

    assert [order.id for order in first.items + second.items] == [*own[::-1], *guest[::-1]]
    assert second.next_cursor is None


def test_an_address_that_somebody_proved_cannot_be_proven_by_another(stocked):
    siti = member(SITI)
    second = registers(SITI)

    with pytest.raises(WriteRefused):
        verifies(second)

    assert customers.get(second).state == "unverified"
    assert customers.id_of(SITI.email) == siti.id


def test_a_new_address_that_is_proven_takes_the_place_of_the_old(stocked):
    siti = member(SITI)

    verifies(siti.id, "siti.baru@example.com")

    customer, key = customers.read(siti.id)
    assert customers.person(customer, key).email == "siti.baru@example.com"
    assert customers.id_of("siti.baru@example.com") == siti.id
    assert customers.id_of("siti@example.com") is None
    assert buys(stocked, **by("siti.baru@example.com"))[1] == siti.id
    assert buys(stocked)[1] != siti.id


def test_of_two_first_orders_at_once_both_are_the_same_guests(stocked):
    first_cart, second_cart = (stocked.cart(("KEMEJA-M", 1)) for _ in range(2))
    placed = []

    def meanwhile(request, send):
        placed.append(stocked.checks_out(second_cart))

    with faults.on_dynamodb("TransactWriteItems", [meanwhile]):
        placed.append(stocked.checks_out(first_cart))

    assert [each.status for each in placed] == [201, 201]
    assert len({orders.get(each.body["order"]["id"]).customer_id for each in placed}) == 1
    assert len(profiles()) == 1
    assert stocked.stock_of("KEMEJA-M") == Stock(available=48, reserved=2)


def test_who_is_erased_while_they_order_is_a_new_guest(stocked):
    _, before = buys(stocked)
    cart_id = stocked.cart(("KEMEJA-M", 1))

    def meanwhile(request, send):
        with guard.nobody():
            erase(before)

    with faults.on_dynamodb("TransactWriteItems", [meanwhile]):
        placed = stocked.checks_out(cart_id)

    order = orders.get(placed.body["order"]["id"])
    assert order.customer_id != before
    known = orders.personal(order)
    assert known is not None
    assert known.contact.name == SITI.name


def test_a_customer_is_found_while_the_index_key_is_changed(stocked, monkeypatch):
    _, before = buys(stocked)
    monkeypatch.setitem(SECRETS, "index-key", f"a-new-index-key,{SECRETS['index-key']}")
    index_keys(stocked)

    _, after = buys(stocked)

    assert after == before


def index_keys(shop):
    from chalicelib.core import aws

    aws.client("ssm").put_parameter(
        Name="/laris/test/index-key", Value=SECRETS["index-key"], Type="SecureString", Overwrite=True
    )
    secrets.forget()


@pytest.fixture(autouse=True)
def first_index_key(shop):
    yield
    index_keys(shop)


def test_without_the_keys_nothing_is_ordered(stocked):
    cart_id = stocked.cart(("KEMEJA-M", 1))
    before = items("customers"), items("keys"), items("orders"), items("idempotency")

    with kms.off():
        answer = stocked.checks_out(cart_id, "k1")

    assert (answer.status, answer.code) == (503, "keys_unavailable")
    assert answer.headers["Retry-After"] == "5"
    assert (items("customers"), items("keys"), items("orders"), items("idempotency")) == before
    assert stocked.stock_of("KEMEJA-M") == Stock(available=50)
    assert stocked.bank.charges == {}
    assert call("GET", f"/store/carts/{cart_id}").body["state"] == "open"
    assert stocked.checks_out(cart_id, "k1").status == 201


def test_without_the_keys_nothing_is_ordered_by_who_is_known_already(stocked):
    order_id, _ = buys(stocked)
    cart_id = stocked.cart(("KEMEJA-M", 1))

    with kms.off():
        answer = stocked.checks_out(cart_id)

    assert (answer.status, answer.code) == (503, "keys_unavailable")
    assert [each["id"] for each in stocked.orders()] == [order_id]


def test_erasure_leaves_nothing_personal_and_the_address_free(stocked):
    siti = member(SITI)

    customers.anonymise(siti.id)
    customers.anonymise(siti.id)

    profile = row(ProfileRow, siti.id, "PROFILE")
    assert (profile.state, profile.personal, profile.email_index) == ("erased", None, None)
    assert customers.id_of(SITI.email) is None
    with pytest.raises(CustomerNotFound):
        customers.read(siti.id)
    assert buys(stocked)[1] != siti.id


def test_what_a_customer_may_have_is_exported(stocked):
    siti = member(SITI)

    exported = customers.export(siti.id)

    assert (exported["id"], exported["state"]) == (siti.id, "active")
    assert (exported["name"], exported["email"], exported["phone"]) == (SITI.name, SITI.email, SITI.phone)


def test_who_somebody_is_is_corrected(stocked):
    siti = member(SITI)
    customer, key = customers.read(siti.id)

    with db.transaction() as tx:
        customers.correct(tx, customer, key, customers.Person("Siti R.", SITI.email, None), "en")

    after, key = customers.read(siti.id)
    assert customers.person(after, key) == customers.Person("Siti R.", SITI.email, None)
    assert after.language == "en"
    with pytest.raises(WriteRefused), db.transaction() as tx:
        customers.correct(tx, customer, key, SITI)


def test_nothing_of_who_somebody_is_stands_in_the_table(stocked):
    siti = member(SITI)
    buys(stocked, **by("budi@example.com", "Budi Santoso"))

    stored = str(items("customers"))
    assert siti.id in stored
    for plain in ("Siti", "Rahmawati", "siti@example.com", "81234567890", "Budi", "budi@"):
        assert plain not in stored
    assert "siti" not in str(customers.get(siti.id))
    assert vault.key(siti.id) is not None
    assert len(crypto.blind("email", SITI.email)) == 22
