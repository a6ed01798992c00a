"""Changes of what is stored: once each, resumable after any crash, beside old and new code, never over newer writes."""

import random
from dataclasses import replace
from datetime import timedelta
from functools import partial
from textwrap import dedent

import pytest

from chalicelib.core import aws as ours
from chalicelib.core import clock as time
from infra.migrations import Change, Copy, Refused, Step, __main__, run, runner
from infra.migrations.compare import differing
from infra.migrations.ledger import LEASE, Ledger
from infra.migrations.pace import Pace
from infra.migrations.runner import Progress
from infra.migrations.steps import HERE, Numbered, load
from tests.kit.cloud import REGION

STAGE = "moving"
TABLES = ("runs", "orders", "parcels")
ROWS, PAGE = 120, 40
CALL = "before-send.dynamodb"


class Crash(BaseException):
    """The process died here."""


@pytest.fixture
def dynamodb(aws, monkeypatch):
    """A stage of its own, with old orders in it: they say their weight in kilograms, as a text."""
    monkeypatch.setattr(runner, "PAGE", PAGE)
    client = ours.client("dynamodb")
    for name in TABLES:
        make_table(client, f"laris-{STAGE}-{name}")
    for number in range(ROWS):
        put(client, number)
    yield client
    for name in TABLES:
        client.delete_table(TableName=f"laris-{STAGE}-{name}")


def make_table(client, name):
    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    types = [{"AttributeName": each["AttributeName"], "AttributeType": "S"} for each in keys]
    client.create_table(TableName=name, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")


def put(client, number, *, table="orders", version=1, kilos=None, **more):
    client.put_item(
        TableName=f"laris-{STAGE}-{table}",
        Item={
            "pk": {"S": f"ord_{number}"},
            "sk": {"S": "ORDER"},
            "kilos": {"S": str(number if kilos is None else kilos)},
            "version": {"N": str(version)},
            **more,
        },
    )


def rows(client, table="orders"):
    pages = client.get_paginator("scan").paginate(TableName=f"laris-{STAGE}-{table}", ConsistentRead=True)
    return {row["pk"]["S"]: row for page in pages for row in page["Items"]}


def in_grams(item):
    """The new form beside the old one, where it is missing or says something else."""
    grams = {"N": str(int(item["kilos"]["S"]) * 1000)} if "kilos" in item else None
    if grams is None or item.get("grams") == grams:
        return None
    return Change(set={"grams": grams}, reads=("kilos",))


def without_kilos(item):
    return Change(remove=("kilos",), reads=("grams",)) if "kilos" in item and "grams" in item else None


def parcel(item):
    return Copy("parcels", {"pk": item["pk"], "sk": {"S": "PARCEL"}, "grams": item["grams"]})


GRAMS = Numbered("0001", "weigh_in_grams", "f1", Step("gives grams", "orders", in_grams, frozenset({"grams"})))
NO_KILOS = Numbered("0002", "forget_kilos", "f2", Step("drops kilos", "orders", without_kilos, frozenset({"kilos"})))
PARCELS = Numbered("0002", "fill_parcels", "f3", Step("fills", "orders", parcel, fills=frozenset({"parcels"})))


def migrate(dynamodb, *steps, plan=False, told=None, rate=100_000.0):
    seen = [] if told is None else told
    return run(STAGE, plan=plan, progress=seen.append, rate=rate, steps=list(steps or [GRAMS]), dynamodb=dynamodb)


def grams_are_right(client):
    return all(int(row["grams"]["N"]) == int(row["kilos"]["S"]) * 1000 for row in rows(client).values())


class OnCall:
    """Does something before each call that goes out: ``on_call(work)``, where work gets the operation's name."""

    def __init__(self, client):
        self._events, self._hooks = client.meta.events, []

    def __call__(self, work):
        def hook(event_name, **_):
            work(event_name.rpartition(".")[2])

        self._events.register_first(CALL, hook)
        self._hooks.append(hook)

    def ignore(self):
        while self._hooks:
            self._events.unregister(CALL, self._hooks.pop())


@pytest.fixture
def on_call(dynamodb):
    made = OnCall(dynamodb)
    yield made
    made.ignore()


# Once, and all of it


def test_a_step_changes_every_item_that_needs_it_and_is_done_once(dynamodb):
    before = rows(dynamodb)

    (end,) = migrate(dynamodb)

    assert rows(dynamodb) == {
        pk: {**row, "grams": {"N": str(int(row["kilos"]["S"]) * 1000)}} for pk, row in before.items()
    }
    assert (end.changed, end.is_done, end.round) == (ROWS, True, 2)
    assert migrate(dynamodb) == []


def test_a_plan_counts_and_writes_nothing(dynamodb, on_call):
    before, sent, told = rows(dynamodb), list[str](), list[Progress]()
    on_call(sent.append)

    (end,) = migrate(dynamodb, plan=True, told=told)

    assert (end.seen, end.changed, end.is_done) == (ROWS, ROWS, False)
    assert set(sent) == {"Query", "Scan", "DescribeTable"}
    assert (rows(dynamodb), rows(dynamodb, "runs")) == (before, {})
    assert told[-1] == end


def test_progress_says_how_far_it_is_and_how_long_it_takes(dynamodb, clock):
    told: list[Progress] = []

    migrate(dynamodb, told=told, rate=2.0)

    first, seconds = told[0], told[0].seconds_left
    assert seconds is not None
    assert [(each.round, each.seen, each.total) for each in told[:3]] == [(1, seen, ROWS) for seen in (40, 80, 120)]
    assert first.per_second * seconds == pytest.approx(first.total - first.seen, rel=0.05)
    assert [each.seconds_left for each in told if each.is_done] == [0]


def test_it_walks_no_faster_than_it_was_told(dynamodb, clock, monkeypatch):
    units = 0.0
    real = Pace.spend

    def spend(self, amount):
        nonlocal units
        units += amount
        real(self, amount)

    monkeypatch.setattr(Pace, "spend", spend)
    began = clock.at

    migrate(dynamodb, rate=50.0)

    assert units > ROWS / 2
    assert (clock.at - began).total_seconds() >= units / 50.0 - 0.001


# Whatever happens on the way


def test_after_a_crash_at_any_call_the_next_run_goes_on(dynamodb, on_call, monkeypatch):
    monkeypatch.setattr(runner, "PAGE", 20)
    for number in range(40, ROWS):
        dynamodb.delete_item(TableName=f"laris-{STAGE}-orders", Key=key_of(number))
    crashes, ended = 0, list[Progress]()

    for call in range(400):
        left = [call % 23]

        def die(_operation, left=left):
            left[0] -= 1
            if left[0] < 0:
                raise Crash

        on_call(die)
        try:
            ended = migrate(dynamodb)
        except Crash:
            crashes += 1
            on_call.ignore()
            time.sleep(LEASE.total_seconds() + 1)
            continue
        break
    on_call.ignore()

    assert crashes > 3
    assert ended[0].is_done
    assert grams_are_right(dynamodb)
    assert migrate(dynamodb) == []


def key_of(number):
    return {"pk": {"S": f"ord_{number}"}, "sk": {"S": "ORDER"}}


def test_a_run_goes_on_at_the_page_that_was_not_noted(dynamodb, on_call):
    scans = []

    def die(operation):
        scans.append(operation)
        if scans.count("Scan") == 3:
            raise Crash

    on_call(die)
    with pytest.raises(Crash):
        migrate(dynamodb)
    on_call.ignore()
    noted = Ledger(dynamodb, STAGE).read()["0001"]
    time.sleep(LEASE.total_seconds() + 1)

    told: list[Progress] = []
    migrate(dynamodb, told=told)

    assert (noted.seen, noted.changed, noted.is_done) == (2 * PAGE, 2 * PAGE, False)
    assert told[0].seen == ROWS
    assert told[-1].changed == ROWS


@pytest.mark.parametrize("seed", range(4))
def test_what_others_write_meanwhile_is_never_written_over(dynamodb, on_call, seed):
    """Before each update somebody writes the very item: old code the old form, or new code both."""
    chance, writes = random.Random(seed), dict.fromkeys(range(ROWS), 1)
    is_busy = [False]

    def others(operation):
        if is_busy[0] or operation not in {"UpdateItem", "Scan"} or sum(writes.values()) > ROWS + 120:
            return
        is_busy[0] = True
        for number in chance.sample(range(ROWS), 3):
            writes[number] += 1
            kilos = 1000 + writes[number]
            new = {"grams": {"N": str(kilos * 1000)}} if chance.random() < 0.5 else {}
            put(dynamodb, number, version=writes[number], kilos=kilos, **new)
        is_busy[0] = False

    on_call(others)

    migrate(dynamodb)

    on_call.ignore()
    found = rows(dynamodb)
    assert {number: int(found[f"ord_{number}"]["version"]["N"]) for number in writes} == writes
    assert all(int(found[f"ord_{n}"]["kilos"]["S"]) == 1000 + w for n, w in writes.items() if w > 1)
    assert grams_are_right(dynamodb)


def test_an_item_that_is_written_between_look_and_change_is_looked_at_again(dynamodb, on_call):
    def overtake(operation):
        if operation == "UpdateItem":
            on_call.ignore()
            put(dynamodb, 7, version=2, kilos=500)

    on_call(overtake)

    migrate(dynamodb)

    assert rows(dynamodb)["ord_7"]["grams"] == {"N": "500000"}


def test_an_item_that_is_gone_meanwhile_does_not_come_back(dynamodb, on_call):
    key, name = {"pk": {"S": "note"}, "sk": {"S": "NOTE"}}, f"laris-{STAGE}-parcels"
    dynamodb.put_item(TableName=name, Item=key)

    def remove(operation):
        if operation == "UpdateItem":
            on_call.ignore()
            dynamodb.delete_item(TableName=name, Key=key)

    on_call(remove)

    migrate(dynamodb, Numbered("0001", "mark", "f", Step("marks", "parcels", marked, frozenset({"mark"}))))

    assert rows(dynamodb, "parcels") == {}


def marked(item):
    return None if "mark" in item else Change(set={"mark": {"BOOL": True}})


def test_while_old_code_keeps_writing_the_step_is_not_done(dynamodb, on_call):
    count = [ROWS]

    def old_code(operation):
        if operation == "Scan":
            put(dynamodb, count[0])
            count[0] += 1

    on_call(old_code)
    with pytest.raises(Refused, match="code that writes the old form is still running"):
        migrate(dynamodb)
    on_call.ignore()

    (end,) = migrate(dynamodb)
    assert end.is_done
    assert grams_are_right(dynamodb)


# Old code and new code


class OldCode:
    """Knows kilograms."""

    def __init__(self, client):
        self.client = client

    def write(self, number, kilos):
        found = self.client.get_item(TableName=f"laris-{STAGE}-orders", Key=key_of(number), ConsistentRead=True)["Item"]
        self.client.update_item(
            TableName=f"laris-{STAGE}-orders",
            Key=key_of(number),
            UpdateExpression="SET kilos = :kilos, version = :next",
            ConditionExpression="version = :version",
            ExpressionAttributeValues={
                ":kilos": {"S": str(kilos)},
                ":version": found["version"],
                ":next": {"N": str(int(found["version"]["N"]) + 1)},
            },
        )

    def read(self, number):
        row = self.client.get_item(TableName=f"laris-{STAGE}-orders", Key=key_of(number), ConsistentRead=True)["Item"]
        return int(row["kilos"]["S"]) * 1000


class Transitional(OldCode):
    """Writes both, and believes kilograms, which everybody writes, for as long as they are there."""

    def write(self, number, kilos):
        super().write(number, kilos)
        self.client.update_item(
            TableName=f"laris-{STAGE}-orders",
            Key=key_of(number),
            UpdateExpression="SET grams = :grams",
            ConditionExpression="kilos = :kilos",
            ExpressionAttributeValues={":grams": {"N": str(kilos * 1000)}, ":kilos": {"S": str(kilos)}},
        )

    def read(self, number):
        row = self.client.get_item(TableName=f"laris-{STAGE}-orders", Key=key_of(number), ConsistentRead=True)["Item"]
        return int(row["kilos"]["S"]) * 1000 if "kilos" in row else int(row["grams"]["N"])


class NewCode(Transitional):
    """Knows grams."""

    def write(self, number, kilos):
        self.client.update_item(
            TableName=f"laris-{STAGE}-orders",
            Key=key_of(number),
            UpdateExpression="SET grams = :grams",
            ConditionExpression="attribute_exists(grams)",
            ExpressionAttributeValues={":grams": {"N": str(kilos * 1000)}},
        )

    def read(self, number):
        row = self.client.get_item(TableName=f"laris-{STAGE}-orders", Key=key_of(number), ConsistentRead=True)["Item"]
        return int(row["grams"]["N"])


@pytest.mark.parametrize(
    ("ages", "steps"),
    [
        ((OldCode, Transitional), (GRAMS,)),
        ((Transitional, Transitional), (GRAMS, NO_KILOS)),
    ],
    ids=["expanding", "contracting"],
)
def test_code_of_both_ages_works_at_every_moment_of_a_step(dynamodb, on_call, ages, steps):
    codes, chance, is_busy, works = [age(dynamodb) for age in ages], random.Random(1), [False], [0]

    def customers(operation):
        if is_busy[0] or operation not in {"UpdateItem", "Scan", "TransactWriteItems"} or works[0] > 60:
            return
        is_busy[0] = True
        number, kilos = chance.randrange(ROWS), chance.randrange(900)
        writer, *readers = chance.sample(codes, 2)
        writer.write(number, kilos)
        assert [reader.read(number) for reader in (writer, *readers)] == [kilos * 1000] * 2
        works[0] += 1
        is_busy[0] = False

    on_call(customers)

    ends = migrate(dynamodb, *steps)

    on_call.ignore()
    assert works[0] > 30
    assert all(end.is_done for end in ends)
    if NO_KILOS not in steps:
        assert grams_are_right(dynamodb)


def test_after_the_last_step_the_new_code_is_alone(dynamodb):
    migrate(dynamodb, GRAMS, NO_KILOS)

    NewCode(dynamodb).write(3, 12)

    assert NewCode(dynamodb).read(3) == Transitional(dynamodb).read(3) == 12_000
    assert not any("kilos" in row for row in rows(dynamodb).values())


# A table of its own


def test_a_table_is_filled_from_another_beside_those_who_write_both(dynamodb):
    migrate(dynamodb, GRAMS)
    newer = {"pk": {"S": "ord_5"}, "sk": {"S": "PARCEL"}, "grams": {"N": "42"}}
    dynamodb.put_item(TableName=f"laris-{STAGE}-parcels", Item=newer)

    (end,) = migrate(dynamodb, GRAMS, PARCELS)

    parcels = rows(dynamodb, "parcels")
    assert (len(parcels), end.changed) == (ROWS, ROWS - 1)
    assert parcels["ord_5"] == newer
    assert parcels["ord_6"]["grams"] == {"N": "6000"}


def test_what_differs_between_the_two_is_named_before_readers_are_switched(dynamodb):
    migrate(dynamodb, GRAMS, PARCELS)
    dynamodb.delete_item(TableName=f"laris-{STAGE}-parcels", Key={"pk": {"S": "ord_5"}, "sk": {"S": "PARCEL"}})
    wrong = {"pk": {"S": "ord_6"}, "sk": {"S": "PARCEL"}, "grams": {"N": "1"}}
    dynamodb.put_item(TableName=f"laris-{STAGE}-parcels", Item=wrong)

    found = differing(dynamodb, STAGE, "orders", parcel, rate=100_000.0)

    assert sorted(found) == [("ord_5", "ORDER"), ("ord_6", "ORDER")]


def test_what_is_only_on_its_way_does_not_differ(dynamodb, on_call, clock):
    migrate(dynamodb, GRAMS, PARCELS)
    late = {"pk": {"S": "ord_6"}, "sk": {"S": "PARCEL"}, "grams": {"N": "6000"}}
    dynamodb.delete_item(TableName=f"laris-{STAGE}-parcels", Key={"pk": late["pk"], "sk": late["sk"]})
    arrived = clock.at + timedelta(seconds=1)

    def arrives(operation):
        if clock.at > arrived:
            on_call.ignore()
            dynamodb.put_item(TableName=f"laris-{STAGE}-parcels", Item=late)

    on_call(arrives)

    assert list(differing(dynamodb, STAGE, "orders", parcel, rate=100_000.0)) == []


# What is refused


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ([replace(GRAMS, fingerprint="changed")], "another than the one that was begun"),
        ([], "is not in this code, which is older"),
    ],
)
def test_a_step_that_was_done_stays_as_it_was(dynamodb, after, why):
    migrate(dynamodb)

    with pytest.raises(Refused, match=why):
        run(STAGE, plan=False, progress=print, steps=after, dynamodb=dynamodb)
    with pytest.raises(Refused, match=why):
        run(STAGE, plan=True, progress=print, steps=after, dynamodb=dynamodb)


def test_no_step_is_begun_before_those_in_front_of_it_are_done(dynamodb):
    migrate(dynamodb, GRAMS, NO_KILOS)
    dynamodb.delete_item(TableName=f"laris-{STAGE}-runs", Key={"pk": {"S": "migration"}, "sk": {"S": "0001"}})

    with pytest.raises(Refused, match="out of order"):
        migrate(dynamodb, GRAMS, NO_KILOS)


def test_of_two_runs_at_once_the_second_is_refused(dynamodb, on_call):
    refused = []

    def second(operation):
        if operation == "UpdateItem":
            on_call.ignore()
            with pytest.raises(Refused, match="another run is at it") as stopped:
                migrate(dynamodb)
            refused.append(stopped)

    on_call(second)

    (end,) = migrate(dynamodb)

    assert refused
    assert end.is_done


def test_a_run_that_was_overtaken_notes_nothing_any_more(dynamodb, on_call):
    """The first one sleeps longer than its claim lasts; another takes over and ends it."""
    on_call(lambda operation: sleeps(operation, on_call, lambda: migrate(dynamodb)))
    with pytest.raises(Refused, match="taken over"):
        migrate(dynamodb)

    assert Ledger(dynamodb, STAGE).read()["0001"].is_done
    assert grams_are_right(dynamodb)


def test_a_run_that_was_overtaken_leaves_the_claim_to_the_other(dynamodb, on_call):
    other = Ledger(dynamodb, STAGE)
    on_call(lambda operation: sleeps(operation, on_call, other.take))
    with pytest.raises(Refused, match="taken over"):
        migrate(dynamodb)

    assert Ledger(dynamodb, STAGE).read()["0001"].seen == 0
    with pytest.raises(Refused, match="another run is at it"):
        Ledger(dynamodb, STAGE).take()
    other.take()


def sleeps(operation, on_call, meanwhile):
    if operation == "UpdateItem":
        on_call.ignore()
        time.sleep(LEASE.total_seconds() + 1)
        meanwhile()


def test_a_slow_walk_keeps_its_claim(dynamodb, clock, on_call):
    refused, began = [], clock.at

    def looks(operation):
        if operation == "UpdateItem":
            with pytest.raises(Refused):
                Ledger(dynamodb, STAGE).take()
            refused.append(clock.at)

    on_call(looks)

    (end,) = migrate(dynamodb, rate=0.05)

    assert end.is_done
    assert len(refused) == ROWS
    assert (refused[PAGE] - began) > LEASE


def always(change, _item):
    return change


def test_what_a_step_did_not_declare_it_may_not_touch(dynamodb):
    for change in (
        Change(set={"total": {"N": "0"}}),
        Change(remove=("total",)),
        Change(set={"pk": {"S": "ord"}}),
        Copy("customers", {"pk": {"S": "x"}, "sk": {"S": "y"}}),
    ):
        step = Step("oversteps", "orders", partial(always, change), frozenset({"grams", "pk"}))
        with pytest.raises(Refused, match="has to declare it"):
            migrate(dynamodb, Numbered("0001", "oversteps", "f", step))

        assert "total" not in rows(dynamodb)["ord_1"]
        dynamodb.delete_item(TableName=f"laris-{STAGE}-runs", Key={"pk": {"S": "migration"}, "sk": {"S": "0001"}})


# Steps as files, and the command

FILE = """
from infra.migrations import Change, Step

STEP = Step("gives grams", "orders", lambda item: None, frozenset({"grams"}))
"""


def test_steps_are_read_from_files_in_the_order_of_their_numbers(tmp_path):
    for name in ("0002_second.py", "0001_first.py", "helpers.py", "__init__.py"):
        (tmp_path / name).write_text(FILE)
    first = load(tmp_path)
    (tmp_path / "0001_first.py").write_text(FILE + "\n")

    assert [(each.number, each.title) for each in first] == [("0001", "first"), ("0002", "second")]
    assert first[0].step.table == "orders"
    assert load(tmp_path)[0].fingerprint != first[0].fingerprint
    assert load(tmp_path)[1].fingerprint == first[1].fingerprint


@pytest.mark.parametrize("names", [["0002_second.py"], ["0001_a.py", "0003_c.py"], ["0001_a.py", "0001_b.py"]])
def test_a_number_that_is_missing_or_there_twice_is_refused(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text(FILE)

    with pytest.raises(Refused, match="numbered without gaps"):
        load(tmp_path)


def test_the_example_of_the_guide_does_what_it_says(dynamodb, tmp_path):
    guide = (HERE / "README.md").read_text(encoding="utf-8")
    example = guide.partition("```python\n")[2].partition("```")[0]
    (tmp_path / "0001_weigh_in_grams.py").write_text(dedent(example))

    (end,) = migrate(dynamodb, *load(tmp_path))

    assert end.changed == ROWS
    assert grams_are_right(dynamodb)


def test_our_own_steps_can_be_read():
    assert [each.number for each in load()] == [f"{place:04}" for place in range(1, len(load()) + 1)]


def test_the_command_says_what_it_does(dynamodb, monkeypatch, capsys):
    monkeypatch.setattr(runner, "load", lambda: [GRAMS])
    monkeypatch.setattr(runner, "_client", lambda: dynamodb)

    planned = __main__.main([STAGE, "--plan"])
    plan = capsys.readouterr().out
    done = __main__.main([STAGE, "--rate", "100000"])
    told = capsys.readouterr().out
    again = __main__.main([STAGE])

    assert (planned, done, again) == (0, 0, 0)
    assert "120 of about 120 seen, 120 to be changed" in plan
    assert told.rstrip().endswith("0001 weigh_in_grams, round 2: 120 of about 120 seen, 120 changed, done")
    assert capsys.readouterr().out == "nothing is to be done\n"


def test_the_command_says_why_it_stops(dynamodb, monkeypatch, capsys):
    monkeypatch.setattr(runner, "load", lambda: [GRAMS])
    monkeypatch.setattr(runner, "_client", lambda: dynamodb)
    Ledger(dynamodb, STAGE).take()

    assert __main__.main([STAGE]) == 1
    assert capsys.readouterr().err.startswith("stopped: another run is at it")


def test_the_region_is_ours():
    assert runner._client().meta.region_name == REGION
