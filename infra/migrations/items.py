"""The items of a step's table: walked through in pages, and changed one by one by condition."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.migrations.pace import Pace
from infra.migrations.steps import Change, Copy, Item, Key, Refused, Step

TRIES: Final = 5
"""For an item that others write at the same time; the next round finds it again."""
VERSION: Final = "version"


class Items:
    """The items of a department's table as one step sees them."""

    def __init__(self, client: Any, stage: str, step: Step, pace: Pace) -> None:
        self._client, self._stage, self._step, self._pace = client, stage, step, pace
        self._table = self._name(step.table)

    def count(self) -> int:
        """About how many there are."""
        return int(self._client.describe_table(TableName=self._table)["Table"]["ItemCount"])

    def pages(self, cursor: Key | None, size: int) -> Iterator[tuple[list[Key], Key | None]]:
        """From ``cursor`` on; with each page the cursor of the next."""
        while True:
            where = {"ExclusiveStartKey": cursor} if cursor else {}
            got = self._client.scan(
                TableName=self._table, Limit=size, ConsistentRead=True, ReturnConsumedCapacity="TOTAL", **where
            )
            self._paid(got)
            cursor = got.get("LastEvaluatedKey")
            yield got["Items"], cursor
            if not cursor:
                return

    def needs(self, item: Item) -> bool:
        """True if the step has something to do with it. A copy counts only where there is none yet."""
        wanted = self._wanted(item)
        if isinstance(wanted, Copy):
            key = {name: wanted.item[name] for name in ("pk", "sk")}
            return self._read(self._name(wanted.table), key) is None
        return wanted is not None

    def change(self, item: Item) -> tuple[bool, bool]:
        """Do to it what the step says: whether it was needed, and whether it was written.

        It is needed and not written where others were quicker each time.
        """
        key = {name: item[name] for name in ("pk", "sk")}
        current: Item | None = item
        for tried in range(TRIES):
            wanted = self._wanted(current) if current is not None else None
            if wanted is None or current is None:
                return tried > 0, False
            if self._write(key, current, wanted):
                return True, True
            if isinstance(wanted, Copy):
                return False, False
            current = self._read(self._table, key)
        return True, False

    def again(self, item: Item) -> Item | None:
        """The item as it is now."""
        return self._read(self._table, {name: item[name] for name in ("pk", "sk")})

    def has_copy(self, copy: Copy | None) -> bool:
        """True if it stands in its table, and just so; also where there is to be none."""
        if copy is None:
            return True
        found = self._read(self._name(copy.table), {name: copy.item[name] for name in ("pk", "sk")})
        return found == copy.item

    def _wanted(self, item: Item) -> Change | Copy | None:
        """What the step says, unless the item is so already. Raises Refused for what it did not declare."""
        wanted = self._step.change(item)
        if isinstance(wanted, Copy) and wanted.table not in self._step.fills:
            raise Refused(f"a step that copies into {wanted.table} has to declare it")
        if not isinstance(wanted, Change):
            return wanted
        undeclared = {*wanted.set, *wanted.remove} - self._step.touches
        if undeclared or {"pk", "sk"} & {*wanted.set, *wanted.remove}:
            raise Refused(f"a step that changes {', '.join(sorted(undeclared)) or 'the key'} has to declare it")
        is_so = all(item.get(name) == value for name, value in wanted.set.items())
        return None if is_so and not any(name in item for name in wanted.remove) else wanted

    def _write(self, key: Key, current: Item, wanted: Change | Copy) -> bool:
        try:
            if isinstance(wanted, Copy):
                got = self._client.put_item(
                    TableName=self._name(wanted.table),
                    Item=wanted.item,
                    ConditionExpression="attribute_not_exists(pk)",
                    ReturnConsumedCapacity="TOTAL",
                )
            else:
                got = self._client.update_item(TableName=self._table, Key=key, **_update(current, wanted))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            self._pace.spend(1)
            return False
        self._paid(got)
        return True

    def _read(self, table: str, key: Key) -> Item | None:
        got = self._client.get_item(TableName=table, Key=key, ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
        self._paid(got)
        found: Item | None = got.get("Item")
        return found

    def _paid(self, got: Mapping[str, Any]) -> None:
        self._pace.spend(float(got.get("ConsumedCapacity", {}).get("CapacityUnits", 1)))

    def _name(self, department: str) -> str:
        return f"laris-{self._stage}-{department}"


def _update(current: Item, wanted: Change) -> dict[str, Any]:
    """The update, on the condition that nothing moved that it is about."""
    about = dict.fromkeys([*wanted.set, *wanted.remove, *wanted.reads, *([VERSION] if VERSION in current else [])])
    places = {name: str(number) for number, name in enumerate(about)}
    unmoved = [
        f"#n{at} = :old{at}" if name in current else f"attribute_not_exists(#n{at})" for name, at in places.items()
    ]
    setting = ", ".join(f"#n{places[name]} = :new{places[name]}" for name in wanted.set)
    removing = ", ".join(f"#n{places[name]}" for name in wanted.remove)
    values = {f":old{at}": current[name] for name, at in places.items() if name in current}
    return {
        "UpdateExpression": " ".join(
            [*([f"SET {setting}"] if setting else []), *([f"REMOVE {removing}"] if removing else [])]
        ),
        "ConditionExpression": " AND ".join(["attribute_exists(pk)", *unmoved]),
        "ExpressionAttributeNames": {f"#n{at}": name for name, at in places.items()},
        "ExpressionAttributeValues": values | {f":new{places[name]}": value for name, value in wanted.set.items()},
        "ReturnConsumedCapacity": "TOTAL",
    }
