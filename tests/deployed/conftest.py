"""What all tests of `make cloud` share: where the tools live, and a voice for what takes long."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.env import ROOT

Say = Callable[[str], None]


def tool(name: str, command: str) -> Path:
    """The environment `.local/venvs/<name>`, in which ``command`` is installed.

    Where it is not, the test is skipped; under CI it fails, for there nobody would see that it was skipped.
    """
    folder = Path(os.environ.get(f"LARIS_{name.upper()}_VENV") or ROOT / ".local" / "venvs" / name)
    if not (folder / "bin" / command).exists():
        missing = f"NOT TESTED: {folder} has no {command}. `make cloud` installs it from infra/requirements-{name}.txt"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return folder


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> Say:
    """Tell whoever waits at the terminal how far it has come."""
    capture: Any = request.config.pluginmanager.get_plugin("capturemanager")
    began = time.monotonic()

    def told(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n  {time.monotonic() - began:5.1f} s  {line}", end="", flush=True)

    return told
