"""A fresh interpreter: what importing something really loads, which a process that runs tests cannot tell."""

import json
import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.architecture.source import ROOT
from tests.kit.cloud import ENVIRONMENT

HEAVY = {
    "boto3", "cryptography", "flask", "hypothesis", "jinja2", "jsonschema", "moto", "numpy", "pandas", "pydantic",
    "pytest", "requests", "setuptools", "werkzeug", "yaml",
}  # fmt: skip
"""What no function may load: each of these costs more than a hundredth of a second, or is not packaged."""

PACKAGED = (ROOT, Path(sysconfig.get_path("purelib")))
"""Where that lies which is packaged without bytecode; the runtime's own library has it."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """How much an import loads: modules in all, and bytes of source that a copy of the function has to compile."""

    modules: int
    compiled: int


def loaded_by(statement: str) -> set[str]:
    """The modules that stand loaded after ``statement`` in a fresh interpreter inside Lambda."""
    return set(_files(statement))


def load_of(statement: str) -> Loaded:
    """The same in numbers, which are alike on every machine, unlike time."""
    files = [Path(file) for file in _files(statement).values() if file is not None]
    sources = [file for file in files if file.suffix == ".py" and any(map(file.is_relative_to, PACKAGED))]
    return Loaded(len(_files(statement)), sum(source.stat().st_size for source in sources))


def heavy_among(modules: set[str]) -> set[str]:
    """The heavy libraries among ``modules``."""
    return {module.partition(".")[0] for module in modules} & HEAVY


@cache
def _files(statement: str) -> dict[str, str | None]:
    """The loaded modules, each with the file it comes from."""
    found = "{name: getattr(module, '__file__', None) for name, module in sys.modules.items()}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "LARIS_"))}
    environment = {**inherited, **ENVIRONMENT, "AWS_LAMBDA_FUNCTION_NAME": "laris-test"}
    script = f"import json, sys\n{statement}\nprint(json.dumps({found}))"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    files: dict[str, str | None] = json.loads(ran.stdout)
    return files
