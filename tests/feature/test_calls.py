"""How often each use case asks DynamoDB: exact numbers, so that a dearer one is noticed."""

import pytest

from tests.benchmarks import trip
from tests.kit import calls, cloud
from tests.kit.api import call

READ_AND_WRITE = {"BatchGetItem": 1, "Query": 1, "TransactWriteItems": 1}

REMEMBERED = {"PutItem": 1, "UpdateItem": 1}
"""That a letter is on its way, and that it is out: so that it goes once."""

ASKED = {
    "list of 24": [{"Query": 2, "BatchGetItem": 1}],
    "product page": [{"Query": 1}],
    "cart": [{"TransactWriteItems": 1}],
    "first line": [{"BatchGetItem": 2, "TransactWriteItems": 1}],
    "second line": [{"BatchGetItem": 2, "TransactWriteItems": 1}],
    "quotes": [{"BatchGetItem": 2}],
    "checkout": [{"BatchGetItem": 2, "TransactWriteItems": 3}],
    "notice: pending": [{"TransactWriteItems": 1}],
    "notice: settled": [{"TransactWriteItems": 1}],
    "order": [{"BatchGetItem": 2, "Query": 1}],
    "worker events-relay": [{}, {}, {}, {}, {}],
    "worker payments-on-webhook": [READ_AND_WRITE, READ_AND_WRITE],
    "worker orders-on-payment": [{"BatchGetItem": 1, "TransactWriteItems": 1}],
    "worker orders-on-order": [{"BatchGetItem": 2, "TransactWriteItems": 1}] * 2,
    "worker notices-send-letters": [{"BatchGetItem": 3, "TransactWriteItems": 2, **REMEMBERED}] * 2,
    "worker inventory-on-stock": [{"BatchGetItem": 3, "TransactWriteItems": 2}],
}
"""Calls by operation, of each run for an order of two lines, with two notices of Midtrans.

The buyer has ordered before, so that the address is known and the key stands in memory. The second read of "order" is
the buyer's key: who ordered is sealed under it. The allocation changes nothing of what can be sold, so the catalogue is
told once: when the stock is held.
"""


@pytest.fixture(scope="module")
def logs() -> dict[str, list[calls.Log]]:
    """What each step of one paid order asked."""
    from chalicelib.core import secrets

    cloud.start()
    cloud.wipe()
    secrets.forget()
    return trip.recorded_order()


def test_each_use_case_asks_dynamodb_exactly_so_often(logs):
    asked = {name: [dict(log.operations) for log in each] for name, each in logs.items()}

    assert asked == ASKED


def test_a_checkout_asks_dynamodb_at_most_three_times_before_it_asks_the_gateway(logs):
    (checkout,) = logs[trip.CHECKOUT]

    (asked,) = checkout.of("mark")

    assert asked.operation == "POST /v2/charge"
    assert checkout.until(asked.operation).round_trips <= 3


def test_who_has_ordered_before_costs_no_call_to_the_service_that_keeps_the_keys(logs):
    assert [call for each in logs.values() for log in each for call in log.of("kms")] == []


def test_a_new_buyer_costs_one_call_to_it_and_no_further_trip_to_the_storage(shop):
    shop.sells("KEMEJA-M", 5)
    cart_id = shop.cart(("KEMEJA-M", 1))
    call("GET", "/store/services")  # each copy of the API reads the switches twice a minute; this one has

    with calls.recorded() as log:
        assert shop.checks_out(cart_id).status == 201

    assert log.operations == {"BatchGetItem": 2, "TransactWriteItems": 3}
    assert [call.operation for call in log.of("kms")] == ["GenerateDataKey"]
