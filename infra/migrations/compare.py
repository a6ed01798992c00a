"""Whether a table that was filled from another says the same, before readers are switched to it."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from chalicelib.core import clock
from infra.migrations.items import Items
from infra.migrations.pace import Pace
from infra.migrations.steps import Copy, Item, Step

PAGE: Final = 100
SETTLES: Final = 2.0
"""Seconds after which two writes that belong together have both arrived."""


def differing(
    client: Any, stage: str, source: str, copy: Callable[[Item], Copy | None], *, rate: float
) -> Iterator[tuple[str, str]]:
    """The keys in ``source`` of what ``copy`` does not find in the new table as it should stand there.

    Writers may be at work: what differs is looked at once more a little later.
    """
    pace = Pace(rate)
    items = Items(client, stage, Step("compares", source, copy), pace)
    for page, _cursor in items.pages(None, PAGE):
        suspects = [item for item in page if not items.has_copy(copy(item))]
        if suspects:
            clock.sleep(SETTLES)
        for item in suspects:
            current = items.again(item)
            if current is not None and not items.has_copy(copy(current)):
                yield current["pk"]["S"], current["sk"]["S"]
