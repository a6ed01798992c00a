"""What the relay left out is carried again, by what Lambda says of it."""

import io
import json

import pytest

from chalicelib.core import aws as ours
from chalicelib.core import db, outbox
from chalicelib.core.config import settings
from chalicelib.events.catalog import CategoryChanged
from infra import carry


@pytest.fixture
def left_out(aws):
    """Three events in the stream, of which the relay gave up on the last two; Lambda's words about these."""
    for number in range(3):
        with db.transaction() as tx:
            outbox.publish(tx, CategoryChanged(f"cat_{number}", 1))
    table = ours.client("dynamodb").describe_table(TableName=settings.table("events"))["Table"]
    streams, arn = ours.client("dynamodbstreams"), table["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    first, last = (records[place]["dynamodb"]["SequenceNumber"] for place in (-2, -1))
    return {
        "shardId": shard["ShardId"],
        "startSequenceNumber": first,
        "endSequenceNumber": last,
        "streamArn": arn,
    }


def heard() -> list[str]:
    """The categories that the catalogue was told of, in the end."""
    url = ours.client("sqs").get_queue_url(QueueName=settings.queue("catalog"))["QueueUrl"]
    got = ours.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return sorted(json.loads(each["Body"])["aggregate"] for each in got)


def test_exactly_what_was_left_out_reaches_those_who_listen(left_out, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"DDBStreamBatchInfo": left_out})))

    assert carry.main() == 0

    assert heard() == ["cat_1", "cat_2"]
    assert capsys.readouterr().out == "2 events carried.\n"


def test_one_alone_is_carried_alone(left_out):
    assert carry.carry({**left_out, "endSequenceNumber": left_out["startSequenceNumber"]}) == 1

    assert heard() == ["cat_1"]
