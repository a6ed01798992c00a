"""How far each step has come in a stage, and who is at it: rows of the table ``runs``, written by condition.

pk = "migration"; sk = the step's number, or "LOCK". Every note of progress renews the lock in the same transaction, so
somebody who lost it can note nothing any more; what they still write to items does no harm, since the others' condition
is the same.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from chalicelib.core import clock
from infra.migrations.steps import Key, Numbered, Refused

PK: Final = "migration"
LOCK: Final = "LOCK"
LEASE: Final = timedelta(minutes=5)
TRIES: Final = 5
"""For a note whose transaction meets another."""


@dataclass(frozen=True, slots=True)
class Record:
    """A step as far as it has come. The counts are of the round under way, or of the last one once it is done."""

    number: str
    title: str
    fingerprint: str
    is_done: bool = False
    round: int = 1
    cursor: Key | None = None
    seen: int = 0
    changed: int = 0
    """Of all rounds."""
    found: int = 0
    """How many needed it in this round; a step is done after a round in which none did."""

    def next_round(self) -> "Record":
        """Once more from the beginning."""
        return replace(self, round=self.round + 1, cursor=None, seen=0, found=0)


class Ledger:
    """The records of a stage; ``with ledger.locked():`` for who writes."""

    def __init__(self, dynamodb: Any, stage: str) -> None:
        self._dynamodb, self._table = dynamodb, f"laris-{stage}-runs"
        self._holder = uuid.uuid4().hex
        self._until = clock.now()

    def read(self) -> dict[str, Record]:
        """The steps that were begun, by number."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": PK}},
            ConsistentRead=True,
        )
        rows = [row for page in pages for row in page["Items"] if row["sk"]["S"] != LOCK]
        return {row["sk"]["S"]: _record(row) for row in rows}

    def take(self) -> None:
        """Be the only one. Raises Refused while another is."""
        now = clock.now()
        values = {":now": {"S": clock.stamp(now)}, ":me": {"S": self._holder}}
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item=self._lock_row(now),
                ConditionExpression="attribute_not_exists(pk) OR until_at < :now OR holder = :me",
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            raise Refused(
                f"another run is at it; if it has died, its claim ends within {LEASE.seconds // 60} minutes"
            ) from None

    def let_go(self) -> None:
        """Let another have it, unless one has it already."""
        try:
            self._dynamodb.delete_item(
                TableName=self._table,
                Key={"pk": {"S": PK}, "sk": {"S": LOCK}},
                ConditionExpression="holder = :me",
                ExpressionAttributeValues={":me": {"S": self._holder}},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise

    @property
    def is_due(self) -> bool:
        """True if the lock should be renewed before long."""
        return self._until - clock.now() < LEASE * 2 / 3

    def save(self, record: Record) -> None:
        """Note how far it has come. Raises Refused if the lock went to another meanwhile."""
        items = [{"Put": {"TableName": self._table, "Item": _row(record)}}, {"Put": self._renewed()}]
        for attempt in range(TRIES):
            try:
                self._dynamodb.transact_write_items(TransactItems=items, ClientRequestToken=uuid.uuid4().hex)
                return
            except ClientError as error:
                reasons = {each["Code"] for each in error.response.get("CancellationReasons", [])}
                if "ConditionalCheckFailed" in reasons:
                    raise Refused("another run has taken over from this one, which was too slow") from None
                if not reasons or attempt == TRIES - 1:
                    raise
            clock.sleep(attempt + 1)

    def _renewed(self) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": self._lock_row(clock.now()),
            "ConditionExpression": "holder = :me",
            "ExpressionAttributeValues": {":me": {"S": self._holder}},
        }

    def _lock_row(self, now: datetime) -> dict[str, Any]:
        self._until = now + LEASE
        texts = {"pk": PK, "sk": LOCK, "holder": self._holder, "until_at": clock.stamp(self._until)}
        return {name: {"S": text} for name, text in texts.items()}


def check(steps: list[Numbered], records: Mapping[str, Record]) -> list[Numbered]:
    """The steps that are still to be done. Raises Refused if what was done is not what is written down here."""
    by_number = {each.number: each for each in steps}
    for number, record in sorted(records.items()):
        known = by_number.get(number)
        if known is None:
            raise Refused(f"step {number} ({record.title}) was begun here and is not in this code, which is older")
        if known.fingerprint != record.fingerprint:
            raise Refused(f"step {number} ({record.title}) is another than the one that was begun; write a new step")
    done = [each.number in records and records[each.number].is_done for each in steps]
    begun = [each.number in records for each in steps]
    if any(begun[place] and not all(done[:place]) for place in range(len(steps))):
        raise Refused(
            "a step was begun before those in front of it were done: the records of this stage are out of order"
        )
    return [each for each, is_done in zip(steps, done, strict=True) if not is_done]


def _record(row: Mapping[str, Any]) -> Record:
    return Record(
        number=row["sk"]["S"],
        title=row["title"]["S"],
        fingerprint=row["fingerprint"]["S"],
        is_done=row["is_done"]["BOOL"],
        round=int(row["round"]["N"]),
        cursor=json.loads(row["cursor"]["S"]),
        seen=int(row["seen"]["N"]),
        changed=int(row["changed"]["N"]),
        found=int(row["found"]["N"]),
    )


def _row(record: Record) -> dict[str, Any]:
    texts = {
        "pk": PK,
        "sk": record.number,
        "title": record.title,
        "fingerprint": record.fingerprint,
        "cursor": json.dumps(record.cursor),
        "noted_at": clock.stamp(clock.now()),
    }
    numbers = {"round": record.round, "seen": record.seen, "changed": record.changed, "found": record.found}
    return {
        **{name: {"S": text} for name, text in texts.items()},
        **{name: {"N": str(number)} for name, number in numbers.items()},
        "is_done": {"BOOL": record.is_done},
    }
