"""What the functions need besides our own code, made ready to be imported: fetched, trimmed and compiled.

Chalice would fetch the same wheels itself, but leave bytecode out and botocore's models of 443 services in, which every
cold start pays for (page 21). So the build folder brings them in ``vendor/``, which Chalice packages as it is.
"""

import compileall
import hashlib
import json
import py_compile
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from infra.deploying.build import OUT

SERVICES: Final = frozenset({"cloudwatch", "dynamodb", "kms", "s3", "sesv2", "sns", "sqs", "ssm"})
"""The services that the functions call; a test holds them to the code. botocore's models of others stay here."""
MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
PLATFORMS: Final = ("manylinux_2_26", "manylinux_2_17", "manylinux2014")
"""What runs on Lambda for Python 3.11: its glibc is 2.26."""
ON_LAMBDA: Final = "/var/task"
"""Where the package is unpacked: what tracebacks name."""
BROUGHT: Final = "# All of it is in vendor/.\n"
LAYOUT: Final = "1"
"""Raised when what is made of the wheels changes: the folders made before are then made anew."""


class LibrariesMissing(Exception):
    """Not every library could be had as a wheel for Lambda."""


def bring(folder: Path) -> None:
    """Fill ``vendor/`` of a build folder, leave nothing for Chalice to fetch, and compile our own code too.

    Raises LibrariesMissing. The Python that runs this must be the one that runs on Lambda, as Chalice itself demands.
    """
    about = json.loads((folder / ".chalice" / "config.json").read_text())
    requirements = folder / "requirements.txt"
    if (wanted := requirements.read_text()) != BROUGHT:
        ready = _ready(wanted, MACHINES[about["lambda_architecture"]])
        shutil.rmtree(folder / "vendor", ignore_errors=True)
        shutil.copytree(ready, folder / "vendor")
        requirements.write_text(BROUGHT)
    _compile(folder / "chalicelib", root=folder)


def _ready(requirements: str, machine: str) -> Path:
    """The folder with the libraries, made once for the same requirements."""
    word = f"{LAYOUT} {machine} {sys.version_info[:2]} {sorted(SERVICES)} {requirements}"
    ready = OUT / "libraries" / f"{machine}-{hashlib.sha256(word.encode()).hexdigest()[:16]}"
    if not ready.exists():
        ready.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=ready.parent) as folder:
            making = Path(folder, "libraries")
            _fetch(requirements, machine, making)
            _trim(making)
            _compile(making, root=making)
            with suppress(OSError):  # somebody else was faster: theirs is the same
                making.rename(ready)
    return ready


def _fetch(requirements: str, machine: str, goal: Path) -> None:
    listed = goal.with_suffix(".txt")
    listed.write_text(requirements)
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--no-compile", "--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    command += [f"--platform={platform}_{machine}" for platform in PLATFORMS]
    done = subprocess.run(
        [*command, f"--target={goal}", f"--requirement={listed}"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise LibrariesMissing(f"The libraries could not be fetched for Lambda: {done.stderr.strip()[-1000:]}")


def _trim(goal: Path) -> None:
    """Take out what is never imported there: commands, and the models of services that nobody calls."""
    shutil.rmtree(goal / "bin", ignore_errors=True)
    for model in (goal / "botocore" / "data").iterdir():
        if model.is_dir() and model.name not in SERVICES:
            shutil.rmtree(model)


def _compile(goal: Path, *, root: Path) -> None:
    """Bytecode that is taken as it is: Lambda's disk is read-only, and file times do not survive the zip."""
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    done = compileall.compile_dir(
        goal, quiet=1, force=True, invalidation_mode=mode, stripdir=str(root), prependdir=ON_LAMBDA
    )
    if not done:
        raise LibrariesMissing(f"Not everything in {goal.name} could be compiled.")
