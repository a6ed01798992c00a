"""A fresh interpreter: what importing something really loads, which a process that runs tests cannot tell."""

import json
import os
import subprocess
import sys

from tests.architecture.source import ROOT
from tests.kit.cloud import ENVIRONMENT

HEAVY = {
    "boto3", "cryptography", "flask", "hypothesis", "jinja2", "jsonschema", "moto", "numpy", "pandas", "pydantic",
    "pytest", "requests", "setuptools", "werkzeug", "yaml",
}  # fmt: skip
"""What no function may load: each of these costs more than a hundredth of a second, or is not packaged."""


def loaded_by(statement: str) -> set[str]:
    """The modules that stand loaded after ``statement`` in a fresh interpreter inside Lambda."""
    script = f"import json, sys\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "LARIS_"))}
    environment = {**inherited, **ENVIRONMENT, "AWS_LAMBDA_FUNCTION_NAME": "laris-test"}
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stdout))


def heavy_among(modules: set[str]) -> set[str]:
    """The heavy libraries among ``modules``."""
    return {module.partition(".")[0] for module in modules} & HEAVY
