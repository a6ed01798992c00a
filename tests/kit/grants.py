"""Which rights the functions used in a run of all tests: `python -m tests.kit.grants` fails if any was used by nobody.

Every process of a run notes what its functions used when it ends. Rights that AWS uses in our name are implied: no call
of ours shows them, and the table says of each why it is there.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from infra import policies
from infra.local import guard
from infra.local.guard import Use
from infra.policies.words import Grant

NOTES = Path(__file__).parents[2] / ".local" / "grants"


def main() -> None:
    """Compare what was used with the policies."""
    if not NOTES.is_dir():
        sys.exit("Nobody has noted what was used: run all tests first.")
    spare = unused(noted(NOTES))
    for function, action, resource in spare:
        print(f"{function} is granted {action} on {resource}, and no test needs it", file=sys.stderr)
    if spare:
        sys.exit("Take what is not needed out of infra/policies/functions.py, or test what needs it.")
    print(f"All {len(list(granted()))} rights of {len(policies.FUNCTIONS)} functions are used.")


def begin(folder: Path = NOTES) -> None:
    """Forget the notes of earlier runs."""
    shutil.rmtree(folder, ignore_errors=True)


def note(folder: Path = NOTES) -> None:
    """Write down what was used in this process, if anything was."""
    if guard.used:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / str(os.getpid())).write_text(json.dumps(sorted(guard.used)))


def noted(folder: Path) -> set[Use]:
    """What the processes of the last run used, all together."""
    found = (json.loads(path.read_text()) for path in folder.iterdir())
    return {(function, action, resource) for uses in found for function, action, resource in uses}


def unused(used: set[Use], granted_to: Callable[[str], list[Grant]] = policies.grants) -> list[Use]:
    """The rights that nobody used."""
    return sorted(set(granted(granted_to)) - used)


def granted(granted_to: Callable[[str], list[Grant]] = policies.grants) -> Iterable[Use]:
    """Every right that calls of ours should show."""
    for function in policies.FUNCTIONS:
        for grant in granted_to(function):
            if not grant.implied:
                yield from ((function, action, name) for action in grant.actions for name in grant.resources)


if __name__ == "__main__":
    main()
