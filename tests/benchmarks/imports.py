"""What a cold start pays for imports: CPU of fresh processes, against bare Chalice and PynamoDB.

A Chalice zip carries no ``.pyc``, the runtime's own library does. So beside the ordinary import there is one where the
standard library is compiled, and what we package is not.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from infra.local.env import ROOT
from tests.benchmarks.tables import table
from tests.kit import cloud

BARE = "chalice + pynamodb"
MEASURE = "import time; began = time.process_time(); {}; print((time.process_time() - began) * 1000)"


def targets() -> dict[str, str]:
    """What is imported, by name: the API, and each worker as its Lambda enters it."""
    workers = sorted(ROOT.glob("chalicelib/*/workers.py"))
    modules = {path.parent.name: f"chalicelib.{path.parent.name}.workers" for path in workers}
    return {
        BARE: "import chalice.app, pynamodb.models",
        "API": "import app",
        **{f"worker {name}": f"import {module}" for name, module in modules.items()},
    }


def measure(runs: int = 7) -> dict[str, Any]:
    """Milliseconds by target: ``pyc`` with everything compiled, ``zip`` as Lambda finds a Chalice zip."""
    with tempfile.TemporaryDirectory() as folder:
        compiled, zipped = Path(folder, "compiled"), Path(folder, "zipped")
        for statement in targets().values():
            _run(statement, compiled, writes=True)
        shutil.copytree(compiled, zipped)
        for ours in (ROOT, Path(sysconfig.get_path("purelib"))):
            shutil.rmtree(zipped / ours.relative_to("/"), ignore_errors=True)
        return {
            name: {
                "pyc": min(_run(statement, compiled) for _ in range(runs)),
                "zip": min(_run(statement, zipped) for _ in range(runs)),
            }
            for name, statement in targets().items()
        }


def show(figures: dict[str, Any]) -> str:
    """The figures as a table."""
    bare = figures[BARE]
    rows = [
        (
            name,
            f"{ms['pyc']:.0f}",
            f"{ms['pyc'] / bare['pyc']:.2f}",
            f"{ms['zip']:.0f}",
            f"{ms['zip'] / bare['zip']:.2f}",
        )
        for name, ms in figures.items()
    ]
    title = "Import, CPU ms of a fresh process, least of the runs (zip: what we package is not compiled)"
    return table(title, ("import", "ms", "x bare", "zip ms", "x bare"), rows)


def _run(statement: str, cache: Path, *, writes: bool = False) -> float:
    env = {
        **os.environ,
        **cloud.ENVIRONMENT,
        "AWS_LAMBDA_FUNCTION_NAME": "laris-bench",
        "PYTHONPYCACHEPREFIX": str(cache),
        "PYTHONDONTWRITEBYTECODE": "" if writes else "1",
    }
    command = [sys.executable, "-c", MEASURE.format(statement)]
    done = subprocess.run(command, env=env, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout)
