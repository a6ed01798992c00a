"""The workers of the app and the events, as packaging and the topic see them."""

import importlib
import inspect
import pkgutil
from functools import cache
from typing import Any


@cache
def event_sources() -> tuple[Any, ...]:
    """Every queue consumer, stream reader and schedule that is packaged."""
    from app import app

    return tuple(app.event_sources)


def consumers() -> list[Any]:
    """The workers that read a queue."""
    from chalice.app import SQSEventConfig

    return [source for source in event_sources() if isinstance(source, SQSEventConfig)]


def handler(source: Any) -> Any:
    """The packaged function."""
    module, _, name = source.handler_string.rpartition(".")
    return getattr(importlib.import_module(module), name)


def types_read_by(source: Any) -> set[str]:
    """The types of the events that a consumer takes; none where it reads other messages."""
    consume = handler(source).func.__wrapped__
    shape = next(iter(inspect.signature(consume, eval_str=True).parameters.values())).annotation
    kinds = getattr(shape, "__args__", (shape,))
    return {kind.TYPE for kind in kinds if hasattr(kind, "TYPE")}


@cache
def event_types() -> dict[str, Any]:
    """Every event by its type."""
    from chalicelib import events

    found = {}
    for module in pkgutil.iter_modules(events.__path__, "chalicelib.events."):
        for thing in vars(importlib.import_module(module.name)).values():
            if inspect.isclass(thing) and hasattr(thing, "TYPE"):
                found[thing.TYPE] = thing
    return found
