"""No use case becomes a tenth dearer unnoticed: all are measured anew and compared with infra/cost/usage.json."""

import copy
import json

import pytest

from infra.cost import drift, prices, resources, standing
from infra.cost import usage as recorded
from tests.benchmarks import usage

IF_IT_MUST_BE = (
    f"\n\nIf it has to cost that, make the record anew with `{usage.COMMAND}` and say why in the commit;"
    " else find the call that is new: tests/feature/test_calls.py names them for the paid order."
)
GOOD_NEWS = (
    f"\n\nGood news: these cost less than the record says. Please make it anew with `{usage.COMMAND}` and commit it, so"
    " that what was won is not lost again unnoticed."
)


@pytest.fixture(scope="module")
def changed() -> list[drift.Change]:
    """How today's figures differ from the record."""
    return drift.changes(recorded.record(), recorded.parse(usage.measure()), prices.book())


def test_no_use_case_has_become_a_tenth_dearer(changed):
    dearer = [str(change) for change in changed if change.is_dearer]

    assert not dearer, "\n".join(["these cost more than a tenth more:", *dearer]) + IF_IT_MUST_BE


def test_the_record_overstates_no_use_case_by_a_tenth(changed):
    cheaper = [str(change) for change in changed if not change.is_dearer]

    assert not cheaper, "\n".join(["", *cheaper]) + GOOD_NEWS


def test_every_schedule_is_recorded():
    names = {standing.QUIET.format(schedule.name) for schedule in resources.stage().schedules}

    assert names <= recorded.record().keys()


# The comparison itself


def doctored(**figures):
    """The record, and the record with other figures for the checkout."""
    as_it_is = json.loads(recorded.RECORD.read_text())["scenarios"]
    otherwise = copy.deepcopy(as_it_is)
    otherwise["paid order"]["checkout"] |= figures
    return recorded.parse(as_it_is), recorded.parse(otherwise)


def differences(before, after):
    return [(change.where, change.measure) for change in drift.changes(before, after, prices.book())]


@pytest.mark.parametrize(
    ("figures", "noticed"),
    [
        ({}, []),
        ({"write": 1.09}, []),
        ({"write": 1.2}, ["USD at DynamoDB", "USD in all"]),
        ({"write": 0.8}, ["USD at DynamoDB", "USD in all"]),
        ({"read": 4}, ["USD at DynamoDB"]),
        ({"calls": 1.2}, ["calls"]),
        ({"kms": 5}, ["USD in all"]),
    ],
)
def test_a_tenth_is_tolerated_and_more_is_named(figures, noticed):
    before, _ = doctored()
    (checkout,) = [step for step in before["paid order"] if step.name == "checkout"]
    _, after = doctored(**{name: checkout[name] * factor for name, factor in figures.items()})

    assert differences(before, after) == [("paid order / checkout", measure) for measure in noticed]


def test_a_step_that_is_new_and_one_that_is_gone_are_named():
    before, after = doctored()
    fewer = {**after, "product page": ()}

    assert {where for where, _ in differences(before, fewer)} == {"product page / product page"}
    assert all(not change.is_dearer for change in drift.changes(before, fewer, prices.book()))
    assert all(change.is_dearer for change in drift.changes(fewer, before, prices.book()))
