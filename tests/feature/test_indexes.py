"""Several indexes change one after the other, each step one that CloudFormation and DynamoDB take."""

import copy
import os
import threading
from contextlib import contextmanager, suppress

import pytest
from botocore.exceptions import ClientError
from botocore.session import get_session
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.deploying.indexes import TableWouldBeReplaced, gaps, stages
from infra.local.cloud import template
from infra.local.dynamodb_local import DynamoDBLocal, unavailable

ATTRIBUTES = ("due", "state", "sku")
NAMES = ("by_due", "by_state", "by_sku", "by_both")


def index(name, *keys, projection="ALL"):
    kinds = ("HASH", "RANGE")
    schema = [{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, kinds, strict=False)]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": projection}}


def table(*indexes, types=None, keys=("pk", "sk"), name="laris-test-orders", **more):
    used = {*keys, *(key["AttributeName"] for each in indexes for key in each["KeySchema"])}
    properties = {
        "TableName": name,
        "KeySchema": index("", *keys)["KeySchema"],
        "AttributeDefinitions": [
            {"AttributeName": each, "AttributeType": (types or {}).get(each, "S")} for each in sorted(used)
        ],
        **more,
    }
    if indexes:
        properties["GlobalSecondaryIndexes"] = list(indexes)
    return {"Type": "AWS::DynamoDB::Table", "Properties": properties}


def stack(**tables):
    return {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, **tables}}


def names(made, logical="Orders"):
    return {each["IndexName"] for each in made["Resources"][logical]["Properties"].get("GlobalSecondaryIndexes", [])}


class CloudFormation:
    """As strict as the real one, and DynamoDB behind it, about tables that are there already."""

    def __init__(self, deployed):
        self.deployed = copy.deepcopy(deployed)

    def update(self, wanted):
        for name, about in self.deployed["Resources"].items():
            if about["Type"] == "AWS::DynamoDB::Table" and name in wanted["Resources"]:
                self._check(about["Properties"], wanted["Resources"][name]["Properties"])
        self.deployed = copy.deepcopy(wanted)

    def _check(self, before, after):
        assert before["KeySchema"] == after["KeySchema"], "replaced"
        old, new = (
            {each["IndexName"]: each for each in table.get("GlobalSecondaryIndexes", [])} for table in (before, after)
        )
        assert len(old.keys() ^ new.keys()) <= 1, "more than one GSI creation or deletion in a single update"
        assert all(old[name] == new[name] for name in old.keys() & new.keys()), "an index cannot change in place"
        for each in old.keys() & new.keys():
            assert self._typed(before, old[each]) == self._typed(after, new[each]), "an index's key is retyped"
        used = [key["AttributeName"] for keyed in (after, *new.values()) for key in keyed["KeySchema"]]
        assert {each["AttributeName"] for each in after["AttributeDefinitions"]} == set(used), "attributes unused"

    @staticmethod
    def _typed(table, keyed):
        types = {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}
        return [types[key["AttributeName"]] for key in keyed["KeySchema"]]


def test_what_changes_no_index_is_one_step():
    before, after = stack(Orders=table()), stack(Orders=table(BillingMode="PAY_PER_REQUEST"))

    assert stages(before, after) == [after]
    assert stages({}, after) == [after]
    assert stages(after, after) == [after]


def test_a_new_table_has_all_its_indexes_at_once():
    before = stack(Orders=table())
    after = stack(Orders=table(), Carts=table(index("by_due", "due"), index("by_sku", "sku"), name="laris-test-carts"))

    assert stages(before, after) == [after]


def test_new_indexes_come_first_and_old_ones_go_last():
    before = stack(Orders=table(index("old", "state"), index("older", "sku")))
    after = stack(Orders=table(index("new", "due"), index("newer", "due", "sku")))

    steps = [names(each) for each in stages(before, after)]

    assert steps == [{"old", "older", "new"}, {"old", "older", "new", "newer"}, {"older", "new", "newer"}, names(after)]
    assert gaps(before, after) == []


def test_tables_change_side_by_side():
    before = stack(Orders=table(), Carts=table(name="laris-test-carts"))
    after = stack(
        Orders=table(index("by_due", "due"), index("by_sku", "sku")),
        Carts=table(index("by_due", "due"), name="laris-test-carts"),
    )

    first, last = stages(before, after)

    assert (names(first), names(first, "Carts")) == ({"by_due"}, {"by_due"})
    assert last == after


def test_an_index_that_changes_under_its_name_goes_before_it_comes_and_is_named():
    before, after = stack(Orders=table(index("by_due", "due"))), stack(Orders=table(index("by_due", "due", "sku")))

    steps = stages(before, after)

    assert [names(each) for each in steps] == [set(), {"by_due"}]
    assert gaps(before, after) == ["Orders/by_due"]


def test_the_rest_of_the_template_changes_with_the_first_step():
    before = stack(Orders=table())
    after = {**stack(Orders=table(index("by_due", "due"), index("by_sku", "sku"))), "Description": "new"}

    assert [each["Description"] for each in stages(before, after)] == ["new", "new"]


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (table(), table(keys=("pk", "at")), "KeySchema"),
        (table(), table(name="laris-test-sales"), "TableName"),
        (table(), table(types={"sk": "N"}), "the type of sk"),
        (table(), table(LocalSecondaryIndexes=[index("local", "pk", "sk")]), "LocalSecondaryIndexes"),
    ],
)
def test_what_would_replace_a_table_is_refused_and_named(before, after, why):
    with pytest.raises(TableWouldBeReplaced) as refused:
        stages(stack(Orders=before), stack(Orders=after))

    assert refused.value.tables == {"Orders": why}
    assert f"Orders: {why}" in str(refused.value)


def test_our_own_template_grows_by_two_indexes_in_two_steps():
    before = template()
    after = copy.deepcopy(before)
    logical, about = next((name, about) for name, about in after["Resources"].items() if name == "OrdersTable")
    more = [index("by_courier", "courier"), index("by_week", "week")]
    about["Properties"]["GlobalSecondaryIndexes"] = [*about["Properties"].get("GlobalSecondaryIndexes", []), *more]
    about["Properties"]["AttributeDefinitions"] += [
        {"AttributeName": name, "AttributeType": "S"} for name in ("courier", "week")
    ]

    steps = stages(before, after)

    assert [len(names(each, logical)) - len(names(before, logical)) for each in steps] == [1, 2]


some_keys = st.lists(st.sampled_from(ATTRIBUTES), min_size=1, max_size=2, unique=True)
some_index = st.builds(
    lambda name, keys, projection: index(name, *keys, projection=projection),
    st.sampled_from(NAMES),
    some_keys,
    st.sampled_from(["ALL", "KEYS_ONLY"]),
)
some_table = st.builds(
    lambda indexes, types: table(*indexes, types=types),
    st.lists(some_index, max_size=4, unique_by=lambda each: each["IndexName"]),
    st.fixed_dictionaries({each: st.sampled_from("SN") for each in ATTRIBUTES}),
)
some_stack = st.builds(lambda tables: stack(**tables), st.dictionaries(st.sampled_from("AB"), some_table))


@settings(max_examples=400, deadline=None)
@given(some_stack, some_stack)
def test_every_step_between_any_two_stacks_is_one_that_aws_takes(before, after):
    cloud, asked = CloudFormation(before), copy.deepcopy((before, after))

    for step in stages(before, after):
        cloud.update(step)

    assert cloud.deployed == after
    assert (before, after) == asked


@settings(max_examples=200, deadline=None)
@given(some_stack, some_stack)
def test_an_index_of_both_stacks_is_there_at_every_step_or_named(before, after):
    named = set(gaps(before, after))
    both = [
        (logical, name)
        for logical in before["Resources"].keys() & after["Resources"].keys() & {"A", "B"}
        for name in names(before, logical) & names(after, logical)
        if f"{logical}/{name}" not in named
    ]

    for step in stages(before, after):
        assert all(name in names(step, logical) for logical, name in both)


# The worked example of infra/migrations/README.md, under load

BEFORE = stack(Orders=table(index("by_state", "state"), BillingMode="PAY_PER_REQUEST"))
AFTER = stack(
    Orders=table(
        index("by_courier", "courier", "sk"),
        index("by_state_and_week", "state", "week"),
        BillingMode="PAY_PER_REQUEST",
    )
)
FILLED = 300


@pytest.fixture(scope="module")
def dynamodb():
    if reason := unavailable():
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    with DynamoDBLocal() as running:
        yield lambda: get_session().create_client("dynamodb", region_name="local", endpoint_url=running.endpoint)


def apply(client, step):
    """What CloudFormation does with a step: at most one index is made or removed, and it waits for it."""
    wanted = step["Resources"]["Orders"]["Properties"]
    name, new = wanted["TableName"], {each["IndexName"]: each for each in wanted["GlobalSecondaryIndexes"]}
    old = indexes(client, name)
    making = [{"Create": new[each]} for each in new.keys() - old]
    removing = [{"Delete": {"IndexName": each}} for each in old - new.keys()]
    client.update_table(
        TableName=name,
        AttributeDefinitions=wanted["AttributeDefinitions"],
        GlobalSecondaryIndexUpdates=[*making, *removing],
    )
    wanted_now = dict.fromkeys(new, "ACTIVE")
    assert any(standing(client, name) == wanted_now for _ in range(2_000))


def standing(client, name):
    about = client.describe_table(TableName=name)["Table"]
    return {each["IndexName"]: each["IndexStatus"] for each in about.get("GlobalSecondaryIndexes", [])}


def indexes(client, name):
    return set(standing(client, name))


def order(number):
    texts = {"pk": f"ord_{number}", "sk": "ORDER", "state": "paid", "courier": f"jne-{number % 3}", "week": "2026-48"}
    return {name: {"S": text} for name, text in texts.items()}


@contextmanager
def written_all_the_while(client, name):
    """Somebody writes orders without a pause; gives how many there are.

    The emulator, unlike AWS, answers some writes with an error of its own while it changes a table: they are repeated.
    """
    is_over, written = threading.Event(), [FILLED]

    def write():
        while not is_over.is_set():
            with suppress(ClientError):
                client.put_item(TableName=name, Item=order(written[0]))
                written[0] += 1

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield written
    finally:
        is_over.set()
        writer.join(10)


def found(client, name, index_name, key, value):
    pages = client.get_paginator("query").paginate(
        TableName=name,
        IndexName=index_name,
        KeyConditionExpression="#key = :value",
        ExpressionAttributeNames={"#key": key},
        ExpressionAttributeValues={":value": {"S": value}},
    )
    return [row["pk"]["S"] for page in pages for row in page["Items"]]


def test_indexes_are_changed_under_load_and_every_item_is_in_each(dynamodb):
    client, before = dynamodb(), BEFORE["Resources"]["Orders"]["Properties"]
    name = before["TableName"]
    client.create_table(**before)
    for number in range(FILLED):
        client.put_item(TableName=name, Item=order(number))
    steps, there = stages(BEFORE, AFTER), []

    with written_all_the_while(dynamodb(), name) as written:
        for step in steps:
            assert len(found(client, name, "by_state", "state", "paid")) >= FILLED
            apply(client, step)
            there.append(indexes(client, name))

    everybody = sorted(f"ord_{number}" for number in range(written[0]))
    by_courier = [pk for number in range(3) for pk in found(client, name, "by_courier", "courier", f"jne-{number}")]
    assert there == [{"by_state", "by_courier"}, {"by_state", "by_courier", "by_state_and_week"}, there[2]]
    assert there[2] == {"by_courier", "by_state_and_week"}
    assert written[0] > FILLED
    assert sorted(by_courier) == sorted(found(client, name, "by_state_and_week", "state", "paid")) == everybody
