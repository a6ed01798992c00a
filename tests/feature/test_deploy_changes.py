"""Change sets in plain words, and what of them is refused."""

import pytest

from infra.deploying.changes import in_words, never_done


def change(action, kind, name, replacement=None, *properties):
    about = {"Action": action, "ResourceType": kind, "LogicalResourceId": name, "PhysicalResourceId": f"laris-{name}"}
    if action == "Modify":
        about["Replacement"] = replacement
        about["Details"] = [{"Target": {"Attribute": "Properties", "Name": each}} for each in properties]
    return {"Type": "Resource", "ResourceChange": about}


TABLE, BUCKET, KEY, QUEUE = "AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SQS::Queue"


def test_what_is_new_is_counted_and_what_changes_is_named():
    changes = [
        change("Add", TABLE, "a"),
        change("Add", TABLE, "b"),
        change("Modify", QUEUE, "orders", "False", "VisibilityTimeout"),
        change("Remove", "AWS::CloudWatch::Alarm", "old"),
    ]

    assert in_words(changes) == [
        "add 2 x table",
        "change VisibilityTimeout of the queue laris-orders",
        "remove the alarm laris-old",
    ]


@pytest.mark.parametrize(("kind", "word"), [(TABLE, "table"), (BUCKET, "bucket"), (KEY, "key")])
def test_what_holds_data_is_never_removed(kind, word):
    assert never_done([change("Remove", kind, "orders")]) == [f"The {word} laris-orders would be removed."]


@pytest.mark.parametrize("kind", [TABLE, BUCKET, KEY])
@pytest.mark.parametrize(("replacement", "verb"), [("True", "would"), ("Conditional", "might")])
def test_what_holds_data_is_never_replaced(kind, replacement, verb):
    (said,) = never_done([change("Modify", kind, "orders", replacement, "KeySchema")])

    assert f"laris-orders {verb} be replaced by an empty one (KeySchema)." in said


def test_a_table_may_change_where_it_stands_and_a_queue_may_be_replaced():
    changes = [
        change("Modify", TABLE, "orders", "False", "GlobalSecondaryIndexes"),
        change("Modify", QUEUE, "orders", "True", "QueueName"),
        change("Remove", QUEUE, "old"),
    ]

    assert never_done(changes) == []
    assert in_words(changes)[1] == "change QueueName of the queue laris-orders by a new one"
