"""A toy shop of one table, on which the scheduler is proven: stock, orders, and a way to buy that is right."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session
from moto import mock_aws
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from tests.properties.ring import tables

TABLE = "toy-shop"
UNITS = 2
CONTENTION = {"None", "TransactionConflict", "ThrottlingError"}
RETRYING = Config(retries={"mode": "standard", "total_max_attempts": 3})


class Thing(Model):
    """Stock, an order or a mark of the toy shop."""

    class Meta:
        table_name = TABLE
        region = tables.REGION

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    units = NumberAttribute(default=0)


@contextmanager
def opened() -> Iterator[Any]:
    """A client of an emulated DynamoDB with the shop's table."""
    with mock_aws():
        client = Session().create_client("dynamodb", region_name=tables.REGION, config=RETRYING)
        keys = [("pk", "HASH"), ("sk", "RANGE")]
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in keys],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys],
        )
        yield client
        client.delete_table(TableName=TABLE)


def stock(cloud, units=UNITS) -> None:
    """Nothing in the table but so many units."""
    tables.wipe(TABLE)
    cloud.put_item(TableName=TABLE, Item={**key("stock"), "units": number(units)})


def buy_once(cloud, order_id, *, without=None, **token) -> None:
    """An order and its unit in one transaction; ``without`` leaves out the condition of "order" or "stock"."""
    order = {"TableName": TABLE, "Item": key("order", order_id)}
    if without != "order":
        order["ConditionExpression"] = "attribute_not_exists(pk)"
    unit = {"TableName": TABLE, "Key": key("stock"), **minus_one()}
    if without != "stock":
        unit["ConditionExpression"] = "#units >= :one"
        unit["ExpressionAttributeValues"] |= {":one": number(1)}
    cloud.transact_write_items(TransactItems=[{"Put": order}, {"Update": unit}], **token)


def buy_rightly(cloud, order_id, **options) -> bool:
    """Whether the order is there in the end; contention is tried again."""
    if not read(cloud):
        return found(cloud, order_id)
    while True:
        try:
            buy_once(cloud, order_id, **options)
        except ClientError as error:
            codes = {reason["Code"] for reason in error.response.get("CancellationReasons", [])}
            if "ConditionalCheckFailed" in codes:
                return found(cloud, order_id)
            if not codes or codes - CONTENTION:
                raise
        else:
            return True


def found(cloud, order_id) -> bool:
    return "Item" in cloud.get_item(TableName=TABLE, Key=key("order", order_id), ConsistentRead=True)


def key(pk, sk="-"):
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def number(value):
    return {"N": str(value)}


def minus_one():
    return {
        "UpdateExpression": "ADD #units :minus",
        "ExpressionAttributeNames": {"#units": "units"},
        "ExpressionAttributeValues": {":minus": number(-1)},
    }


def read(cloud) -> int:
    item = cloud.get_item(TableName=TABLE, Key=key("stock"), ConsistentRead=True)["Item"]
    return int(item["units"]["N"])


def stored_units() -> int:
    return next(int(row["units"]["N"]) for row in tables.stored(TABLE) if row["pk"]["S"] == "stock")


def orders() -> list[str]:
    return [row["sk"]["S"] for row in tables.stored(TABLE) if row["pk"]["S"] == "order"]
