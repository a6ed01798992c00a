"""The lines that our code logs, as a function would write them."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def told() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What was logged inside so far, at INFO or above, each line once."""
    written, ours = io.StringIO(), logging.getLogger("laris-test")
    handler = logging.StreamHandler(written)
    handler.setFormatter(ours.handlers[0].formatter)
    before = ours.level, ours.disabled
    logging.disable(logging.NOTSET)
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    ours.disabled = False  # a library that sets up logging switches off the loggers it does not know
    try:
        yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before[0])
        ours.disabled = before[1]
