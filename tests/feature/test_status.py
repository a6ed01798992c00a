"""How the system says it is doing: to load balancers, to staff, and to the alarms."""

import dataclasses
import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from botocore.exceptions import ConnectTimeoutError
from chalice.app import CloudWatchEvent

from chalicelib.console import rules, watch
from chalicelib.core import aws, clock, db, metrics, runs
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.errors import Upstream
from chalicelib.core.runs import Kind
from chalicelib.core.worker import RunFailed, name_of, scheduled
from tests.architecture import workers
from tests.architecture.test_template import resources, tables
from tests.kit import calls, emf, people
from tests.kit import customers as rows
from tests.kit.api import as_staff, call

UNITS = {"MINUTES": timedelta(minutes=1), "HOURS": timedelta(hours=1), "DAYS": timedelta(days=1)}


@pytest.fixture
def gauges(monkeypatch, capsys):
    """The metrics that were said since it was last asked, by name."""
    monkeypatch.setattr(metrics, "settings", dataclasses.replace(settings, metrics=True))
    return lambda: {sample.name: sample.value for sample in emf.read(capsys.readouterr().out)}


def seen():
    answer = call("GET", "/admin/status", headers=as_staff())
    assert answer.status == 200, answer.text
    return answer.body


def of(listed, name):
    return next(each for each in listed if each["name"] == name)


def troubles(status):
    return [(each["code"], each["about"]) for each in status["troubles"]]


@contextmanager
def broken(service, meet):
    """Every call to a service meets ``meet`` instead of an answer."""
    events = (db.client() if service == "dynamodb" else aws.client(service)).meta.events
    events.register_first("before-send", meet)
    try:
        yield
    finally:
        events.unregister("before-send", meet)


def out_of_order(request, **_):
    raise ConnectTimeoutError(endpoint_url=request.url)


def tick():
    names = ("version", "account", "region", "detail", "detail-type", "source", "time", "id", "resources")
    return CloudWatchEvent(dict.fromkeys(names), None)


def runs_all(shop):
    for name in rules.SCHEDULES:
        shop.runs(name)
    shop.drain()


# Health


def test_health_says_what_runs_and_asks_nothing_of_anybody(aws):
    with calls.recorded() as log:
        answer = call("GET", "/health")

    assert (answer.status, answer.body) == (200, {"status": "ok", "stage": "test", "version": settings.version})
    assert answer.headers["Cache-Control"] == "no-store"
    assert log.calls == []


def test_health_stays_well_whatever_is_out_of_order(aws):
    with broken("dynamodb", out_of_order):
        assert call("GET", "/health").status == 200


# The lists, which the API cannot read from workers that it does not load


def test_every_queue_schedule_and_table_is_looked_at():
    queues = {queue.properties["QueueName"].removeprefix("laris-test-") for queue in resources("AWS::SQS::Queue")}
    schedules = {source.name: source.schedule_expression for source in scheduled_sources()}

    assert {*rules.QUEUES, *(f"{name}-dlq" for name in (*rules.QUEUES, *rules.OUTLETS))} == queues
    assert {f"laris-test-{name}" for name in rules.TABLES} == set(tables())
    assert {name: rate.value * UNITS[rate.unit] for name, rate in schedules.items()} == rules.SCHEDULES


def scheduled_sources():
    return [source for source in workers.event_sources() if hasattr(source, "schedule_expression")]


@pytest.mark.parametrize("source", workers.event_sources(), ids=lambda source: source.name)
def test_a_worker_calls_itself_what_it_is_packaged_as(source):
    handler = workers.handler(source)

    assert name_of(handler.func.__wrapped__) == source.name


# Status


def test_all_is_well_where_everything_ran_and_nothing_waits(shop):
    runs_all(shop)

    status = seen()

    assert (status["overall"], status["troubles"], status["backlog"]) == ("ok", [], 0)
    assert (status["stage"], status["version"]) == ("test", settings.version)
    assert [each["name"] for each in status["queues"]] == [*rules.QUEUES, *rules.OUTLETS]
    assert {each["dead_letters"] for each in status["queues"]} == {0}
    assert all(each["succeeded_at"] and not each["is_overdue"] for each in status["schedules"])
    assert {each["version"] for each in status["schedules"]} == {settings.version}
    assert [each["name"] for each in status["reached"]] == [*rules.TABLES, *watch.SERVICES]
    assert {each["is_reachable"] for each in status["reached"]} == {True}
    assert status["cases"] == {"messages_parked": 0, "messages_quarantined": 0, "refunds_waiting": 0}
    assert status["drill"] == {"last_at": None, "age_days": 0}
    assert status["events_oldest_seconds"] == 0


def test_a_stage_that_has_just_been_made_is_well_too(aws):
    status = seen()

    assert status["overall"] == "ok"
    assert status["drill"] == {"last_at": None, "age_days": None}
    assert {each["started_at"] for each in status["schedules"]} == {None}
    assert status["events_oldest_seconds"] is None


def test_what_waits_and_lies_dead_in_queues_is_counted(shop):
    for name, count in (("orders", 2), ("orders-dlq", 1), ("schedules-dlq", 1)):
        url = aws.client("sqs").get_queue_url(QueueName=settings.queue(name))["QueueUrl"]
        for _ in range(count):
            aws.client("sqs").send_message(QueueUrl=url, MessageBody="{}")

    status = seen()

    assert (of(status["queues"], "orders")["waiting"], of(status["queues"], "orders")["dead_letters"]) == (2, 1)
    assert status["backlog"] == 2
    assert status["overall"] == "degraded"
    assert troubles(status) == [("dead_letters", "orders"), ("dead_letters", "schedules")]


def test_the_age_of_the_oldest_message_is_what_cloudwatch_saw_last(shop, clock, monkeypatch):
    asked = []

    class CloudWatch:
        def get_metric_data(self, MetricDataQueries, StartTime, EndTime, ScanBy):  # noqa: N803 as boto names it
            asked.append((len(MetricDataQueries), EndTime - StartTime, ScanBy))
            orders = rules.QUEUES.index("orders")
            return {"MetricDataResults": [{"Id": f"q{orders}", "Values": [1000.0, 3.0]}, {"Id": "q0", "Values": []}]}

    monkeypatch.setitem(aws._clients, "cloudwatch", CloudWatch())

    status = seen()

    assert of(status["queues"], "orders")["oldest_seconds"] == 1000
    assert of(status["queues"], "catalog")["oldest_seconds"] is None
    assert (status["overall"], troubles(status)) == ("failing", [("messages_late", "orders")])
    assert asked == [(len(rules.QUEUES), timedelta(minutes=15), "TimestampDescending")]


def test_what_waits_for_a_person_is_counted(shop, clock):
    shop.sells("SOFA", 5, price=900_000)
    shop.pays(shop.places(("SOFA", 1))["payment"]["reference"])
    shop.tells("ord_LONGAGO-1")
    shop.drain()
    clock.pass_(hours=25)
    shop.tells("ord_UNKNOWN-1")
    shop.runs("payments-retry-parked")
    shop.drain()
    asked = {"amount": {"amount": 800_000, "currency": "IDR"}, "reason": "rusak"}
    headers = {**people.session("support"), "Idempotency-Key": "refund"}
    order_id = shop.orders()[0]["id"]
    assert call("POST", f"/admin/orders/{order_id}/refunds", asked, headers=headers).status == 202

    assert seen()["cases"] == {"messages_parked": 1, "messages_quarantined": 1, "refunds_waiting": 1}


def test_a_schedule_that_no_longer_runs_is_overdue(shop, clock):
    runs_all(shop)
    clock.pass_(minutes=20)

    status = seen()

    overdue = {each["name"] for each in status["schedules"] if each["is_overdue"]}
    assert overdue == {"inventory-sweep-holds", "orders-expire-unpaid", "payments-retry-parked"}
    assert status["overall"] == "failing"
    assert {about for code, about in troubles(status) if code == "schedule_overdue"} == overdue


# Each part fails alone


@pytest.mark.parametrize(
    ("service", "gone"),
    [
        ("sqs", {("unknown", name) for name in (*rules.QUEUES, *rules.OUTLETS)}),
        ("kms", {("unreachable", "master-key")}),
        ("ssm", {("unreachable", "secrets")}),
        ("cloudwatch", {("unknown", "queue_ages")}),
    ],
)
def test_a_part_that_is_out_of_order_hides_none_of_the_others(shop, service, gone):
    runs_all(shop)
    seen()

    with broken(service, out_of_order):
        status = seen()

    assert set(troubles(status)) == gone
    assert status["overall"] == ("failing" if service in {"kms", "ssm"} else "degraded")
    assert all(each["succeeded_at"] for each in status["schedules"])
    if service == "sqs":
        assert {each["waiting"] for each in status["queues"][: len(rules.QUEUES)]} == {None}
        assert {each["error"] for each in status["queues"]} == {"ConnectTimeoutError"}
    else:
        assert {each["error"] for each in status["queues"]} == {None}


def test_a_table_that_does_not_answer_is_named(shop):
    def without_the_carts(request, **_):
        if b"laris-test-carts" in request.body:
            out_of_order(request)

    with broken("dynamodb", without_the_carts):
        status = seen()

    assert (status["overall"], troubles(status)) == ("failing", [("unreachable", "carts")])
    assert of(status["reached"], "carts")["error"] == "unanswered"
    assert of(status["reached"], "orders")["is_reachable"]


def test_a_part_that_never_answers_is_not_waited_for(shop, monkeypatch):
    monkeypatch.setattr(watch, "PATIENCE", timedelta(seconds=1))
    over = threading.Event()

    def hang(request, **_):
        over.wait(10)

    with broken("kms", hang):
        status = seen()
        over.set()

    assert of(status["reached"], "master-key") == {"name": "master-key", "is_reachable": False, "error": "no_answer"}
    assert of(status["queues"], "orders")["waiting"] == 0


def test_only_staff_with_the_scope_see_the_status(aws):
    assert call("GET", "/admin/status").status == 401
    assert call("GET", "/admin/status", headers=people.session("warehouse")).status == 403
    assert call("GET", "/admin/status", headers=people.session("manager")).status == 200


# What is noted of runs


@pytest.fixture
def sweep():
    """A schedule, and what it is to do."""
    doing = {"run": lambda: Counts(seen=3, done=2, left=1)}

    @scheduled
    def sweep() -> Counts:
        return doing["run"]()

    return sweep, doing


def noted():
    return runs.of(Kind.SCHEDULE)["feature-sweep"]


def test_a_schedule_notes_its_last_run_in_one_write(aws, clock, sweep):
    handler, _ = sweep
    began = clock.at

    with calls.recorded() as log:
        handler(tick())

    assert log.operations == {"UpdateItem": 1}
    run = noted()
    assert (run.counts, run.error, run.version) == (Counts(3, 2, 1), None, settings.version)
    assert began < run.started_at < run.ended_at == run.succeeded_at


def test_a_run_that_fails_notes_of_what_kind_and_when_one_last_got_through(aws, clock, sweep):
    handler, doing = sweep
    handler(tick())
    first = noted()

    def fail():
        raise Upstream("secret")

    doing["run"] = fail
    with pytest.raises(RunFailed, match=r"^Upstream$"):
        handler(tick())

    run = noted()
    assert (run.error, run.succeeded_at, run.first_at) == ("Upstream", first.succeeded_at, first.first_at)
    assert run.started_at > first.ended_at
    assert run.counts == Counts()


def test_a_run_after_a_failure_is_well_again(aws, clock, sweep):
    handler, doing = sweep
    well = doing["run"]
    doing["run"] = lambda: 1 // 0
    with pytest.raises(RunFailed, match=r"^ZeroDivisionError$"):
        handler(tick())
    assert noted().succeeded_at is None
    doing["run"] = well

    handler(tick())

    assert (noted().error, noted().counts.done) == (None, 2)


def test_a_run_that_cannot_be_noted_is_a_run_all_the_same(aws, sweep):
    handler, _ = sweep

    with broken("dynamodb", out_of_order):
        handler(tick())

    assert runs.of(Kind.SCHEDULE) == {}


# The watch


def test_the_watch_says_the_gauges_that_alarms_look_at(shop, gauges, clock):
    shop.tells("ord_UNKNOWN-1")
    runs_all(shop)
    clock.pass_(days=1)
    gauges()

    shop.runs("console-watch")

    overdue = len(rules.SCHEDULES) - 2  # two run once a day
    said = gauges()
    assert said.pop("succeeded", None) is None
    assert said == {
        "schedules_overdue": overdue, "events_oldest_seconds": 0, "parked_payments": 1, "drill_age_days": 1,
    }  # fmt: skip


def test_the_first_watch_knows_only_what_it_can(shop, gauges):
    shop.runs("console-watch")

    assert gauges() == {"schedules_overdue": 0, "parked_payments": 0}


def test_a_schedule_that_was_never_run_is_overdue_some_time_after_it_is_first_missed(shop, clock):
    shop.runs("console-watch")
    clock.pass_(minutes=8)

    status = seen()

    assert [each["name"] for each in status["schedules"] if each["is_overdue"]] == ["orders-expire-unpaid"]
    assert of(status["schedules"], "orders-expire-unpaid")["started_at"] is None


def test_the_drills_age_counts_from_the_last_one(shop, clock, gauges):
    runs_all(shop)
    clock.pass_(days=50)
    with runs.noted(Kind.DRILL, runs.DRILL):
        pass
    clock.pass_(days=36)

    shop.runs("console-watch")

    status = seen()
    assert gauges()["drill_age_days"] == 36
    assert status["drill"]["age_days"] == 36
    assert status["drill"]["last_at"] < clock_stamp()
    assert ("drill_overdue", "backups") in troubles(status)


def clock_stamp():
    return clock.stamp(clock.now())


def test_what_cannot_be_measured_is_not_said(shop, gauges):
    shop.runs("console-watch")
    shop.drain()
    gauges()

    def without_the_index(request, **_):
        if b"by_parked" in request.body:
            raise ConnectTimeoutError(endpoint_url=request.url)

    with broken("dynamodb", without_the_index):
        shop.runs("console-watch")

    assert gauges().keys() == {"schedules_overdue", "events_oldest_seconds", "drill_age_days"}


# Events, from end to end


def probes():
    return [row for row in rows.items("events") if row["type"]["S"] == "relay.probed"]


def test_a_probe_shows_how_long_events_take(shop, clock):
    shop.runs("console-watch")
    clock.pass_(seconds=42)
    shop.drain()

    assert seen()["events_oldest_seconds"] == 42
    assert len(probes()) == 1


def test_while_nothing_is_relayed_the_oldest_event_gets_older(shop, clock, gauges):
    for _ in range(3):
        shop.runs("console-watch")
        clock.pass_(minutes=15)
    gauges()

    shop.runs("console-watch")

    status = seen()
    assert gauges()["events_oldest_seconds"] == 45 * 60
    assert status["events_oldest_seconds"] == 45 * 60
    assert ("events_late", "events-relay") in troubles(status)
    assert len(probes()) == 1


def test_a_probe_that_was_lost_is_followed_by_another(shop, clock):
    shop.runs("console-watch")
    shop.pumps.skip_stream()
    for _ in range(5):
        clock.pass_(minutes=15)
        shop.runs("console-watch")
    assert len(probes()) == 3
    assert seen()["events_oldest_seconds"] >= 75 * 60

    shop.drain()
    shop.runs("console-watch")
    shop.drain()

    assert seen()["events_oldest_seconds"] < 60


def test_a_probe_that_is_carried_twice_counts_once(shop, clock):
    shop.runs("console-watch")
    shop.drain()
    first = runs.of(Kind.RELAY)[runs.PROBE]
    clock.pass_(minutes=5)

    runs.carried(clock_of(first))

    assert runs.of(Kind.RELAY)[runs.PROBE] == first


def clock_of(run):
    return clock.stamp(run.started_at)


def test_a_probe_costs_one_transaction_and_the_relay_one(shop):
    shop.drain()
    with calls.recorded() as log:
        shop.runs("console-watch")
    quiet = log.operations
    with calls.recorded() as log:
        shop.drain()

    assert quiet["TransactWriteItems"] == 1
    assert log.operations == {"TransactWriteItems": 1}
