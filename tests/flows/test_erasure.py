"""A customer is forgotten: step by step, whatever crashes in between, and the books stay whole."""

import json
from typing import Any

import pytest

from chalicelib.core import aws as ours
from chalicelib.core import vault
from chalicelib.core.config import settings
from chalicelib.core.errors import Unanswered
from chalicelib.orders import service as orders
from chalicelib.privacy import erasure
from chalicelib.privacy.states import STEPS, Step
from tests.kit import customers, faults, letters, privacy
from tests.kit.accounts import Visitor
from tests.kit.shop import CONTACT

TABLES = ("carts", "customers", "events", "identity", "notices", "orders", "payments", "privacy", "idempotency")


@pytest.fixture
def siti(shop) -> Visitor:
    shop.sells("KEMEJA-M", 10)
    visitor = privacy.regular(shop)
    fulfil(visitor)
    return visitor


def fulfil(visitor: Visitor) -> None:
    """All that they ordered has been handed over; there is no door for it yet."""
    from chalicelib.core import db
    from chalicelib.orders.models.orders import OrderRow

    for order in orders.of_customer([privacy.id_of(visitor)], limit=100, cursor=None).items:
        with db.transaction() as tx:
            actions = [OrderRow.fulfilment_status.set("fulfilled")]
            tx.update(OrderRow(order.id, "ORDER"), actions, condition=OrderRow.pk.exists())


def stored() -> dict[str, list[dict[str, Any]]]:
    """Every item of every table, in a fixed order."""
    return {
        table: sorted(customers.items(table), key=lambda item: (item["pk"]["S"], item["sk"]["S"])) for table in TABLES
    }


def asks_to_go(visitor: Visitor) -> dict[str, Any]:
    answer = visitor.does("POST", "/store/me/erasure")
    assert answer.status == 200, answer.text
    return dict(answer.body)


def goes(visitor: Visitor) -> str:
    """They ask to be forgotten, and all that follows is done; the customer's id."""
    customer_id = privacy.id_of(visitor)
    asks_to_go(visitor)
    visitor.shop.drain()
    visitor.shop.runs("privacy-carry-out")
    visitor.shop.drain()
    assert erasure.get(customer_id).state == "done"
    return customer_id


def test_nothing_of_who_they_were_is_left_and_nothing_decrypts(shop, siti):
    customer_id = goes(siti)

    assert vault.key(customer_id) is None
    assert customers_rows(customer_id) == {"PROFILE", *consents_of(customer_id)}
    assert [item for item in customers.items("identity") if item["pk"]["S"] == customer_id] == []
    assert {item["state"]["S"] for item in customers.items("carts")} == {"closed"}, "one that became an order"
    assert all("recipient" not in item and "facts" not in item for item in customers.items("notices"))
    assert siti.asks("GET", "/store/me").status == 401
    assert siti.logs_in().code == "login_refused"


def customers_rows(customer_id: str) -> set[str]:
    return {item["sk"]["S"] for item in customers.items("customers") if item["pk"]["S"] == customer_id}


def consents_of(customer_id: str) -> set[str]:
    return {sk for sk in customers_rows(customer_id) if sk.startswith("CONSENT")}


def test_the_books_stay_whole(shop, siti):
    (before,) = shop.orders()
    detail = shop.order(before["id"])

    goes(siti)

    after = shop.order(before["id"])
    kept = ("number", "state", "lines", "totals", "placed_at", "payment_status", "total", "business_date")
    assert {name: after[name] for name in kept if name in detail} == {
        name: detail[name] for name in kept if name in detail
    }
    assert (after["contact"], after["address"]) == (None, None)
    assert [entry["amount"] for entry in after["payments"]] == [entry["amount"] for entry in detail["payments"]]


def test_consents_stay_as_a_proof_that_names_nobody(siti):
    customer_id = goes(siti)

    ledger = [item for item in customers.items("customers") if item["sk"]["S"].startswith("CONSENT#")]
    assert {item["pk"]["S"] for item in ledger} == {customer_id}
    assert siti.email not in json.dumps(ledger)


def test_the_last_letter_goes_out_before_the_address_is_forgotten(siti):
    goes(siti)

    assert [mail.subject for mail in letters.sent(siti.email)][-1] in {
        mail.subject for mail in letters.sent(siti.email) if "hapus" in mail.subject.lower()
    }


def test_the_certificate_proves_it_without_saying_who(siti):
    customer_id = goes(siti)

    (certificate,) = [item for item in customers.items("privacy") if item["pk"]["S"] == "CERTIFICATES"]
    assert certificate["sk"]["S"] == erasure.get(customer_id).certificate_id
    assert json.loads(certificate["steps"]["S"]) == list(STEPS)
    assert certificate["orders_kept"]["N"] == "1"
    assert customer_id not in json.dumps(certificate)


def test_the_same_address_can_open_a_new_account(shop, siti):
    gone = goes(siti)

    again = Visitor(shop).joins()

    assert privacy.id_of(again) != gone
    assert again.does("GET", "/store/me/orders").body["items"] == []


def test_it_waits_while_an_order_is_under_way(clock, shop, siti):
    customer_id = privacy.id_of(siti)
    placed = privacy.buys(siti, "KEMEJA-M", pays=False)["order"]["id"]
    asks_to_go(siti)
    shop.drain()
    before = siti.does("GET", "/store/me/erasure").body

    shop.runs("privacy-carry-out")
    waiting = siti.does("GET", "/store/me/erasure").body
    clock.pass_(days=3)
    shop.runs("orders-expire-unpaid")
    shop.drain()
    shop.runs("privacy-carry-out")
    shop.drain()
    shop.runs("privacy-carry-out")

    assert (before["state"], before["waits_for"]) == ("waiting", [placed])
    assert waiting == before
    assert erasure.get(customer_id).state == "done"
    assert "dihapus" in letters.sent(siti.email)[-1].html


def test_a_legal_hold_stops_it_and_lifting_it_lets_it_go_on(shop, siti):
    officer, customer_id = privacy.officer(), privacy.id_of(siti)
    path = f"/admin/customers/{customer_id}/legal-hold"
    assert officer.asks("PUT", path, {"reason": "perkara 12/Pdt/2026"}).status == 200

    asks_to_go(siti)
    shop.drain()
    held = stored()["customers"]
    shop.runs("privacy-carry-out")

    assert erasure.get(customer_id).state == "waiting"
    assert stored()["customers"] == held
    assert officer.asks("DELETE", path).status == 200
    for _ in range(2):
        shop.runs("privacy-carry-out")
        shop.drain()
    assert erasure.get(customer_id).state == "done"


def test_a_hold_that_comes_in_between_stops_it_too(shop, siti):
    customer_id = privacy.id_of(siti)
    asks_to_go(siti)
    shop.drain()
    done = erasure.get(customer_id).done

    erasure.hold(customer_id, "perkara 12/Pdt/2026")
    shop.runs("privacy-carry-out")

    assert Step.KEY not in done
    assert erasure.get(customer_id).done == done
    assert vault.key(customer_id) is not None


def test_done_twice_it_changes_nothing_more(shop, siti):
    customer_id = goes(siti)
    before = stored()

    again = erasure.carry_out(customer_id)
    shop.runs("privacy-carry-out")
    shop.drain()

    assert again
    assert stored() == before


def test_a_crash_at_any_write_goes_on_and_ends_the_same(shop, siti):
    customer_id = privacy.id_of(siti)
    siti.does("POST", "/store/me/exports")
    shop.drain()
    _asks_while_held(siti)
    crashes = 0

    while erasure.get(customer_id).state != "done":
        with faults.on_dynamodb("TransactWriteItems", [_pass] * (crashes % 3) + [faults.response_lost] * 3):
            try:
                erasure.carry_out(customer_id)
            except Unanswered:
                crashes += 1
        shop.drain()

    assert crashes >= len(STEPS) - 1
    assert erasure.get(customer_id).done == STEPS
    assert vault.key(customer_id) is None
    assert ours.client("s3").list_objects_v2(Bucket=settings.bucket("exports")).get("Contents", []) == []
    assert len([item for item in customers.items("privacy") if item["pk"]["S"] == "CERTIFICATES"]) == 1
    assert siti.email not in repr(stored())


def _asks_while_held(visitor: Visitor) -> None:
    """So that the message is spent and nothing is done yet."""
    customer_id = privacy.id_of(visitor)
    erasure.hold(customer_id, "perkara 12/Pdt/2026")
    asks_to_go(visitor)
    visitor.shop.drain()
    erasure.lift_hold(customer_id)
    assert erasure.get(customer_id).done == ()


def _pass(request: Any, send: Any) -> Any:
    return None


def test_the_guest_that_they_were_is_forgotten_with_them(shop):
    shop.sells("KEMEJA-M", 10)
    placed = shop.places(("KEMEJA-M", 1))["order"]["id"]
    guest = orders.get(placed).customer_id
    shop.pays(f"{placed}-1")
    shop.drain()
    siti = Visitor(shop, email=CONTACT["email"]).joins()
    with_guest = orders.of_customer([guest], limit=10, cursor=None).items
    assert [order.id for order in with_guest] == [placed]
    _fulfil_order(placed)

    goes(siti)

    assert vault.key(guest) is None
    assert orders.get(placed).personal is None


def _fulfil_order(order_id: str) -> None:
    from chalicelib.core import db
    from chalicelib.orders.models.orders import OrderRow

    with db.transaction() as tx:
        actions = [OrderRow.fulfilment_status.set("fulfilled")]
        tx.update(OrderRow(order_id, "ORDER"), actions, condition=OrderRow.pk.exists())


def test_it_takes_a_log_in_of_a_short_while_ago(clock, siti):
    clock.pass_(minutes=11)

    late = siti.does("POST", "/store/me/erasure")

    assert (late.status, late.code) == (403, "login_too_old")
    assert erasure.find(privacy.id_of(siti)) is None


def test_staff_may_have_it_done_and_see_how_far_it_has_come(shop, siti):
    officer, customer_id = privacy.officer(), privacy.id_of(siti)

    asked = officer.asks("POST", f"/admin/customers/{customer_id}/erasure")
    again = officer.asks("POST", f"/admin/customers/{customer_id}/erasure")
    shop.drain()
    shop.runs("privacy-carry-out")

    shown = officer.asks("GET", f"/admin/customers/{customer_id}/erasure").body
    assert (asked.status, again.status) == (200, 200)
    assert (shown["state"], shown["done"]) == ("done", list(STEPS))


def test_nobody_can_be_exported_any_more_once_it_has_begun(shop, siti):
    officer, customer_id = privacy.officer(), privacy.id_of(siti)
    goes(siti)

    answer = officer.asks("POST", f"/admin/customers/{customer_id}/exports")

    assert (answer.status, answer.code) == (409, "erasure_under_way")


def test_of_a_stranger_there_is_nothing_to_erase(shop):
    officer = privacy.officer()

    assert officer.asks("POST", "/admin/customers/cus_NOBODY/erasure").code == "customer_not_found"
    assert officer.asks("GET", "/admin/customers/cus_NOBODY/erasure").code == "erasure_not_found"
    assert officer.asks("PUT", "/admin/customers/cus_NOBODY/legal-hold", {"reason": "x"}).code == "customer_not_found"


def test_a_hold_keeps_what_was_ordered_as_a_guest_and_claimed_too(shop):
    shop.sells("SARUNG", 2)
    guest = shop.places(("SARUNG", 1))
    siti = Visitor(shop, email=CONTACT["email"]).joins()
    claimed = shop.order(guest["order"]["id"])["customer_id"]

    erasure.hold(privacy.id_of(siti), "perkara 12/Pdt/2026")

    assert erasure.is_held(claimed)
    erasure.lift_hold(privacy.id_of(siti))
    assert not erasure.is_held(claimed)
