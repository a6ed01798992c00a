"""The scheduler of Ring 1 on a toy shop: it finds the bugs it must find and passes the design that is right."""

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from pynamodb.exceptions import PutError

from tests.properties.ring import tables, toy
from tests.properties.ring.faults import Fault
from tests.properties.ring.scheduler import Stuck, checkpoint, outside, run, sleeper
from tests.properties.ring.schedules import Choices, schedules
from tests.properties.ring.toy import TABLE, UNITS, Thing, buy_rightly, key, number, orders, read, stored_units

BUYERS = ("ani", "budi", "citra")
SEARCH = settings(
    max_examples=300,
    database=None,
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def cloud() -> Iterator[Any]:
    with toy.opened() as client:
        yield client


@pytest.fixture
def toys(cloud) -> Any:
    toy.stock(cloud)
    return cloud


# What it must find, and what it must let pass


def test_two_buyers_who_check_and_then_act_are_found(cloud):
    def buy(order_id):
        units = read(cloud)
        if units:
            order = {"Put": {"TableName": TABLE, "Item": key("order", order_id)}}
            left = {"Put": {"TableName": TABLE, "Item": {**key("stock"), "units": number(units - 1)}}}
            cloud.transact_write_items(TransactItems=[order, left])

    actors = {"ani": lambda: buy("ani"), "budi": lambda: buy("budi")}
    story = failure_of(cloud, actors, always=nothing_oversold, faults=())

    assert story == [
        "   1  ani   GetItem toy-shop stock/- -> ok",
        "   2  budi  GetItem toy-shop stock/- -> ok",
        "   3  budi  TransactWriteItems Put toy-shop order/budi, Put toy-shop stock/- -> ok",
        "      budi  returned None",
        "   4  ani   TransactWriteItems Put toy-shop order/ani, Put toy-shop stock/- -> ok",
        "      ani   returned None",
    ]


def test_an_addition_whose_answer_is_lost_and_that_is_made_twice_is_found(cloud):
    def take():
        Thing("stock", "-").update([Thing.units.add(-1)])

    def nothing_taken_twice(outcome):
        assert stored_units() == UNITS - 1

    retried = (Fault.THROTTLE, Fault.REQUEST_LOST, Fault.RESPONSE_LOST)
    story = failure_of(cloud, {"ani": take}, quiet=nothing_taken_twice, faults=retried)

    assert [line for line in story if "sleep" not in line] == [
        "   1  ani  UpdateItem toy-shop stock/-  !! RESPONSE LOST",
        "   3  ani  UpdateItem toy-shop stock/- -> ok",
        "      ani  returned None",
    ]


def test_a_consumer_that_marks_a_message_before_its_effect_and_crashes_is_found(cloud):
    def consume():
        try:
            Thing("seen", "evt_1").save(Thing.pk.does_not_exist())
        except PutError:
            return
        Thing("stock", "-").update([Thing.units.add(-1)])

    def nothing_vanished(outcome):
        assert stored_units() == UNITS - 1

    story = failure_of(
        cloud,
        {"consumer": consume},
        drain=deliver_again,
        quiet=nothing_vanished,
        faults=(Fault.CRASH_BEFORE, Fault.CRASH_AFTER),
    )

    assert story == [
        "   1  consumer  PutItem toy-shop seen/evt_1  !! CRASH AFTER",
        "      consumer  crashed",
        "   2  drain     PutItem toy-shop seen/evt_1 -> ConditionalCheckFailedException",
        "      drain     returned True",
    ]


@pytest.mark.parametrize("units", [2, 4])
def test_the_right_design_passes_under_every_fault(cloud, units):
    hit: set[Fault] = set()

    @SEARCH
    @given(schedules(len(BUYERS)))
    def search(choices):
        hit.update(sell(cloud, choices, units).faults)

    search()

    assert hit == set(Fault)


@pytest.mark.parametrize(("without", "units"), [("stock", 2), ("order", 4)])
def test_the_right_design_without_one_of_its_conditions_is_found(cloud, without, units):
    @SEARCH
    @given(schedules(len(BUYERS)))
    def search(choices):
        sell(cloud, choices, units, without=without)

    with pytest.raises(AssertionError, match="oversold"):
        search()


# Whose turn it is


def test_without_choices_each_actor_runs_to_its_end():
    said: list[str] = []

    run({"a": speaker(said, "a"), "b": speaker(said, "b")})

    assert "".join(said) == "aaabbb"


def test_choices_say_who_goes_on():
    said: list[str] = []

    run({"a": speaker(said, "a"), "b": speaker(said, "b")}, Choices([(0, None, 0), (1, None, 1), (1, None, 0)]))

    assert "".join(said) == "abbaab"


def test_who_sleeps_lets_others_go_on_and_takes_no_time():
    passed: list[float] = []
    sleep = sleeper(passed.append)
    began = time.monotonic()

    def waits():
        sleep(3600)
        time.sleep(3600)
        passed.append(0)

    def works():
        checkpoint("b")
        passed.append(1)

    run({"a": waits, "b": works})

    assert passed == [1, 3600, 0]
    assert time.monotonic() - began < 60


def test_outside_a_run_a_point_is_nothing():
    passed: list[float] = []

    checkpoint("here")
    sleeper(passed.append)(1.5)

    assert outside("charge", lambda: "charged") == "charged"
    assert passed == [1.5]


def test_invariants_are_read_past_the_scheduler_after_each_change(toys):
    seen: list[int] = []

    outcome = run({"ani": lambda: buy_rightly(toys, "ani")}, always=lambda: seen.append(read(toys)))

    assert seen == [UNITS - 1]
    assert len(outcome.trace) == 2


# How it ends


def test_a_failure_is_told_step_by_step_and_can_be_replayed(toys):
    def never():
        raise AssertionError("never")

    choices = Choices([(0, Fault.THROTTLE, 2), (1, None, 0)])

    with pytest.raises(AssertionError) as failed:
        run({"ani": lambda: buy_rightly(toys, "ani")}, choices, always=never)

    (story,) = failed.value.__notes__
    assert story.splitlines() == [
        "   1  ani  GetItem toy-shop stock/- -> ProvisionedThroughputExceededException  !! THROTTLE",
        *[line for line in story.splitlines() if "sleep" in line],
        "   3  ani  GetItem toy-shop stock/- -> ok",
        "   4  ani  TransactWriteItems Put toy-shop order/ani, Update toy-shop stock/- -> ok",
        "      ani  returned True",
        "      replay with Choices([(0, 'throttle', 2), (1, None, 0)])",
    ]
    assert eval(repr(choices)) == choices


def test_an_error_that_is_not_expected_fails_the_run():
    with pytest.raises(ZeroDivisionError):
        run({"a": lambda: 1 / 0}, expected=(KeyError,))


def test_an_error_that_is_expected_is_the_result():
    outcome = run({"a": lambda: 1 / 0, "b": lambda: "done"}, expected=(ZeroDivisionError,))

    assert isinstance(outcome.results["a"].error, ZeroDivisionError)
    assert outcome.results["b"].value == "done"


def test_a_run_without_end_is_stuck_and_leaves_no_thread():
    def forever():
        while True:
            checkpoint("again")

    threads = threading.active_count()
    with pytest.raises(Stuck, match="after 50 steps"):
        run({"a": forever, "b": forever, "c": speaker([], "c")}, Choices([(1, None, 0)]), most_steps=50)

    assert threading.active_count() == threads


def test_a_lock_held_across_a_call_is_stuck_and_leaves_no_thread():
    lock = threading.Lock()

    def locks():
        with lock:
            checkpoint("holding it")
            checkpoint("holding it still")

    threads = threading.active_count()
    with pytest.raises(Stuck, match="b waits"):
        run({"a": locks, "b": locks, "c": locks}, Choices([(0, None, 0), (1, None, 0)]), patience=0.2)

    assert threading.active_count() == threads


def test_a_drain_that_always_finds_work_is_stuck():
    with pytest.raises(Stuck, match="drain"):
        run({"a": lambda: None}, drain=lambda _: True)


def test_wiping_empties_a_table_and_leaves_it_in_place(toys):
    tables.wipe(TABLE)

    assert tables.stored(TABLE) == []
    assert toys.scan(TableName=TABLE)["Count"] == 0


# The checks


def failure_of(cloud, actors, *, faults, **checks) -> list[str]:
    """The story of the smallest failing run, line by line. Not to find one fails."""

    @SEARCH
    @given(schedules(len(actors), faults=faults))
    def search(choices):
        toy.stock(cloud)
        run(actors, choices, **checks)

    with pytest.raises(AssertionError) as failed:
        search()
    story = next(note for note in failed.value.__notes__ if "replay with" in note)
    return story.splitlines()[:-1]


def sell(cloud, choices, units, **options):
    """A run in which all buyers want one of ``units``; what failed or crashed is delivered again."""

    def orders_are_what_was_acknowledged(outcome):
        assert orders() == sorted(name for name, result in outcome.results.items() if result.value)
        assert len(orders()) == min(units, len(BUYERS))

    toy.stock(cloud, units)
    return run(
        {name: partial(buy_rightly, cloud, name, **options) for name in BUYERS},
        choices,
        always=lambda: nothing_oversold(units),
        drain=deliver_again,
        quiet=orders_are_what_was_acknowledged,
        expected=(ReadTimeoutError, ClientError),
    )


def nothing_oversold(units=UNITS) -> None:
    assert stored_units() + len(orders()) == units, "oversold"
    assert stored_units() >= 0, "oversold"


def deliver_again(outcome) -> bool:
    again = [name for name, result in outcome.results.items() if result.crashed or result.error]
    for name in again:
        outcome.restart(name)
    return bool(again)


def speaker(said, name):
    def speak():
        for _ in range(3):
            checkpoint(name)
            said.append(name)

    return speak
