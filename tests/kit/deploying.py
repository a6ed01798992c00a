"""A deployment into moto, each of a stage of its own; Chalice is played by a few lines that make what it makes."""

import io
import json
import zipfile
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.session import Session, get_session

from chalicelib.core.api import HEADERS, PROBLEM
from infra.deploying import chalice
from infra.deploying.cloud import Cloud, missing
from infra.deploying.deployment import Deployment, Fetched
from infra.deploying.functions import Function, Kind, functions
from infra.deploying.gatewayresponses import SANDBOX
from infra.deploying.stages import Shop, Stage, Watch, Web
from tests.kit import cloud, motocloud

_numbers = count(1)


def settings(**changes: Any) -> Stage:
    """A stage that nobody else has."""
    about: dict[str, Any] = {
        "shop": Shop(name="Toko Uji"),
        "web": Web(store_url="https://toko.example"),
        "watch": Watch(email="siaga@toko.example"),
        "name": f"uji{next(_numbers)}",
        "account": cloud.ACCOUNT,
        "protected": False,
    }
    return Stage(**{**about, **changes})


@cache
def _session() -> Session:
    """What clients are made from: reading what AWS' services are like takes longer than all else here."""
    return get_session()


def _cloud() -> Cloud:
    return Cloud(cloud.REGION, _session())


class Bench:
    """A stage in moto, its deployments, and what they said."""

    def __init__(self, folder: Path, stage: Stage) -> None:
        motocloud.teach_firewall()
        cloud.start()
        self.stage, self._folder, self._cloud = stage, folder, _cloud()
        self.said: list[str] = []
        self.chalice_ran = 0
        self.broken: Callable[[str], None] = lambda _what: None
        """Called before each thing that Chalice makes; may raise."""

    def deployment(self, **changes: Any) -> Deployment:
        """A fresh run of the command, as on any machine."""
        means = {
            "say": self.said.append,
            "fetch": answers,
            "chalice": self._chalice,
            "folder": self._folder / "project",
        }
        return Deployment(self.stage, _cloud(), **{**means, **changes})

    def client(self, service: str) -> Any:
        """Ours, that no deployment has."""
        return self._cloud.client(service)

    def function(self, name: str) -> dict[str, Any]:
        """A function as it stands."""
        function = next(each for each in functions() if each.name == name)
        found = self.client("lambda").get_function_configuration(FunctionName=function.deployed_name(self.stage.name))
        return dict(found)

    def mapping(self, name: str) -> dict[str, Any]:
        """What a function reads."""
        arn = self.function(name)["FunctionArn"]
        listed = self.client("lambda").list_event_source_mappings()["EventSourceMappings"]
        (found,) = (each for each in listed if each["FunctionArn"] == arn)
        return dict(found)

    def variables(self, name: str) -> dict[str, str]:
        """A function's environment."""
        return dict(self.function(name)["Environment"]["Variables"])

    def _chalice(self, folder: Path, stage: str, _region: str, _say: Any) -> None:
        self.chalice_ran += 1
        _Chalice(self.client, folder, stage, self.broken).deploy()


class _Chalice:
    """What `chalice deploy` does, as far as a deployment can tell: by names, by its record, new environments whole."""

    def __init__(self, client: Any, folder: Path, stage: str, broken: Callable[[str], None]) -> None:
        self._client, self._stage, self._broken = client, stage, broken
        self._config = json.loads((folder / ".chalice" / "config.json").read_text())
        self._policies = folder / ".chalice"
        recorded = json.loads((folder / ".chalice" / "deployed" / f"{stage}.json").read_text())
        self._recorded = {resource["name"]: resource for resource in recorded["resources"]}

    def deploy(self) -> None:
        about = self._config["stages"][self._stage]
        for function in functions():
            own = {**self._config, **about["lambda_functions"][function.config_name]}
            self._broken(function.name)
            arn = self._function(function, own, about["environment_variables"])
            self._start(function, arn)
        self._sweep({function.config_name for function in functions()})
        self._api()

    def _function(self, function: Function, own: dict[str, Any], variables: dict[str, str]) -> str:
        role = function.role_name(self._stage)
        iam, lambda_ = self._client("iam"), self._client("lambda")
        trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}]}
        if missing(lambda: iam.get_role(RoleName=role), "NoSuchEntity") is None:
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
        policy = (self._policies / own["iam_policy_file"]).read_text()
        iam.put_role_policy(RoleName=role, PolicyName=role, PolicyDocument=policy)
        name = function.deployed_name(self._stage)
        about = {
            "FunctionName": name,
            "Role": iam.get_role(RoleName=role)["Role"]["Arn"],
            "Environment": {"Variables": variables},
            "MemorySize": own["lambda_memory_size"],
            "Timeout": own["lambda_timeout"],
            "Runtime": "python3.11",
        }
        if missing(lambda: lambda_.get_function(FunctionName=name), "ResourceNotFoundException") is None:
            code = {"ZipFile": _zip()}
            return str(lambda_.create_function(**about, Handler=function.handler, Code=code)["FunctionArn"])
        lambda_.update_function_code(FunctionName=name, ZipFile=_zip())
        return str(lambda_.update_function_configuration(**about)["FunctionArn"])

    def _start(self, function: Function, arn: str) -> None:
        if function.kind is Kind.SCHEDULE:
            rule = f"laris-{self._stage}-{function.name}-event"
            self._client("events").put_rule(Name=rule, ScheduleExpression="rate(1 day)")
            self._client("events").put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
        elif function.kind is not Kind.API and f"{function.name}-{_source(function)}" not in self._recorded:
            read, lambda_ = {"FunctionName": arn}, self._client("lambda")
            if function.kind is Kind.STREAM:
                stream = self._config["stages"][self._stage]["environment_variables"]["LARIS_EVENTS_STREAM_ARN"]
                lambda_.create_event_source_mapping(**read, EventSourceArn=stream, StartingPosition="LATEST")
            else:
                lambda_.create_event_source_mapping(**read, EventSourceArn=_queue(function, self._stage))

    def _sweep(self, wanted: set[str]) -> None:
        for name, about in self._recorded.items():
            if about["resource_type"] == "lambda_function" and name not in wanted:
                self._client("lambda").delete_function(FunctionName=about["lambda_arn"])

    def _api(self) -> None:
        self._broken("rest_api")
        gateway = self._client("apigateway")
        id_ = self._recorded.get("rest_api", {}).get("rest_api_id") or gateway.create_rest_api(name="laris")["id"]
        root = gateway.get_resources(restApiId=id_)["items"][0]["id"]
        called = f"arn:aws:lambda:{cloud.REGION}:{cloud.ACCOUNT}:function:laris-{self._stage}/invocations"
        uri = f"arn:aws:apigateway:{cloud.REGION}:lambda:path/2015-03-31/functions/{called}"
        method = {"restApiId": id_, "resourceId": root, "httpMethod": "GET"}
        gateway.put_method(**method, authorizationType="NONE")
        gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
        self._broken("deployment")
        gateway.create_deployment(restApiId=id_, stageName="api")


def _source(function: Function) -> str:
    return "dynamodb-event-source" if function.kind is Kind.STREAM else "sqs-event-source"


def _queue(function: Function, stage: str) -> str:
    """The app of this process reads the queues of the tests' stage."""
    from app import app

    sources: list[Any] = list(app.event_sources)
    queue = next(source.queue for source in sources if source.name == function.name)
    return f"arn:aws:sqs:{cloud.REGION}:{cloud.ACCOUNT}:laris-{stage}-{queue.removeprefix(f'laris-{cloud.STAGE}-')}"


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as into:
        into.writestr(zipfile.ZipInfo("app.py"), "app = None\n")
    return packed.getvalue()


def answers(url: str) -> Fetched:
    """What a sound API says to the smoke test."""
    headers = {name.lower(): value for name, value in HEADERS.items()}
    if url.endswith("/nowhere"):
        sandboxed = {"content-security-policy": SANDBOX["Content-Security-Policy"]}
        return Fetched(404, {**headers, **sandboxed, "content-type": PROBLEM}, b'{"code": "not_found"}')
    if url.endswith("/admin/orders"):
        return Fetched(401, {**headers, "content-type": PROBLEM}, b'{"code": "unauthenticated"}')
    return Fetched(200, headers, b"{}")


def fails(_folder: Path, _stage: str, _region: str, _say: Any) -> None:
    """Chalice on a bad day."""
    raise chalice.ChaliceFailed("chalice deploy ended with 1.")


def answering(deployment: Deployment, service: str, operation: str, answer: Callable[..., Any]) -> None:
    """Let ``answer`` speak for AWS where ``deployment`` calls ``operation``."""

    def before(params: dict[str, Any], **_about: Any) -> tuple[Any, Any]:
        return AWSResponse("", 200, {}, None), answer(params)

    deployment.client(service).meta.events.register(f"before-call.{_event(service)}.{operation}", before)


def calls_of(deployment: Deployment, service: str) -> list[str]:
    """The operations that ``deployment`` calls from now on, as they happen."""
    seen: list[str] = []

    def note(model: Any, **_about: Any) -> None:
        seen.append(model.name)

    deployment.client(service).meta.events.register(f"before-call.{_event(service)}", note)
    return seen


def _event(service: str) -> str:
    return {"apigateway": "api-gateway", "cloudformation": "cloudformation"}.get(service, service)
