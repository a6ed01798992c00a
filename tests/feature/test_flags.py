"""Switches: closing a part of the shop stops what would begin there, and nothing that has begun."""

from typing import Any

import pytest

from chalicelib.checkout import service as checkout
from chalicelib.console.switches import SWITCHES
from chalicelib.core import clock as time
from chalicelib.core import db, flags
from chalicelib.core.flags import State, SwitchRow
from chalicelib.core.texts import LocalText
from chalicelib.customers.service import Person
from chalicelib.payments.gateways.port import Kind
from tests.kit import calls, faults, letters, people
from tests.kit.accounts import Visitor
from tests.kit.api import Reply, as_staff, call
from tests.kit.customers import BUDI, items, member
from tests.kit.shop import Stock

TRANSFER = {"gateway": "transfer", "method": "bank"}
TRIAL = flags.Switch("trial", LocalText("Uji coba", "A trial"), LocalText("Belum", "Not yet"))


@pytest.fixture
def manager(aws):
    return people.session("manager")


def turns(person: dict[str, str], switch: str, share: int, *, version: int = 0, **more: Any) -> Reply:
    body = {"share": share, "reason": "uji coba", "version": version, **more}
    return call("PUT", f"/admin/switches/{switch}", body, headers=person)


def closes(person: dict[str, str], switch: str) -> None:
    assert turns(person, switch, 0).status == 200


def elsewhere(share: int, *, version: int = 1, circle: tuple[str, ...] = (), switch: flags.Switch = TRIAL) -> None:
    """Another copy of the API turns a switch: this one has not heard of it."""
    with db.transaction() as tx:
        row = flags._row(switch, State(share, circle, version, "uji coba", time.stamp(time.now()), "staff:stf_1"))
        tx.put(row, condition=SwitchRow.pk.exists() | SwitchRow.pk.does_not_exist())


# The shop


def test_a_shop_that_is_closed_takes_no_order_and_says_so_in_both_languages(shop, manager):
    shop.sells("KEMEJA-M", 10)
    cart_id = shop.cart(("KEMEJA-M", 2))
    closes(manager, "checkout")

    answer = shop.checks_out(cart_id)

    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (409, "checkout_closed", "300")
    assert answer.body["message"] == {"id": checkout.SWITCH.when_off.id, "en": checkout.SWITCH.when_off.en}
    assert shop.orders() == []
    assert shop.stock_of("KEMEJA-M") == Stock(available=10)
    assert call("GET", f"/store/carts/{cart_id}").body["state"] == "open"


def test_in_a_closed_shop_payments_expiry_and_refunds_go_on(shop, manager, clock):
    shop.sells("KEMEJA-M", 10)
    paid, late = shop.places(("KEMEJA-M", 2)), shop.places(("KEMEJA-M", 1))
    closes(manager, "checkout")

    shop.pays(paid["payment"]["reference"])
    shop.drain()
    confirmed = shop.order(paid["order"]["id"])["state"]
    cancelled = shop.staff("POST", f"/admin/orders/{paid['order']['id']}/cancel", {"reason": "batal"})
    clock.pass_(minutes=61)
    shop.runs("orders-expire-unpaid")
    shop.drain()

    assert (confirmed, cancelled.status) == ("confirmed", 200)
    assert "refund.granted" in shop.timeline(paid["order"]["id"])
    assert shop.order(late["order"]["id"])["state"] == "expired"
    assert shop.stock_of("KEMEJA-M") == Stock(available=10)


def test_who_ordered_before_it_closed_gets_the_same_answer_again(shop, manager):
    shop.sells("KEMEJA-M", 10)
    cart_id = shop.cart(("KEMEJA-M", 1))
    first = shop.checks_out(cart_id, "once")
    closes(manager, "checkout")

    again = shop.checks_out(cart_id, "once")

    assert (again.status, again.text) == (201, first.text)
    assert again.headers["Idempotent-Replayed"] == "true"


def test_an_order_that_waits_in_a_closed_shop_may_be_paid_in_another_way(shop, manager):
    shop.sells("KEMEJA-M", 10)
    placed = shop.places(("KEMEJA-M", 1))
    closes(manager, "checkout")

    assert pays_again(placed, TRANSFER).status == 201


def pays_again(placed: dict[str, Any], way: dict[str, str]) -> Reply:
    headers = {"Authorization": f"Bearer {placed['access_token']}", "Idempotency-Key": f"again-{way['gateway']}"}
    return call("POST", f"/store/orders/{placed['order']['id']}/payments", way, headers=headers)


def test_only_the_circle_orders_while_the_shop_is_tried_out(shop, manager):
    shop.sells("KEMEJA-M", 10)
    budi = member(BUDI)
    stranger = member(Person("Tono", "tono@example.com", "+6281200000001"))
    turns(manager, "checkout", 0, circle=[budi.id])

    answers = [orders_as(shop, who) for who in (budi.headers, stranger.headers, {})]

    assert [answer.status for answer in answers] == [201, 409, 409]
    assert len(shop.orders()) == 1


def orders_as(shop, headers: dict[str, str]) -> Reply:
    if headers:
        cart_id = call("POST", "/store/me/cart", {}, headers=headers).body["id"]
        call("PUT", f"/store/carts/{cart_id}/lines/KEMEJA-M", {"quantity": 1}, headers=headers)
    else:
        cart_id = shop.cart(("KEMEJA-M", 1))
    return call("POST", "/store/checkout", shop.wish(cart_id), headers={**headers, "Idempotency-Key": shop.key()})


# Ways to pay


def test_a_gateway_that_is_off_is_not_offered_and_takes_no_new_payment(shop, manager):
    shop.sells("KEMEJA-M", 10)
    placed = shop.places(("KEMEJA-M", 1))
    closes(manager, "payments.transfer")

    offered = call("GET", "/store/services").body["items"]
    refused = shop.checks_out(shop.cart(("KEMEJA-M", 1)), payment=TRANSFER)
    again = pays_again(placed, TRANSFER)

    assert {each["name"]: each["is_open"] for each in offered} == {
        "checkout": True,
        "payments.midtrans": True,
        "payments.transfer": False,
        "registration": True,
    }
    assert [each["message"]["id"] for each in offered if not each["is_open"]] == [refused.body["message"]["id"]]
    assert (refused.status, refused.code) == (again.status, again.code) == (409, "payment_way_closed")
    assert shop.stock_of("KEMEJA-M") == Stock(available=9, reserved=1)
    assert len(shop.order(placed["order"]["id"])["payments"]) == 1


def test_money_that_was_asked_for_before_its_gateway_closed_still_counts(shop, manager):
    shop.sells("KEMEJA-M", 10)
    placed = shop.places(("KEMEJA-M", 1), payment=TRANSFER)
    closes(manager, "payments.transfer")

    payment = placed["payment"]
    line = {"amount": payment["next_step"]["amount"], "mutation": "BCA-1"}
    verified = shop.staff("POST", f"/admin/payments/{payment['id']}/verify", line, **{"Idempotency-Key": "v1"})
    shop.drain()

    assert verified.status == 200, verified.text
    assert shop.order(placed["order"]["id"])["state"] == "confirmed"


# Accounts and letters


def test_no_new_accounts_while_registration_is_closed_but_links_that_were_sent_work(shop, manager):
    siti, late = Visitor(shop), Visitor(shop, email="telat@example.com")
    siti.registers()
    token = siti.token()
    closes(manager, "registration")
    before = items("customers")

    refused = late.registers()
    after = items("customers")
    followed = siti.follows(token)

    assert (refused.status, refused.code) == (409, "registration_closed")
    assert after == before
    assert followed.status == 204
    assert siti.logs_in().status == 200
    assert late.mail() == []


def test_letters_that_are_off_are_noted_and_sent_when_staff_say_so(shop, manager, clock):
    shop.sells("KEMEJA-M", 10)
    closes(manager, "letters")
    shop.places(("KEMEJA-M", 1))
    shop.drain()
    silent = letters.sent()
    noted = shop.staff("GET", "/admin/notices?state=suppressed").body["items"]
    turns(manager, "letters", 100, version=1)
    clock.pass_(seconds=31)

    resent = shop.staff("POST", f"/admin/notices/{noted[0]['id']}/resend", **{"Idempotency-Key": "again"})
    shop.drain()

    assert silent == []
    assert [(each["template"], each["reason"]) for each in noted] == [("order_placed", "switched_off")]
    assert resent.status == 200, resent.text
    assert [mail.to for mail in letters.sent()] == ["siti@example.com"]


def test_letters_to_staff_go_whatever_the_switch_says(shop, manager):
    closes(manager, "letters")
    boss = people.session("owner")

    call("POST", "/admin/staff", {"email": "wati@example.com", "name": "Wati", "role": "support"}, headers=boss)
    shop.drain()

    assert [mail.to for mail in letters.sent()] == ["wati@example.com"]


# Shares


def test_who_was_let_in_stays_in_while_the_share_grows(aws):
    buyers = [f"cus_{number}" for number in range(2_000)]
    let_in = []
    for version, share in enumerate((10, 50, 90), 1):
        elsewhere(share, version=version)
        flags.forget()
        let_in.append({buyer for buyer in buyers if flags.is_on(TRIAL, buyer)})

    assert [round(len(each) / len(buyers), 1) for each in let_in] == [0.1, 0.5, 0.9]
    assert let_in[0] < let_in[1] < let_in[2]


def test_a_share_of_one_switch_is_not_that_of_another(aws):
    other = flags.Switch("other", TRIAL.meaning, TRIAL.when_off)
    elsewhere(50)
    elsewhere(50, switch=other)
    buyers = [f"cus_{number}" for number in range(200)]

    assert [flags.is_on(TRIAL, each) for each in buyers] != [flags.is_on(other, each) for each in buyers]


@pytest.mark.parametrize(("share", "is_on"), [(0, False), (99, False), (100, True)])
def test_who_is_known_by_nothing_is_let_in_where_everybody_is(aws, share, is_on):
    elsewhere(share, circle=("cus_1",))

    assert flags.is_on(TRIAL, None) is is_on


def test_a_storefront_that_names_the_cart_learns_what_checkout_will_say(shop, manager):
    shop.sells("KEMEJA-M", 50)
    turns(manager, "checkout", 50)
    told, done = [], []

    for _ in range(12):
        cart_id = shop.cart(("KEMEJA-M", 1))
        told.append(call("GET", f"/store/services?cart_id={cart_id}").body["items"][0]["is_open"])
        done.append(shop.checks_out(cart_id).status == 201)

    assert told == done
    assert set(told) == {True, False}


# Cost and trouble


def test_all_switches_are_read_once_in_half_a_minute(aws, clock):
    with calls.recorded() as log:
        for _ in range(5):
            assert flags.is_on(TRIAL, "cus_1")
            assert flags.is_on(checkout.SWITCH, "cus_1")
        elsewhere(0)
        assert flags.is_on(TRIAL, "cus_1")
        clock.pass_(seconds=31)
        assert not flags.is_on(TRIAL, "cus_1")

    assert log.operations == {"Query": 2, "TransactWriteItems": 1}


@pytest.mark.parametrize("fault", [faults.request_lost, faults.refusal("ResourceNotFoundException")])
def test_switches_that_cannot_be_read_stay_as_they_were_and_are_not_asked_for_again_at_once(aws, clock, fault):
    elsewhere(0)
    assert not flags.is_on(TRIAL, "cus_1")
    elsewhere(100, version=2)
    clock.pass_(seconds=31)

    with faults.on_dynamodb("Query", [fault] * 3):
        meanwhile = flags.is_on(TRIAL, "cus_1")
    with calls.recorded() as log:
        soon = flags.is_on(TRIAL, "cus_1")
    clock.pass_(seconds=31)

    assert (meanwhile, soon) == (False, False)
    assert log.operations == {}
    assert flags.is_on(TRIAL, "cus_1")


def test_where_switches_were_never_read_the_default_counts(shop):
    shop.sells("KEMEJA-M", 10)
    cart_id = shop.cart(("KEMEJA-M", 1))
    elsewhere(0, switch=checkout.SWITCH)

    with faults.on_dynamodb("Query", [faults.request_lost] * 3):
        answer = shop.checks_out(cart_id)

    assert answer.status == 201


# The desk


def test_the_desk_shows_every_switch_and_who_turned_it(manager):
    turned = turns(manager, "checkout", 25)

    shown = {each["switch"]: each for each in call("GET", "/admin/switches", headers=manager).body["items"]}

    assert set(shown) == {switch.name for switch in SWITCHES}
    assert shown["checkout"] == turned.body
    assert (turned.body["share"], turned.body["version"], turned.body["reason"]) == (25, 1, "uji coba")
    assert turned.body["changed_by"] == f"staff:{people.account_of(manager)}"
    assert (shown["letters"]["share"], shown["letters"]["version"]) == (100, 0)


def test_a_switch_that_was_turned_meanwhile_is_not_turned(manager):
    turns(manager, "checkout", 25)

    stale = turns(manager, "checkout", 0)
    ahead = turns(manager, "checkout", 0, version=7)

    assert (stale.status, stale.code, stale.body["version"]) == (409, "stale_switch", 1)
    assert (ahead.status, ahead.code) == (409, "stale_switch")
    assert flags.state_of(checkout.SWITCH).share == 25


def test_of_two_who_turn_a_switch_at_once_one_is_told_to_look_again(manager):
    def overtake(request: Any, send: Any) -> None:
        elsewhere(50, switch=checkout.SWITCH)

    with faults.on_dynamodb("TransactWriteItems", [overtake]):
        late = turns(manager, "checkout", 0)

    assert (late.status, late.code) == (409, "write_refused")
    assert flags.state_of(checkout.SWITCH).share == 50


def test_there_are_no_other_switches_and_no_other_shares(manager):
    assert turns(manager, "letter", 0).code == "switch_not_found"
    wrong: tuple[dict[str, Any], ...] = (
        {"share": 101},
        {"share": -1},
        {"reason": ""},
        {"circle": ["siti@example.com"]},
    )
    for instead in wrong:
        assert turns(manager, "checkout", **{"share": 0, **instead}).status == 422
    assert items("runs") == []


def test_turning_a_switch_wants_a_person_who_has_just_proven_who_they_are(manager, clock):
    by_key = turns(as_staff(), "checkout", 0)
    by_support = turns(people.session("support"), "checkout", 0)
    clock.pass_(minutes=11)
    late = turns(manager, "checkout", 0)

    assert [answer.code for answer in (by_key, by_support, late)] == [
        "step_up_needed",
        "scope_missing",
        "step_up_needed",
    ]
    assert call("GET", "/admin/switches", headers=people.session("support")).status == 200
    assert items("runs") == []


def test_the_audit_trail_has_who_turned_it_and_why(shop, manager):
    turns(manager, "checkout", 25)
    turns(manager, "checkout", 0, version=1)
    shop.drain()

    told = call("GET", "/admin/audit?day=2026-11-24", headers=manager).body["items"]

    entries = [each for each in told if each["action"] == "PUT /admin/switches/{switch}"]
    last = max(entries, key=lambda entry: entry["at"])
    assert len(entries) == 2
    assert last["changes"] == [
        {
            "subject": "switch:checkout",
            "before": {"share": 25, "circle": [], "reason": "uji coba"},
            "after": {"share": 0, "circle": [], "reason": "uji coba"},
        }
    ]


def test_a_closed_gateway_in_the_middle_of_a_payment_hears_its_webhooks(shop, manager):
    """The switch is asked by gateway; webhooks and look-ups do not ask it."""
    shop.sells("KEMEJA-M", 10)
    placed = shop.places(("KEMEJA-M", 1))
    for switch in SWITCHES:
        closes(manager, switch.name)

    shop.bank.happens(placed["payment"]["reference"], Kind.CAPTURED)
    told = shop.tells(placed["payment"]["reference"])
    shop.drain()

    assert told.status == 200
    assert shop.order(placed["order"]["id"])["state"] == "confirmed"
