"""Carries to the topic what the relay left out: `python -m infra.carry`, with a message of its dead letters on stdin.

Lambda says there which part of the stream it gave up on, not what was in it. The stream remembers that for a day. What
was carried before may be carried again: who listens expects it.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.core import aws, outbox


def main() -> int:
    """Say how many events were carried; 1 if the stream has none of them any more."""
    carried = carry(json.load(sys.stdin)["DDBStreamBatchInfo"])
    print(f"{carried} events carried.")
    return 0 if carried else 1


def carry(batch: Mapping[str, str]) -> int:
    """Relay the events of ``batch``, as Lambda describes it; how many. Raises Upstream if the topic refuses."""
    last = int(batch["endSequenceNumber"])
    records = list(_records(batch, last))
    images = [each["dynamodb"]["NewImage"] for each in records if each["eventName"] == "INSERT"]
    return outbox.relay(images)


def _records(batch: Mapping[str, str], last: int) -> Iterator[dict[str, Any]]:
    streams = aws.client("dynamodbstreams")
    iterator = streams.get_shard_iterator(
        StreamArn=batch["streamArn"],
        ShardId=batch["shardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=batch["startSequenceNumber"],
    )["ShardIterator"]
    while iterator:
        page = streams.get_records(ShardIterator=iterator)
        for record in page["Records"]:
            if int(record["dynamodb"]["SequenceNumber"]) > last:
                return
            yield record
            if int(record["dynamodb"]["SequenceNumber"]) == last:
                return
        iterator = page.get("NextShardIterator") if page["Records"] else None


if __name__ == "__main__":
    sys.exit(main())
