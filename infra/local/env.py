"""How a running local system is reached: ``KEY=value`` lines in ``.local/env``, there only while it runs.

``LARIS_LOCAL_DIR`` names another folder than ``.local``, so that a test can run a system of its own beside a
developer's.
"""

import os
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = "LARIS_LOCAL_DIR"


def file() -> Path:
    """Where the lines stand."""
    return Path(os.environ.get(FOLDER) or ROOT / ".local") / "env"


def read() -> dict[str, str] | None:
    """The values by name, or None where no system runs."""
    try:
        lines = file().read_text().splitlines()
    except FileNotFoundError:
        return None
    return dict(line.split("=", 1) for line in lines if "=" in line)


def write(**values: str) -> None:
    """Say that the system runs. For the owner alone, since a key is among it; never seen half written."""
    path = file()
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    fresh.replace(path)


def remove() -> None:
    """Say that it runs no longer."""
    file().unlink(missing_ok=True)
