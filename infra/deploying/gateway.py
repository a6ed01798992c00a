"""API Gateway in front of the API: its own answers, its brakes, its log, its traces, and the firewall."""

import hashlib
import json
from typing import Any, Final

from botocore.exceptions import ClientError

from chalicelib.core import clock
from infra.deploying import record
from infra.deploying.cloud import code_of, missing
from infra.deploying.deployment import Deployment
from infra.deploying.gatewayresponses import LOG_FORMAT, GatewayResponse, gateway_responses

STAGE: Final = record.API_STAGE
EVERYWHERE: Final = "*/*"
TRIES: Final = 12
BETWEEN: Final = 5


def plan(deployment: Deployment) -> list[str]:
    """What differs of the API's edge."""
    api = record.api_id(deployment)
    if api is None:
        return ["say in our words what API Gateway answers by itself; set its brakes, log and traces"]
    lines = [f"say {kind} in our words" for kind in sorted(_unlike_answers(deployment, api))]
    if not lines and not _is_published(deployment, api):
        lines.append("publish what API Gateway answers by itself")
    lines += [f"set {operation['path']} of the API's stage" for operation in _stage_operations(deployment, api)]
    if _firewall_to_put(deployment, api):
        lines.append("put the firewall in front of the API")
    return lines


def apply(deployment: Deployment) -> None:
    """Answers first, then publish them; then the stage, and the firewall in front of it."""
    api = record.api_id(deployment)
    if api is None:
        return
    gateway = deployment.client("apigateway")
    for kind, answer in _unlike_answers(deployment, api).items():
        gateway.put_gateway_response(
            restApiId=api,
            responseType=kind,
            statusCode=answer.status,
            responseParameters=answer.parameters,
            responseTemplates=answer.templates,
        )
    if not _is_published(deployment, api):
        gateway.create_deployment(restApiId=api, stageName=STAGE, description=_published_as())
    if operations := _stage_operations(deployment, api):
        gateway.update_stage(restApiId=api, stageName=STAGE, patchOperations=operations)
    if acl := _firewall_to_put(deployment, api):
        _associate(deployment, acl, _stage_arn(deployment, api))


def taken_down(deployment: Deployment) -> list[str]:
    """What stands between the stack and letting go of the firewall that is no longer wanted."""
    if deployment.stage.web.firewall or (api := record.api_id(deployment)) is None:
        return []
    return ["take the firewall away from the API"] if _firewall_of(deployment, api) else []


def take_down(deployment: Deployment) -> None:
    """Take the firewall away, so that the stack can remove it."""
    if taken_down(deployment) and (api := record.api_id(deployment)):
        deployment.client("wafv2").disassociate_web_acl(ResourceArn=_stage_arn(deployment, api))


def _unlike_answers(deployment: Deployment, api: str) -> dict[str, GatewayResponse]:
    listed = deployment.client("apigateway").get_gateway_responses(restApiId=api, limit=500)["items"]
    standing = {each["responseType"]: each for each in listed}
    return {
        wanted.kind: wanted for wanted in gateway_responses() if not _is_said(wanted, standing.get(wanted.kind, {}))
    }


def _is_said(wanted: GatewayResponse, standing: dict[str, Any]) -> bool:
    return (
        str(standing.get("statusCode")) == wanted.status
        and standing.get("responseParameters") == wanted.parameters
        and standing.get("responseTemplates") == wanted.templates
    )


def _published_as() -> str:
    """What we call a published API whose own answers are these."""
    said = json.dumps([[each.kind, each.status, each.headers, each.body] for each in gateway_responses()])
    return f"laris {hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _is_published(deployment: Deployment, api: str) -> bool:
    """True if what callers reach was published with our answers; Chalice publishes without them."""
    stage = _stage(deployment, api)
    if stage is None:
        return False
    found = deployment.client("apigateway").get_deployment(restApiId=api, deploymentId=stage["deploymentId"])
    return bool(found.get("description") == _published_as())


def _stage(deployment: Deployment, api: str) -> dict[str, Any] | None:
    gateway = deployment.client("apigateway")
    found: dict[str, Any] | None = missing(
        lambda: gateway.get_stage(restApiId=api, stageName=STAGE), "NotFoundException"
    )
    return found


def _stage_operations(deployment: Deployment, api: str) -> list[dict[str, str]]:
    """What to set of the stage."""
    stage = _stage(deployment, api) or {}
    throttled = stage.get("methodSettings", {}).get(EVERYWHERE, {})
    logged = stage.get("accessLogSettings") or {}
    web = deployment.stage.web
    wanted = [
        ("/tracingEnabled", "true", str(bool(stage.get("tracingEnabled"))).lower()),
        ("/*/*/throttling/rateLimit", str(web.rate), _whole(throttled.get("throttlingRateLimit"))),
        ("/*/*/throttling/burstLimit", str(web.burst), _whole(throttled.get("throttlingBurstLimit"))),
    ]
    if destination := _log_destination(deployment):
        wanted.append(("/accessLogSettings/destinationArn", destination, logged.get("destinationArn", "")))
        wanted.append(("/accessLogSettings/format", LOG_FORMAT, logged.get("format", "")))
    return [{"op": "replace", "path": path, "value": value} for path, value, standing in wanted if value != standing]


def _whole(number: Any) -> str:
    return "" if number is None else str(int(number))


def _log_destination(deployment: Deployment) -> str:
    """Where the access log goes; empty, and noted, where API Gateway may not write in this account."""
    destination = deployment.outputs().get("ApiAccessLogArn", "")
    if destination and not deployment.client("apigateway").get_account().get("cloudwatchRoleArn"):
        deployment.note("API Gateway has no role to write logs with in this account, so there is no access log yet.")
        return ""
    return destination.removesuffix(":*")


def _firewall_to_put(deployment: Deployment, api: str) -> str:
    """The firewall that has to be put in front; empty where it stands, or none is wanted."""
    wanted = deployment.outputs().get("WebAclArn", "") if deployment.stage.web.firewall else ""
    return wanted if wanted and wanted != _firewall_of(deployment, api) else ""


def _firewall_of(deployment: Deployment, api: str) -> str:
    asked = deployment.client("wafv2")
    found = missing(
        lambda: asked.get_web_acl_for_resource(ResourceArn=_stage_arn(deployment, api)), "WAFNonexistentItemException"
    )
    return str((found or {}).get("WebACL", {}).get("ARN", ""))


def _associate(deployment: Deployment, acl: str, resource: str) -> None:
    """A web ACL that was made a moment ago is not known everywhere yet."""
    for left in reversed(range(TRIES)):
        try:
            deployment.client("wafv2").associate_web_acl(WebACLArn=acl, ResourceArn=resource)
        except ClientError as error:
            if code_of(error) != "WAFUnavailableEntityException" or not left:
                raise
            clock.sleep(BETWEEN)
        else:
            return


def _stage_arn(deployment: Deployment, api: str) -> str:
    return f"arn:aws:apigateway:{deployment.cloud.region}::/restapis/{api}/stages/{STAGE}"
