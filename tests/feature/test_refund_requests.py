"""Refunds by staff: up to one's limit at once, above it by a second person; never more than came in."""

import pytest

from chalicelib.core.access import Caller
from chalicelib.core.idempotency import Claim
from chalicelib.core.money import Money
from chalicelib.identity import rolebook
from chalicelib.orders import refunds
from chalicelib.orders.models.refunds import RequestState
from chalicelib.payments import service as payments
from chalicelib.payments.gateways.port import Kind
from tests.kit import people
from tests.kit.api import Reply, as_staff, call

TOTAL = 1_032_000
"""Ten at 100,000, and four kilograms on their way."""


@pytest.fixture
def order(shop):
    """A paid order; its id."""
    shop.sells("KEMEJA-M", 10)
    placed = shop.places(("KEMEJA-M", 10))
    shop.pays(placed["payment"]["reference"])
    shop.drain()
    assert placed["order"]["totals"]["total"]["amount"] == TOTAL
    return placed["order"]["id"]


@pytest.fixture
def support(aws):
    return people.session("support")


@pytest.fixture
def finance(aws):
    return people.session("finance")


_keys = iter(range(10**9))


def ask(person, order, amount, *, key=None, currency="IDR") -> Reply:
    body = {"amount": {"amount": amount, "currency": currency}, "reason": "dua potong robek"}
    headers = {**person, "Idempotency-Key": key or f"refund-{next(_keys)}"}
    return call("POST", f"/admin/orders/{order}/refunds", body, headers=headers)


def decide(person, request, what) -> Reply:
    return call("POST", f"/admin/refund-requests/{request}/{what}", headers=person)


def waiting(person):
    return call("GET", "/admin/refund-requests", headers=person).body["items"]


def pays_out(shop, order):
    """The gateway pays every refund out that was promised, and says so."""
    reference = shop.order(order)["payments"][0]["reference"]
    for refund in payments.account(order).refunds:
        shop.bank.happens(reference, Kind.REFUNDED, refund.amount.amount, key=refund.id)
    shop.tells(reference, about="refunds")
    shop.drain()


def granted(order) -> int:
    return payments.standing(order).granted


def test_within_ones_limit_a_refund_is_granted_at_once(shop, order, support):
    answer = ask(support, order, 200_000)

    assert answer.status == 201
    assert answer.headers["Location"] == f"/admin/orders/{order}"
    assert (answer.body["state"], answer.body["reason"]) == ("granted", "dua potong robek")
    assert answer.body["asked_by"] == answer.body["decided_by"] == people.account_of(support)
    assert answer.body["refund_id"].startswith("ref_")
    assert granted(order) == 200_000
    assert payments.standing(order).payable == TOTAL - 200_000
    assert waiting(as_staff()) == []


def test_a_part_given_back_leaves_the_order_standing_and_paid(shop, order, support):
    ask(support, order, 200_000)
    shop.drain()

    pays_out(shop, order)

    standing = payments.standing(order)
    assert (standing.refunded, standing.net, standing.status) == (200_000, TOTAL - 200_000, "partially_refunded")
    assert shop.order(order)["state"] == "confirmed"
    assert "order.case_opened" not in shop.timeline(order)
    assert shop.stock_of("KEMEJA-M").allocated == 10
    shop.staff("POST", f"/admin/orders/{order}/hold", {"reason": "manual"})
    assert shop.staff("POST", f"/admin/orders/{order}/release").status == 200


def test_above_ones_limit_a_refund_waits_for_a_second_person(shop, order, support, finance):
    answer = ask(support, order, 600_000)

    assert (answer.status, answer.body["state"], answer.body["refund_id"]) == (202, "waiting", None)
    assert granted(order) == 0
    assert waiting(finance) == [answer.body]
    assert shop.timeline(order)[-1] == "order.refund_requested"

    approved = decide(finance, answer.body["id"], "approve")

    assert (approved.status, approved.body["state"]) == (200, "granted")
    assert approved.body["decided_by"] == people.account_of(finance)
    assert granted(order) == 600_000
    assert waiting(finance) == []


def test_small_steps_do_not_pass_the_limit(order, support):
    assert ask(support, order, 300_000).status == 201
    assert ask(support, order, 200_000).status == 201

    assert ask(support, order, 1).status == 202

    assert granted(order) == 500_000


def test_nobody_approves_or_declines_what_they_asked_for_themselves(order):
    finance = rolebook.named("finance").scopes
    asked = asked_above(order, scopes=finance, role="clerk")
    caller, request = asked

    for what in (refunds.approve, refunds.decline):
        with pytest.raises(Exception, match="second_person_needed"):
            what(request.id, caller)

    assert granted(order) == 0
    assert refunds.get(request.id).state is RequestState.WAITING


def asked_above(order, *, scopes, role, amount=600_000):
    """A refund that waits, and who asked for it: somebody of a role without a limit of their own."""
    account = people.member(role)
    caller = Caller(f"staff:{account}", account, account=account, scopes=scopes)
    claim = Claim.of("k1", principal=account, route="r", request=b"q")
    request = refunds.refund(order, Money(amount), "robek", caller=caller, claim=claim)
    assert request.state is RequestState.WAITING
    return caller, request


def test_the_second_persons_own_limit_must_suffice(aws, order, support, finance):
    owner = people.session("owner")
    role = {"scopes": ["refunds:approve"], "refund_limit": 550_000}
    call("PUT", "/admin/roles/cashier", role, headers=owner)
    request = ask(support, order, 600_000).body["id"]

    for what in ("approve", "decline"):
        answer = decide(people.session("cashier"), request, what)
        assert (answer.status, answer.code, answer.body["limit"]) == (403, "refund_limit_too_low", 550_000)

    assert granted(order) == 0
    assert decide(owner, request, "approve").status == 200


def test_a_declined_refund_gives_nothing_back(shop, order, support, finance):
    request = ask(support, order, 600_000).body["id"]

    answer = decide(finance, request, "decline")

    assert (answer.status, answer.body["state"], answer.body["refund_id"]) == (200, "declined", None)
    assert granted(order) == 0
    assert waiting(finance) == []
    assert shop.timeline(order)[-1] == "order.refund_declined"


def test_a_refund_is_decided_once(order, support, finance):
    request = ask(support, order, 600_000).body["id"]
    decide(finance, request, "approve")

    again = [decide(finance, request, what) for what in ("approve", "decline")]

    assert [(answer.status, answer.code) for answer in again] == [(409, "refund_request_decided")] * 2
    assert again[0].body["state"] == "granted"
    assert granted(order) == 600_000


@pytest.mark.parametrize("request_id", ["rrq_x", "rrq_01J_x", "nonsense", "rrq_", "ref_1"])
def test_a_refund_that_nobody_asked_for_is_not_found(finance, request_id):
    assert decide(finance, request_id, "approve").code == "refund_request_not_found"


@pytest.mark.parametrize("amount", [TOTAL + 1, 10**12])
def test_more_than_came_in_is_refused_whoever_asks(order, amount):
    for role in ("support", "finance", "owner"):
        answer = ask(people.session(role), order, amount)
        assert (answer.status, answer.code, answer.body["refundable"]) == (409, "refund_too_large", TOTAL)

    assert granted(order) == 0


def test_what_was_granted_meanwhile_is_not_granted_again(order, support, finance):
    owner = people.session("owner")
    request = ask(support, order, 600_000).body["id"]
    ask(owner, order, 500_000)

    answer = decide(finance, request, "approve")

    assert (answer.code, answer.body["refundable"]) == ("refund_too_large", TOTAL - 500_000)
    assert granted(order) == 500_000
    assert len(waiting(finance)) == 1


def test_of_two_at_once_only_what_is_there_is_granted(order, monkeypatch):
    """The second one read the books before the first one wrote."""
    owner = people.session("owner")
    real, overtakers = payments.grant_refund, [700_000]

    def overtaken(tx, order_id, *about, **more):
        if overtakers:
            assert ask(owner, order, overtakers.pop()).status == 201
        return real(tx, order_id, *about, **more)

    monkeypatch.setattr(payments, "grant_refund", overtaken)
    answer = ask(people.session("owner"), order, 700_000)

    assert (answer.status, answer.code) == (409, "refund_too_large")
    assert granted(order) == 700_000


def test_money_taken_back_at_that_moment_is_not_granted(shop, order, monkeypatch):
    """The bank takes the money back after the books were read; the order has not heard of it yet."""
    from chalicelib.payments import ledger

    reference = shop.order(order)["payments"][0]["reference"]
    real, taken_back = payments.grant_refund, [TOTAL - 1000]

    def overtaken(tx, order_id, *about, **more):
        if taken_back:
            event = shop.bank.happens(reference, Kind.CHARGEBACK, taken_back.pop(), key="cb")
            ledger.append(order, "fake", [event], source="test")
        return real(tx, order_id, *about, **more)

    monkeypatch.setattr(payments, "grant_refund", overtaken)
    answer = ask(people.session("owner"), order, 500_000)

    assert (answer.status, answer.code, answer.body["refundable"]) == (409, "refund_too_large", 1000)
    assert granted(order) == 0


def test_of_two_who_approve_at_once_one_does(order, support, finance, monkeypatch):
    request = ask(support, order, 400_000 + 200_000).body["id"]
    real, overtakers = payments.grant_refund, [people.session("owner")]

    def overtaken(tx, order_id, *about, **more):
        if overtakers:
            assert decide(overtakers.pop(), request, "approve").status == 200
        return real(tx, order_id, *about, **more)

    monkeypatch.setattr(payments, "grant_refund", overtaken)
    answer = decide(finance, request, "approve")

    assert (answer.status, answer.code) == (409, "refund_request_decided")
    assert granted(order) == 600_000


def test_asked_again_with_the_same_key_it_is_one_refund(order, support):
    first, second = ask(support, order, 200_000, key="same"), ask(support, order, 200_000, key="same")
    other = ask(support, order, 300_000, key="same")

    assert (second.status, second.body) == (201, first.body)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert granted(order) == 200_000


def test_a_repeat_after_a_crash_gives_what_was_done(order, clock):
    account = people.member("support")
    caller = Caller(f"staff:{account}", account, account=account)

    def once():
        claim = Claim.of("k1", principal=account, route="r", request=b"q")
        return refunds.refund(order, Money(200_000), "robek", caller=caller, claim=claim)

    first = once()
    clock.pass_(minutes=1)

    assert once() == first
    assert granted(order) == 200_000


def test_an_order_that_waits_or_has_ended_gives_nothing_back(shop, support):
    shop.sells("KEMEJA-M", 2)
    pending = shop.places(("KEMEJA-M", 1))["order"]["id"]
    cancelled = shop.places(("KEMEJA-M", 1))["order"]["id"]
    shop.staff("POST", f"/admin/orders/{cancelled}/cancel", {"reason": "salah pesan"})

    for each in (pending, cancelled):
        answer = ask(support, each, 1000)
        assert (answer.status, answer.code) == (409, "illegal_move")
    assert ask(support, "ord_01J00000000000000000000000", 1000).code == "order_not_found"


@pytest.mark.parametrize(("amount", "currency"), [(0, "IDR"), (-5, "IDR"), (1000, "USD")])
def test_an_amount_that_is_none_is_refused(order, support, amount, currency):
    answer = ask(support, order, amount, currency=currency)

    assert (answer.status, answer.body["errors"][0]["pointer"].startswith("/amount/")) == (422, True)
    assert granted(order) == 0


def test_what_is_paid_too_much_later_goes_back_besides(shop, support):
    shop.sells("KEMEJA-M", 10)
    placed = shop.places(("KEMEJA-M", 10))
    order, token = placed["order"]["id"], {"Authorization": f"Bearer {placed['access_token']}"}
    again = {**token, "Idempotency-Key": "again"}
    second = call("POST", f"/store/orders/{order}/payments", {"gateway": "fake", "method": "va"}, headers=again).body
    shop.pays(placed["payment"]["reference"])
    shop.drain()
    ask(support, order, 200_000)

    shop.pays(second["reference"])
    shop.drain()

    standing = payments.standing(order)
    assert (standing.captured, standing.granted) == (2 * TOTAL, TOTAL + 200_000)
    assert standing.payable == TOTAL - 200_000


def test_cancelled_after_a_part_was_given_back_the_rest_goes_back(shop, order, support):
    ask(support, order, 200_000)

    shop.staff("POST", f"/admin/orders/{order}/cancel", {"reason": "berubah pikiran"})
    pays_out(shop, order)

    standing = payments.standing(order)
    assert (standing.granted, standing.refunded, standing.net) == (TOTAL, TOTAL, 0)


def test_all_of_it_may_be_given_back_and_the_order_stands(shop, order):
    assert ask(people.session("owner"), order, TOTAL).status == 201
    pays_out(shop, order)

    assert payments.standing(order).net == 0
    assert shop.order(order)["state"] == "confirmed"
    assert "order.case_opened" not in shop.timeline(order)


def test_it_takes_the_scope_and_a_person_who_has_just_proven_themselves(order, support, clock):
    assert ask(as_staff(), order, 1000).code == "step_up_needed"
    assert ask(people.session("warehouse"), order, 1000).code == "scope_missing"
    request = ask(support, order, 600_000).body["id"]
    assert decide(as_staff(), request, "approve").code == "step_up_needed"
    assert decide(support, request, "approve").code == "scope_missing"

    clock.pass_(minutes=11)

    assert ask(support, order, 1000).code == "step_up_needed"
    assert granted(order) == 0


def test_refunds_are_in_the_audit_trail_with_the_reason_masked(order, support):
    from tests.feature.test_keys import stored

    ask(support, order, 200_000)

    entries = [row["Attributes"]["data"]["S"] for row in stored("events") if "/refunds" in repr(row)]
    assert len(entries) == 1
    assert people.account_of(support) in entries[0]
    assert "robek" not in repr(stored("events"))


def test_what_staff_wrote_goes_when_the_customer_is_forgotten(order, support):
    from chalicelib.orders import service as orders

    request = ask(support, order, 200_000).body["id"]

    orders.anonymise(order)

    assert refunds.get(request).reason == ""
    assert refunds.get(request).amount == Money(200_000)
