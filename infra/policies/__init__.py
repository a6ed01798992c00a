"""What each function may do at AWS: one policy a function, made from the table in ``functions``.

The committed files in ``.chalice/policies`` leave ``${Stage}``, ``${Region}`` and ``${Account}`` open, and with
``${Sender}`` the address that letters come from. The local system and the tests run every function under its policy.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from infra.policies import words
from infra.policies.functions import TABLE
from infra.policies.statements import statements
from infra.policies.words import Grant

API: Final = "api"
FUNCTIONS: Final = tuple(TABLE)
"""Every function by its name in our tables: the API, then the workers."""
COMMITTED: Final = Path(__file__).parents[2] / ".chalice" / "policies"


class UnknownFunction(LookupError):
    """A function that the table does not name."""


def policy(function: str, *, stage: str, region: str, account: str, sender: str = "*") -> dict[str, Any]:
    """The policy of ``function`` in a stage. Raises UnknownFunction.

    ``sender`` is the address alone, as in ``halo@toko.example``; without it, letters may come from any address that the
    account has verified.
    """
    names = {"${Stage}": stage, "${Region}": region, "${Account}": account, "${Sender}": sender}
    filled: dict[str, Any] = _filled(document(function), names)
    return filled


def document(function: str) -> dict[str, Any]:
    """The policy with its names open, as it is committed."""
    return {"Version": "2012-10-17", "Statement": statements(grants(function))}


def grants(function: str) -> list[Grant]:
    """What ``function`` is granted, what every function is granted included. Raises UnknownFunction."""
    if function not in TABLE:
        raise UnknownFunction(f"{function} has no policy: say in infra/policies/functions.py what it may do")
    return [*_flat(TABLE[function]), words.logs(_deployed(function)), words.traces()]


def write(folder: Path = COMMITTED) -> None:
    """Write every policy anew, and remove those of functions that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.json"):
        if old.stem not in TABLE:
            old.unlink()
    for function in FUNCTIONS:
        (folder / f"{function}.json").write_text(text(function))


def text(function: str) -> str:
    """The committed file of ``function``."""
    return json.dumps(document(function), indent=2) + "\n"


def _deployed(function: str) -> str:
    return words.LARIS if function == API else f"{words.LARIS}-{function}"


def _flat(granted: tuple[Grant | tuple[Grant, ...], ...]) -> Iterator[Grant]:
    for each in granted:
        yield from (each,) if isinstance(each, Grant) else each


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for name, meant in names.items():
            value = value.replace(name, meant)
        return value
    if isinstance(value, list):
        return [_filled(part, names) for part in value]
    return {key: _filled(part, names) for key, part in value.items()}
