"""A change of several indexes as templates to be applied one after the other.

DynamoDB makes or removes one global secondary index of a table at a time, and CloudFormation refuses an update that
asks for two ("Cannot perform more than one GSI creation or deletion in a single update"). New indexes come first and
old ones go last, so that code of both ages finds what it reads. An index whose key or projection changes under its own
name has to go before it comes: ``gaps`` names those; a new name has no gap.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from infra.deploying.deployment import Refused

TABLE: Final = "AWS::DynamoDB::Table"
INDEXES: Final = "GlobalSecondaryIndexes"
FIXED: Final = ("TableName", "KeySchema", "LocalSecondaryIndexes")
"""What a table is made anew for, empty."""

Template = dict[str, Any]
Properties = dict[str, Any]


class TableWouldBeReplaced(Refused):
    """A change that CloudFormation carries out by making an empty table; ``tables`` says of each what it is."""

    def __init__(self, tables: dict[str, str]) -> None:
        self.tables = tables
        told = "; ".join(f"{table}: {change}" for table, change in sorted(tables.items()))
        super().__init__(f"this would replace tables by empty ones ({told}); move them as infra/migrations says")


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index, with the types of its key's attributes: all that makes it what it is."""

    about: Properties
    types: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return str(self.about["IndexName"])

    def is_same(self, other: "Index") -> bool:
        """True if one can become the other in place."""
        return self.types == other.types and all(
            self.about.get(part) == other.about.get(part) for part in ("KeySchema", "Projection")
        )


Indexes = dict[str, Index]


def stages(deployed: Template, wanted: Template) -> list[Template]:
    """The templates that lead from ``deployed`` (empty where nothing is) to ``wanted``, which is always the last.

    Raises TableWouldBeReplaced.
    """
    tables = _kept(deployed, wanted)
    replaced = {name: why for name, (before, after) in tables.items() if (why := _replacing(before, after))}
    if replaced:
        raise TableWouldBeReplaced(replaced)
    ways = {name: list(_way(_indexes(before), _indexes(after))) for name, (before, after) in tables.items()}
    longest = max((len(way) for way in ways.values()), default=0)
    return [*(_template(wanted, ways, number) for number in range(longest - 1)), wanted]


def gaps(deployed: Template, wanted: Template) -> list[str]:
    """The indexes, as ``table/index``, that are there before and after but not all the time between."""
    return [
        f"{table}/{name}"
        for table, (before, after) in sorted(_kept(deployed, wanted).items())
        for name, index in sorted(_indexes(after).items())
        if name in _indexes(before) and not index.is_same(_indexes(before)[name])
    ]


def _kept(deployed: Template, wanted: Template) -> dict[str, tuple[Properties, Properties]]:
    """The properties, before and after, of the tables that are in both."""
    before, after = _tables(deployed), _tables(wanted)
    return {name: (before[name], after[name]) for name in after if name in before}


def _tables(template: Template) -> dict[str, Properties]:
    return {
        name: about.get("Properties", {})
        for name, about in template.get("Resources", {}).items()
        if about["Type"] == TABLE
    }


def _replacing(before: Properties, after: Properties) -> str | None:
    """What of a table changes that cannot change in place, or None."""
    for part in FIXED:
        if before.get(part) != after.get(part):
            return part
    types = _types(before), _types(after)
    fixed = [*after["KeySchema"], *(each for index in after.get(FIXED[2], []) for each in index["KeySchema"])]
    retyped = [key["AttributeName"] for key in fixed if len({each[key["AttributeName"]] for each in types}) > 1]
    return f"the type of {retyped[0]}" if retyped else None


def _types(table: Properties) -> dict[str, str]:
    return {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]}


def _indexes(table: Properties) -> Indexes:
    types = _types(table)
    made = (
        Index(about, tuple((key["AttributeName"], types[key["AttributeName"]]) for key in about["KeySchema"]))
        for about in table.get(INDEXES, [])
    )
    return {index.name: index for index in made}


def _way(before: Indexes, after: Indexes) -> Iterator[Indexes]:
    """The indexes after each step, each step making or removing one."""
    current = {
        name: after[name] if name in after and index.is_same(after[name]) else index for name, index in before.items()
    }
    while current != after:
        name = _next_made(current, after)
        if name is not None:
            current = {**current, name: after[name]}
        else:
            gone = next(each for each in current if current[each] is not after.get(each))
            current = {each: index for each, index in current.items() if each != gone}
        yield current


def _next_made(current: Indexes, after: Indexes) -> str | None:
    """A missing index that can be made beside those that are there: an attribute has one type in a table."""
    types = {attribute: type_ for index in current.values() for attribute, type_ in index.types}
    return next(
        (
            name
            for name, index in after.items()
            if name not in current and all(types.get(attribute, type_) == type_ for attribute, type_ in index.types)
        ),
        None,
    )


def _template(wanted: Template, ways: dict[str, list[Indexes]], number: int) -> Template:
    """``wanted``, but with the indexes of step ``number`` where a table has further steps to go."""
    made = copy.deepcopy(wanted)
    for name, way in ways.items():
        if number < len(way) - 1:
            _set_indexes(made["Resources"][name]["Properties"], way[number])
    return made


def _set_indexes(table: Properties, indexes: Indexes) -> None:
    """DynamoDB wants exactly those attributes defined that are part of a key."""
    types = {attribute: type_ for index in indexes.values() for attribute, type_ in index.types}
    defined = _types(table)
    fixed = [*table["KeySchema"], *(each for index in table.get(FIXED[2], []) for each in index["KeySchema"])]
    types |= {key["AttributeName"]: defined[key["AttributeName"]] for key in fixed}
    table["AttributeDefinitions"] = [
        {"AttributeName": name, "AttributeType": type_} for name, type_ in sorted(types.items())
    ]
    table.pop(INDEXES, None)
    if indexes:
        table[INDEXES] = [copy.deepcopy(index.about) for index in indexes.values()]
