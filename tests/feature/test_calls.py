"""How often each use case asks DynamoDB: exact numbers, so that a dearer one is noticed."""

import pytest

from tests.benchmarks import trip
from tests.kit import calls, cloud

READ_AND_WRITE = {"BatchGetItem": 1, "Query": 1, "TransactWriteItems": 1}

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
    "order": [{"BatchGetItem": 1, "Query": 1}],
    "worker events-relay": [{}, {}, {}],
    "worker payments-on-webhook": [READ_AND_WRITE, READ_AND_WRITE],
    "worker orders-on-payment": [{"BatchGetItem": 1, "TransactWriteItems": 1}],
    "worker inventory-on-stock": [{"BatchGetItem": 3, "TransactWriteItems": 2}],
}
"""Calls by operation, of each run for an order of two lines, with two notices of Midtrans.

The allocation changes nothing of what can be sold, so the catalogue is told once: when the stock is held.
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


def test_a_checkout_asks_dynamodb_at_most_four_times_before_it_asks_the_gateway(logs):
    (checkout,) = logs[trip.CHECKOUT]

    (asked,) = checkout.of("mark")

    assert asked.operation == "POST /v2/charge"
    assert checkout.until(asked.operation).round_trips <= 4
