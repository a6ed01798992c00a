"""When something is trouble, and how bad."""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.console import rules
from chalicelib.console.rules import Overall, Queue, Schedule, Trouble, worst

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def schedule(since, error=None, every=HOUR):
    return Schedule("privacy-carry-out", every, since, error)


@pytest.mark.parametrize(
    ("ago", "is_overdue"),
    [
        (timedelta(), False),
        (HOUR, False),
        (2 * HOUR + timedelta(minutes=5), False),
        (2 * HOUR + timedelta(minutes=5, seconds=1), True),
        (timedelta(days=30), True),
    ],
)
def test_a_schedule_may_miss_one_turn_and_be_late_for_the_next(ago, is_overdue):
    assert schedule(NOW - ago).is_overdue(NOW) == is_overdue


def test_what_runs_every_minute_is_not_overdue_before_seven():
    every = timedelta(minutes=1)

    assert not schedule(NOW - timedelta(minutes=7), every=every).is_overdue(NOW)
    assert schedule(NOW - timedelta(minutes=8), every=every).is_overdue(NOW)


def test_what_nobody_has_waited_for_is_not_missed():
    assert not schedule(None).is_overdue(NOW)
    assert rules.of_schedules([schedule(None)], NOW) == []


def test_a_schedule_that_fails_needs_attention_and_one_that_does_not_run_is_a_failure():
    troubles = rules.of_schedules([schedule(NOW, "Upstream"), schedule(NOW - 9 * HOUR, "Upstream")], NOW)

    assert troubles == [
        Trouble(Overall.DEGRADED, "schedule_failed", "privacy-carry-out"),
        Trouble(Overall.FAILING, "schedule_overdue", "privacy-carry-out"),
    ]


def test_dead_letters_wait_for_a_person_and_old_messages_for_something_broken():
    queues = [Queue("orders", 5, 0, 0, 0), Queue("privacy", 0, 0, 0, 2), Queue("notices", 1, 0, 0, 0)]
    ages = {"orders": timedelta(minutes=16), "notices": timedelta(minutes=15)}

    assert rules.of_queues(queues, ages) == [
        Trouble(Overall.FAILING, "messages_late", "orders"),
        Trouble(Overall.DEGRADED, "dead_letters", "privacy"),
    ]


@pytest.mark.parametrize(("minutes", "is_trouble"), [(None, False), (0, False), (10, False), (11, True)])
def test_events_are_late_after_ten_minutes(minutes, is_trouble):
    oldest = None if minutes is None else timedelta(minutes=minutes)

    assert bool(rules.of_events(oldest)) == is_trouble


@pytest.mark.parametrize(("days", "is_trouble"), [(None, False), (35, False), (36, True)])
def test_a_restore_is_to_be_tried_every_five_weeks(days, is_trouble):
    age = None if days is None else timedelta(days=days)

    assert bool(rules.of_drill(age)) == is_trouble


def test_the_worst_counts():
    degraded, failing = Trouble(Overall.DEGRADED, "a", "x"), Trouble(Overall.FAILING, "b", "y")

    assert worst([]) is Overall.OK
    assert worst([degraded]) is Overall.DEGRADED
    assert worst([degraded, failing, degraded]) is Overall.FAILING
