"""`make deploy` against an emulated AWS, with Chalice's own command in a process of its own.

moto answers for AWS. What it cannot show: that Lambda runs what is deployed (the app is called in the build folder
instead, in the deployed function's environment), that IAM refuses, that CloudFormation rolls back or replaces, how long
anything takes, and what API Gateway says itself. Ring 3 runs the packaged functions.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing

import pytest

from infra import policies
from infra.deploying import command, packaged, record, steps
from infra.deploying.build import ROOT, build, digest
from infra.deploying.chalice import CHALICE
from infra.deploying.cloud import Cloud
from infra.deploying.code import target_of
from infra.deploying.deployment import Deployment, fetch
from infra.deploying.functions import Kind, functions
from tests.deployed.conftest import tool
from tests.deployed.motoserver import serving
from tests.kit.cloud import ACCOUNT, REGION, STAGE

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse")

TOML = f"""
account = "{ACCOUNT}"
protected = false
[shop]
name = "Toko Laris"
[web]
store_url = "https://toko.example"
[mail]
sender = "Toko Laris <halo@toko.example>"
"""


class Doorway:
    """What stands behind the API's address: the build folder's app, as the function would run it."""

    def __init__(self, folder):
        self.folder, self.process = folder, None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def fetch(self, url):
        if self.process is None:
            self._open()
        return fetch(re.sub(r"^https://[^/]+/api", f"http://127.0.0.1:{self.port}", url))

    def _open(self):
        api = Cloud(REGION).client("lambda").get_function_configuration(FunctionName=f"laris-{STAGE}")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("LARIS_")}
        environment |= {**api["Environment"]["Variables"], "AWS_LAMBDA_FUNCTION_NAME": api["FunctionName"]}
        run = [sys.executable, "-m", "tests.deployed.doorway", str(self.folder), str(self.port)]
        self.process = subprocess.Popen(run, cwd=ROOT, env=environment)
        for _try in range(300):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=10).close()
            except OSError:
                time.sleep(0.1)
            else:
                return

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class Stage:
    """The stage that all tests here look at; each leaves it as it found it."""

    def __init__(self, folder):
        self.folder, self.said = folder, []
        (folder / f"{STAGE}.toml").write_text(TOML)
        self.project = folder / "project"
        self.door = Doorway(self.project)

    def run(self, *arguments, say=None):
        """The command; what it gives back."""
        means = {"say": say or self.said.append, "fetch": self.door.fetch, "folder": self.project}
        return command.main([*arguments, "--settings", str(self.folder)], **means)

    def look(self):
        """A deployment to ask questions with."""
        from infra.deploying import stages

        return Deployment(stages.read(STAGE, self.folder), Cloud(REGION), folder=self.project, account=ACCOUNT)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """Deployed once; cut off half way through Chalice, and run again."""
    with serving():
        made = Stage(tmp_path_factory.mktemp("stage"))

        def cut(line):
            if "Creating lambda function: laris-test-orders-on-payment" in line:
                raise KeyboardInterrupt

        with closing(made.door):
            assert made.run(STAGE, "--yes", say=cut) == 1
            assert made.run(STAGE, "--yes") == 0, "\n".join(made.said)
            yield made


def standing(stage):
    """The functions by our names."""
    found = record.deployed_functions(stage.look())
    return {function.name: found[function.config_name] for function in functions()}


def snapshot(stage):
    """Everything that a deployment makes and that moto can tell of."""
    look = stage.look()
    api = record.api_id(look)
    gateway = look.client("apigateway")
    mappings = look.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return {
        "functions": [lasting(about) for about in standing(stage).values()],
        "record": record.found(look),
        "mappings": sorted(str(lasting(mapping)) for mapping in mappings),
        "rules": record.rules(look),
        "stage": lasting(gateway.get_stage(restApiId=api, stageName="api")),
        "deployments": len(gateway.get_deployments(restApiId=api)["items"]),
        "template": look.client("cloudformation").get_template(StackName=look.stage.stack)["TemplateBody"],
    }


def lasting(about):
    """Without what a look at it, or saying the same again, changes."""
    moving = {"LastModified", "RevisionId", "ResponseMetadata"}
    return {name: value for name, value in about.items() if name not in moving}


def declared():
    """The workers as the app declares them, by name."""
    from app import app

    return {source.name: source for source in app.event_sources}


def test_the_functions_are_those_that_the_app_declares(stage):
    found = record.deployed_functions(stage.look())

    assert set(found) == {function.config_name for function in functions()}
    for function in functions():
        about = found[function.config_name]
        assert about["FunctionName"] == function.deployed_name(STAGE)
        assert about["Handler"] == function.handler
        assert (about["Runtime"], about["Architectures"]) == (f"python3.{sys.version_info.minor}", ["arm64"])


def test_each_function_reads_what_its_worker_declares(stage):
    by_function = record.mappings(stage.look())

    for function in functions():
        read = by_function.get(standing(stage)[function.name]["FunctionArn"], [])
        if function.kind is Kind.QUEUE:
            (mapping,), source = read, declared()[function.name]
            assert mapping["EventSourceArn"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:{source.queue}"
            assert mapping["BatchSize"] == source.batch_size
            assert mapping.get("ScalingConfig", {}).get("MaximumConcurrency") == source.maximum_concurrency
            assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        elif function.kind is Kind.STREAM:
            (mapping,) = read
            assert mapping["EventSourceArn"] == stage.look().outputs()["EventsStreamArn"]
        else:
            assert read == []


def test_each_schedule_is_called_as_often_as_its_worker_declares(stage):
    events = stage.look().client("events")

    for function in functions():
        if function.kind is Kind.SCHEDULE:
            rule = events.describe_rule(Name=f"laris-{STAGE}-{function.name}-event")
            targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
            assert rule["ScheduleExpression"] == declared()[function.name].schedule_expression.to_string()
            assert [target["Arn"] for target in targets] == [standing(stage)[function.name]["FunctionArn"]]


def test_each_function_may_do_what_its_policy_says_and_no_more(stage):
    iam = stage.look().client("iam")

    for function in functions():
        role = function.role_name(STAGE)
        assert standing(stage)[function.name]["Role"].endswith(f":role/{role}")
        assert iam.list_role_policies(RoleName=role)["PolicyNames"] == [role]
        assert iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"] == []
        assert iam.get_role_policy(RoleName=role, PolicyName=role)["PolicyDocument"] == policies.policy(
            function.name, stage=STAGE, region=REGION, account=ACCOUNT, sender="halo@toko.example"
        )


def test_cut_off_half_way_there_is_still_one_api_and_one_of_everything(stage):
    look = stage.look()

    arns = [each["FunctionArn"] for each in look.client("lambda").list_event_source_mappings()["EventSourceMappings"]]
    assert len(look.client("apigateway").get_rest_apis()["items"]) == 1
    assert len(arns) == len(set(arns))


def test_what_is_read_from_aws_is_what_chalice_itself_recorded(stage):
    recorded = json.loads((stage.project / ".chalice" / "deployed" / f"{STAGE}.json").read_text())
    found = record.found(stage.look())

    def in_order(resources):
        return sorted(resources, key=lambda resource: resource["name"])

    assert in_order(found["resources"]) == in_order(recorded["resources"])
    assert (found["schema_version"], found["backend"]) == (recorded["schema_version"], recorded["backend"])


def test_a_second_deployment_changes_nothing_and_does_not_even_start_chalice(stage):
    before = snapshot(stage)
    stage.said.clear()

    assert stage.run(STAGE, "--yes") == 0

    assert snapshot(stage) == before
    assert [line for line in stage.said if line.endswith(("to be changed", " …"))] == []


def test_a_plan_of_what_stands_has_nothing_to_say(stage, capsys):
    before = snapshot(stage)

    assert stage.run(STAGE, "--plan") == 0

    assert capsys.readouterr().out == "Nothing would change.\n"
    assert snapshot(stage) == before


def test_chalice_by_itself_in_the_build_folder_is_safe_and_a_deployment_puts_it_right(stage):
    before = snapshot(stage)
    environment = {**os.environ, "AWS_DEFAULT_REGION": REGION}

    plain = [*CHALICE, "deploy", "--stage", STAGE]
    subprocess.run(plain, cwd=stage.project, env=environment, check=True, capture_output=True)

    queues = [function.name for function in functions() if function.kind is Kind.QUEUE]
    told = {name: about["Environment"]["Variables"] for name, about in standing(stage).items()}
    assert [name for name in queues if "LARIS_PARTIAL_BATCHES" in told[name]] == []
    assert stage.run(STAGE, "--yes") == 0
    after = snapshot(stage)
    for published in (before, after):
        published.pop("deployments")
        published["stage"].pop("deploymentId")
        published["stage"].pop("webAclArn", None)  # moto makes a new stage, which its firewall knows by name only
    assert after == before


def test_the_first_owner_joins_the_deployed_stage(stage):
    run = [sys.executable, "-m", "infra.deploy", "run", "--settings", str(stage.folder), STAGE, "--"]
    owner = [sys.executable, "-m", "infra.owner", "ratna@toko.example", "Ratna Dewi"]
    link = subprocess.run([*run, *owner], cwd=ROOT, capture_output=True, text=True, check=False)

    rows = stage.look().client("dynamodb").scan(TableName=f"laris-{STAGE}-identity")["Count"]
    assert link.returncode == 0, link.stderr
    assert link.stdout.startswith(record.api_url(stage.look()))
    assert rows > 0


def test_the_report_says_where_everything_is_and_what_is_left_to_do(stage):
    stage.said.clear()
    stage.run(STAGE, "--yes")
    said, url = "\n".join(stage.said), record.api_url(stage.look())

    assert f"API        {url}/" in said
    assert f"{url}/webhooks/payments/midtrans" in said
    assert f"{url}/webhooks/notices/whatsapp" in said
    assert "midtrans-server-key is not set" in said
    assert f"make owner STAGE={STAGE}" in said


def test_the_addresses_given_to_partners_are_doors_of_the_app():
    from app import app
    from infra.deploying.report import WEBHOOKS

    patterns = [re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) for path in app.routes]
    for path in WEBHOOKS.values():
        assert any(re.fullmatch(pattern, path) for pattern in patterns), path


@pytest.fixture(scope="module")
def merged(tmp_path_factory):
    """The second way: one template of everything."""
    folder, before = tmp_path_factory.mktemp("package"), dict(os.environ)
    (folder / f"{STAGE}.toml").write_text(TOML)
    try:
        assert command.main(["package", STAGE, "--settings", str(folder), "--out", str(folder / "out")]) == 0
    finally:
        os.environ.clear()
        os.environ.update(before)
    path = folder / "out" / "template.json"
    return path, json.loads(path.read_text())


def test_the_merged_template_is_sound(merged):
    lint = tool("lint", "cfn-lint") / "bin" / "cfn-lint"

    said = subprocess.run([lint, "--regions", REGION, "--", merged[0]], capture_output=True, text=True, check=False)

    assert said.returncode == 0, said.stdout


def test_the_merged_template_tells_both_halves_of_partial_answers_at_once(merged):
    resources = merged[1]["Resources"].values()
    made = {
        each["Properties"]["FunctionName"]: each["Properties"] for each in resources if "Serverless::F" in each["Type"]
    }

    assert set(made) == {function.deployed_name(STAGE) for function in functions()}
    for function in functions():
        about = made[function.deployed_name(STAGE)]
        answers = [
            event["Properties"].get("FunctionResponseTypes") == ["ReportBatchItemFailures"]
            for event in about.get("Events", {}).values()
        ]
        in_part = about["Environment"]["Variables"].get("LARIS_PARTIAL_BATCHES") == "1"
        assert in_part is any(answers) is (function.kind is Kind.QUEUE)


def test_the_merged_template_knows_neither_account_nor_region(merged):
    text = json.dumps({name: about for name, about in merged[1].items() if name != "Parameters"})

    assert not re.search(r"\b\d{12}\b", text.replace("000000000000", ""))
    assert REGION not in text
    assert merged[1]["Parameters"]["Stage"] == {
        **merged[1]["Parameters"]["Stage"],
        "Default": STAGE,
        "AllowedValues": [STAGE],
    }


def test_the_merged_template_fits_into_what_cloudformation_takes(merged):
    assert len(merged[0].read_bytes()) < 1_000_000
    assert len(merged[1]["Resources"]) + 5 * len(functions()) < 500
    assert merged[0].with_name(packaged.ZIP).stat().st_size < 50_000_000


def test_what_runs_is_taken_down_and_what_is_stored_stays(stage, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _question: STAGE)
    look = stage.look()
    tables = look.client("dynamodb").list_tables()["TableNames"]

    assert stage.run("destroy", STAGE) == 0

    assert record.found(look)["resources"] == []
    assert look.client("dynamodb").list_tables()["TableNames"] == tables
    assert stage.run(STAGE, "--yes") == 0
    assert steps.plan(look) == []
    assert digest(build(look.project, target_of(look))) == record.kept(look)["digest"]
