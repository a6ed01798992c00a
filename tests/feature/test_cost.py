"""The bill adds up, and is made of what really stands there."""

import json
import re
import subprocess
import sys
from datetime import date
from html.parser import HTMLParser

import pytest

from infra.cost import page, prices, resources, show, usage
from infra.cost.basis import PARTS, Basis
from infra.cost.bill import marginal_usd, month
from infra.cost.moving import LETTER, PAID
from infra.cost.standing import QUIET
from infra.local import cloud
from infra.local.env import ROOT
from tests.kit.cloud import STAGE


@pytest.fixture(scope="module")
def basis() -> Basis:
    """Today's stage, record and prices."""
    return Basis(resources.stage(), usage.record(), prices.traffic(), prices.book())


# A month


def test_without_an_order_only_what_stands_there_is_due(basis):
    quiet = month(basis, 0)

    assert {item.is_idle for item, _ in quiet.lines} == {True}
    assert quiet.usd_per_order is None


def test_orders_add_to_what_stands_there_and_change_nothing_of_it(basis):
    standing = [(item.what, usd) for item, usd in month(basis, 0).lines]

    still = [(item.what, usd) for item, usd in month(basis, 50_000).lines if item.is_idle]

    assert still == standing


def test_the_sum_is_that_of_the_lines_and_of_the_services(basis):
    bill = month(basis, 10_000)

    assert bill.usd == pytest.approx(sum(usd for _, usd in bill.lines))
    assert bill.usd == pytest.approx(sum(bill.by_service().values()))


def test_an_order_costs_less_the_more_there_are_and_never_less_than_the_next_one(basis):
    each = [month(basis, orders).usd / orders for orders in show.VOLUMES if orders]

    assert each == sorted(each, reverse=True)
    assert each[-1] > marginal_usd(basis) > 0


def test_what_is_free_each_month_is_taken_off_once_however_many_lines_there_are(basis):
    given = Basis(basis.stage, basis.scenarios, basis.traffic, basis.book, free_tier=True)
    price = basis.book.prices["lambda_requests"]
    runs = [item.quantity for item, _ in month(basis, 10_000).lines if item.price == price.name]

    paid = sum(usd for item, usd in month(given, 10_000).lines if item.price == price.name)

    assert len(runs) > 1
    assert paid == pytest.approx(price.of(sum(runs) - price.free))


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_left_out_costs_nothing(basis, part):
    assert month(basis.less(part), 1_000).usd < month(basis, 1_000).usd


def test_more_traffic_for_each_order_is_dearer(basis):
    for name in basis.traffic:
        busier = {**basis.traffic, name: 2 * basis.traffic[name] + 1}
        dearer = Basis(basis.stage, basis.scenarios, busier, basis.book)

        assert month(dearer, 10_000).usd > month(basis, 10_000).usd, name


# What it is made of


def test_what_stands_there_is_what_the_template_makes():
    stage = resources.stage()

    assert stage.counted["AWS::DynamoDB::Table"] == len(cloud.resources("AWS::DynamoDB::Table", STAGE))
    assert stage.counted["AWS::SQS::Queue"] == len(cloud.resources("AWS::SQS::Queue", STAGE))
    assert stage.alarm_metrics >= stage.counted["AWS::CloudWatch::Alarm"] > 0
    assert stage.waf_rules > 0
    assert stage.tables_with_keys


def test_lambda_asks_each_queue_five_times_in_twenty_seconds():
    stage = resources.stage()

    assert {queue.polls for queue in stage.queues} == {5 * 3 * 60 * 730}
    assert {queue.polls_at_least for queue in stage.queues if not queue.is_limited} == {2 * 3 * 60 * 730}
    assert any(queue.is_limited for queue in stage.queues)


def test_a_schedule_runs_as_often_as_its_clock_says():
    runs = {schedule.name: schedule.runs for schedule in resources.stage().schedules}

    assert runs["orders-expire-unpaid"] == 43_800
    assert runs["inventory-sweep-holds"] == 8_760
    assert runs["privacy-carry-out"] == 730
    assert runs["identity-keep-heads"] == pytest.approx(30.4, abs=0.1)


def test_every_recorded_use_case_is_on_the_bill():
    often = {PAID, LETTER, *prices.assumptions()["scenarios"]}
    by_clock = {QUIET.format(schedule.name) for schedule in resources.stage().schedules}

    assert usage.record().keys() == often | by_clock


def test_what_is_said_of_single_steps_is_said_of_steps_that_exist():
    known = {f"{step.scenario}/{step.name}" for steps in usage.record().values() for step in steps}
    about = prices.assumptions()["functions"]

    named = {name for name in (*about["cpu_ms"], *about["hashes"]) if "/" in name}

    assert named <= known


# Prices


def test_every_price_names_its_source_and_the_list_its_day():
    book = prices.book()

    assert all(price.source for price in book.prices.values())
    assert date.fromisoformat(book.read_on).strftime("prices-%Y-%m") == prices.latest().stem


def test_everything_that_is_supposed_says_why():
    supposed = {**prices.assumptions()["traffic"], **prices.assumptions()["platform"]}

    assert [name for name, about in supposed.items() if not about["why"]] == []


@pytest.mark.parametrize("region", prices.regions())
def test_another_region_has_its_own_prices_where_they_are_known(region):
    home, there = prices.book(), prices.book(region)

    differing = {name for name in home.prices if home.prices[name].usd != there.prices[name].usd}

    assert bool(differing) == (region != prices.HOME)
    assert all(there.prices[name].is_elsewhere for name in differing)


# The command


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "infra.cost", *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_command_shows_the_usual_volumes_and_the_one_asked_for():
    said = run("--orders", "2,500")

    (heads,) = re.findall(r"^paid orders a month +(.*)$", said, re.MULTILINE)
    assert heads.split() == ["0", "1,000", "2,500", "10,000", "100,000", "1,000,000"]
    assert "Without a single order: " in said
    assert "Every line of a month with 2,500 paid orders" in said


def test_the_command_speaks_to_programs():
    said = json.loads(run("--json", "--orders", "10000", "--views-per-order", "5", "--without", "waf", "tracing"))

    assert [each["orders"] for each in said["months"]] == list(show.VOLUMES)
    assert said["traffic"]["views-per-order"] == 5
    assert "X-Ray" not in said["months"][-1]["services"]


class Balanced(HTMLParser):
    """Knows which elements are open."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_nobody_for_anything(basis):
    made = page.html(basis, 10_000)

    parser = Balanced()
    parser.feed(made)

    assert parser.open == []
    assert "svg" in parser.seen
    assert not {"script", "link", "img", "iframe"} & set(parser.seen)
    assert "http" not in made
