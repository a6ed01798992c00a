"""A message that nobody can work on, among good ones in a real queue."""

import json
from collections.abc import Iterator

import pytest

from tests.deployed.ring3 import messages
from tests.deployed.ring3.buyers import Buyer
from tests.deployed.ring3.system import API, Deployed, eventually

QUEUE = "orders"
WORKER = f"{API}-orders-on-payment"
FAST = 2
"""Seconds until a message comes again, so that five tries are soon over."""
NO_ORDER = "ord_01KAV3Z5W8Q2M7N4T6Y9BCDEFG"


def captured(order_id: str) -> str:
    """News of a payment for an order that there is not; without an id, DynamoDB itself refuses to look for it."""
    money = {"amount": 44_000, "currency": "IDR"}
    data = {"payment_id": "pay_01KAV3Z5W8Q2M7N4T6Y9BCDEFG", "order_id": order_id, "gateway": "midtrans"} | money
    return json.dumps({"id": "evt_1", "type": "payment.captured", "aggregate": order_id, "data": data})


POISONS = {
    "no JSON": "{",
    "nested without end": '{"data":' + "[" * 50_000 + "]" * 50_000 + "}",
    "an event that nobody here reads": json.dumps({"type": "product.changed", "data": {"product_id": "prd_1"}}),
    "an order that there is not": captured(NO_ORDER),
    "a fault each time": captured(""),
}


@pytest.fixture
def fast(deployed: Deployed) -> Iterator[None]:
    """The queue gives a message that failed again at once."""
    sqs, url = deployed.emulator.client("sqs"), deployed.queue_url(QUEUE)
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": str(FAST)})
    yield
    sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


@pytest.fixture(params=["partial answers", "whole batches"])
def mode(request: pytest.FixtureRequest, deployed: Deployed) -> Iterator[str]:
    """As the deployment leaves the queue's mapping, and as a plain `chalice deploy` puts it back."""
    if request.param == "whole batches":
        answer_in(deployed, [], "0")
    yield request.param
    answer_in(deployed, ["ReportBatchItemFailures"], "1")


def answer_in(deployed: Deployed, types: list[str], variable: str) -> None:
    mapping = messages.mapping_of(deployed, QUEUE)
    functions = deployed.emulator.client("lambda")
    functions.update_event_source_mapping(UUID=mapping["UUID"], FunctionResponseTypes=types)
    deployed.switch(WORKER, LARIS_PARTIAL_BATCHES=variable)


def test_neighbours_are_done_once_and_the_poison_ends_among_the_dead_letters(deployed, mode, fast):
    purge(deployed)
    with messages.nobody_at(deployed, QUEUE):
        buyers = [Buyer(deployed, deployed.skus[2]).buys().pays() for _ in range(2)]
        assert eventually(lambda: len(good(deployed)) >= 2), "the payments did not come to the queue"
        messages.send(deployed, QUEUE, *POISONS.values())
        buyers += [Buyer(deployed, deployed.skus[2]).buys().pays() for _ in range(2)]
        assert eventually(lambda: len(good(deployed)) >= 4), "the payments did not come to the queue"
        kept = good(deployed)

    assert eventually(lambda: len(dead(deployed)) == len(POISONS)), [body[:90] for body in dead(deployed)]
    assert sorted(dead(deployed)) == sorted(POISONS.values())
    assert eventually(lambda: all(is_allocated(deployed, buyer) for buyer in buyers))
    deployed.settles()
    before = [as_it_stands(deployed, buyer) for buyer in buyers]
    assert {(types.count("order.confirmed"), types.count("stock.allocated")) for _, types in before} == {(1, 1)}

    for _ in range(2):
        messages.send(deployed, f"{QUEUE}-dlq", *kept)
        assert messages.redrive(deployed, QUEUE) == len(kept) + len(POISONS)
        assert eventually(lambda: len(dead(deployed)) == len(POISONS)), [body[:90] for body in dead(deployed)]
        deployed.settles()

    assert [as_it_stands(deployed, buyer) for buyer in buyers] == before
    assert deployed.staff("GET", f"/admin/stock/{deployed.skus[2]}/audit")["is_consistent"]


def good(deployed: Deployed) -> list[str]:
    return [body for body in messages.standing_in(deployed, QUEUE) if body not in POISONS.values()]


def dead(deployed: Deployed) -> list[str]:
    return messages.standing_in(deployed, f"{QUEUE}-dlq")


def purge(deployed: Deployed) -> None:
    deployed.settles()
    deployed.emulator.client("sqs").purge_queue(QueueUrl=deployed.queue_url(f"{QUEUE}-dlq"))


def is_allocated(deployed: Deployed, buyer: Buyer) -> bool:
    return "stock.allocated" in deployed.timeline(buyer.order_id)


def as_it_stands(deployed: Deployed, buyer: Buyer) -> tuple[str, list[str]]:
    order = deployed.order(buyer.order_id)
    return order["state"], [entry["type"] for entry in order["timeline"]]
