"""The first look: who is deploying what, from where, to where."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from infra.deploying.deployment import Deployment, Refused

TESTED: Final = (3, 11)


def check(deployment: Deployment, *, deploys_code: bool = True) -> None:
    """Find out the account. Raises Refused with all that forbids going on."""
    deployment.account = _account(deployment)
    if wrong := list(_wrong(deployment, deploys_code)):
        raise Refused(" ".join(wrong))
    if sys.version_info[:2] != TESTED:
        running = ".".join(map(str, sys.version_info[:2]))
        deployment.note(f"The functions run Python {running}, as this machine does; what is tested is 3.11.")


def _account(deployment: Deployment) -> str:
    try:
        return str(deployment.client("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise Refused(
            f"AWS does not know who is asking ({error}). Log in, or name a profile with AWS_PROFILE, and try again."
        ) from None


def _wrong(deployment: Deployment, deploys_code: bool) -> Iterator[str]:
    stage = deployment.stage
    if stage.account and stage.account != deployment.account:
        yield f"The credentials are of account {deployment.account}, but {stage.name} belongs to {stage.account}."
    if deploys_code and stage.protected and (changed := _uncommitted(deployment.checkout)):
        yield (
            f"{stage.name} is protected and gets committed code only; {len(changed)} files differ, "
            f"such as {changed[0]}."
        )


def _uncommitted(checkout: Path) -> list[str]:
    asked = subprocess.run(["git", "status", "--porcelain"], cwd=checkout, capture_output=True, text=True, check=False)
    if asked.returncode:
        return ["the whole checkout, which is no git repository"]
    return [line[3:] for line in asked.stdout.splitlines()]
