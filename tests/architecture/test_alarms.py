"""Alarms look at what the code says, reach somebody, and lead to a page that helps at three in the morning."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.kit.cloud import STAGE

ROOT = Path(__file__).parent.parent.parent
RUNBOOKS = ROOT / "infra" / "runbooks"
SPEND = "spend"
"""A budget, no alarm of CloudWatch: see infra/deploying/budget.py."""
FIXED = {
    "api-errors",
    "api-latency",
    "conflicts",
    "drill-age",
    "events-late",
    "function-errors",
    "function-throttles",
    "parked-payments",
    "schedules-overdue",
    "throttled",
    "unexpected",
}
HEADINGS = [
    "What it means for the shop",
    "First look",
    "Causes, likeliest first",
    "What to do",
    "How to know it is over",
    "When it is nothing",
]
ONE_PAGE = 90
MONEY_WAITS = {"orders", "payments", "payment-webhooks"}
GLOBAL_OPTIONS = {"query", "output", "cli-binary-format"}
CLI_ONLY = {("logs", "tail"), ("dynamodb", "wait")}
"""What the AWS command line adds to the services' own operations."""
OF_LAMBDA = {"timestamp", "message", "log", "type", "duration"}


@cache
def alarms() -> dict[str, dict[str, Any]]:
    """Every alarm by its name without the stage."""
    from infra.local import cloud

    found = [each.properties for each in cloud.resources("AWS::CloudWatch::Alarm", STAGE)]
    return {about["AlarmName"].removeprefix(f"laris-{STAGE}-"): about for about in found}


def queues() -> set[str]:
    from infra.local import cloud

    return {
        queue.properties["QueueName"].removeprefix(f"laris-{STAGE}-")
        for queue in cloud.resources("AWS::SQS::Queue", STAGE)
    }


def runbook_of(alarm: str) -> str:
    """The page that the alarm's text ends in."""
    named = re.search(r"Runbook: infra/runbooks/([a-z-]+\.md)$", alarms()[alarm]["AlarmDescription"])
    assert named, alarm
    return named[1]


def test_every_queue_has_its_alarms_and_nothing_else_is_alarmed_about():
    dead = {f"dead-letters-{name.removesuffix('-dlq')}" for name in queues() if name.endswith("-dlq")}
    late = {f"queue-age-{name}" for name in queues() if not name.endswith("-dlq")}

    assert alarms().keys() == dead | late | FIXED


@pytest.mark.parametrize("alarm", sorted(alarms()))
def test_an_alarm_leads_to_a_page_that_names_it(alarm):
    page = (RUNBOOKS / runbook_of(alarm)).read_text()
    kind = runbook_of(alarm).removesuffix(".md")

    assert alarm == kind or alarm.startswith(f"{kind}-")
    assert f"`laris-<stage>-{kind}" in page


@pytest.mark.parametrize("alarm", sorted(alarms()))
def test_an_alarm_is_heard_when_it_begins_and_when_it_ends(alarm):
    topic = [{"Ref": "AlarmsTopic"}]

    assert (alarms()[alarm]["AlarmActions"], alarms()[alarm]["OKActions"]) == (topic, topic)
    assert "ActionsEnabled" not in alarms()[alarm]


def test_silence_alarms_only_where_it_means_that_nobody_watches():
    missing = {name: about["TreatMissingData"] for name, about in alarms().items()}

    assert {name for name, treated in missing.items() if treated != "notBreaching"} == {"schedules-overdue"}
    assert missing["schedules-overdue"] == "breaching"


def test_alarms_on_our_own_metrics_are_on_those_that_the_code_says():
    from chalicelib.core import metrics

    watched = {about["MetricName"] for about in alarms().values() if about["Namespace"] == metrics.NAMESPACE}

    assert watched == metrics.COUNTERS | metrics.GAUGES.keys()
    for about in alarms().values():
        if about["Namespace"] == metrics.NAMESPACE:
            assert about["Dimensions"] == [{"Name": "stage", "Value": STAGE}]


def test_gauges_are_looked_at_no_oftener_than_they_are_said():
    from chalicelib.console.rules import SCHEDULES
    from chalicelib.core import metrics

    said = SCHEDULES["console-watch"].total_seconds()

    assert all(about["Period"] >= said for about in alarms().values() if about["MetricName"] in metrics.GAUGES)


def test_a_message_that_fails_is_told_as_a_dead_letter_alone_unless_money_waits():
    from infra.local import cloud

    (tries,) = {
        queue.properties["VisibilityTimeout"] * queue.properties["RedrivePolicy"]["maxReceiveCount"]
        for queue in cloud.resources("AWS::SQS::Queue", STAGE)
        if "RedrivePolicy" in queue.properties
    }
    sooner = {
        name.removeprefix("queue-age-")
        for name, about in alarms().items()
        if name.startswith("queue-age-") and about["Threshold"] <= tries
    }

    assert sooner == MONEY_WAITS


def test_the_api_is_watched_under_the_names_that_chalice_gives_it():
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    expected = [
        {"Name": "ApiName", "Value": config["app_name"]},
        {"Name": "Stage", "Value": config["api_gateway_stage"]},
    ]

    assert alarms()["api-errors"]["Dimensions"] == alarms()["api-latency"]["Dimensions"] == expected


def test_alarms_stay_cheap():
    tenths_of_a_dollar = len(alarms())

    assert tenths_of_a_dollar <= 35


# The pages


def pages() -> list[str]:
    return sorted(path.name for path in RUNBOOKS.glob("*.md"))


def of_alarms() -> list[str]:
    return sorted({*map(runbook_of, alarms()), f"{SPEND}.md"})


def named_elsewhere() -> set[str]:
    """The pages that commands and other documents of infra lead to."""
    texts = [path.read_text() for path in (ROOT / "infra").rglob("*.py")]
    return {page for text in texts for page in re.findall(r"infra/runbooks/([a-z-]+\.md)", text)}


def test_every_page_is_led_to_and_every_lead_is_to_a_page():
    assert set(pages()) == {"README.md", *of_alarms(), *named_elsewhere()}


def test_the_index_names_every_page():
    index = (RUNBOOKS / "README.md").read_text()

    assert {page for page in pages() if f"]({page})" in index} == set(pages()) - {"README.md"}


@pytest.mark.parametrize("page", of_alarms())
def test_a_page_answers_the_six_questions_and_is_one_page(page):
    text = (RUNBOOKS / page).read_text()

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert len(text.splitlines()) <= ONE_PAGE
    assert f"laris-<stage>-{page.removesuffix('.md')}" in text


@pytest.mark.parametrize("page", pages())
def test_every_page_that_is_linked_exists(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (RUNBOOKS / page).read_text()):
        assert (RUNBOOKS / target).exists(), target


def blocks(page: str, kind: str) -> Iterator[str]:
    """The blocks of code of a kind; commands have none."""
    inside: tuple[str, list[str]] | None = None
    for line in (RUNBOOKS / page).read_text().splitlines():
        if line.strip().startswith("```"):
            if inside and inside[0] == kind:
                yield "\n".join(inside[1])
            inside = None if inside else (line.strip().removeprefix("```"), [])
        elif inside:
            inside[1].append(line)


def commands() -> Iterator[tuple[str, str, str, frozenset[str]]]:
    """Each call of the AWS command line: page, service, operation, options."""
    for page in pages():
        text = "\n".join([*blocks(page, ""), *re.findall(r"`(aws [^`]+)`", (RUNBOOKS / page).read_text())])
        for service, operation, rest in re.findall(r"\baws ([a-z][a-z0-9-]+) ([a-z-]+)((?:.(?!\baws ))*)", text):
            yield page, service, operation, frozenset(re.findall(r"(?<=\s)--([a-z-]+)", rest))


@pytest.mark.parametrize(("page", "service", "operation", "options"), sorted(set(commands()), key=str))
def test_a_command_of_a_page_is_one_that_aws_has(page, service, operation, options):
    import botocore.session
    from botocore import xform_name

    if (service, operation) in CLI_ONLY:
        return
    model = botocore.session.get_session().get_service_model(service)
    by_name = {xform_name(name, "-"): name for name in model.operation_names}

    assert operation in by_name, operation
    shape = model.operation_model(by_name[operation]).input_shape
    known = {xform_name(member, "-") for member in shape.members} if shape else set()
    assert options - GLOBAL_OPTIONS <= known


@pytest.mark.parametrize("page", pages())
def test_a_door_that_a_page_sends_to_is_one(page):
    described = json.loads((ROOT / "chalicelib" / "console" / "openapi.json").read_text())["paths"]
    doors = {
        (method.upper(), re.sub(r"\{[^}]+\}", "[^/]+", path))
        for path, methods in described.items()
        for method in methods
    }
    for method, path in re.findall(r"`(GET|PUT|POST|DELETE) (/[^`?,\s]+)", (RUNBOOKS / page).read_text()):
        assert any(method == each and re.fullmatch(door, path) for each, door in doors), (method, path)


@pytest.mark.parametrize("page", pages())
def test_a_use_case_that_a_page_speaks_of_is_one(page):
    from app import app

    views = [about.view_function for methods in app.routes.values() for about in methods.values()]
    known = {f"{view.__module__.split('.')[1]}.{view.__name__}" for view in views}
    named = re.findall(r"`([a-z]+\.[a-z_]+)`", (RUNBOOKS / page).read_text())
    asked = {name for name in named if (ROOT / "chalicelib" / name.partition(".")[0]).is_dir()}

    assert asked <= known


def queries() -> Iterator[tuple[str, str]]:
    for page in pages():
        for query in blocks(page, "insights"):
            yield page, query


@pytest.mark.parametrize(("page", "query"), sorted(queries()))
def test_a_query_of_a_page_asks_for_what_the_lines_say(page, query):
    """Each field is said somewhere as a fact, a key or a metric's name, in our code or in the API's access log."""
    bare = re.sub(r'"[^"]*"|/[^/\n]*/|\b\d+m?\b', " ", query)
    made = set(re.findall(r"\bas (\w+)", bare))
    words = set(re.findall(r"@?\b[a-z_]+\b(?!\()", bare)) - made
    grammar = "filter stats sort display limit by as in or and like desc asc"
    fields = {word for word in words if word not in grammar.split()}

    said = _said()
    assert {
        field for field in fields if not (field[0] == "@" and field[1:] in OF_LAMBDA) and field not in said
    } == set()


@cache
def _said() -> set[str]:
    files = [*(ROOT / "chalicelib").rglob("*.py"), ROOT / "infra" / "deploying" / "gatewayresponses.py"]
    text = "\n".join(path.read_text() for path in files)
    return set(re.findall(r"\"([a-z_]+)\"", text)) | set(re.findall(r"\b([a-z_]+)=", text)) | {"message", "level"}


# The dashboard


@cache
def dashboard() -> dict[str, Any]:
    from infra.local import cloud

    (board,) = cloud.resources("AWS::CloudWatch::Dashboard", STAGE)
    body: dict[str, Any] = json.loads(board.properties["DashboardBody"])
    return body


def metrics_shown() -> list[list[Any]]:
    widgets = [each["properties"] for each in dashboard()["widgets"] if each["type"] == "metric"]
    return [metric for widget in widgets for metric in widget["metrics"]]


def test_the_dashboard_begins_with_whether_anything_is_wrong_and_whether_money_comes_in():
    first, second, *_ = dashboard()["widgets"]

    assert {arn.partition(f"laris-{STAGE}-")[2] for arn in first["properties"]["alarms"]} == alarms().keys()
    assert {metric[1] for metric in second["properties"]["metrics"]} == {"placed_value", "paid_value", "expired_value"}


def test_the_dashboard_shows_every_metric_of_ours_and_no_other():
    from chalicelib.core import metrics

    shown = [metric for metric in metrics_shown() if metric[0] == metrics.NAMESPACE]
    plain = {metric[1] for metric in shown if metric[4:5] != ["use_case"]}
    threes = {(metric[5], metric[1]) for metric in shown if metric[4:5] == ["use_case"]}

    assert {tuple(metric[2:4]) for metric in shown} == {("stage", STAGE)}
    assert plain == metrics.COUNTERS | metrics.VALUES | metrics.GAUGES.keys()
    assert threes == {(filed, ended) for filed in metrics.THREES.values() for ended in metrics.OUTCOMES}


def test_nothing_on_the_dashboard_lies_over_anything_else():
    taken: set[tuple[int, int]] = set()
    for widget in dashboard()["widgets"]:
        place = {(widget["x"] + x, widget["y"] + y) for x in range(widget["width"]) for y in range(widget["height"])}
        assert widget["x"] + widget["width"] <= 24
        assert not taken & place, widget["properties"]["title"]
        taken |= place
