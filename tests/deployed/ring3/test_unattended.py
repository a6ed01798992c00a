"""What AWS sets going by itself: the stream of the event log, and the schedules."""

from tests.deployed.ring3.buyers import Buyer
from tests.deployed.ring3.messages import listening
from tests.deployed.ring3.system import API, Deployed, eventually


def test_the_stream_carries_events_through_the_topic_to_the_queues_that_asked_for_them(deployed):
    with listening(deployed, "order.placed", "order.confirmed") as listener:
        buyer = Buyer(deployed, deployed.skus[1]).buys().pays()

        heard = listener.hears(2)

    mine = [envelope for envelope in heard if envelope["aggregate"] == buyer.order_id]
    assert {envelope["type"] for envelope in mine} == {"order.placed", "order.confirmed"}
    assert {envelope["type"] for envelope in heard} <= {"order.placed", "order.confirmed"}
    assert all(envelope["data"]["order_id"] == buyer.order_id for envelope in mine)
    assert eventually(lambda: letters_about(deployed, buyer) == {"order_placed", "order_confirmed"})


def test_the_schedule_that_fires_each_minute_expires_what_nobody_paid_for(deployed, overdue):
    order = overdue

    assert eventually(lambda: deployed.order(order.order_id)["state"] == "expired"), deployed.order(order.order_id)

    assert runs_of(deployed, "orders-expire-unpaid") >= 1
    assert eventually(lambda: deployed.midtrans.entry(order.reference)["status"] in {"cancel", "expire"})
    types = deployed.timeline(order.order_id)
    assert (types.count("order.expired"), types.count("stock.released")) == (1, 1)
    assert deployed.staff("GET", f"/admin/stock/{order.sku}/audit")["is_consistent"]


def letters_about(deployed: Deployed, buyer: Buyer) -> set[str]:
    """The kinds of letters that name the order."""
    number = deployed.order(buyer.order_id)["number"]
    return {letter["template"] for letter in deployed.outbox.messages() if number in letter["text"]}


def runs_of(deployed: Deployed, worker: str) -> int:
    """How often a schedule ran; nobody but the emulator's clock calls it here."""
    logs = deployed.emulator.client("logs")
    events = logs.filter_log_events(logGroupName=f"/aws/lambda/{API}-{worker}")["events"]
    return sum(event["message"].startswith("START") for event in events)


def test_money_that_comes_after_the_end_is_not_lost(deployed, overdue):
    order = overdue
    assert eventually(lambda: deployed.order(order.order_id)["state"] == "expired")
    assert eventually(lambda: deployed.midtrans.entry(order.reference)["status"] in {"cancel", "expire"})

    order.pays(force=True)

    def is_explained() -> bool:
        now = deployed.order(order.order_id)
        is_bought = (now["state"], now["payment_status"]) == ("confirmed", "paid")
        return is_bought or deployed.midtrans.entry(order.reference)["refunded"] > 0

    assert eventually(is_explained), deployed.order(order.order_id)
