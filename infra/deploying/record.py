"""What of the app stands at AWS, written as Chalice records it.

Chalice writes its record only when all is done, into a file of the machine it ran on. Without it, it would make a
second API under another address, and fail at the mappings that are already there. So its record is made anew from what
there is at AWS, before each run: cut off anywhere, or on another machine, a deployment goes on where it was.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from infra.deploying.cloud import missing
from infra.deploying.deployment import Deployment
from infra.deploying.functions import APP

Resource = dict[str, Any]

API_STAGE: Final = "api"


def found(deployment: Deployment) -> dict[str, Any]:
    """The record: functions with their roles and what starts them, then the API."""
    return {"resources": list(_resources(deployment)), "schema_version": "2.0", "backend": "api"}


def put_into(folder: Path, deployment: Deployment) -> None:
    """Let Chalice find the record in its build folder."""
    path = folder / ".chalice" / "deployed" / f"{deployment.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found(deployment), indent=2))


def deployed_functions(deployment: Deployment) -> dict[str, dict[str, Any]]:
    """The stage's functions as they stand on Lambda, by their name in Chalice's records."""
    prefix = f"{APP}-{deployment.name}"
    by_name = {}
    for about in deployment.cloud.pages("lambda", "list_functions", "Functions"):
        name = about["FunctionName"]
        if name == prefix:
            by_name["api_handler"] = about
        elif name.startswith(f"{prefix}-"):
            by_name[name.removeprefix(f"{prefix}-")] = about
    return by_name


def mappings(deployment: Deployment) -> dict[str, list[dict[str, Any]]]:
    """What each function reads, by the function's ARN."""
    by_function: dict[str, list[dict[str, Any]]] = {}
    for mapping in deployment.cloud.pages("lambda", "list_event_source_mappings", "EventSourceMappings"):
        by_function.setdefault(mapping["FunctionArn"], []).append(mapping)
    return by_function


def rules(deployment: Deployment) -> list[str]:
    """The schedules, by name."""
    prefix = f"{APP}-{deployment.name}-"
    listed = deployment.cloud.pages("events", "list_rules", "Rules", NamePrefix=prefix)
    return sorted(rule["Name"] for rule in listed if rule["Name"].endswith("-event"))


def api_id(deployment: Deployment) -> str | None:
    """The API that calls the stage's function; all stages of an account call theirs by the same name."""
    called = f":function:{APP}-{deployment.name}/invocations"
    for api in deployment.cloud.pages("apigateway", "get_rest_apis", "items"):
        if api["name"] == APP and _calls(deployment, api["id"], called):
            return str(api["id"])
    return None


def api_url(deployment: Deployment) -> str:
    """Where the API is, without a slash at its end; empty while there is none."""
    id_ = api_id(deployment)
    return f"https://{id_}.execute-api.{deployment.cloud.region}.amazonaws.com/{API_STAGE}" if id_ else ""


def _calls(deployment: Deployment, api: str, function: str) -> bool:
    for resource in deployment.cloud.pages("apigateway", "get_resources", "items", restApiId=api, embed=["methods"]):
        for method in resource.get("resourceMethods", {}).values():
            if "uri" in method.get("methodIntegration", {}):
                return str(method["methodIntegration"]["uri"]).endswith(function)
    return False


def _resources(deployment: Deployment) -> Iterator[Resource]:
    reading, scheduled = mappings(deployment), rules(deployment)
    for name, about in sorted(deployed_functions(deployment).items()):
        arn = about["FunctionArn"]
        role = str(about["Role"]).rpartition("/")[2]
        yield {"name": f"{name}_role", "resource_type": "iam_role", "role_arn": about["Role"], "role_name": role}
        yield {"name": name, "resource_type": "lambda_function", "lambda_arn": arn}
        for mapping in reading.get(arn, []):
            yield _source(name, mapping)
        if (rule := f"{APP}-{deployment.name}-{name}-event") in scheduled:
            yield {"name": f"{name}-event", "resource_type": "cloudwatch_event", "rule_name": rule}
    if id_ := api_id(deployment):
        url = f"{api_url(deployment)}/"
        yield {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": id_, "rest_api_url": url}


def _source(name: str, mapping: dict[str, Any]) -> Resource:
    source, ours = mapping["EventSourceArn"], {"event_uuid": mapping["UUID"], "lambda_arn": mapping["FunctionArn"]}
    if ":dynamodb:" in source:
        return {
            "name": f"{name}-dynamodb-event-source",
            "resource_type": "dynamodb_event",
            "stream_arn": source,
            **ours,
        }
    queue = source.rpartition(":")[2]
    about = {"queue_arn": source, "queue": queue, **ours}
    return {"name": f"{name}-sqs-event-source", "resource_type": "sqs_event", **about}


def kept(deployment: Deployment) -> dict[str, Any]:
    """What the last complete deployment left in the bucket; nothing before there was one."""
    s3, key = deployment.client("s3"), f"deployed/{deployment.name}.json"
    answer = missing(lambda: s3.get_object(Bucket=deployment.artifacts, Key=key), "NoSuchKey", "NoSuchBucket")
    return dict(json.loads(answer["Body"].read())) if answer else {}


def keep(deployment: Deployment, digest: str, version: str) -> None:
    """Leave in the bucket what now stands, and the word for what it was made of."""
    codes = {name: about["CodeSha256"] for name, about in deployed_functions(deployment).items()}
    content = {"digest": digest, "version": version, "codes": codes, "chalice": found(deployment)}
    key = f"deployed/{deployment.name}.json"
    deployment.client("s3").put_object(Bucket=deployment.artifacts, Key=key, Body=json.dumps(content).encode())
