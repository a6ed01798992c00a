"""How often each use case asks DynamoDB: exact numbers, so that a dearer one is noticed."""

from collections import Counter

import pytest

from tests.benchmarks import trip
from tests.kit import calls, cloud

ASKED = {}


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
