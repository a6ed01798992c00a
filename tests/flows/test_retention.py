"""What has been kept long enough goes by itself, when the clock says so, and nothing sooner."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core import vault
from chalicelib.customers import service as customers
from chalicelib.customers.service import ProfileState
from chalicelib.orders import service as orders
from chalicelib.privacy import erasure, rules
from tests.kit import privacy
from tests.kit.accounts import Visitor
from tests.kit.customers import items


@pytest.fixture
def guest(shop) -> str:
    """The id of a guest who has ordered once, and paid."""
    shop.sells("KEMEJA-M", 10)
    placed = shop.places(("KEMEJA-M", 1))["order"]["id"]
    shop.pays(f"{placed}-1")
    shop.drain()
    return orders.get(placed).customer_id


def order_of(customer_id: str):
    return orders.of_customer([customer_id], limit=1, cursor=None).items[0]


def retain(shop) -> None:
    shop.runs("privacy-apply-retention")
    shop.drain()
    shop.runs("privacy-carry-out")
    shop.drain()


def test_orders_are_due_when_their_full_years_are_over():
    now = datetime(2032, 1, 1, 0, 0, tzinfo=UTC)

    assert rules.orders_due(now, 5).isoformat() == "2027-01-01T00:00:00+07:00"
    assert rules.orders_due(now - timedelta(days=1), 5).isoformat() == "2026-01-01T00:00:00+07:00"


def test_an_account_that_was_never_verified_goes_after_thirty_days(clock, shop):
    visitor = Visitor(shop)
    visitor.registers()
    shop.drain()
    (customer,) = customers.after(None, 10)

    clock.pass_(days=29)
    retain(shop)
    young = customers.get(customer.id).state
    clock.pass_(days=2)
    retain(shop)

    assert young is ProfileState.UNVERIFIED
    assert customers.get(customer.id).is_erased
    assert vault.key(customer.id) is None


def test_no_last_letter_goes_to_an_address_that_was_never_proven(clock, shop):
    from tests.kit import letters

    Visitor(shop).registers()
    shop.drain()
    before = len(letters.sent())

    clock.pass_(days=31)
    retain(shop)

    assert len(letters.sent()) == before


def test_a_guest_keeps_their_name_while_an_order_says_who_they_are(clock, shop, guest):
    clock.pass_(days=729)
    retain(shop)
    before = customers.get(guest).state
    clock.pass_(days=3)
    retain(shop)

    assert before is ProfileState.GUEST
    assert customers.get(guest).state is ProfileState.GUEST
    assert orders.personal(order_of(guest)) is not None


def test_a_guest_who_has_ordered_since_keeps_theirs(clock, shop, guest):
    clock.pass_(days=700)
    shop.places(("KEMEJA-M", 1))
    clock.pass_(days=40)

    retain(shop)

    assert customers.get(guest).state is ProfileState.GUEST


def test_contact_and_address_of_an_order_go_after_five_full_years_and_the_books_stay(clock, shop, guest):
    before = shop.order(order_of(guest).id)

    clock.at = datetime(2031, 12, 31, 10, 0, tzinfo=UTC)
    retain(shop)
    kept = order_of(guest).personal
    clock.at = datetime(2031, 12, 31, 18, 0, tzinfo=UTC)  # the new year has begun in Jakarta
    retain(shop)

    after = shop.order(order_of(guest).id)
    assert kept is not None
    assert order_of(guest).personal is None
    assert (after["lines"], after["totals"], after["number"]) == (before["lines"], before["totals"], before["number"])


def test_a_legal_hold_keeps_them_until_it_is_lifted(clock, shop, guest):
    erasure.hold(guest, "perkara 12/Pdt/2026")

    clock.at = datetime(2032, 6, 1, tzinfo=UTC)
    retain(shop)
    held = order_of(guest).personal, customers.get(guest).state
    erasure.lift_hold(guest)
    retain(shop)

    assert held[0] is not None
    assert held[1] is ProfileState.GUEST
    assert order_of(guest).personal is None
    assert customers.get(guest).is_erased


def test_what_letters_said_goes_after_a_hundred_and_eighty_days(clock, shop):
    Visitor(shop).joins()

    clock.pass_(days=179)
    retain(shop)
    young = [item for item in items("notices") if "facts" in item]
    clock.pass_(days=2)
    retain(shop)

    assert young
    assert [item for item in items("notices") if "facts" in item or "recipient" in item] == []


def test_run_twice_it_changes_nothing_more(clock, shop, guest):
    clock.at = datetime(2032, 6, 1, tzinfo=UTC)
    retain(shop)
    before = items("orders"), items("customers")

    retain(shop)

    assert (items("orders"), items("customers")) == before


def test_it_goes_on_where_the_last_run_stopped(clock, shop):
    shop.sells("KEMEJA-M", 60)
    guests = []
    for number in range(55):
        contact = {"name": f"Tamu {number}", "email": f"tamu{number}@example.com", "phone": "081234567890"}
        shop.places(("KEMEJA-M", 1), contact=contact)
        guests.append(str(customers.id_of(contact["email"])))
    clock.at = datetime(2032, 6, 1, tzinfo=UTC)

    retain(shop)

    assert [guest for guest in guests if order_of(guest).personal is not None] == []
    assert [guest for guest in guests if not customers.get(guest).is_erased] == []


def test_the_policy_is_shown_with_the_record_of_processing(shop):
    shown = privacy.officer().asks("GET", "/admin/privacy/inventory").body["retention"]

    assert {each["data"]: each["keeps"] for each in shown} == {each.data: each.keeps for each in rules.policy(5)}


def test_what_the_storage_expires_expires_when_the_policy_says(shop):
    from chalicelib.carts import models as carts
    from chalicelib.payments.models import messages

    kept = {rules.CARTS: carts.LIVES, rules.WEBHOOKS: messages.KEPT_FOR}

    assert {each.days: each.days for each in kept} == {each.days: lives.days for each, lives in kept.items()}
