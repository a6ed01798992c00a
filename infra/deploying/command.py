"""What `python -m infra.deploy` understands."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.deploying import stages
from infra.deploying.chalice import ChaliceFailed
from infra.deploying.cloud import Cloud
from infra.deploying.stages import Stage, WrongSettings

ACTIONS: Final = ("deploy", "package", "env", "run", "destroy")


def main(arguments: Sequence[str], **means: Any) -> int:
    """Do what is asked; 0 if it was done, 1 if it was refused. ``means`` replace what a deployment works with."""
    asked = _parser().parse_args(_with_action(arguments))
    try:
        return _COMMANDS[asked.action](asked, means)
    except (ClientError, BotoCoreError) as error:
        print(f"AWS refused: {error}", file=sys.stderr)
    except (WrongSettings, ChaliceFailed) as wrong:
        print(wrong, file=sys.stderr)
    except KeyboardInterrupt:
        print("Stopped. What is done is done: run this again to go on.", file=sys.stderr)
    return 1


def _with_action(arguments: Sequence[str]) -> list[str]:
    """`python -m infra.deploy prod` deploys."""
    named = bool(arguments) and (arguments[0] in ACTIONS or arguments[0].startswith("-"))
    return list(arguments) if named or not arguments else ["deploy", *arguments]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy")
    actions = parser.add_subparsers(dest="action", required=True)
    made = {action: actions.add_parser(action) for action in ACTIONS}
    for each in made.values():
        each.add_argument("stage", help="such as prod: prod.toml says what it is")
        each.add_argument("--settings", type=Path, default=stages.FOLDER, help="where that is; infra/stages otherwise")
    made["deploy"].add_argument("--plan", action="store_true", help="say what would change, and change nothing")
    made["deploy"].add_argument("--yes", action="store_true", help="do not ask")
    made["package"].add_argument("--out", type=Path, default=None, help="out/STAGE/package unless said otherwise")
    made["package"].add_argument("--architecture", choices=["arm64", "x86_64"], default="arm64")
    made["run"].add_argument("command", nargs=argparse.REMAINDER, help="after --")
    made["destroy"].add_argument("--data", action="store_true", help="what is stored as well, if it is unprotected")
    return parser


def enter(stage: Stage, account: str) -> dict[str, str]:
    """What the code has to find in its environment to work on ``stage``."""
    ours = {"LARIS_STAGE": stage.name, "AWS_REGION": stage.region, "AWS_DEFAULT_REGION": stage.region}
    return {**stage.environment(), **ours, "LARIS_ACCOUNT": account}


def _deployment(stage: Stage, means: dict[str, Any]) -> Any:
    """A deployment of ``stage``, in a process that has become the stage before anything of the app is imported."""
    os.environ.update(enter(stage, stage.account))
    from infra.deploying.deployment import Deployment

    return Deployment(stage, Cloud(stage.region), **means)


def _deploy(asked: argparse.Namespace, means: dict[str, Any]) -> int:
    deployment = _deployment(stages.read(asked.stage, asked.settings), means)
    from infra.deploying import steps

    if asked.plan:
        return _guarded(lambda: _planned(steps.plan(deployment)))
    return _guarded(lambda: steps.deploy(deployment, confirm=(lambda: True) if asked.yes else _confirm))


def _planned(lines: list[str]) -> None:
    print("Nothing would change." if not lines else "Nothing was changed: this was the plan.")


def _confirm() -> bool:
    if not sys.stdin.isatty():
        print("Nobody is here to be asked: say --yes.", file=sys.stderr)
        return False
    return input("Go on? [yes/no] ").strip().lower() == "yes"


def _package(asked: argparse.Namespace, _means: dict[str, Any]) -> int:
    stage = stages.read(asked.stage, asked.settings)
    os.environ.update(enter(stage, stage.account))
    from infra.deploying.packaged import package

    template = package(
        stage.name,
        region=stage.region,
        environment=stage.environment(),
        sender=stage.sender or "*",
        architecture=asked.architecture,
        parameters=stages.parameters(stage),
        rate=stage.web.rate,
        burst=stage.web.burst,
        out=asked.out,
    )
    print(f"{template}\nUpload and deploy it with `aws cloudformation package` and `aws cloudformation deploy`.")
    return 0


def _env(asked: argparse.Namespace, means: dict[str, Any]) -> int:
    def show(variables: dict[str, str]) -> None:
        for name, value in sorted(variables.items()):
            quoted = value.replace("'", "'\\''")
            print(f"export {name}='{quoted}'")

    return _guarded(lambda: show(_variables(asked, means)))


def _run(asked: argparse.Namespace, means: dict[str, Any]) -> int:
    command = asked.command[1:] if asked.command[:1] == ["--"] else asked.command

    def run() -> int:
        return subprocess.run(command, env={**os.environ, **_variables(asked, means)}, check=False).returncode

    return _guarded(run)


def _variables(asked: argparse.Namespace, means: dict[str, Any]) -> dict[str, str]:
    deployment = _deployment(stages.read(asked.stage, asked.settings), means)
    from infra.deploying import credentials, record

    credentials.check(deployment, deploys_code=False)
    variables = enter(deployment.stage, deployment.account)
    variables.setdefault("LARIS_CONSOLE_URL", record.api_url(deployment))
    return variables


def _destroy(asked: argparse.Namespace, means: dict[str, Any]) -> int:
    deployment = _deployment(stages.read(asked.stage, asked.settings), means)
    from infra.deploying import destroying

    return _guarded(lambda: destroying.destroy(deployment, data=asked.data, ask=input))


def _guarded(do: Callable[[], int | None]) -> int:
    from infra.deploying.deployment import Refused

    try:
        return do() or 0
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1


_COMMANDS: Final = {"deploy": _deploy, "package": _package, "env": _env, "run": _run, "destroy": _destroy}
