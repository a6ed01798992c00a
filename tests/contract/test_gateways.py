"""What Laris relies on in every payment gateway: one suite of sentences, run against each adapter and its partner."""

from dataclasses import replace

import pytest

from chalicelib.core.errors import Conflict, LarisError, Malformed, Unauthenticated, Upstream, UpstreamTimeout
from chalicelib.core.money import Money
from chalicelib.payments.errors import BadSignature, GatewayRefused, NotRefundable, UnknownMethod
from chalicelib.payments.gateways import gateway
from chalicelib.payments.gateways.midtrans import Midtrans
from chalicelib.payments.gateways.port import Charge, Gateway, Item, Kind, Notice, Refund, RetryStep
from chalicelib.payments.gateways.transfer import Transfer
from tests.kit.benches import GATEWAYS, PARTNERS, PRICE, PartnerBench

NOBODY = "ord_01KAV3Z5W8Q2M7N4T6Y9NOBODY-1"


@pytest.fixture(params=GATEWAYS)
def bench(request, aws):
    """Every gateway."""
    with GATEWAYS[request.param]() as made:
        yield made


@pytest.fixture(params=PARTNERS)
def partner(request, aws):
    """Every gateway with a partner behind it."""
    with PARTNERS[request.param]() as made:
        yield made


def test_each_gateway_is_known_by_its_name():
    assert {name: type(gateway(name)) for name in GATEWAYS} == {"midtrans": Midtrans, "transfer": Transfer}


# Every gateway


def test_each_method_can_be_started_and_leaves_the_buyer_something_to_do(bench):
    for method in sorted(bench.gateway.methods):
        started = bench.gateway.start(bench.charge(method))

        assert not isinstance(started.next_step, RetryStep), method
        assert started.events == (), method


def test_a_charge_asked_twice_is_asked_once(bench):
    for method in sorted(bench.gateway.methods):
        charge = bench.charge(method)

        first, second = bench.gateway.start(charge), bench.gateway.start(charge)

        assert second == first


def test_a_charge_asked_again_much_later_is_still_the_same_one(bench, clock):
    charge = bench.charge()
    first = bench.gateway.start(charge)

    clock.pass_(minutes=30)

    assert bench.gateway.start(charge) == first


def test_two_attempts_are_two_transactions(bench):
    one, other = bench.gateway.start(bench.charge()), bench.gateway.start(bench.charge())

    assert one.transaction_id != other.transaction_id


def test_a_method_the_gateway_does_not_have_is_refused_and_those_it_has_are_named(bench):
    with pytest.raises(UnknownMethod) as refused:
        bench.gateway.start(bench.charge("cowrie_shells"))

    assert refused.value.facts == {"methods": sorted(bench.gateway.methods)}


@pytest.mark.parametrize("raw", [b"", b"{}", b"null", b"\xff", b"[" * 10_000, b'{"order_id":"1","order_id":"2"}'])
def test_a_message_that_is_no_webhook_is_refused(bench, raw):
    with pytest.raises((Malformed, BadSignature)):
        bench.gateway.read_webhook(raw, {})


def test_a_reference_nobody_knows_has_no_facts(bench):
    assert bench.gateway.fetch(NOBODY) == []


def test_ending_what_nobody_knows_or_what_has_ended_is_no_error(bench):
    charge = bench.charge()
    bench.gateway.start(charge)

    for reference in (NOBODY, charge.reference, charge.reference):
        bench.gateway.cancel(reference)


def test_a_refund_of_what_nobody_knows_is_refused(bench):
    with pytest.raises(Conflict):
        bench.gateway.refund(Refund("ref_1", NOBODY, PRICE, "Salah ukuran"))


def test_each_refusal_is_an_error_with_a_code_and_an_explanation(bench):
    for ask in (
        lambda: bench.gateway.start(bench.charge("cowrie_shells")),
        lambda: bench.gateway.read_webhook(b"", {}),
        lambda: bench.gateway.refund(Refund("ref_1", NOBODY, PRICE, "")),
    ):
        with pytest.raises(LarisError) as refused:
            ask()
        assert refused.value.code != LarisError.code
        assert refused.value.detail


# Gateways with a partner behind them: webhooks


def test_what_the_partner_posts_is_believed_and_says_whom_it_is_about(partner):
    charge = partner.paid()

    notices = partner.gateway.read_webhook(*partner.posted())

    assert [notice.reference for notice in notices] == [charge.reference]
    assert {notice.transaction_id for notice in notices} == {partner.gateway.fetch(charge.reference)[0].transaction_id}


def test_a_webhook_read_twice_says_the_same(partner):
    partner.paid()
    raw, headers = partner.posted()

    assert partner.gateway.read_webhook(raw, headers) == partner.gateway.read_webhook(raw, headers)


def test_no_flipped_bit_moves_a_webhook_to_another_attempt(partner):
    charge = partner.paid()
    raw, headers = partner.posted()
    about = set()

    for bit in range(len(raw) * 8):
        flipped = bytearray(raw)
        flipped[bit // 8] ^= 1 << bit % 8
        about |= {notice.reference for notice in read(partner.gateway, bytes(flipped), headers)}

    assert about <= {charge.reference}


def test_a_webhook_about_another_attempt_or_amount_needs_another_signature(partner):
    charge = partner.paid()
    raw, headers = partner.posted()
    other = partner.charge().reference

    for forged in (
        raw.replace(charge.reference.encode(), other.encode()),
        raw.replace(b"44000.00", b"44001.00"),
        raw.replace(b"44000.00", b"4400.000"),
    ):
        assert forged != raw
        with pytest.raises((Malformed, Unauthenticated)):
            partner.gateway.read_webhook(forged, headers)


def read(adapter: Gateway, raw: bytes, headers: dict[str, str]) -> list[Notice]:
    try:
        return adapter.read_webhook(raw, headers)
    except (Malformed, BadSignature):
        return []


# ... the truth


def test_a_payment_is_told_with_the_very_amount_that_was_asked(partner):
    charge = partner.paid()

    (paid,) = partner.gateway.fetch(charge.reference)

    assert (paid.kind, paid.amount, paid.key) == (Kind.CAPTURED, charge.amount, "")
    assert paid.reference == charge.reference


@pytest.mark.parametrize("amount", [1, 99, 100, 44000, 4400000, 999_999_999_999])
def test_the_scale_of_an_amount_cannot_go_wrong_on_its_way_there_and_back(partner, amount):
    charge = partner.charge(amount=Money(amount), items=(Item("KEMEJA-M", "Kemeja", Money(amount), 1),))
    partner.gateway.start(charge)
    partner.happens("settle", charge.reference)

    assert [fact.amount for fact in partner.gateway.fetch(charge.reference)] == [Money(amount)]


def test_an_amount_in_a_currency_the_partner_does_not_take_is_refused(partner):
    charge = partner.charge(amount=Money(4400, "XTS"))

    with pytest.raises(GatewayRefused):
        partner.gateway.start(charge)

    assert partner.gateway.fetch(charge.reference) == []


def test_items_that_do_not_sum_to_the_amount_are_refused(partner):
    charge = partner.charge(amount=PRICE + Money(1))

    with pytest.raises(GatewayRefused):
        partner.gateway.start(charge)

    assert partner.gateway.fetch(charge.reference) == []


def test_asking_for_the_truth_changes_nothing(partner):
    charge = partner.paid()

    assert partner.gateway.fetch(charge.reference) == partner.gateway.fetch(charge.reference)


def test_an_attempt_nobody_has_paid_has_no_money_in_it(partner):
    charge = partner.charge()
    partner.gateway.start(charge)

    assert partner.kinds(charge.reference) == [Kind.INFO]


@pytest.mark.parametrize(("what", "kind"), [("expire", Kind.EXPIRED), ("deny", Kind.DENIED), ("settle", Kind.CAPTURED)])
def test_what_happens_at_the_partner_is_told(partner, what, kind):
    charge = partner.charge()
    partner.gateway.start(charge)

    partner.happens(what, charge.reference)

    assert partner.kinds(charge.reference) == [kind]


def test_an_attempt_can_be_paid_until_its_time_is_over_and_then_has_expired(partner, clock):
    charge = partner.charge()
    partner.gateway.start(charge)

    clock.pass_(minutes=59)
    before = partner.kinds(charge.reference)
    clock.pass_(minutes=2)

    assert (before, partner.kinds(charge.reference)) == ([Kind.INFO], [Kind.EXPIRED])


def test_starting_what_is_paid_already_says_so_and_asks_for_no_more(partner):
    charge = partner.paid()

    started = partner.gateway.start(charge)

    assert started.events in ((), tuple(partner.gateway.fetch(charge.reference)))


# ... ending


def test_an_attempt_that_was_ended_stays_unpaid(partner):
    charge = partner.charge()
    partner.gateway.start(charge)

    partner.gateway.cancel(charge.reference)

    assert partner.kinds(charge.reference) in ([Kind.VOIDED], [Kind.EXPIRED])


def test_ending_what_has_been_paid_leaves_the_money_where_it_is(partner):
    charge = partner.paid()

    partner.gateway.cancel(charge.reference)

    assert partner.kinds(charge.reference) == [Kind.CAPTURED]


# ... giving back


def test_a_refund_asked_twice_is_given_once(partner):
    charge = partner.paid(partner.refundable)
    refund = Refund("ref_1", charge.reference, Money(10000), "Salah ukuran")

    first, second = partner.gateway.refund(refund), partner.gateway.refund(refund)

    for given in (first, second):
        assert (given.kind, given.key, given.amount) == (Kind.REFUNDED, "ref_1", Money(10000))
    assert refunds(partner, charge) == {"ref_1": Money(10000)}


def test_refunds_under_several_keys_add_up_and_the_payment_stays_told(partner):
    charge = partner.paid(partner.refundable)

    partner.gateway.refund(Refund("ref_1", charge.reference, Money(10000), "Salah ukuran"))
    partner.gateway.refund(Refund("ref_2", charge.reference, Money(34000), "Batal"))

    assert refunds(partner, charge) == {"ref_1": Money(10000), "ref_2": Money(34000)}
    assert partner.kinds(charge.reference).count(Kind.CAPTURED) == 1


def test_the_answer_to_a_refund_is_the_fact_that_the_truth_tells(partner):
    charge = partner.paid(partner.refundable)

    given = partner.gateway.refund(Refund("ref_1", charge.reference, PRICE, "Batal"))

    (told,) = [fact for fact in partner.gateway.fetch(charge.reference) if fact.kind is Kind.REFUNDED]
    assert (given.transaction_id, given.kind, given.key) == (told.transaction_id, told.kind, told.key)
    assert given.amount == told.amount


def test_more_than_was_paid_is_not_given_back(partner):
    charge = partner.paid(partner.refundable)

    with pytest.raises(GatewayRefused) as refused:
        partner.gateway.refund(Refund("ref_1", charge.reference, PRICE + Money(1), "Batal"))

    assert refused.value.facts["gateway_status"]
    assert partner.kinds(charge.reference) == [Kind.CAPTURED]


def test_what_nobody_has_paid_is_not_given_back(partner):
    charge = partner.charge(partner.refundable)
    partner.gateway.start(charge)

    with pytest.raises(GatewayRefused):
        partner.gateway.refund(Refund("ref_1", charge.reference, PRICE, "Batal"))

    assert partner.kinds(charge.reference) == [Kind.INFO]


def test_a_method_that_cannot_give_back_says_so(partner):
    charge = partner.paid(partner.unrefundable)

    with pytest.raises(NotRefundable):
        partner.gateway.refund(Refund("ref_1", charge.reference, PRICE, "Batal"))

    assert partner.kinds(charge.reference) == [Kind.CAPTURED]


def refunds(partner: PartnerBench, charge: Charge) -> dict[str, Money]:
    told = partner.gateway.fetch(charge.reference)
    return {fact.key: fact.amount for fact in told if fact.kind is Kind.REFUNDED}


# ... when the line breaks


@pytest.mark.parametrize(
    ("fault", "error"),
    [("down", Upstream), ("slow", UpstreamTimeout), ("unheard", UpstreamTimeout), ("lost", UpstreamTimeout)],
)
@pytest.mark.parametrize("ask", ["start", "fetch", "cancel", "refund"])
def test_trouble_at_the_partner_is_told_as_such_and_can_be_tried_again(partner, ask, fault, error):
    charge = partner.paid(partner.refundable) if ask == "refund" else partner.charge(partner.refundable)
    asked = {
        "start": lambda: partner.gateway.start(charge),
        "fetch": lambda: partner.gateway.fetch(charge.reference),
        "cancel": lambda: partner.gateway.cancel(charge.reference),
        "refund": lambda: partner.gateway.refund(Refund("ref_1", charge.reference, Money(10000), "Batal")),
    }[ask]
    partner.line.breaks(fault)

    with pytest.raises(error) as trouble:
        asked()

    assert trouble.value.retry
    partner.line.mend()
    asked()


def test_a_start_whose_answer_was_lost_gives_the_same_step_when_asked_again(partner):
    charge = partner.charge()
    partner.line.breaks("lost")
    with pytest.raises(UpstreamTimeout):
        partner.gateway.start(charge)
    partner.line.mend()

    started = partner.gateway.start(charge)

    assert started == partner.gateway.start(charge)
    assert partner.kinds(charge.reference) == [Kind.INFO]


def test_a_refund_whose_answer_was_lost_is_given_once(partner):
    charge = partner.paid(partner.refundable)
    refund = Refund("ref_1", charge.reference, Money(10000), "Salah ukuran")
    asked_before = len(partner.line.asked)
    partner.gateway.refund(replace(refund, key="ref_0"))
    calls = len(partner.line.asked) - asked_before

    for lost in range(1, calls * 2 + 1):
        partner.line.breaks("lost", times=lost)
        with_trouble(partner.gateway, refund)
        partner.line.mend()

    partner.gateway.refund(refund)
    assert refunds(partner, charge) == {"ref_0": Money(10000), "ref_1": Money(10000)}


def with_trouble(adapter: Gateway, refund: Refund) -> None:
    try:
        adapter.refund(refund)
    except UpstreamTimeout:
        return
