"""Chalice's own command, in a build folder."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from infra.deploying import libraries
from infra.deploying.libraries import LibrariesMissing

CHALICE: Final = (sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())")
PATIENCE: Final = 1200
"""Seconds that it may take: it fetches what the functions need, and carries the zip to each of them."""


class ChaliceFailed(Exception):
    """Chalice ended with an error, or did not end."""


def package(folder: Path, stage: str, region: str, out: Path) -> None:
    """Describe and zip what stands in ``folder``. Raises ChaliceFailed."""
    _bring_libraries(folder)
    command = [*CHALICE, "package", "--stage", stage, str(out.resolve())]
    try:
        done = subprocess.run(
            command, cwd=folder, env=_environment(region), timeout=PATIENCE, check=False, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        raise ChaliceFailed(f"chalice package did not end within {PATIENCE} seconds.") from None
    if done.returncode:
        raise ChaliceFailed(f"chalice package: {done.stderr.strip()[-2000:]}")


def deploy(folder: Path, stage: str, region: str, say: Callable[[str], None]) -> None:
    """Deploy what stands in ``folder``, saying what Chalice says as it says it. Raises ChaliceFailed."""
    say("  Bringing the libraries (fetched once for the same requirements) …")
    _bring_libraries(folder)
    command = [*CHALICE, "deploy", "--stage", stage]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, cwd=folder, env=_environment(region), **pipes) as process:  # type: ignore[call-overload]
        stop = threading.Timer(PATIENCE, process.kill)
        stop.start()
        try:
            for line in process.stdout:
                say(f"  {line.rstrip()}")
        except BaseException:
            process.kill()
            raise
        finally:
            stop.cancel()
        status = process.wait()
    if status:
        raise ChaliceFailed(f"chalice deploy ended with {status}.")


def _bring_libraries(folder: Path) -> None:
    try:
        libraries.bring(folder)
    except LibrariesMissing as missing:
        raise ChaliceFailed(str(missing)) from None


def _environment(region: str) -> dict[str, str]:
    """Ours, without settings of Laris that may be meant for something else: a stage's own stand in its config."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LARIS_")}
    return {**kept, "AWS_DEFAULT_REGION": region, "AWS_REGION": region, "PYTHONDONTWRITEBYTECODE": "1"}
