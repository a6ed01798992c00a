"""DynamoDB Local keeps the promises that Ring 2 rests on: all or nothing, and under threads as well."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from infra.local.dynamodb_local import DynamoDBLocal, unavailable

TABLE = "stock"
BUYERS = 24
UNITS = 10
SOLD_OUT = ["None", "ConditionalCheckFailed"]


@pytest.fixture(scope="module")
def dynamodb(request: pytest.FixtureRequest) -> Iterator[Any]:
    if reason := unavailable():
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            sys.stderr.write(f"\n!!! RING 2 IS SKIPPED: {reason}\n")
        pytest.skip(f"RING 2 IS SKIPPED: {reason}")
    with DynamoDBLocal() as local:
        yield Session().create_client(
            "dynamodb",
            region_name="ap-southeast-3",
            endpoint_url=local.endpoint,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(max_pool_connections=BUYERS, retries={"total_max_attempts": 1}),
        )


@pytest.fixture
def stock(dynamodb: Any) -> Iterator[Any]:
    keys = [("pk", "HASH"), ("sk", "RANGE")]
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
    )
    dynamodb.put_item(TableName=TABLE, Item={**key("KEMEJA-M"), "available": {"N": str(UNITS)}})
    yield dynamodb
    dynamodb.delete_table(TableName=TABLE)


def test_a_transaction_whose_condition_fails_changes_nothing_and_names_the_item(stock):
    available_before = available(stock)

    with pytest.raises(ClientError) as refused:
        buy(stock, "ord_1", quantity=UNITS + 1)

    assert reasons(refused.value) == SOLD_OUT
    assert available(stock) == available_before
    assert orders(stock) == 0


def test_a_transaction_said_twice_with_one_token_happens_once(stock):
    buy(stock, "ord_1", quantity=1, token="once")
    buy(stock, "ord_1", quantity=1, token="once")

    assert (available(stock), orders(stock)) == (UNITS - 1, 1)


def test_buyers_at_the_same_time_get_exactly_what_is_there(stock):
    with ThreadPoolExecutor(BUYERS) as threads:
        sold = list(threads.map(lambda buyer: bought(stock, f"ord_{buyer}"), range(BUYERS)))

    assert sold.count(True) == UNITS
    assert (available(stock), orders(stock)) == (0, UNITS)


def key(pk: str, sk: str = "-") -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def buy(dynamodb: Any, order_id: str, *, quantity: int, **token: str) -> None:
    order = {
        "TableName": TABLE,
        "Item": key("orders", order_id),
        "ConditionExpression": "attribute_not_exists(pk)",
    }
    units = {
        "TableName": TABLE,
        "Key": key("KEMEJA-M"),
        "UpdateExpression": "SET available = available - :q",
        "ConditionExpression": "available >= :q",
        "ExpressionAttributeValues": {":q": {"N": str(quantity)}},
    }
    once = {"ClientRequestToken": token["token"]} if token else {}
    dynamodb.transact_write_items(TransactItems=[{"Put": order}, {"Update": units}], **once)


def bought(dynamodb: Any, order_id: str) -> bool:
    try:
        buy(dynamodb, order_id, quantity=1)
    except ClientError as refused:
        if reasons(refused) != SOLD_OUT:
            raise
        return False
    return True


def reasons(refused: ClientError) -> list[str]:
    return [reason["Code"] for reason in refused.response["CancellationReasons"]]


def available(dynamodb: Any) -> int:
    item = dynamodb.get_item(TableName=TABLE, Key=key("KEMEJA-M"), ConsistentRead=True)["Item"]
    return int(item["available"]["N"])


def orders(dynamodb: Any) -> int:
    found = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="pk = :orders",
        ExpressionAttributeValues={":orders": {"S": "orders"}},
    )
    return int(found["Count"])
