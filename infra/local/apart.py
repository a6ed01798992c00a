"""What a function keeps in memory is its own: on AWS each is a process, here they share one.

Without this a worker would find in memory the secret that the API has fetched, and nobody would see that it may not
fetch it itself.
"""

import functools
import importlib
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any, Final

MEMORIES: Final = {
    "chalicelib.console.watch": ("_url",),
    "chalicelib.core.flags": ("_kept", "_read"),
    "chalicelib.core.secrets": ("_kept", "_failed_at"),
    "chalicelib.core.vault": ("_kept",),
    "chalicelib.notices.feedback": ("_queue_url",),
    "chalicelib.payments.inbound": ("_queue_url",),
}
"""Where what was asked of AWS is kept, by module: dictionaries, and cached functions."""


class Memory(MutableMapping[Any, Any]):
    """A dictionary of which each function has its own; cleared by no function, all are."""

    def __init__(self, owner: Callable[[], str | None]) -> None:
        self._owner = owner
        self._by_owner: defaultdict[str | None, OrderedDict[Any, Any]] = defaultdict(OrderedDict)

    @property
    def _mine(self) -> OrderedDict[Any, Any]:
        return self._by_owner[self._owner()]

    def __getitem__(self, key: Any) -> Any:
        return self._mine[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._mine[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._mine[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._mine)

    def __len__(self) -> int:
        return len(self._mine)

    def popitem(self, last: bool = True) -> tuple[Any, Any]:
        """As of an OrderedDict."""
        return self._mine.popitem(last)

    def clear(self) -> None:
        """Forget what is the function's, or everything where none runs."""
        if self._owner() is None:
            self._by_owner.clear()
        else:
            self._mine.clear()


def keep_apart(owner: Callable[[], str | None]) -> None:
    """Give each function, which ``owner`` names, memories of its own."""
    modules = [importlib.import_module(name) for name in MEMORIES]
    for module, memories in zip(modules, MEMORIES.values(), strict=True):
        for memory in memories:
            kept = getattr(module, memory)
            setattr(module, memory, Memory(owner) if isinstance(kept, dict) else _by_owner(kept.__wrapped__, owner))


def _by_owner(ask: Callable[..., Any], owner: Callable[[], str | None]) -> Callable[..., Any]:
    asked = functools.cache(lambda _owner, *about: ask(*about))
    return lambda *about: asked(owner(), *about)
