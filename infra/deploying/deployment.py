"""One run of the command: for which stage, where, and what was found out about it so far."""

import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.error import HTTPError

from infra.deploying import chalice
from infra.deploying.build import ROOT, Target, project, version
from infra.deploying.cloud import Cloud, missing
from infra.deploying.stages import Stage

PATIENCE: Final = 20


class Refused(Exception):
    """The deployment stops here, with a sentence that says why and what to do."""


class Fetched(NamedTuple):
    """An answer over HTTP, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


Say = Callable[[str], None]


def nothing() -> None:
    """Nothing is held, so nothing has to be kept."""


Chalice = Callable[[Path, str, str, Say], None]
"""`chalice deploy` in a build folder, for a stage, in a region. Raises ChaliceFailed."""
Fetch = Callable[[str], Fetched]


def fetch(url: str) -> Fetched:
    """GET ``url``; a refusal is an answer too. Raises OSError where there is none."""
    try:
        answer = urllib.request.build_opener().open(url, timeout=PATIENCE)
    except HTTPError as refused:
        answer = refused
    with answer:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Fetched(answer.status, headers, answer.read())


@dataclass
class Deployment:
    """A stage, and the means to look at it and to change it."""

    stage: Stage
    cloud: Cloud
    say: Say = print
    fetch: Fetch = fetch
    chalice: Chalice = chalice.deploy
    folder: Path | None = None
    checkout: Path = ROOT
    account: str = ""
    """Filled by the first step: the account that the credentials belong to."""
    keep: Callable[[], None] = nothing
    """Called while something takes long: holds the stage's lock, where there is one."""
    notes: list[str] = field(default_factory=list)
    """What remains to be done by hand, for the report."""

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.stage.name

    @property
    def project(self) -> Path:
        """The build folder."""
        return self.folder or project(self.name)

    @property
    def artifacts(self) -> str:
        """The bucket that holds what deploying needs: templates, Chalice's record, the lock."""
        return f"laris-{self.name}-artifacts-{self.account}"

    def client(self, service: str) -> Any:
        """The client of ``service``."""
        return self.cloud.client(service)

    def note(self, text: str) -> None:
        """Remember ``text`` for the report, once."""
        if text not in self.notes:
            self.notes.append(text)

    def outputs(self) -> dict[str, str]:
        """What the stack says of itself; nothing while there is none."""
        cloudformation = self.client("cloudformation")
        found = missing(lambda: cloudformation.describe_stacks(StackName=self.stage.stack), "ValidationError")
        listed = found["Stacks"][0].get("Outputs", []) if found else []
        return {output["OutputKey"]: output["OutputValue"] for output in listed}

    def target(self, *, console_url: str, reserves_concurrency: bool) -> Target:
        """What the code is to run as, by the settings and by what the stack has made."""
        environment = self.stage.environment()
        if console_url:
            environment.setdefault("LARIS_CONSOLE_URL", console_url)
        return Target(
            stage=self.name,
            region=self.cloud.region,
            account=self.account,
            stream_arn=self.outputs()["EventsStreamArn"],
            version=version(),
            sender=self.stage.sender or "*",
            environment=environment,
            reserves_concurrency=reserves_concurrency,
        )
