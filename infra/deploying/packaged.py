"""The second way, for pipelines: one template that holds the data and the functions, and one zip.

`chalice package` describes the functions, and what it cannot say is added here: that queues take partial answers, where
what fails goes, how much runs at once. Names come from the template itself (``Ref``, ``Fn::GetAtt``), so that nothing
has to be deployed, nor an account be known, before it is made.
"""

import json
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from infra.deploying import chalice, gatewayresponses, starting
from infra.deploying.build import OUT, ROOT, Target, build, version
from infra.deploying.functions import Function, Kind, functions
from infra.expand import expanded

Template = dict[str, Any]

ACCOUNT: Final = "${AWS::AccountId}"
REGION: Final = "${AWS::Region}"
STREAM: Final = "${EventsTable.StreamArn}"
RELAY_FAILURES: Final = {"Fn::GetAtt": ["RelayDeadLetters", "Arn"]}
SCHEDULE_FAILURES: Final = {"Fn::GetAtt": ["SchedulesDeadLetters", "Arn"]}
ACCESS_LOG: Final = {"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${ApiAccessLog}"}
API_STAGE: Final = "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${RestAPI}/stages/${RestAPI.Stage}"
FIREWALL_BEFORE_API: Final = {
    "Type": "AWS::WAFv2::WebACLAssociation",
    "Condition": "HasWebAcl",
    "Properties": {"ResourceArn": {"Fn::Sub": API_STAGE}, "WebACLArn": {"Fn::GetAtt": ["Firewall", "Arn"]}},
}
ZIP: Final = "deployment.zip"


def package(
    stage: str,
    *,
    region: str = "ap-southeast-3",
    environment: Mapping[str, str] | None = None,
    sender: str = "*",
    parameters: Mapping[str, Any] | None = None,
    rate: int = 200,
    burst: int = 400,
    architecture: str = "arm64",
    reserves_concurrency: bool = True,
    out: Path | None = None,
) -> Path:
    """The merged template of ``stage``, as a file beside the zip that it names.

    It can be deployed to any account and region; ``region`` only says how services are called there.
    """
    out = out or OUT / stage / "package"
    target = Target(
        stage=stage,
        region=REGION,
        account=ACCOUNT,
        stream_arn=STREAM,
        version=version(),
        sender=sender,
        environment=environment or {},
        architecture=architecture,
        reserves_concurrency=reserves_concurrency,
    )
    folder = build(out.with_name(f"{out.name}-project"), target)
    shutil.rmtree(out, ignore_errors=True)
    chalice.package(folder, stage, region, out)
    made = json.loads((out / "sam.json").read_text())
    merged = merge(data_template(), _finished(made, stage, rate, burst), {**(parameters or {}), "Stage": stage})
    (out / "sam.json").unlink()
    template = out / "template.json"
    template.write_text(json.dumps(merged, indent=1, ensure_ascii=False) + "\n")
    return template


def data_template() -> Template:
    """The committed template with its repetitions written out, as it is sent."""
    return expanded(_written())


@cache
def _written() -> Template:
    loaded: Template = yaml.safe_load((ROOT / "infra" / "template.yaml").read_text())
    return loaded


def merge(data: Template, made: Template, defaults: Mapping[str, Any]) -> Template:
    """What was ``made`` of the app, put beside the ``data`` that it works on.

    ``defaults`` are what parameters are unless they are said otherwise; the stage cannot be.
    """
    if twice := data["Resources"].keys() & made["Resources"].keys():
        raise ValueError(f"The template and the app both name {', '.join(sorted(twice))}.")
    parameters = {
        name: {**about, "Default": defaults.get(name, about.get("Default"))}
        for name, about in data["Parameters"].items()
    }
    parameters["Stage"]["AllowedValues"] = [defaults["Stage"]]
    return {
        **data,
        "Description": f"{data['Description']} With the functions that work on them.",
        "Transform": made["Transform"],
        "Parameters": parameters,
        "Resources": {**data["Resources"], **made["Resources"]},
        "Outputs": {**data["Outputs"], **made["Outputs"]},
    }


def code_at(template: Template, bucket: str, key: str) -> Template:
    """``template`` whose functions take their code from an object that has been uploaded."""
    moved = json.loads(json.dumps(template))
    for about in moved["Resources"].values():
        if about["Type"] == "AWS::Serverless::Function":
            about["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
    return dict(moved)


def _finished(made: Template, stage: str, rate: int, burst: int) -> Template:
    """What Chalice described, with what it cannot say."""
    by_handler = {function.handler: function for function in functions()}
    resources = {}
    for name, about in made["Resources"].items():
        about = _referring(about)
        if about["Type"] == "AWS::Serverless::Function":
            _finish_function(about["Properties"], by_handler[about["Properties"]["Handler"]], stage)
        elif about["Type"] == "AWS::Serverless::Api":
            about["Properties"].update(_edge(rate, burst))
            about["DependsOn"] = ["ApiGatewayAccount"]
        resources[name] = about
    return {**made, "Resources": {**resources, "FirewallBeforeApi": FIREWALL_BEFORE_API}}


def _edge(rate: int, burst: int) -> dict[str, Any]:
    """What API Gateway does by itself."""
    brakes = {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst}
    return {
        "AccessLogSetting": {"DestinationArn": ACCESS_LOG, "Format": gatewayresponses.LOG_FORMAT},
        "GatewayResponses": gatewayresponses.for_template(),
        "MethodSettings": [brakes],
        "TracingEnabled": True,
    }


def _finish_function(properties: dict[str, Any], function: Function, stage: str) -> None:
    properties["FunctionName"] = function.deployed_name(stage)
    properties["CodeUri"] = f"./{ZIP}"
    for event in properties.get("Events", {}).values():
        about = event["Properties"]
        if event["Type"] == "SQS":
            about["FunctionResponseTypes"] = [starting.PARTIAL_ANSWERS]
            properties["Environment"]["Variables"]["LARIS_PARTIAL_BATCHES"] = "1"
        elif event["Type"] == "DynamoDB":
            about.update(starting.STREAM_READING)
            about["DestinationConfig"] = {"OnFailure": {"Type": "SQS", "Destination": RELAY_FAILURES}}
    if function.kind is Kind.SCHEDULE:
        failures = {"OnFailure": {"Type": "SQS", "Destination": SCHEDULE_FAILURES}}
        properties["EventInvokeConfig"] = {**starting.CALLING, "DestinationConfig": failures}


def _referring(value: Any) -> Any:
    """``value`` in which texts that name something of the template are made references to it."""
    if isinstance(value, dict):
        if "Fn::Sub" in value:
            return value
        return {key: _referring(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_referring(part) for part in value]
    if isinstance(value, str) and any(name in value for name in (ACCOUNT, REGION, STREAM)):
        return {"Fn::GetAtt": ["EventsTable", "StreamArn"]} if value == STREAM else {"Fn::Sub": value}
    return value
