"""The functions and the API: built for the stage, and deployed by Chalice where anything of them differs."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from infra.deploying import record
from infra.deploying.build import Target, build, config, digest, policy, version
from infra.deploying.chalice import ChaliceFailed
from infra.deploying.cloud import missing
from infra.deploying.concurrency import may_be_reserved
from infra.deploying.deployment import Deployment, Refused
from infra.deploying.functions import Function, functions


def plan(deployment: Deployment) -> list[str]:
    """What Chalice would make, change and remove."""
    if "EventsStreamArn" not in deployment.outputs():
        return [f"make {len(functions())} functions and the API, once the stack stands"]
    target = target_of(deployment)
    build(deployment.project, target)
    return [*_missing(deployment), *_differences(deployment, target)]


def apply(deployment: Deployment) -> None:
    """Build, let Chalice deploy, and keep the record. Raises Refused where Chalice fails; running it again goes on."""
    folder = build(deployment.project, target_of(deployment))
    record.put_into(folder, deployment)
    try:
        deployment.chalice(folder, deployment.name, deployment.cloud.region, deployment.say)
    except ChaliceFailed as failure:
        raise Refused(f"{failure} What is done is done: run this again to go on.") from None
    build(folder, target_of(deployment))  # now that the API has an address, the functions can be told it
    record.keep(deployment, digest(folder), version())


def target_of(deployment: Deployment) -> Target:
    """What the functions are to run as."""
    return deployment.target(console_url=record.api_url(deployment), reserves_concurrency=may_be_reserved(deployment))


def _missing(deployment: Deployment) -> Iterator[str]:
    """What is not there, and what is there no more in the app."""
    standing = record.deployed_functions(deployment)
    wanted = {function.config_name: function for function in functions()}
    for name in sorted(wanted.keys() - standing.keys()):
        yield f"make the function {wanted[name].deployed_name(deployment.name)}"
    for name in sorted(standing.keys() - wanted.keys()):
        yield f"remove the function {standing[name]['FunctionName']} and what starts it"
    if record.api_id(deployment) is None:
        yield "make the API"


def _differences(deployment: Deployment, target: Target) -> Iterator[str]:
    """What is there, but not as it is to be."""
    kept, standing = record.kept(deployment), record.deployed_functions(deployment)
    if standing and kept.get("digest") != digest(deployment.project):
        yield f"deploy version {target.version} over {kept.get('version', 'what an earlier deployment began')}"
    settings, codes = config(target), kept.get("codes", {})
    for function in functions():
        about = standing.get(function.config_name)
        if about is None:
            continue
        if codes.get(function.config_name, about["CodeSha256"]) != about["CodeSha256"]:
            yield f"put our code back into {about['FunctionName']}, where other code runs"
        yield from _drifted(settings, target.stage, function, about)
        if _policy_of(deployment, about) != policy(function, target):
            yield f"change what {about['FunctionName']} may do"


def _drifted(settings: dict[str, Any], stage: str, function: Function, about: dict[str, Any]) -> Iterator[str]:
    """What somebody else set of a function since it was deployed."""
    own = settings["stages"][stage]["lambda_functions"][function.config_name]
    for key, setting in {"MemorySize": "lambda_memory_size", "Timeout": "lambda_timeout"}.items():
        wanted = own.get(setting, settings[setting])
        if about[key] != wanted:
            yield f"set {key} of {about['FunctionName']} from {about[key]} to {wanted}"


def _policy_of(deployment: Deployment, about: dict[str, Any]) -> Any:
    """The policy that the function's role carries; Chalice calls it as the role."""
    role, iam = str(about["Role"]).rpartition("/")[2], deployment.client("iam")
    found = missing(
        lambda: iam.get_role_policy(RoleName=role, PolicyName=role), "NoSuchEntity", "NoSuchEntityException"
    )
    document = found and found["PolicyDocument"]
    return json.loads(unquote(document)) if isinstance(document, str) else document
