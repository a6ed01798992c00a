"""What a step is, and which there are."""

import hashlib
import importlib.util
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

HERE: Final = Path(__file__).parent
NAMED: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.py")

Value = Mapping[str, Any]
"""As DynamoDB says it: ``{"S": "text"}``."""
Item = Mapping[str, Value]
Key = dict[str, Any]


class Refused(Exception):
    """Nothing further is changed; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Change:
    """What an item is to get and to lose. ``reads`` names what that was decided by.

    It is written only if the item still is as it was read in all of these, and in its version where it has one.
    """

    set: Item = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copy:
    """An item for another table, unless one stands there already: what the new code wrote is newer."""

    table: str
    item: Item


@dataclass(frozen=True, slots=True)
class Step:
    """One change of every item of a table that needs it.

    ``change`` looks at an item as it is stored and says what it is to become, or None where nothing is to be done,
    which must be so once it was done. It is called again and again, so it does no I/O and no chance. Models move on and
    steps stay, so it uses none of them.
    """

    does: str
    """One sentence, for whoever runs it."""
    table: str
    """The department whose table is walked through."""
    change: Callable[[Item], Change | Copy | None]
    touches: frozenset[str] = frozenset()
    """Every attribute that it may set or remove; a change of another one is refused."""
    fills: frozenset[str] = frozenset()
    """The departments into whose tables it may copy."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A step with its place in the order, and what it is known again by."""

    number: str
    title: str
    fingerprint: str
    step: Step


def load(folder: Path = HERE) -> list[Numbered]:
    """The steps of ``folder`` in their order. Raises Refused if a number is missing or there twice."""
    found = [
        Numbered(name[1], name[2], hashlib.sha256(path.read_bytes()).hexdigest(), _module(path).STEP)
        for path in sorted(folder.glob("*.py"))
        if (name := NAMED.fullmatch(path.name))
    ]
    for place, each in enumerate(found, 1):
        if int(each.number) != place:
            raise Refused(f"the steps are to be numbered without gaps: {place:04} is missing or there twice")
    return found


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"infra.migrations.{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Refused(f"{path.name} cannot be read")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
