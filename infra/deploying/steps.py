"""The steps of a deployment, in order. Each says what it would change, changes it, and is done when it says nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from infra import migrations
from infra.deploying import (
    bucket,
    budget,
    code,
    credentials,
    gateway,
    lock,
    record,
    report,
    secrets,
    smoke,
    stack,
    wiring,
)
from infra.deploying.deployment import Deployment, Refused

Confirm = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that stands or does not."""

    name: str
    plan: Callable[[Deployment], list[str]]
    """What it would change, in words; nothing where all is as it should be. Raises Refused where it never may."""
    apply: Callable[[Deployment], None]


def _migrate(deployment: Deployment) -> None:
    try:
        migrations.run(
            deployment.name,
            plan=False,
            progress=lambda told: deployment.say(f"  {told.number} {told.title}: {told.changed} changed"),
            dynamodb=deployment.client("dynamodb"),
        )
    except migrations.Refused as refusal:
        raise Refused(f"The migration stopped: {refusal}.") from None


def _to_migrate(deployment: Deployment) -> list[str]:
    if not deployment.outputs():
        return []
    dynamodb = deployment.client("dynamodb")
    try:
        ends = migrations.run(deployment.name, plan=True, progress=lambda _told: None, dynamodb=dynamodb)
    except migrations.Refused as refusal:
        raise Refused(f"The migrations cannot go on: {refusal}.") from None
    return [f"migration {end.number} {end.title}: change {end.changed} items" for end in ends]


BUCKET: Final = Step("bucket", bucket.plan, bucket.apply)
STEPS: Final = (
    Step("firewall", gateway.taken_down, gateway.take_down),
    Step("stack", stack.plan, stack.apply),
    Step("budget", budget.plan, budget.apply),
    Step("secrets", secrets.plan, secrets.apply),
    Step("functions", code.plan, code.apply),
    Step("wiring", wiring.plan, wiring.apply),
    Step("gateway", gateway.plan, gateway.apply),
    Step("migrations", _to_migrate, _migrate),
)
"""Migrations come last: what they change must not be written in its old form any more, so the new code stands first."""


def plan(deployment: Deployment) -> list[str]:
    """Say what a deployment would change, and change nothing; all of it. Raises Refused."""
    credentials.check(deployment)
    planned = []
    for step in (BUCKET, *STEPS):
        lines = step.plan(deployment)
        deployment.say(f"{step.name}: {'to be changed' if lines else 'as it should be'}")
        for line in lines:
            deployment.say(f"  - {line}")
        planned += lines
    return planned


def deploy(deployment: Deployment, *, confirm: Confirm) -> None:
    """Carry out what ``plan`` says, once ``confirm`` has agreed to it. Raises Refused; run again, it goes on."""
    planned = plan(deployment)
    if planned and not confirm():
        raise Refused("Nothing was changed.")
    if planned:
        _carry_out(deployment)
    url = record.api_url(deployment)
    smoke.check(deployment, url)
    report.give(deployment, url)


def _carry_out(deployment: Deployment) -> None:
    if BUCKET.plan(deployment):
        BUCKET.apply(deployment)
    with lock.held(deployment) as held:
        for step in STEPS:
            held.renew()
            if lines := step.plan(deployment):
                deployment.say(f"{step.name} …")
                step.apply(deployment)
                _check(deployment, step, lines)


def _check(deployment: Deployment, step: Step, before: list[str]) -> None:
    """A step that was carried out has nothing left to say."""
    left = step.plan(deployment)
    if left and left == before:
        raise Refused(f"{step.name} was carried out, and yet there is to {left[0]}: run this again.")
