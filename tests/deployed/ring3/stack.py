"""The merged template of infra/deploying/packaged.py as one stack of the emulator: the same template that a pipeline
sends to AWS, changed only where the lists below say so.
"""

import copy
import json
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra.deploying import packaged
from tests.deployed.ring3.emulator import Emulator
from tests.kit.cloud import ACCOUNT, REGION, STAGE

STACK: Final = f"laris-{STAGE}"
ARTIFACTS: Final = f"laris-{STAGE}-artifacts-{ACCOUNT}"
PATIENCE: Final = 120.0
ARCHITECTURE: Final = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
"""This machine's: ministack runs functions as processes beside itself."""

LEFT_OUT: Final = {
    "AWS::Athena::NamedQuery": "queries that somebody may run over the access logs",
    "AWS::WAFv2::LoggingConfiguration": "ministack puts no firewall before its API Gateway, so none says anything",
    "AWS::WAFv2::WebACLAssociation": "the same",
}
"""Kinds of resources that ministack 1.5.33 does not know, and why nothing here misses them."""

VISIBILITY: Final = 12
"""Seconds, in place of six minutes: so long does a message wait whose worker was killed. AWS wants six times what the
function may take; the emulator wants nothing, and no worker here takes that long."""

COPIES: Final = 2
"""Of each queue's worker at a time: every copy is a process that takes a second of one of two cores to start."""


def deploy(emulator: Emulator, folder: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Package the app for this machine, create the stack and wait for it; its outputs."""
    template = packaged.package(
        STAGE, region=REGION, environment=environment, architecture=ARCHITECTURE, out=folder / "package"
    )
    s3 = emulator.client("s3")
    s3.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=ARTIFACTS, Key=packaged.ZIP, Body=template.with_name(packaged.ZIP).read_bytes())
    adapted = adapt(packaged.code_at(json.loads(template.read_text()), ARTIFACTS, packaged.ZIP))
    s3.put_object(Bucket=ARTIFACTS, Key="template.json", Body=json.dumps(adapted))
    cloudformation = emulator.client("cloudformation")
    cloudformation.create_stack(
        StackName=STACK,
        TemplateURL=f"{emulator.url}/{ARTIFACTS}/template.json",
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    return _wait(cloudformation)


def adapt(template: dict[str, Any]) -> dict[str, Any]:
    """``template`` as the emulator is sent it."""
    changed = copy.deepcopy(template)
    resources = changed["Resources"]
    for name in [name for name, about in resources.items() if about["Type"] in LEFT_OUT]:
        del resources[name]
    for about in resources.values():
        if about["Type"] == "AWS::SQS::Queue" and "RedrivePolicy" in about["Properties"]:
            about["Properties"]["VisibilityTimeout"] = VISIBILITY
        for event in about.get("Properties", {}).get("Events", {}).values():
            if event["Type"] == "SQS":
                event["Properties"]["ScalingConfig"] = {"MaximumConcurrency": COPIES}
    return changed


def _wait(cloudformation: Any) -> dict[str, str]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            assert stack["StackStatus"] == "CREATE_COMPLETE", _failures(cloudformation)
            return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        time.sleep(0.2)
    raise AssertionError(f"the stack was not made in {PATIENCE:.0f} s")


def _failures(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    return "\n".join(
        f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason')}"
        for event in events
        if event["ResourceStatus"].endswith("FAILED")
    )
