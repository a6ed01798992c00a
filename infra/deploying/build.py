"""The folder that Chalice deploys or packages: our code with ``.chalice`` filled in for one stage.

The checkout itself is never filled in, and never deployed: what a stage was given stands in ``out/<stage>/project``.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from infra import policies
from infra.deploying.functions import Function, Kind, functions

ROOT: Final = Path(__file__).parent.parent.parent
OUT: Final = ROOT / "out"
PACKAGED: Final = ("app.py", "chalicelib", "requirements.txt")
COMMITTED: Final = ROOT / ".chalice" / "config.json"
AT_ONCE: Final = {Kind.SCHEDULE: 1}
"""How many copies of a function may run, by what starts it: no schedule overtakes itself. How many read a queue stands
with the worker (``maximum_concurrency``)."""
NEVER_SET: Final = frozenset({"LARIS_PARTIAL_BATCHES"})
"""Set on one function at a time, and only once its mapping is proven to carry what it promises."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the code is to run as."""

    stage: str
    region: str
    account: str
    stream_arn: str
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)
    """The operator's own settings, as the functions see them."""
    sender: str = "*"
    """The address that letters come from."""
    architecture: str = "arm64"
    reserves_concurrency: bool = True
    """False where the account's limit leaves no room for it."""

    def variables(self) -> dict[str, str]:
        """The environment of every function."""
        if forbidden := NEVER_SET & self.environment.keys():
            raise ValueError(f"{', '.join(sorted(forbidden))} is set by the deployment itself, where it is true.")
        return {
            **self.environment,
            "LARIS_STAGE": self.stage,
            "LARIS_ACCOUNT": self.account,
            "LARIS_EVENTS_STREAM_ARN": self.stream_arn,
            "LARIS_VERSION": self.version,
        }


def project(stage: str) -> Path:
    """Where a stage's build folder is."""
    return OUT / stage / "project"


def version() -> str:
    """What the checkout is: its tag or commit, marked where something is not committed."""
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--tags"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return asked.stdout.strip() or "unversioned"


def build(folder: Path, target: Target) -> Path:
    """Make ``folder`` anew for ``target``, keeping only Chalice's record of what it deployed; ``folder``."""
    filled = config(target)
    folder.mkdir(parents=True, exist_ok=True)
    for name in PACKAGED:
        _copy(ROOT / name, folder / name)
    settings = folder / ".chalice"
    shutil.rmtree(settings / "policies", ignore_errors=True)
    (settings / "policies").mkdir(parents=True)
    _write(settings / "config.json", filled)
    for function in functions():
        _write(settings / "policies" / f"{function.name}.json", policy(function, target))
    return folder


def policy(function: Function, target: Target) -> dict[str, Any]:
    """What ``function`` may do where it runs."""
    return policies.policy(
        function.name, stage=target.stage, region=target.region, account=target.account, sender=target.sender
    )


def config(target: Target) -> dict[str, Any]:
    """The committed ``.chalice/config.json`` filled in for ``target``, which becomes its only stage."""
    committed: dict[str, Any] = json.loads(COMMITTED.read_text())
    per_function = committed.pop("lambda_functions", {})
    committed.pop("iam_policy_file", None)
    committed.pop("environment_variables", None)
    if unknown := per_function.keys() - {function.config_name for function in functions()}:
        raise ValueError(f".chalice/config.json names functions that the app has not: {', '.join(sorted(unknown))}.")
    filled = {}
    for function in functions():
        about = {**per_function.get(function.config_name, {}), "iam_policy_file": f"policies/{function.name}.json"}
        if target.reserves_concurrency and function.kind in AT_ONCE:
            about["reserved_concurrency"] = AT_ONCE[function.kind]
        filled[function.config_name] = about
    return {
        **committed,
        "lambda_architecture": target.architecture,
        "tags": {**committed.get("tags", {}), "stage": target.stage},
        "stages": {target.stage: {"environment_variables": target.variables(), "lambda_functions": filled}},
    }


def digest(folder: Path) -> str:
    """What the folder holds, in one word: two folders of the same word deploy the same."""
    seen = hashlib.sha256()
    for path in sorted(_deployed(folder)):
        seen.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        seen.update(hashlib.sha256(path.read_bytes()).digest())
    return seen.hexdigest()


def _deployed(folder: Path) -> list[Path]:
    roots = [folder / name for name in (*PACKAGED, ".chalice/config.json", ".chalice/policies")]
    files = [path for root in roots for path in (root.rglob("*") if root.is_dir() else [root])]
    return [path for path in files if path.is_file() and "__pycache__" not in path.parts]


def _copy(source: Path, goal: Path) -> None:
    if source.is_dir():
        shutil.rmtree(goal, ignore_errors=True)
        shutil.copytree(source, goal, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    else:
        shutil.copy2(source, goal)


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
