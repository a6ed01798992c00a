"""The stack: everything that is no function, changed only by change sets that have been read first.

Only the first time there is nothing to be read. Then nothing is undone where it fails, for that would leave tables that
the next try could not make: CloudFormation goes on from where it stopped.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from chalicelib.core import clock
from infra.deploying import bucket, changes, indexes
from infra.deploying.cloud import missing
from infra.deploying.deployment import Deployment, Refused
from infra.deploying.packaged import data_template
from infra.deploying.stages import parameters

Template = dict[str, Any]

LOOK_EVERY: Final = 5
PATIENCE: Final = timedelta(hours=6)
"""How long to wait for the stack: an index over much data takes its time."""
NOTHING: Final = ("didn't contain changes", "No updates are to be performed")
HALF_MADE: Final = ("CREATE_FAILED", "UPDATE_FAILED")
"""Where CloudFormation stopped rather than to undo what holds data: it goes on from there."""
STUCK: Final = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED", "DELETE_FAILED")


def plan(deployment: Deployment) -> list[str]:
    """What CloudFormation would do. It is asked by a change set, which is removed again. Raises Refused."""
    status = _status(deployment)
    if status is None:
        made = data_template()["Resources"].values()
        adding = [{"Action": "Add", "ResourceType": about["Type"]} for about in made]
        lines = changes.in_words({"Type": "Resource", "ResourceChange": each} for each in adding)
        return [f"make the stack {deployment.stage.stack}", *lines]
    if not bucket.exists(deployment):
        return [f"compare the stack {deployment.stage.stack}, once the bucket stands"]
    if status.endswith("_IN_PROGRESS"):
        return [f"wait for the stack {deployment.stage.stack}, which is changing ({status}), and look again"]
    first, *others = _templates(deployment)
    with _change_set(deployment, first) as found:
        lines = _allowed(found)
    lines += [f"then update it once more, {len(others)} times: a table gains one index at a time"] if others else []
    return lines + _protecting(deployment)


def apply(deployment: Deployment) -> None:
    """Make or change the stack, and wait for it. Raises Refused if it may not or could not be done."""
    wait(deployment)
    if _status(deployment) is None:
        told = {**_asked(deployment, data_template()), "DisableRollback": True}
        deployment.client("cloudformation").create_stack(**told, EnableTerminationProtection=deployment.stage.protected)
        _finished(deployment)
        return
    for template in _templates(deployment):
        with _change_set(deployment, template) as found:
            lines = _allowed(found)
            for line in lines:
                deployment.say(f"  {line}")
            if lines:
                _execute(deployment, found["ChangeSetId"])
    if _protecting(deployment):
        cloudformation = deployment.client("cloudformation")
        cloudformation.update_termination_protection(StackName=deployment.stage.stack, EnableTerminationProtection=True)


def wait(deployment: Deployment) -> None:
    """Until nothing is under way. Raises Refused where it ended badly, with what CloudFormation says of it."""
    deadline = clock.now() + PATIENCE
    while (status := _status(deployment)) is not None and status.endswith("_IN_PROGRESS") and status not in STUCK:
        if clock.now() > deadline:
            raise Refused(f"The stack {deployment.stage.stack} is still changing ({status}); run this again later.")
        deployment.keep()
        clock.sleep(LOOK_EVERY)
    if status in STUCK:
        raise Refused(
            f"The stack {deployment.stage.stack} is stuck ({status}) and takes no change until somebody has continued "
            f"or removed it in CloudFormation's console. {_why(deployment)}"
        )


def deployed_template(deployment: Deployment) -> Template:
    """The template that the stack was last given."""
    answer = deployment.client("cloudformation").get_template(StackName=deployment.stage.stack)
    body = answer["TemplateBody"]
    return dict(json.loads(body) if isinstance(body, str) else body)


def _templates(deployment: Deployment) -> list[Template]:
    """Those to apply one after the other; the last one is what is wanted."""
    wanted = data_template()
    deployed = deployed_template(deployment)
    for index in indexes.gaps(deployed, wanted):
        deployment.note(f"The index {index} is away while it is made anew; what reads it fails until then.")
    return indexes.stages(deployed, wanted)


def _status(deployment: Deployment) -> str | None:
    cloudformation, name = deployment.client("cloudformation"), deployment.stage.stack
    found = missing(lambda: cloudformation.describe_stacks(StackName=name), "ValidationError")
    status = str(found["Stacks"][0]["StackStatus"]) if found and found["Stacks"] else None
    return None if status == "DELETE_COMPLETE" else status


@contextmanager
def _change_set(deployment: Deployment, template: Template) -> Iterator[dict[str, Any]]:
    """A change set for ``template``, with all its changes; it is removed if it has not been executed."""
    cloudformation, name = deployment.client("cloudformation"), f"laris-{uuid.uuid4().hex[:12]}"
    asked = cloudformation.create_change_set(**_asked(deployment, template), ChangeSetName=name, ChangeSetType="UPDATE")
    try:
        yield _read(deployment, asked["Id"])
    finally:
        left = missing(lambda: cloudformation.describe_change_set(ChangeSetName=asked["Id"]), "ChangeSetNotFound")
        if left and left.get("ExecutionStatus") in {"AVAILABLE", "UNAVAILABLE"}:
            cloudformation.delete_change_set(ChangeSetName=asked["Id"])


def _read(deployment: Deployment, id_: str) -> dict[str, Any]:
    cloudformation = deployment.client("cloudformation")
    while True:
        found: dict[str, Any] = cloudformation.describe_change_set(ChangeSetName=id_)
        if found["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
            break
        clock.sleep(LOOK_EVERY)
    reason = found.get("StatusReason") or ""
    if found["Status"] == "FAILED" and not any(words in reason for words in NOTHING):
        raise Refused(f"CloudFormation refuses the template: {reason}")
    listed = deployment.cloud.pages("cloudformation", "describe_change_set", "Changes", ChangeSetName=id_)
    return {**found, "ChangeSetId": id_, "Changes": [] if found["Status"] == "FAILED" else list(listed)}


def _allowed(found: dict[str, Any]) -> list[str]:
    """The changes in words. Raises Refused if they cost data."""
    if dangers := changes.never_done(found["Changes"]):
        raise Refused(
            f"{' '.join(dangers)} A deployment never does that; infra/migrations/README.md says how data is moved. "
            "Nothing was changed."
        )
    return changes.in_words(found["Changes"])


def _asked(deployment: Deployment, template: Template) -> dict[str, Any]:
    """What CloudFormation is told of the stack that it is to have."""
    declared = template.get("Parameters", {})
    told = {name: str(value) for name, value in parameters(deployment.stage).items() if name in declared}
    return {
        "StackName": deployment.stage.stack,
        "TemplateURL": _uploaded(deployment, template),
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in told.items()],
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Tags": [{"Key": "app", "Value": "laris"}, {"Key": "stage", "Value": deployment.name}],
    }


def _execute(deployment: Deployment, change_set: str) -> None:
    """Carry it out; a failure ends in the state before, if that was a whole one."""
    is_half_made = _status(deployment) in HALF_MADE
    deployment.client("cloudformation").execute_change_set(ChangeSetName=change_set, DisableRollback=is_half_made)
    _finished(deployment)


def _finished(deployment: Deployment) -> None:
    """Wait for what is under way. Raises Refused where it was not done."""
    wait(deployment)
    if (status := _status(deployment)) not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
        raise Refused(f"CloudFormation could not do it ({status}); run this again to go on. {_why(deployment)}")


def _why(deployment: Deployment) -> str:
    """What CloudFormation says went wrong last."""
    events = deployment.client("cloudformation").describe_stack_events(StackName=deployment.stage.stack)["StackEvents"]
    failed = [event for event in events if str(event.get("ResourceStatus", "")).endswith("FAILED")]
    return " ".join(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '?')}." for event in failed[:3])


def _protecting(deployment: Deployment) -> list[str]:
    found = deployment.client("cloudformation").describe_stacks(StackName=deployment.stage.stack)["Stacks"][0]
    if deployment.stage.protected and not found.get("EnableTerminationProtection"):
        return ["protect the stack against being deleted"]
    return []


def _uploaded(deployment: Deployment, template: Template) -> str:
    """The address at which CloudFormation finds ``template``, which is too long to be sent along."""
    text = json.dumps(template, ensure_ascii=False).encode()
    key = f"templates/{hashlib.sha256(text).hexdigest()[:16]}.json"
    deployment.client("s3").put_object(Bucket=deployment.artifacts, Key=key, Body=text)
    return f"https://{deployment.artifacts}.s3.{deployment.cloud.region}.amazonaws.com/{key}"
