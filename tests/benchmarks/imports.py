"""What a cold start pays for imports: CPU of fresh processes, against bare Chalice and PynamoDB.

What is packaged is compiled (``infra/deploying/libraries.py``), and so is what is measured.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

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


def measure(runs: int = 7) -> dict[str, float]:
    """Milliseconds by target, everything compiled."""
    with tempfile.TemporaryDirectory() as folder:
        compiled = Path(folder)
        for statement in targets().values():
            _run(statement, compiled, writes=True)
        return {name: min(_run(statement, compiled) for _ in range(runs)) for name, statement in targets().items()}


def show(figures: dict[str, float]) -> str:
    """The figures as a table."""
    rows = [(name, f"{ms:.0f}", f"{ms / figures[BARE]:.2f}") for name, ms in figures.items()]
    return table("Import, CPU ms of a fresh process, least of the runs", ("import", "ms", "x bare"), rows)


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
