"""moto's DynamoDB as the local system and the tests have it: see infra/decisions/0011."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError
from moto.dynamodb.models import dynamodb_backends

from chalicelib.core import db
from chalicelib.core.config import settings
from tests.kit.cloud import ACCOUNT, REGION

TABLE = settings.table("events")


@pytest.fixture
def dynamodb(aws):
    client = db.client()
    client.put_item(TableName=TABLE, Item=item("jar", units={"N": "10"}))
    return client


def item(pk, **attributes):
    return {"pk": {"S": pk}, "sk": {"S": "-"}, **attributes}


def take(expression="SET units = units - :one", **more):
    return {
        "Update": {
            "TableName": TABLE,
            "Key": item("jar"),
            "UpdateExpression": expression,
            "ConditionExpression": "units >= :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            **more,
        }
    }


def put(pk):
    return {"Put": {"TableName": TABLE, "Item": item(pk), "ConditionExpression": "attribute_not_exists(pk)"}}


def streamed():
    stream = dynamodb_backends[ACCOUNT][REGION].tables[TABLE].stream_shard
    return len(stream.items) if stream else None


def units(client):
    return int(client.get_item(TableName=TABLE, Key=item("jar"), ConsistentRead=True)["Item"]["units"]["N"])


def test_threads_take_no_more_than_there_is(dynamodb):
    def buy(number):
        try:
            dynamodb.transact_write_items(TransactItems=[take(), put(f"order-{number}")])
        except ClientError as refused:
            return refused.response["CancellationReasons"][0]["Code"]
        return "sold"

    with ThreadPoolExecutor(8) as buyers:
        outcomes = list(buyers.map(buy, range(40)))

    assert (outcomes.count("sold"), outcomes.count("ConditionalCheckFailed"), units(dynamodb)) == (10, 30, 0)


def test_a_token_is_good_for_one_transaction(dynamodb):
    for _ in range(3):
        dynamodb.transact_write_items(TransactItems=[take()], ClientRequestToken="t1")
    assert units(dynamodb) == 9

    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        dynamodb.transact_write_items(TransactItems=[take(), put("other")], ClientRequestToken="t1")

    assert units(dynamodb) == 9


def test_a_write_that_fails_midway_undoes_the_others_and_their_stream_records(dynamodb):
    before = streamed()

    with pytest.raises(ClientError):
        dynamodb.transact_write_items(TransactItems=[put("order-1"), take("SET units = nothing + :one")])

    assert "Item" not in dynamodb.get_item(TableName=TABLE, Key=item("order-1"))
    assert units(dynamodb) == 10
    assert streamed() == before


@pytest.mark.parametrize(
    "expression",
    [
        "SET units = :one, units = :one",
        "SET a.b = :one, a = :one",
        "SET units = :one SET other = :one",
        "SET pk = :one",
    ],
)
def test_expressions_that_dynamodb_refuses_are_still_refused(dynamodb, expression):
    with pytest.raises(ClientError):
        dynamodb.update_item(
            TableName=TABLE,
            Key=item("jar"),
            UpdateExpression=expression,
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    assert units(dynamodb) == 10


def test_two_writes_to_one_item_are_refused(dynamodb):
    with pytest.raises(ClientError):
        dynamodb.transact_write_items(TransactItems=[take(), take()])

    assert units(dynamodb) == 10
