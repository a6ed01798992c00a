"""The template and the code agree: tables, indexes, queues and who hears what."""

import importlib
import inspect
import pkgutil
import re
from typing import Any

import pytest

from tests.architecture import workers
from tests.kit.cloud import STAGE

KEYS = {"HASH": "hash", "RANGE": "range"}


def resources(kind: str) -> list[Any]:
    from infra.local import cloud

    return cloud.resources(kind, STAGE)


def rows() -> list[Any]:
    """Every class of a stored item, with all departments' models loaded."""
    import chalicelib
    from chalicelib.core import db

    for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        if ".models" in module.name or module.name.startswith("chalicelib.core."):
            importlib.import_module(module.name)
    found, waiting = [], [db.Row]
    while waiting:
        class_ = waiting.pop()
        waiting += class_.__subclasses__()
        if hasattr(class_, "Meta") and class_.__module__.startswith("chalicelib."):
            found.append(class_)
    return found


def tables() -> dict[str, Any]:
    return {table.properties["TableName"]: table.properties for table in resources("AWS::DynamoDB::Table")}


def keys_of(schema: list[dict[str, str]]) -> dict[str, str]:
    return {part["KeyType"]: part["AttributeName"] for part in schema}


def test_every_item_has_its_table_with_these_keys():
    for row in rows():
        table = tables()[row.Meta.table_name]

        assert keys_of(table["KeySchema"]) == {"HASH": "pk", "RANGE": "sk"}, row


def test_every_table_holds_items_of_some_department():
    assert {row.Meta.table_name for row in rows()} == set(tables())


def test_every_index_of_the_code_is_in_the_template_as_it_is_used():
    for row in rows():
        defined = {
            index["IndexName"]: index for index in tables()[row.Meta.table_name].get("GlobalSecondaryIndexes", [])
        }
        for index in row._indexes.values():
            about = defined[index.Meta.index_name]
            ours = keys_of([_named(part) for part in index._get_schema()["key_schema"]])

            assert keys_of(about["KeySchema"]) == ours, row
            assert about["Projection"] == _projection(index), row


def test_items_of_one_kind_alone_enter_an_index():
    """A row that happens to have an attribute of the index's name would be found in the place of the right one."""
    for table, about in tables().items():
        for index in about.get("GlobalSecondaryIndexes", []):
            keys = set(keys_of(index["KeySchema"]).values())
            entering = [
                row
                for row in rows()
                if row.Meta.table_name == table and keys <= {each.attr_name for each in row.get_attributes().values()}
            ]

            assert len(entering) == 1, (table, index["IndexName"], entering)


def _named(part: dict[str, str]) -> dict[str, str]:
    return {"KeyType": part["KeyType"], "AttributeName": part["AttributeName"]}


def _projection(index) -> dict[str, Any]:
    projection = index.Meta.projection
    asked = {"ProjectionType": projection.projection_type}
    if projection.non_key_attributes:
        asked["NonKeyAttributes"] = projection.non_key_attributes
    return asked


def test_every_index_of_the_template_is_used():
    used = {(row.Meta.table_name, index.Meta.index_name) for row in rows() for index in row._indexes.values()}
    defined = {
        (name, index["IndexName"])
        for name, table in tables().items()
        for index in table.get("GlobalSecondaryIndexes", [])
    }

    assert used == defined


def test_key_attributes_are_texts_and_each_is_needed():
    for table in tables().values():
        schemas = [table["KeySchema"], *(index["KeySchema"] for index in table.get("GlobalSecondaryIndexes", []))]
        needed = {name for schema in schemas for name in keys_of(schema).values()}

        assert {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]} == (
            dict.fromkeys(needed, "S")
        )


def test_what_expires_expires_by_the_attribute_that_the_code_writes():
    for table in tables().values():
        if "TimeToLiveSpecification" in table:
            name = table["TimeToLiveSpecification"]["AttributeName"]
            writers = [row for row in rows() if row.Meta.table_name == table["TableName"] and hasattr(row, name)]
            assert writers, table["TableName"]


def test_no_table_can_be_lost():
    from infra.local import cloud

    for about in cloud.template()["Resources"].values():
        if about["Type"] == "AWS::DynamoDB::Table":
            properties = about["Properties"]
            assert (about["DeletionPolicy"], about["UpdateReplacePolicy"]) == ("Retain", "Retain"), properties
            assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, properties
            assert properties["SSESpecification"] == {"SSEEnabled": True}, properties
            assert properties["BillingMode"] == "PAY_PER_REQUEST", properties


def test_no_bucket_can_be_lost_or_read_by_strangers():
    from infra.local import cloud

    for about in cloud.template()["Resources"].values():
        if about["Type"] == "AWS::S3::Bucket":
            assert (about["DeletionPolicy"], about["UpdateReplacePolicy"]) == ("Retain", "Retain")
            assert set(about["Properties"]["PublicAccessBlockConfiguration"].values()) == {True}


def test_every_queue_has_a_dead_letter_queue_that_keeps_letters_long():
    queues = {queue.id: queue.properties for queue in resources("AWS::SQS::Queue")}
    for id_, queue in queues.items():
        if queue["QueueName"].endswith("-dlq"):
            assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600, id_
            continue
        target = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert queues[target]["QueueName"] == f"{queue['QueueName']}-dlq", id_
        assert queue["RedrivePolicy"]["maxReceiveCount"] >= 3, id_


def test_every_queue_is_worked_off():
    served = {source.queue for source in workers.consumers()}

    assert served == {
        queue.properties["QueueName"]
        for queue in resources("AWS::SQS::Queue")
        if not queue.properties["QueueName"].endswith("-dlq")
    }


def subscribed() -> dict[str, set[str]]:
    """The types of events that each queue gets, by its name."""
    names = {queue.id: queue.properties["QueueName"] for queue in resources("AWS::SQS::Queue")}
    return {
        names[about.properties["Endpoint"]["Fn::GetAtt"][0]]: set(about.properties["FilterPolicy"]["type"])
        for about in resources("AWS::SNS::Subscription")
        if "FilterPolicy" in about.properties  # the others are to topics of AWS's own events
    }


def test_every_subscription_is_to_events_that_exist():
    known = set(workers.event_types())

    assert {queue: types - known for queue, types in subscribed().items() if types - known} == {}


def test_every_queue_gets_exactly_what_its_worker_reads():
    read = {source.queue: workers.types_read_by(source) for source in workers.consumers()}

    assert {queue: types for queue, types in read.items() if types} == subscribed()


def test_the_topic_may_send_to_every_subscribed_queue():
    (policy,) = resources("AWS::SQS::QueuePolicy")
    allowed = {queue["Ref"] for queue in policy.properties["Queues"]}

    assert allowed == {about.properties["Endpoint"]["Fn::GetAtt"][0] for about in resources("AWS::SNS::Subscription")}


@pytest.mark.parametrize("event", workers.event_types().values(), ids=lambda event: event.TYPE)
def test_an_event_is_a_past_tense_fact_about_an_aggregate(event):
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", event.TYPE)
    assert event.KEY in inspect.signature(event).parameters
    assert event.__dataclass_params__.frozen
    assert event.__doc__
    assert not event.__doc__.startswith(event.__name__ + "(")
