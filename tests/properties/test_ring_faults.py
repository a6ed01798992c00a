"""What each fault of Ring 1 is to the one it hits: the same as on AWS."""

from collections.abc import Iterator
from types import NoneType
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.session import Session
from pynamodb.connection import Connection
from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from tests.properties.ring import tables, toy
from tests.properties.ring.faults import Fault
from tests.properties.ring.scheduler import outside, run
from tests.properties.ring.schedules import Choices
from tests.properties.ring.toy import RETRYING, TABLE, UNITS, Thing, buy_once, key, minus_one, orders, stored_units


@pytest.fixture(scope="module")
def cloud() -> Iterator[Any]:
    with toy.opened() as client:
        yield client


@pytest.fixture
def toys(cloud) -> Any:
    toy.stock(cloud)
    return cloud


@pytest.mark.parametrize(
    ("fault", "left", "attempts", "error"),
    [
        (Fault.THROTTLE, UNITS - 1, 2, NoneType),
        (Fault.REQUEST_LOST, UNITS - 1, 2, NoneType),
        (Fault.RESPONSE_LOST, UNITS - 2, 2, NoneType),
        (Fault.OUTAGE, UNITS, 3, ReadTimeoutError),
        (Fault.OUTCOME_UNKNOWN, UNITS - 1, 3, ReadTimeoutError),
        (Fault.CONFLICT, UNITS, 1, ClientError),
    ],
)
def test_a_single_write_meets_each_fault_as_on_aws(toys, fault, left, attempts, error):
    def take():
        toys.update_item(TableName=TABLE, Key=key("stock"), **minus_one())

    outcome = run({"ani": take}, Choices([(0, fault, 0)]))

    calls = [step for step in outcome.trace if not step.call.is_sleep]
    assert (stored_units(), len(calls)) == (left, attempts)
    assert isinstance(outcome.results["ani"].error, error)


@pytest.mark.parametrize(
    ("fault", "code"), [(Fault.CONFLICT, "TransactionConflict"), (Fault.THROTTLE, "ThrottlingError")]
)
def test_a_transaction_meets_contention_as_a_cancellation_with_reasons(toys, fault, code):
    outcome = run({"ani": lambda: buy_once(toys, "ani")}, Choices([(0, fault, 0)]))

    answer = refusal_of(outcome, "ani")
    assert answer["Error"]["Code"] == "TransactionCanceledException"
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == [code, "None"]
    assert (stored_units(), orders()) == (UNITS, [])


def test_pynamodb_sees_the_reasons_too(toys):
    def buy():
        with TransactWrite(connection=Connection(region=tables.REGION)) as tx:
            tx.save(Thing("order", "ani"))

    outcome = run({"ani": buy}, Choices([(0, Fault.CONFLICT, 0)]))

    error = outcome.results["ani"].error
    assert isinstance(error, TransactWriteError)
    assert [reason and reason.code for reason in error.cancellation_reasons] == ["TransactionConflict"]


def test_a_transaction_is_made_once_per_token_even_if_its_answer_is_lost(toys):
    outcome = run({"ani": lambda: buy_once(toys, "ani")}, Choices([(0, Fault.RESPONSE_LOST, 0)]))

    assert outcome.results["ani"].error is None
    assert (stored_units(), orders()) == (UNITS - 1, ["ani"])


def test_a_token_said_again_with_other_writes_is_refused(toys):
    def buy():
        buy_once(toys, "ani", ClientRequestToken="t")
        buy_once(toys, "budi", ClientRequestToken="t")

    outcome = run({"ani": buy})

    assert refusal_of(outcome, "ani")["Error"]["Code"] == "IdempotentParameterMismatchException"
    assert orders() == ["ani"]


def test_a_cancelled_transaction_leaves_its_token_free(toys):
    def buy():
        with pytest.raises(ClientError):
            buy_once(toys, "ani", ClientRequestToken="t")
        buy_once(toys, "ani", ClientRequestToken="t")

    run({"ani": buy}, Choices([(0, Fault.CONFLICT, 0)]), expected=())

    assert orders() == ["ani"]


@pytest.mark.parametrize(("fault", "left"), [(Fault.CRASH_BEFORE, UNITS), (Fault.CRASH_AFTER, UNITS - 1)])
def test_the_crashed_do_nothing_more_not_even_in_finally(toys, fault, left):
    def take():
        try:
            toys.update_item(TableName=TABLE, Key=key("stock"), **minus_one())
        finally:
            toys.put_item(TableName=TABLE, Item=key("order", "ani"))

    outcome = run({"ani": take}, Choices([(0, fault, 0)]))

    assert outcome.crashed == ["ani"]
    assert (stored_units(), orders()) == (left, [])


@pytest.mark.parametrize(
    ("fault", "arrived"),
    [(Fault.REQUEST_LOST, 0), (Fault.RESPONSE_LOST, 1), (Fault.CRASH_BEFORE, 0), (Fault.CRASH_AFTER, 1)],
)
def test_a_call_of_a_partner_meets_loss_and_crash(fault, arrived):
    charged = []

    def pay():
        return outside("charge", lambda: charged.append("ani"), ConnectionError)

    result = run({"ani": pay}, Choices([(0, fault, 0)])).results["ani"]

    assert len(charged) == arrived
    assert result.crashed or isinstance(result.error, ConnectionError)


def test_calls_of_other_services_are_points_too(toys):
    sqs = Session().create_client("sqs", region_name=tables.REGION, config=RETRYING)
    queue = sqs.create_queue(QueueName="toys")["QueueUrl"]

    def send():
        sqs.send_message(QueueUrl=queue, MessageBody="sold")

    outcome = run({"ani": send}, Choices([(0, Fault.RESPONSE_LOST, 0)]), expected=())

    assert [str(step.call) for step in outcome.trace if not step.call.is_sleep] == ["sqs SendMessage"] * 2
    assert len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]) == 2
    sqs.delete_queue(QueueUrl=queue)


def test_a_fault_waits_for_a_call_that_can_meet_it(toys):
    outcome = run({"ani": lambda: toy.buy_rightly(toys, "ani")}, Choices([(0, Fault.CONFLICT, 0)]))

    assert [(step.call.operation, step.fault) for step in outcome.trace][:2] == [
        ("GetItem", None),
        ("TransactWriteItems", Fault.CONFLICT),
    ]


def refusal_of(outcome, name) -> dict[str, Any]:
    error = outcome.results[name].error
    assert isinstance(error, ClientError)
    return error.response
