"""What is said of what happens: one story from the request to the last worker, and numbers that CloudWatch takes."""

import dataclasses
import json
import re
import types
from typing import Any

import pytest
from chalice.app import SQSEvent

from chalicelib.core import db, log, metrics, outbox
from chalicelib.core.config import settings
from chalicelib.core.errors import Conflict
from chalicelib.core.worker import BatchFailed, each_message
from tests.architecture import workers
from tests.architecture.source import doors
from tests.kit import customers as rows
from tests.kit import emf, faults
from tests.kit.api import as_staff, call
from tests.kit.cloud import ACCOUNT, REGION
from tests.kit.lines import told

ON_EVERY_LINE = {
    "level", "message", "timestamp", "service", "stage", "version", "function", "request_id", "correlation_id", "actor",
    "cold_start",
}  # fmt: skip
MOST_METRICS = 30
USD_EACH = 0.30
"""A month, for each of the first ten thousand custom metrics: https://aws.amazon.com/cloudwatch/pricing/ (2026-11)."""
MOST_USD = 9.00


@pytest.fixture
def lines():
    """What has been logged so far, line by line."""
    with told() as so_far:
        yield so_far


@pytest.fixture
def counted(monkeypatch, capsys):
    """The metrics that were said since it was last asked."""
    monkeypatch.setattr(metrics, "settings", dataclasses.replace(settings, metrics=True))
    return lambda: emf.read(capsys.readouterr().out)


def names_of(samples):
    return [(sample.name, dict(sample.dimensions).get("use_case"), sample.value) for sample in samples]


def batch(*bodies):
    records = [
        {
            "messageId": f"m{number}",
            "receiptHandle": f"r{number}",
            "body": json.dumps(body),
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:laris-test-orders",
        }
        for number, body in enumerate(bodies)
    ]
    lambda_: Any = types.SimpleNamespace(aws_request_id="lambda-1")
    return SQSEvent({"Records": records}, lambda_)


# One story


def test_everything_that_follows_from_a_request_carries_its_id(shop, lines):
    shop.sells("KEMEJA-M", 5)
    shop.drain()
    before = len(lines())

    answer = shop.checks_out(shop.cart(("KEMEJA-M", 1)))
    shop.drain()

    story = answer.headers["X-Request-Id"]
    heard = [line for line in lines()[before:] if line["correlation_id"] == story]
    assert {line["function"] for line in heard} >= {
        "api",
        "inventory-on-stock",
        "orders-on-order",
        "notices-send-letters",
    }
    assert {line["message"] for line in heard} >= {
        "order placed",
        "request answered",
        "message handled",
        "notice settled",
    }
    events = {row["type"]["S"]: row["correlation_id"]["S"] for row in rows.items("events")}
    assert {type_ for type_, follows in events.items() if follows == story} >= {
        "order.placed", "stock.held", "notice.requested",
    }  # fmt: skip


def test_a_payment_is_a_story_of_its_own_from_the_partners_message_to_the_letter(shop, lines):
    shop.sells("KEMEJA-M", 5)
    reference = shop.places(("KEMEJA-M", 1))["payment"]["reference"]
    shop.drain()

    shop.pays(reference)
    story = next(line for line in lines()[::-1] if line.get("use_case") == "payments.receive_message")["correlation_id"]
    shop.drain()

    heard = [line for line in lines() if line["correlation_id"] == story]
    assert {line["function"] for line in heard} >= {
        "api", "payments-on-webhook", "orders-on-payment", "orders-on-order", "notices-send-letters",
    }  # fmt: skip
    assert {"order confirmed", "notice settled"} <= {line["message"] for line in heard}


def test_every_line_says_where_it_comes_from(shop, lines):
    shop.sells("KEMEJA-M", 5)
    shop.places(("KEMEJA-M", 1))
    shop.drain()
    shop.runs("orders-expire-unpaid")

    for line in lines():
        assert line.keys() >= ON_EVERY_LINE, line
        assert line["stage"] == "test"
        assert line["version"] == settings.version
        assert re.fullmatch(r"api|[a-z]+(-[a-z]+)+", line["function"]), line
        assert line["request_id"] != log.NOTHING


def test_a_request_has_one_line_with_how_it_went(aws, lines):
    call("GET", "/admin/products", headers=as_staff())
    call("GET", "/admin/products")
    with faults.on_dynamodb("BatchGetItem", [faults.refusal("ValidationException")] * 3):
        call("GET", "/admin/products", headers=as_staff())

    heard = [line for line in lines() if line["message"] == "request answered"]
    assert [(line["use_case"], line["outcome"], line["status"]) for line in heard] == [
        ("catalog.list_products", "succeeded", 200),
        ("catalog.list_products", "refused", 401),
        ("catalog.list_products", "failed", 500),
    ]
    assert [line["level"] for line in heard] == ["INFO", "INFO", "ERROR"]
    assert heard[0]["calls"] > heard[1]["calls"] == 0
    assert heard[1]["code"] == "unauthenticated"
    assert all(line["milliseconds"] >= 0 for line in heard)


def test_the_answer_and_the_problem_name_the_request_of_the_line(aws, lines):
    answer = call("GET", "/admin/products")

    assert answer.headers["X-Request-Id"] == answer.body["request_id"] == lines()[-1]["request_id"]


@pytest.mark.parametrize("name", ["X-Request-Id", "X-Correlation-Id", "traceparent", "X-Amzn-Trace-Id"])
def test_a_caller_cannot_say_what_a_request_is_called(aws, lines, name):
    chosen = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    answer = call("GET", "/store/products", headers={name: chosen})

    assert answer.headers["X-Request-Id"] != chosen
    assert chosen not in json.dumps(lines())


def test_a_replayed_request_is_no_success_more(shop, counted, lines):
    shop.sells("KEMEJA-M", 5)
    cart = shop.cart(("KEMEJA-M", 1))

    first, second = shop.checks_out(cart, "same"), shop.checks_out(cart, "same")

    heard = [line["outcome"] for line in lines() if line.get("use_case") == "checkout.place_order"]
    assert (first.status, second.status, heard) == (201, 201, ["succeeded", "replayed"])
    assert names_of(counted()).count(("succeeded", "checkout", 1)) == 1


def test_only_the_first_run_of_a_copy_is_a_cold_start(aws, lines, monkeypatch):
    monkeypatch.setattr(log, "_runs", 0)

    call("GET", "/store/products")
    call("GET", "/store/products")

    assert [line["cold_start"] for line in lines()] == [True, False]


def test_within_lambda_a_line_names_the_trace_and_what_is_asked_of_aws_carries_it_on(aws, lines, monkeypatch):
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "laris-test")
    sent = []

    def note(request, **_):
        sent.append(str(request.headers["X-Amzn-Trace-Id"]))

    db.client().meta.events.register_first("before-send.dynamodb", note)
    call("GET", "/store/categories")
    db.client().meta.events.unregister("before-send.dynamodb", note)

    assert lines()[-1]["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert sent
    assert all("Root=1-5759e988-bd862e3fe1be46a994272793" in header for header in sent)


# What is old or strange


def test_an_event_from_before_there_were_ids_is_carried_on_under_its_own():
    image = {
        "pk": {"S": "ord_1"},
        "sk": {"S": "evt_1"},
        "type": {"S": "order.placed"},
        "occurred_at": {"S": "2026-11-24T00:00:00.000000Z"},
        "business_date": {"S": "2026-11-24"},
        "actor": {"S": "guest"},
        "data": {"S": "{}"},
    }

    old, new = outbox.envelope(image), outbox.envelope({**image, "correlation_id": {"S": "req_1"}})

    assert (old["correlation_id"], new["correlation_id"]) == ("evt_1", "req_1")


@pytest.mark.parametrize(
    ("said", "follows"),
    [
        ({"correlation_id": "req_1"}, "req_1"),
        ({}, "m0"),
        ({"correlation_id": 7}, "lambda-1"),
        ({"correlation_id": 'x" , "level":"'}, "lambda-1"),
        ({"correlation_id": "x" * 65}, "lambda-1"),
    ],
)
def test_a_message_follows_from_what_it_says_if_that_can_be_an_id(lines, said, follows):
    seen = []

    @each_message
    def on_parcel(_: dict[str, Any]) -> None:
        seen.append(log.story())

    on_parcel(batch({"awb": "A", **said}))

    assert seen == [follows]
    assert lines()[-1]["correlation_id"] == follows
    assert log.story() is None


# Numbers


def test_the_metrics_are_the_few_that_are_listed(shop, counted):
    shop.sells("KEMEJA-M", 5)
    reference = shop.places(("KEMEJA-M", 2))["payment"]["reference"]
    shop.pays(reference)
    shop.drain()
    shop.runs("orders-expire-unpaid")

    samples = counted()

    assert {sample.namespace for sample in samples} == {"Laris"}
    assert {dict(sample.dimensions)["stage"] for sample in samples} == {"test"}
    found = names_of(samples)
    assert [each for each in found if each[1] is None] == [
        ("placed_value", None, 208_000),
        ("paid_value", None, 208_000),
    ]
    assert {each for each in found if each[1]} == {
        ("succeeded", "checkout", 1),
        ("succeeded", "payment_webhook", 1),
        ("succeeded", "payment_settlement", 1),
        ("succeeded", "letter", 1),
        ("succeeded", "order_expiry", 1),
    }


def test_an_order_that_expires_is_counted_with_what_it_was_worth(shop, counted, clock):
    shop.sells("KEMEJA-M", 5)
    shop.places(("KEMEJA-M", 1))
    clock.pass_(hours=2)
    counted()

    shop.runs("orders-expire-unpaid")

    assert ("expired_value", None, 108_000) in names_of(counted())


def test_all_custom_metrics_together_cost_no_more_than_we_say(counted):
    for use_case in metrics.THREES:
        for ended in metrics.OUTCOMES:
            metrics.outcome(use_case, ended)
    for name in metrics.COUNTERS:
        metrics.count(name)
    for name in metrics.VALUES:
        metrics.value(name, 1)
    metrics.gauge(dict.fromkeys(metrics.GAUGES, 1))

    distinct = {sample.identity for sample in counted()}

    filed = set(metrics.THREES.values())
    assert len(distinct) == 3 * len(filed) + len(metrics.COUNTERS) + len(metrics.VALUES) + len(metrics.GAUGES)
    assert len(distinct) <= MOST_METRICS
    assert len(distinct) * USD_EACH <= MOST_USD


def test_what_is_counted_is_a_door_or_a_worker():
    known = {f"{door.view.__module__.split('.')[1]}.{door.view.__name__}" for door in doors().values()}
    known |= {source.name for source in workers.event_sources()}

    assert set(metrics.THREES) - known == set()


def test_nothing_else_is_ever_counted(counted):
    metrics.outcome("catalog.list_products", "succeeded")
    metrics.outcome("checkout.place_order", "replayed")

    for say in (lambda: metrics.count("surprises"), lambda: metrics.value("tips", 1)):
        with pytest.raises(ValueError, match="is no"):
            say()
    with pytest.raises(KeyError):
        metrics.gauge({"mood": 1})
    assert counted() == []


def test_where_nobody_reads_the_metrics_none_are_said(capsys):
    metrics.count("conflicts")

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("operation", "fault", "counter"),
    [
        ("TransactWriteItems", faults.refusal("TransactionCanceledException", ["TransactionConflict"]), "conflicts"),
        ("TransactWriteItems", faults.refusal("TransactionCanceledException", ["ThrottlingError"]), "throttled"),
        ("BatchGetItem", faults.refusal("ProvisionedThroughputExceededException"), "throttled"),
        ("BatchGetItem", faults.refusal("ValidationException"), "unexpected"),
    ],
)
def test_trouble_with_the_storage_is_counted(aws, counted, operation, fault, counter):
    cart = call("POST", "/store/carts").body["id"]
    with faults.on_dynamodb(operation, [fault] * (1 if "Transact" in operation else 3)):
        call(
            "GET" if operation == "BatchGetItem" else "POST",
            f"/store/carts{f'/{cart}' * (operation == 'BatchGetItem')}",
        )

    assert names_of(counted()) == [(counter, None, 1)]


def test_a_worker_counts_what_went_wrong_as_a_door_does(counted, lines):
    @each_message
    def on_parcel(parcel: dict[str, Any]) -> None:
        match parcel["awb"]:
            case "bug":
                raise ZeroDivisionError("a fault of ours")
            case "refused":
                raise Conflict()

    with pytest.raises(BatchFailed):
        on_parcel(batch({"awb": "A"}, {"awb": "bug"}))

    heard = [line for line in lines() if line["message"] == "message handled"]
    assert [(line["outcome"], line.get("again")) for line in heard] == [("succeeded", None), ("failed", True)]
    assert heard[1]["exception_name"] == "builtins.ZeroDivisionError"
    assert names_of(counted()) == [("unexpected", None, 1)]
