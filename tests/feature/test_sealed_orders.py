"""Who ordered stands sealed under the customer's key: readable by who may, by nobody else, and gone when it is gone."""

import json

import pytest

from chalicelib.core import aws, crypto, db
from chalicelib.core.config import settings
from chalicelib.customers import service as customers
from chalicelib.orders import service as orders
from chalicelib.orders.models.orders import OrderRow
from chalicelib.payments import service as payments
from chalicelib.payments.models.attempts import AttemptRow
from chalicelib.payments.models.claims import MutationRow
from chalicelib.payments.models.messages import MessageRow, message_id
from tests.kit import kms
from tests.kit.api import call
from tests.kit.customers import BUDI, erase, items, logs_in, member, registers, row
from tests.kit.gateways import posted
from tests.kit.shop import ADDRESS, CONTACT

PLAIN = ("Siti", "Rahmawati", "siti@example.com", "81234567890", "Braga", "Sumur Bandung")
TRANSFER = {"gateway": "transfer", "method": "bank"}


@pytest.fixture
def stocked(shop):
    shop.sells("KEMEJA-M", 50)
    return shop


def holder(placed):
    return {"Authorization": f"Bearer {placed['access_token']}"}


def row_of(order_id):
    return row(OrderRow, order_id, "ORDER")


def forgotten(placed):
    """Everything that is taken away when the buyer is erased."""
    order_id = placed["order"]["id"]
    customer_id = orders.get(order_id).customer_id
    orders.anonymise(order_id)
    payments.redact([order_id])
    erase(customer_id)
    return order_id


def test_no_table_shows_who_ordered_or_where_it_goes(stocked):
    placed = stocked.places(("KEMEJA-M", 1))
    stocked.pays(placed["payment"]["reference"])
    stocked.drain()

    for department in ("orders", "customers", "payments", "events", "carts", "idempotency", "inventory", "catalog"):
        stored = str(items(department))
        assert [plain for plain in PLAIN if plain in stored] == [], department
    assert row_of(placed["order"]["id"]).personal.startswith("1.")


def test_staff_and_who_holds_the_order_see_who_ordered(stocked):
    placed = stocked.places(("KEMEJA-M", 1))

    seen = call("GET", f"/store/orders/{placed['order']['id']}", headers=holder(placed)).body

    contact = {**CONTACT, "phone": "+6281234567890"}
    staff = stocked.order(placed["order"]["id"])
    assert (seen["contact"], seen["address"]) == (staff["contact"], staff["address"]) == (contact, ADDRESS)
    assert staff["customer_id"].startswith("cus_")
    assert "customer_id" not in seen


def test_the_gateway_is_told_who_pays_at_the_order_and_at_a_further_try(stocked):
    placed = stocked.places(("KEMEJA-M", 1))
    headers = {**holder(placed), "Idempotency-Key": "again"}

    again = call(
        "POST", f"/store/orders/{placed['order']['id']}/payments", {"gateway": "fake", "method": "va"}, headers=headers
    )

    charges = [stocked.bank.charges[each] for each in (placed["payment"]["reference"], again.body["reference"])]
    assert {charge.customer.email for charge in charges} == {"siti@example.com"}
    assert {charge.customer.phone for charge in charges} == {"+6281234567890"}


def test_a_sealed_text_moved_to_another_order_cannot_be_read(stocked):
    mine, other = (stocked.places(("KEMEJA-M", 1)) for _ in range(2))
    swap(mine["order"]["id"], row_of(other["order"]["id"]).personal)

    answers = [
        call("GET", f"/store/orders/{mine['order']['id']}", headers=holder(mine)),
        stocked.staff("GET", f"/admin/orders/{mine['order']['id']}"),
    ]

    for answer in answers:
        assert (answer.status, answer.code) == (500, "unreadable")
        assert [plain for plain in PLAIN if plain in answer.text] == []


def test_a_sealed_text_of_another_customer_cannot_be_read(stocked):
    mine = stocked.places(("KEMEJA-M", 1))
    other = stocked.places(("KEMEJA-M", 1), contact={**CONTACT, "email": "budi@example.com"})
    order_id = mine["order"]["id"]
    swap(order_id, row_of(order_id).personal, customer_id=row_of(other["order"]["id"]).customer_id)

    answer = call("GET", f"/store/orders/{order_id}", headers=holder(mine))

    assert (answer.status, answer.code) == (500, "unreadable")


def swap(order_id, personal, customer_id=None):
    with db.transaction() as tx:
        actions = [OrderRow.personal.set(personal)]
        if customer_id:
            actions.append(OrderRow.customer_id.set(customer_id))
        tx.update(OrderRow(order_id, "ORDER"), actions, condition=OrderRow.pk.exists())


def test_without_the_keys_an_order_is_neither_shown_nor_changed(stocked):
    placed = stocked.places(("KEMEJA-M", 1))
    order_id = placed["order"]["id"]
    before = items("orders"), items("payments")

    with kms.off():
        answers = [
            call("GET", f"/store/orders/{order_id}", headers=holder(placed)),
            stocked.staff("GET", f"/admin/orders/{order_id}"),
            stocked.staff("POST", f"/admin/orders/{order_id}/cancel", {"reason": "batal"}),
            call(
                "POST",
                f"/store/orders/{order_id}/payments",
                {"gateway": "fake", "method": "va"},
                headers={**holder(placed), "Idempotency-Key": "again"},
            ),
        ]
        listed = stocked.staff("GET", "/admin/orders")

    assert [(answer.status, answer.code) for answer in answers] == [(503, "keys_unavailable")] * 4
    assert listed.status == 200
    assert (items("orders"), items("payments")) == before


def test_workers_follow_the_money_without_the_keys(stocked):
    placed = stocked.places(("KEMEJA-M", 1))
    stocked.pays(placed["payment"]["reference"])

    with kms.off():
        stocked.pumps.drain()

    assert {name for name, _ in stocked.pumps.failures} <= {"orders-on-order", "notices-send-letters"}, "letters wait"
    assert stocked.order(placed["order"]["id"])["state"] == "confirmed"


def test_an_erased_order_stands_without_who_ordered(stocked):
    placed = stocked.places(("KEMEJA-M", 1))
    total = placed["order"]["totals"]

    order_id = forgotten(placed)

    seen, staff = call("GET", f"/store/orders/{order_id}", headers=holder(placed)), stocked.order(order_id)
    assert (seen.status, seen.body["contact"], seen.body["address"]) == (200, None, None)
    assert (staff["contact"], staff["address"], staff["totals"]) == (None, None, total)
    assert orders.personal(orders.get(order_id)) is None


def test_an_order_whose_key_is_gone_is_as_good_as_erased(stocked):
    placed = stocked.places(("KEMEJA-M", 1))
    order = orders.get(placed["order"]["id"])

    erase(order.customer_id)

    assert order.personal is not None
    assert orders.personal(order) is None
    assert stocked.order(order.id)["contact"] is None


def test_an_erased_order_is_not_paid_again(stocked):
    placed = stocked.places(("KEMEJA-M", 1))
    order_id = forgotten(placed)
    asked = len(stocked.bank.charges)

    headers = {**holder(placed), "Idempotency-Key": "again"}
    answer = call("POST", f"/store/orders/{order_id}/payments", {"gateway": "fake", "method": "va"}, headers=headers)

    assert (answer.status, answer.code) == (409, "not_payable")
    assert len(stocked.bank.charges) == asked


def test_why_an_order_was_cancelled_stands_with_it_alone(stocked):
    placed = stocked.places(("KEMEJA-M", 1))
    order_id = placed["order"]["id"]

    stocked.staff("POST", f"/admin/orders/{order_id}/cancel", {"reason": "Bu Siti salah ukuran"})
    stocked.drain()

    assert stocked.order(order_id)["cancel_reason"] == "Bu Siti salah ukuran"
    assert "Bu Siti" not in str(items("events"))
    forgotten(placed)
    assert stocked.order(order_id)["cancel_reason"] is None


def test_a_customer_sees_their_own_orders_and_no_others(stocked):
    siti, budi = member(), member(BUDI)
    order_id = stocked.places(("KEMEJA-M", 1))["order"]["id"]
    stranger = logs_in(registers(BUDI))

    def asks(who):
        headers = {**who.headers, "Idempotency-Key": "k"}
        answer = call("GET", f"/store/orders/{order_id}", headers=who.headers)
        paid = call("POST", f"/store/orders/{order_id}/payments", {"gateway": "fake", "method": "va"}, headers=headers)
        proof = call(
            "POST",
            f"/store/orders/{order_id}/payments/pay_X/proof",
            {"content_type": "image/png"},
            headers=who.headers,
        )
        return [(each.status, each.code) for each in (answer, paid, proof)]

    assert asks(budi) == asks(stranger) == [(404, "order_not_found")] * 3
    assert asks(siti) == [(200, None), (201, None), (404, "payment_not_found")]
    assert call("GET", "/store/orders/ord_UNKNOWN", headers=siti.headers).code == "order_not_found"


def test_a_customer_proves_a_transfer_with_their_session(stocked):
    siti = member()
    placed = stocked.places(("KEMEJA-M", 1), payment=TRANSFER)
    path = f"/store/orders/{placed['order']['id']}/payments/{placed['payment']['id']}/proof"

    answer = call("POST", path, {"content_type": "image/png"}, headers=siti.headers)

    assert answer.status == 200
    assert answer.body["fields"]["key"].startswith(placed["order"]["id"])


def test_what_partners_and_staff_wrote_is_taken_away_and_the_money_stays(stocked):
    placed = stocked.places(("KEMEJA-M", 1))
    reference = placed["payment"]["reference"]
    stocked.tells(reference, buyer="Siti Rahmawati")
    stocked.pays(reference)
    stocked.drain()
    order_id = placed["order"]["id"]
    raws = [posted(reference, buyer="Siti Rahmawati")[0], posted(reference)[0]]
    messages = [message_id("fake", raw) for raw in raws]
    assert [opened(each) for each in messages] == raws
    standing = payments.standing(order_id)

    payments.redact([order_id])
    payments.redact([order_id])

    assert [row(MessageRow, each, "RAW").body for each in messages] == [None, None]
    assert payments.standing(order_id) == standing


def opened(id_):
    return crypto.unlock("webhooks", id_, row(MessageRow, id_, "RAW").body)


def test_notes_and_proofs_of_transfers_are_locked_and_taken_away(stocked):
    placed = [stocked.places(("KEMEJA-M", 1), payment=TRANSFER) for _ in range(2)]
    proofs = [upload(each) for each in placed]
    (paid, paid_id), (refused, refused_id) = [(each["order"]["id"], each["payment"]["id"]) for each in placed]
    expected = stocked.staff("GET", f"/admin/payments/{paid_id}").body["expected"]
    line = {"amount": expected, "mutation": "BCA-1", "note": "dari rekening Siti"}
    decide(stocked, f"{paid_id}/verify", line)
    decide(stocked, f"{refused_id}/reject", {"reason": "Bu Siti keliru"})
    assert "Siti" not in str(items("payments")) + str(items("events"))
    assert step_of(stocked, refused_id) == {"kind": "retry", "reason": "Bu Siti keliru"}
    note = row(MutationRow, "MUTATION#BCA-1", "MUTATION").note
    assert crypto.unlock_text("payment-notes", "MUTATION#BCA-1", note) == "dari rekening Siti"

    payments.redact([paid, refused])

    assert row(MutationRow, "MUTATION#BCA-1", "MUTATION").note is None
    assert step_of(stocked, refused_id) == {"kind": "retry", "reason": "rejected"}
    assert [row(AttemptRow, each, "ATTEMPT#001").proof for each in (paid, refused)] == [None, None]
    assert len(proofs) == 2
    assert versions() == []
    assert payments.standing(paid).status == "paid"


def upload(placed):
    """Two versions of a picture, as a browser would put them."""
    path = f"/store/orders/{placed['order']['id']}/payments/{placed['payment']['id']}/proof"
    form = call("POST", path, {"content_type": "image/png"}, headers=holder(placed)).body
    for _ in range(2):
        aws.client("s3").put_object(Bucket=settings.bucket("proofs"), Key=form["fields"]["key"], Body=b"picture")
    return form["fields"]["key"]


def versions():
    found = aws.client("s3").list_object_versions(Bucket=settings.bucket("proofs"))
    return [*found.get("Versions", []), *found.get("DeleteMarkers", [])]


def decide(shop, path, body):
    answer = shop.staff("POST", f"/admin/payments/{path}", body, **{"Idempotency-Key": path})
    assert answer.status == 200, answer.text


def step_of(shop, payment_id):
    return shop.staff("GET", f"/admin/payments/{payment_id}").body["next_step"]


def test_queues_carry_ids_and_nothing_of_who_ordered(stocked):
    placed = stocked.places(("KEMEJA-M", 1))
    stocked.tells(placed["payment"]["reference"], buyer="Siti Rahmawati")

    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=settings.queue("payment-webhooks"))["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]

    assert set(json.loads(message["Body"])) == {"correlation_id", "gateway", "message"}
    assert "Siti" not in message["Body"]


def test_everything_a_customer_ordered_is_exported(stocked):
    siti = member()
    mine = [stocked.places(("KEMEJA-M", 1))["order"]["id"] for _ in range(2)]
    stocked.places(("KEMEJA-M", 1), contact={**CONTACT, "email": "budi@example.com"})
    orders.anonymise(mine[0])

    exported = orders.export(customers.get(siti.id).ids)

    assert [each["id"] for each in exported] == mine
    assert exported[0]["contact"] is None
    assert exported[1]["contact"]["name"] == CONTACT["name"]
    assert exported[1]["address"] == ADDRESS
    assert exported[1]["lines"][0]["sku"] == "KEMEJA-M"
