"""What functions seldom do, done under their own rights: one that only a fault needs is missed when it is too late."""

import json
from typing import Any

import pytest

from chalicelib.core import aws as ours
from chalicelib.core import runs
from chalicelib.core.config import settings
from chalicelib.core.runs import Kind
from chalicelib.notices import channels
from chalicelib.notices.channels.port import ChannelName
from chalicelib.notices.channels.whatsapp import WhatsApp
from infra.local.pumps import dead_letters
from tests.architecture import workers
from tests.kit import faults, journey, letters, people, privacy
from tests.kit.api import call
from tests.kit.partner import Said, Scripted

GOOD: dict[str, tuple[str, dict[str, Any]] | None] = {
    "catalog-on-product": ("product.changed", {"product_id": "prd_1", "version": 1}),
    "identity-on-audit": (
        "audit.recorded",
        {
            **dict.fromkeys(["entry_id", "who", "action", "source", "agent", "request_id", "outcome"], "x"),
            "at": "2026-11-24T03:00:00Z",
            "target": {},
            "asked": None,
            "changes": [],
        },
    ),
    "inventory-on-stock": ("stock.held", {"owner": "ord_1", "lines": [{"sku": "A", "location": "jkt", "quantity": 1}]}),
    "notices-on-feedback": None,
    "orders-on-order": ("order.confirmed", {"order_id": "ord_1", "late": False}),
    "orders-on-payment": (
        "refund.granted",
        {"order_id": "ord_1", "refund_id": "ref_1", "amount": 1, "currency": "IDR", "reason": "x"},
    ),
}
"""A message that each worker in batches can read."""
STATUS = {"whatsapp": {"notice_id": "ntc_1", "message_id": "wamid.1", "status": "delivered"}}


def put(queue, *bodies):
    sqs = ours.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)


def counts(queue):
    """How many messages wait, and how many are being worked at or hidden."""
    sqs = ours.client("sqs")
    about = sqs.get_queue_attributes(
        QueueUrl=sqs.get_queue_url(QueueName=queue)["QueueUrl"],
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return tuple(int(count) for count in about.values())


@pytest.mark.parametrize("source", workers.consumers(), ids=lambda source: source.name)
def test_every_consumer_puts_aside_what_nobody_can_read(pumps, source):
    put(source.queue, '"What is this?"')

    pumps.turn()

    assert dead_letters(ours.client("sqs"), source.queue) == ["What is this?"]
    assert counts(source.queue) == (0, 0)
    assert pumps.failures == []


@pytest.mark.parametrize("name", GOOD)
def test_a_consumer_of_batches_deletes_what_it_did_where_others_of_the_batch_must_come_again(pumps, name):
    (source,) = [each for each in workers.consumers() if each.name == name]
    good = GOOD[name]
    body = {"type": good[0], "data": good[1]} if good else STATUS
    put(source.queue, "unreadable", json.dumps(body))

    with faults.on_aws(lambda _, call: faults.failing("ThrottlingException") if call.service == "dynamodb" else None):
        pumps.turn()

    ((failed, error),) = pumps.failures
    assert (failed, str(error)) == (name, '{"failed": 1, "done": 1}')
    assert counts(source.queue) == (0, 1)


def test_every_consumer_of_batches_is_tried():
    assert set(GOOD) == {source.name for source in workers.consumers() if source.batch_size > 1}


def test_every_schedule_runs_and_a_probe_goes_the_way_of_all_events(pumps):
    for name in pumps.schedules:
        pumps.run_schedule(name)
    pumps.drain()

    assert pumps.failures == []
    assert set(runs.of(Kind.SCHEDULE)) == set(pumps.schedules)
    assert runs.of(Kind.RELAY)[runs.PROBE].succeeded_at is not None


def test_the_trail_is_put_away_by_a_schedule_and_held_against_that_by_staff(shop, clock):
    shop.sells("KEMEJA-M", 1)
    shop.drain()
    shop.receives("KEMEJA-M", 2)
    clock.pass_(days=1)

    for _ in range(2):  # what comes late is chained to its day, which is held against what was put away, and once more
        shop.runs("identity-keep-heads")
        shop.drain()
    verdict = call("GET", "/admin/audit/2026-11-24/verification", headers=people.session("owner"))

    assert verdict.status == 200, verdict.text
    assert verdict.body["is_intact"]
    assert verdict.body["kept"] == verdict.body["entries"] > 1


def test_a_letter_goes_by_whatsapp(shop):
    partner = Scripted()
    partner.says(Said(200, {"messaging_product": "whatsapp", "messages": [{"id": "wamid.1"}]}))
    shop.sells("KEMEJA-M", 1)

    with partner.running(), channels.use(ChannelName.WHATSAPP, WhatsApp(partner.url, "106540352242922")):
        shop.places(("KEMEJA-M", 1))
        shop.drain()

    assert [asked.path for asked in partner.asked] == ["/106540352242922/messages"]
    assert letters.sent() == []


def test_an_order_whose_transfer_was_refused_with_a_note_expires_and_ends_at_midtrans(shop, clock):
    """The note is locked, and whoever reads the order's payments unlocks it."""
    shop.sells("KEMEJA-M", 1)
    with journey.midtrans() as bank:
        placed = shop.places(("KEMEJA-M", 1), payment={"gateway": "transfer", "method": "bank"})
        order, buyer = placed["order"]["id"], {"Authorization": f"Bearer {placed['access_token']}"}
        refusal = {"reason": "Bu Siti keliru"}
        path = f"/admin/payments/{placed['payment']['id']}/reject"
        assert shop.staff("POST", path, refusal, **{"Idempotency-Key": "reject"}).status == 200
        again = {"gateway": "midtrans", "method": "bca_va"}
        headers = {**buyer, "Idempotency-Key": "again"}
        assert call("POST", f"/store/orders/{order}/payments", again, headers=headers).status == 201
        (pending,) = bank.notices(f"{order}-2", 1)
        bank.notifies(pending)
        shop.drain()

        clock.pass_(minutes=61)
        shop.runs("orders-expire-unpaid")
        shop.drain()

    states = [payment["state"] for payment in shop.order(order)["payments"]]
    assert (shop.order(order)["state"], states) == ("expired", ["failed", "closed"])


def test_an_order_that_staff_cancel_can_no_longer_be_paid_at_midtrans(shop):
    shop.sells("KEMEJA-M", 1)
    with journey.midtrans():
        order = shop.places(("KEMEJA-M", 1), payment={"gateway": "midtrans", "method": "bca_va"})["order"]["id"]

        assert shop.staff("POST", f"/admin/orders/{order}/cancel", {"reason": "salah ukuran"}).status == 200
        shop.drain()

    assert [payment["state"] for payment in shop.order(order)["payments"]] == ["closed"]


# Privacy: each of two functions may have to do all of it


def test_whom_a_breach_affects_is_found_though_its_message_is_late(shop, clock):
    shop.sells("KEMEJA-M", 1)
    shop.places(("KEMEJA-M", 1))
    about = {
        **dict.fromkeys(["what", "remedy"], "Salinan terbaca tanpa izin; akses ditutup."),
        **dict.fromkeys(["discovered_at", "occurred_from", "occurred_to"], "2026-11-24T01:00:00Z"),
        "data_classes": ["nama"],
        "affected": {"kind": "ordered_between", "start": "2026-11-24", "end": "2026-11-24"},
    }
    recorded = privacy.officer().asks("POST", "/admin/privacy/breaches", about)
    assert recorded.status == 201, recorded.text

    shop.runs("privacy-carry-out")

    assert privacy.officer().asks("GET", f"/admin/privacy/breaches/{recorded.body['id']}").body["affected"] == 1


@pytest.fixture
def siti(shop):
    """A customer with a bit of everything, a copy of it, and a picture of a transfer."""
    shop.sells("KEMEJA-M", 10)
    visitor = privacy.regular(shop)
    privacy.exported(visitor)
    order = privacy.buys(visitor, "KEMEJA-M", pays=False, payment={"gateway": "transfer", "method": "bank"})
    put_proof(order["order"]["id"])
    return visitor


def put_proof(order):
    ours.client("s3").put_object(Bucket=settings.bucket("proofs"), Key=f"{order}/pay_1/prf_1.png", Body=b"picture")


def files():
    found = [ours.client("s3").list_object_versions(Bucket=settings.bucket(name)) for name in ("proofs", "exports")]
    return [each["Key"] for listed in found for each in listed.get("Versions", [])]


def asks_to_be_forgotten(visitor):
    assert visitor.logs_in().status == 200
    assert visitor.does("POST", "/store/me/erasure").status == 200
    visitor.shop.drain()


def test_files_of_who_asks_to_be_forgotten_go_when_they_ask(shop, siti, clock):
    before = files()
    clock.pass_(days=31)
    shop.runs("orders-expire-unpaid")
    shop.drain()

    asks_to_be_forgotten(siti)

    assert [name.partition("_")[0] for name in before] == ["ord", "cus"]
    assert files() == []


def test_files_of_who_waits_to_be_forgotten_go_when_nothing_is_under_way_any_more(shop, siti, clock):
    asks_to_be_forgotten(siti)
    before = files()
    clock.pass_(days=31)
    shop.runs("orders-expire-unpaid")
    shop.drain()

    shop.runs("privacy-carry-out")

    assert len(before) == 2
    assert files() == []


def test_pictures_of_transfers_go_with_the_years(shop, siti, clock):
    clock.pass_(days=6 * 366)

    shop.runs("privacy-apply-retention")

    assert [name for name in files() if name.startswith("ord_")] == []
