"""Taking a stage down: what runs goes, what is stored stays, unless its stage is one to play with."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.deploying import bucket, credentials, lock, record, stack
from infra.deploying.changes import KEPT
from infra.deploying.cloud import code_of, missing
from infra.deploying.deployment import Deployment, Refused
from infra.deploying.functions import APP

Ask = Callable[[str], str]

KEY_DAYS: Final = 7
"""How long a key that is to go can still be called back; the shortest that AWS allows."""
GONE: Final = ("ResourceNotFoundException", "NotFoundException", "NoSuchBucket", "KMSInvalidStateException")
LOCKED: Final = ("AccessDenied", "BucketNotEmpty")


def destroy(deployment: Deployment, *, data: bool, ask: Ask) -> None:
    """Take the stage down, asking for its name before anything goes. Raises Refused."""
    credentials.check(deployment, deploys_code=False)
    if data and deployment.stage.protected:
        raise Refused(f"{deployment.name} is protected: its data is not deleted from here. Nothing was touched.")
    for line in plan(deployment):
        deployment.say(f"  - {line}")
    for line in kept(deployment):
        deployment.say(f"  - {'remove' if data else 'keep'} {line}")
    if ask(f"Type the stage's name, {deployment.name}, to go on: ").strip() != deployment.name:
        raise Refused("That is not the stage's name; nothing was touched.")
    if bucket.exists(deployment):
        with lock.held(deployment):
            apply(deployment)
    else:
        apply(deployment)
    if data:
        apply_to_data(deployment)
        deployment.say(f"{deployment.name} is gone. Its keys can be called back for {KEY_DAYS} days.")
    else:
        deployment.say(
            f"Nothing of {deployment.name} runs any more. What is stored stays, and costs; so does its stack."
        )


def plan(deployment: Deployment) -> list[str]:
    """What runs, and would go."""
    functions = sorted(about["FunctionName"] for about in record.deployed_functions(deployment).values())
    lines = [f"remove the function {name}, and what starts it" for name in functions]
    lines += [f"remove the schedule {rule}" for rule in record.rules(deployment)]
    lines += [f"remove the role {role}" for role in _roles(deployment)]
    return lines + (["remove the API, and with it its address"] if record.api_id(deployment) else [])


def apply(deployment: Deployment) -> None:
    """Remove what runs: first the API, so that nothing is written any more, then what starts functions, and they."""
    lambda_ = deployment.client("lambda")
    standing = record.deployed_functions(deployment)
    reading = record.mappings(deployment)
    if api := record.api_id(deployment):
        deployment.client("apigateway").delete_rest_api(restApiId=api)
    for about in standing.values():
        for mapping in reading.get(about["FunctionArn"], []):
            lambda_.delete_event_source_mapping(UUID=mapping["UUID"])
    _remove_schedules(deployment)
    for about in standing.values():
        lambda_.delete_function(FunctionName=about["FunctionName"])
    _remove_roles(deployment)
    deployment.client("s3").delete_object(Bucket=deployment.artifacts, Key=f"deployed/{deployment.name}.json")


def kept(deployment: Deployment) -> list[str]:
    """What stays: tables, buckets and keys, by name, and the stack around them."""
    return sorted(f"{KEPT[about['ResourceType']]} {about['PhysicalResourceId']}" for about in _stored(deployment))


def apply_to_data(deployment: Deployment) -> None:
    """Remove all that is stored as well. Raises Refused for a protected stage."""
    if deployment.stage.protected:
        raise Refused(f"{deployment.name} is protected: its data is not deleted from here. Nothing of it was touched.")
    stored = list(_stored(deployment))
    _unprotect(deployment, stored)
    for each in stored:
        _remove(deployment, each)
    if stored:  # last, since it is what knows them: cut off before, this goes on where it was
        deployment.client("cloudformation").delete_stack(StackName=deployment.stage.stack)
        stack.wait(deployment)
    _remove_secrets(deployment)
    about = {"AccountId": deployment.account, "BudgetName": f"{deployment.stage.stack}-spend"}
    missing(lambda: deployment.client("budgets").delete_budget(**about), "NotFoundException")
    if bucket.exists(deployment):
        _remove_bucket(deployment, deployment.artifacts)


def _stored(deployment: Deployment) -> Iterator[dict[str, Any]]:
    try:
        listed = list(
            deployment.cloud.pages(
                "cloudformation", "list_stack_resources", "StackResourceSummaries", StackName=deployment.stage.stack
            )
        )
    except ClientError as error:
        if code_of(error) == "ValidationError":
            return
        raise
    yield from (about for about in listed if about["ResourceType"] in KEPT)


def _remove_schedules(deployment: Deployment) -> None:
    events = deployment.client("events")
    for rule in record.rules(deployment):
        targets = [target["Id"] for target in events.list_targets_by_rule(Rule=rule)["Targets"]]
        if targets:
            events.remove_targets(Rule=rule, Ids=targets)
        events.delete_rule(Name=rule)


def _roles(deployment: Deployment) -> list[str]:
    """The roles that Chalice made for the stage's functions; those of the stack are the stack's."""
    prefix = f"{APP}-{deployment.name}-"
    named = [
        role for role in deployment.cloud.pages("iam", "list_roles", "Roles") if role["RoleName"].startswith(prefix)
    ]
    return sorted(role["RoleName"] for role in named if _is_for_lambda(role) and not _is_of_stack(deployment, role))


def _is_for_lambda(role: dict[str, Any]) -> bool:
    return "lambda.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])


def _is_of_stack(deployment: Deployment, role: dict[str, Any]) -> bool:
    iam = deployment.client("iam")
    policies = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    return policies not in ([], [role["RoleName"]])


def _remove_roles(deployment: Deployment) -> None:
    iam = deployment.client("iam")
    for role in _roles(deployment):
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            iam.delete_role_policy(RoleName=role, PolicyName=policy)
        iam.delete_role(RoleName=role)


def _unprotect(deployment: Deployment, stored: list[dict[str, Any]]) -> None:
    dynamodb = deployment.client("dynamodb")
    for each in stored:
        if KEPT[each["ResourceType"]] == "table":
            dynamodb.update_table(TableName=each["PhysicalResourceId"], DeletionProtectionEnabled=False)
    cloudformation, name = deployment.client("cloudformation"), deployment.stage.stack
    if stored and cloudformation.describe_stacks(StackName=name)["Stacks"][0].get("EnableTerminationProtection"):
        cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)


def _remove(deployment: Deployment, each: dict[str, Any]) -> None:
    name = each["PhysicalResourceId"]
    match KEPT[each["ResourceType"]]:
        case "table":
            missing(lambda: deployment.client("dynamodb").delete_table(TableName=name), *GONE)
        case "bucket":
            _remove_bucket(deployment, name)
        case "key":
            kms = deployment.client("kms")
            missing(lambda: kms.schedule_key_deletion(KeyId=name, PendingWindowInDays=KEY_DAYS), *GONE)


def _remove_bucket(deployment: Deployment, name: str) -> None:
    """Every version of every object, then the bucket; what is locked stays until its lock ends, and the bucket too."""
    s3 = deployment.client("s3")
    past_locks = {"BypassGovernanceRetention": True} if name.startswith(f"{APP}-{deployment.name}-backups-") else {}
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                s3.delete_object(Bucket=name, Key=version["Key"], VersionId=version["VersionId"], **past_locks)
        s3.delete_bucket(Bucket=name)
    except ClientError as error:
        if code_of(error) in GONE:
            return
        if code_of(error) not in LOCKED:
            raise
        deployment.say(f"  - keep bucket {name}: it holds objects that are locked for some time yet")


def _remove_secrets(deployment: Deployment) -> None:
    ssm, path = deployment.client("ssm"), f"/laris/{deployment.name}"
    for parameter in list(deployment.cloud.pages("ssm", "get_parameters_by_path", "Parameters", Path=path)):
        ssm.delete_parameter(Name=parameter["Name"])
