"""What is personal or secret in a request or answer, marked on the field, and such things with it masked.

``name: Annotated[str, PERSONAL]`` says that a field tells who somebody is or how they are reached; ``SECRET`` that
nobody but the caller may ever see it. The audit trail and the logs show the first masked and the second not at all.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import msgspec

PERSONAL: Final = msgspec.Meta(extra={"laris": "personal"})
SECRET: Final = msgspec.Meta(extra={"laris": "secret"})
HIDDEN: Final = "•••"
SHOWN: Final = 1


def masked(value: Any) -> Any:
    """``value`` as JSON can say it, with its marked fields masked."""
    return _masked(value, frozenset())


def mask(text: str) -> str:
    """Enough of a personal text to tell two apart with luck, too little to know it: ``s•••@e•••``."""
    parts = text.split("@") if text.count("@") == 1 else [text]
    return "@".join(part[:SHOWN] + HIDDEN for part in parts)


def marks(type_: type) -> dict[str, str]:
    """The marked fields of a Struct or dataclass, by name: "personal" or "secret"."""
    hints = get_type_hints(type_, include_extras=True)
    found = {name: _marks_of(hint) for name, hint in hints.items()}
    return {name: next(iter(sorted(kinds, reverse=True))) for name, kinds in found.items() if kinds}


def _marks_of(hint: Any) -> set[str]:
    """The marks on a hint or anywhere within it: ``Annotated[str, PERSONAL] | None`` too."""
    kinds: set[str] = set()
    if get_origin(hint) is Annotated:
        kinds = {
            meta.extra["laris"]
            for meta in hint.__metadata__
            if isinstance(meta, msgspec.Meta) and meta.extra and "laris" in meta.extra
        }
    return kinds.union(*(_marks_of(part) for part in get_args(hint)))


def _masked(value: Any, kinds: frozenset[str]) -> Any:
    if "secret" in kinds:
        return HIDDEN
    if isinstance(value, msgspec.Struct) or is_dataclass(value):
        marked = marks(type(value))
        return {
            name: _masked(getattr(value, name), kinds | {marked[name]} if name in marked else kinds)
            for name in _names(value)
            if getattr(value, name) is not msgspec.UNSET
        }
    if isinstance(value, Mapping):
        return {name: _masked(part, kinds) for name, part in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_masked(part, kinds) for part in value]
    if kinds and value is not None:
        return mask(str(value))
    return msgspec.to_builtins(value)


def _names(value: Any) -> tuple[str, ...]:
    if isinstance(value, msgspec.Struct):
        return value.__struct_fields__
    return tuple(field.name for field in fields(value))
