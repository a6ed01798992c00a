"""A deployment into moto: whole, again, cut off anywhere, by two at once, and what it never does."""

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from infra.deploying import lock, record, secrets, steps
from infra.deploying.deployment import Refused
from infra.deploying.functions import Kind, functions
from infra.deploying.gatewayresponses import ANSWERS
from infra.deploying.starting import PARTIAL_ANSWERS
from tests.kit.deploying import Bench, answering, answers, calls_of, fails, settings

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse")

QUEUES = [function.name for function in functions() if function.kind is Kind.QUEUE]
SCHEDULES = [function.name for function in functions() if function.kind is Kind.SCHEDULE]


class CutOff(BaseException):
    """The machine went away."""


@pytest.fixture
def bench(tmp_path):
    """A stage of which nothing stands."""
    return Bench(tmp_path, settings())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A stage that was deployed once; a test leaves it as it found it."""
    made = Bench(tmp_path_factory.mktemp("whole"), settings())
    deploy(made.deployment())
    return made


def deploy(deployment):
    steps.deploy(deployment, confirm=lambda: True)


def planned(bench):
    return steps.plan(bench.deployment())


def refusal(do, *arguments, **options):
    with pytest.raises(Refused) as refused:
        do(*arguments, **options)
    return str(refused.value)


def test_a_plan_says_what_would_be_made_and_makes_nothing(bench):
    lines = planned(bench)

    assert "make the stack laris-" + bench.stage.name in lines
    assert "add 15 x table" in lines
    assert f"make {len(functions())} functions and the API, once the stack stands" in lines
    assert bench.deployment().outputs() == {}
    buckets = [bucket["Name"] for bucket in bench.client("s3").list_buckets()["Buckets"]]
    assert not [name for name in buckets if name.startswith(f"laris-{bench.stage.name}-")]


def test_nothing_is_changed_unless_somebody_agrees(bench):
    assert refusal(steps.deploy, bench.deployment(), confirm=lambda: False) == "Nothing was changed."

    assert bench.deployment().outputs() == {}


def test_what_the_app_declares_stands_after_a_deployment(whole):
    deployment = whole.deployment()
    deployment.account = whole.stage.account

    assert set(record.deployed_functions(deployment)) == {function.config_name for function in functions()}
    assert whole.variables("api")["LARIS_STAGE"] == whole.stage.name
    assert whole.variables("api")["LARIS_CONSOLE_URL"] == record.api_url(deployment)
    assert record.kept(deployment)["chalice"] == record.found(deployment)


def test_a_second_deployment_changes_nothing(whole):
    ran = whole.chalice_ran

    deploy(whole.deployment())

    assert whole.chalice_ran == ran
    assert planned(whole) == []


@pytest.mark.parametrize("name", QUEUES)
def test_a_function_answers_in_part_where_its_queue_was_told_so(whole, name):
    assert whole.mapping(name)["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert whole.variables(name)["LARIS_PARTIAL_BATCHES"] == "1"


def test_no_other_function_answers_in_part(whole):
    others = [function.name for function in functions() if function.kind is not Kind.QUEUE]

    assert [name for name in others if "LARIS_PARTIAL_BATCHES" in whole.variables(name)] == []


def test_the_relay_narrows_down_what_fails_and_puts_its_place_where_somebody_looks(whole):
    mapping = whole.mapping("events-relay")

    assert mapping["BisectBatchOnFunctionError"] is True
    assert (mapping["MaximumRecordAgeInSeconds"], mapping["MaximumRetryAttempts"]) == (21600, -1)
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"].endswith("-events-relay-dlq")


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_that_fails_is_heard_of(whole, name):
    called = whole.function(name)["FunctionName"]
    config = whole.client("lambda").get_function_event_invoke_config(FunctionName=called)

    assert config["DestinationConfig"]["OnFailure"]["Destination"].endswith("-schedules-dlq")
    assert config["MaximumRetryAttempts"] == 1


def test_what_api_gateway_answers_by_itself_is_said_as_ours_and_published(whole):
    deployment, gateway = whole.deployment(), whole.client("apigateway")
    api = record.api_id(deployment)

    said = {each["responseType"]: each for each in gateway.get_gateway_responses(restApiId=api)["items"]}
    stage = gateway.get_stage(restApiId=api, stageName="api")
    published = gateway.get_deployment(restApiId=api, deploymentId=stage["deploymentId"])
    lost = said["MISSING_AUTHENTICATION_TOKEN"]
    assert set(said) >= set(ANSWERS)
    assert lost["statusCode"] == "404"
    assert json.loads(lost["responseTemplates"]["application/json"])["code"] == "not_found"
    assert lost["responseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
    assert said["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"] == "'2'"
    assert published["description"].startswith("laris ")


def test_the_stage_of_the_api_has_brakes_traces_and_the_firewall(whole):
    deployment = whole.deployment()
    stage = whole.client("apigateway").get_stage(restApiId=record.api_id(deployment), stageName="api")

    assert stage["tracingEnabled"] is True
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == whole.stage.web.rate
    assert stage["methodSettings"]["*/*"]["throttlingBurstLimit"] == whole.stage.web.burst
    assert stage["webAclArn"] == deployment.outputs()["WebAclArn"]


def test_the_access_log_is_switched_on_once_api_gateway_may_write(whole):
    deployment = whole.deployment()
    answering(deployment, "apigateway", "GetAccount", lambda _params: {"cloudwatchRoleArn": "arn:aws:iam::1:role/x"})

    lines = steps.plan(deployment)

    assert lines == [f"set /accessLogSettings/{part} of the API's stage" for part in ("destinationArn", "format")]
    assert deployment.notes == [note for note in deployment.notes if "no access log" not in note]


def test_cut_off_before_any_step_a_deployment_goes_on_where_it_was(bench):
    for step in steps.STEPS:

        def say(line, at=f"{step.name} …"):
            bench.said.append(line)
            if line == at:
                raise CutOff

        try:
            deploy(bench.deployment(say=say))
        except CutOff:
            assert planned(bench) != []

    assert planned(bench) == []
    assert bench.chalice_ran == 1


@pytest.mark.parametrize("points", [["events-relay", "orders-on-payment", "rest_api", "deployment"]])
def test_cut_off_within_chalice_nothing_is_made_twice(bench, points):
    for point in points:

        def broken(what, at=point):
            if what == at:
                raise CutOff

        bench.broken = broken
        with pytest.raises(CutOff):
            deploy(bench.deployment())
        free(bench)
    bench.broken = lambda _what: None

    deploy(bench.deployment())

    named = f"function:laris-{bench.stage.name}"
    mappings = bench.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    ours = [each["FunctionArn"] for each in mappings if f"{named}-" in each["FunctionArn"]]
    assert len(ours) == len(set(ours)) == len(QUEUES) + 1
    assert len(apis(bench)) == 1
    assert planned(bench) == []


def apis(bench):
    """The APIs that call the stage's function."""
    gateway = bench.client("apigateway")
    called = f":function:laris-{bench.stage.name}/invocations"
    return [
        api["id"]
        for api in gateway.get_rest_apis(limit=500)["items"]
        if called in json.dumps(gateway.get_resources(restApiId=api["id"])["items"])
    ]


def free(bench):
    """Nobody holds the lock any more, though whoever held it was cut off: leaving is what lets it go."""
    deployment = bench.deployment()
    deployment.account = bench.stage.account
    with lock.held(deployment):
        pass


def test_chalice_failing_is_said_and_what_is_done_is_kept(bench):
    said = refusal(deploy, bench.deployment(chalice=fails))

    assert said == "chalice deploy ended with 1. What is done is done: run this again to go on."
    assert "EventsStreamArn" in bench.deployment().outputs()


def test_two_operators_do_not_deploy_at_once(whole):
    first, second = whole.deployment(), whole.deployment()
    first.account = second.account = whole.stage.account

    with lock.held(first):
        said = refusal(lambda: lock.held(second).__enter__())

    assert said.startswith(f"{lock.owner()} is deploying this stage; the lock ends by itself at ")
    with lock.held(second):
        pass


def test_of_two_who_come_at_the_same_moment_one_gets_the_lock(whole):
    bucket = f"laris-{whole.stage.name}-artifacts-{whole.stage.account}"
    one, other = (lock.Lock(bucket, name, whole.client("s3")) for name in ("a", "b"))
    lock._look(one)
    lock._look(other)

    one.renew()

    assert "Somebody else began to deploy" in refusal(other.renew)
    one.release()


def test_a_lock_of_somebody_who_was_cut_off_ends_by_itself(whole, clock):
    deployment = whole.deployment()
    deployment.account = whole.stage.account

    def be_cut_off():
        with lock.held(deployment) as first:
            clock.pass_(minutes=46)
            with lock.held(deployment):
                first.renew()

    said = refusal(be_cut_off)

    assert timedelta(minutes=45) == lock.HELD_FOR
    assert "Somebody else began to deploy" in said


def stand(bench, change):
    """Let a stack stand that is not as the checkout has it."""
    from infra.deploying import bucket, stack
    from infra.deploying.packaged import data_template

    deployment = bench.deployment()
    deployment.account = bench.stage.account
    bucket.apply(deployment)
    template = data_template()
    change(template["Resources"])
    deployment.client("cloudformation").create_stack(**stack._asked(deployment, template))


def test_a_table_that_would_be_replaced_is_refused_and_stays(bench):
    def change(resources):
        resources["OrdersTable"]["Properties"]["KeySchema"].pop()

    stand(bench, change)

    said = refusal(deploy, bench.deployment())

    table = bench.client("dynamodb").describe_table(TableName=f"laris-{bench.stage.name}-orders")["Table"]
    assert "would replace tables by empty ones (OrdersTable: KeySchema)" in said
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk"]
    assert bench.chalice_ran == 0


def test_a_table_that_is_no_more_in_the_template_is_refused_and_stays(bench):
    name = f"laris-{bench.stage.name}-old"

    def change(resources):
        old = json.loads(json.dumps(resources["CartsTable"]))
        old["Properties"]["TableName"] = name
        resources["OldTable"] = old

    stand(bench, change)

    said = refusal(deploy, bench.deployment())

    assert "The table OldTable would be removed. A deployment never does that" in said
    assert bench.client("dynamodb").describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"
    assert bench.client("cloudformation").list_change_sets(StackName=bench.stage.stack)["Summaries"] == []


def test_indexes_come_one_at_a_time(bench):
    def change(resources):
        table = resources["OrdersTable"]["Properties"]
        table["GlobalSecondaryIndexes"] = table["GlobalSecondaryIndexes"][:1]
        table["AttributeDefinitions"] = [
            each for each in table["AttributeDefinitions"] if each["AttributeName"] in {"pk", "sk", "customer_id"}
        ]

    stand(bench, change)
    deployment = bench.deployment()
    calls = calls_of(deployment, "cloudformation")

    deploy(deployment)

    assert calls.count("ExecuteChangeSet") == 3
    assert planned(bench) == []


def parameter(bench, name):
    found = bench.client("ssm").get_parameter(Name=f"/laris/{bench.stage.name}/{name}", WithDecryption=True)
    return found["Parameter"]["Value"]


def test_secrets_are_made_once_and_never_shown(whole):
    made = {name: parameter(whole, name) for name in secrets.MADE}

    deploy(whole.deployment())

    assert {name: parameter(whole, name) for name in secrets.MADE} == made
    assert len(set(made.values())) == 2
    assert all(len(value) >= 43 for value in made.values())
    assert not [line for line in whole.said if any(value in line for value in made.values())]


def test_a_secret_that_stands_is_not_written_over(bench):
    name = f"/laris/{bench.stage.name}/signing-key"
    bench.client("ssm").put_parameter(Name=name, Value="ours", Type="SecureString")

    deploy(bench.deployment())

    assert parameter(bench, "signing-key") == "ours"


def test_a_lost_secret_of_a_running_stage_is_not_made_anew(whole):
    ssm, name = whole.client("ssm"), f"/laris/{whole.stage.name}/index-key"
    kept = parameter(whole, "index-key")
    ssm.delete_parameter(Name=name)

    said = refusal(deploy, whole.deployment())

    assert said.startswith(f"index-key of the stage {whole.stage.name} cannot be found.")
    listed = ssm.get_parameters_by_path(Path=f"/laris/{whole.stage.name}")["Parameters"]
    assert name not in {each["Name"] for each in listed}
    ssm.put_parameter(Name=name, Value=kept, Type="SecureString")


def test_secrets_that_are_somebodys_to_give_are_asked_for(whole):
    deployment = whole.deployment()

    deploy(deployment)

    assert [
        note for note in deployment.notes if note.startswith("midtrans-server-key is not set, so paying by Midtrans")
    ]


def test_the_queue_is_told_before_the_function_answers_in_part(whole):
    loosen(whole, "orders-on-payment")
    deployment = whole.deployment()
    calls = calls_of(deployment, "lambda")

    deploy(deployment)

    told = calls.index("UpdateEventSourceMapping")
    read_back = calls.index("GetEventSourceMapping", told)
    assert told < read_back < calls.index("UpdateFunctionConfiguration")
    assert planned(whole) == []


def loosen(bench, name):
    """Somebody takes away both halves of partial answers."""
    lambda_ = bench.client("lambda")
    lambda_.update_event_source_mapping(UUID=bench.mapping(name)["UUID"], FunctionResponseTypes=[])
    variables = bench.variables(name)
    variables.pop("LARIS_PARTIAL_BATCHES", None)
    called = bench.function(name)["FunctionName"]
    lambda_.update_function_configuration(FunctionName=called, Environment={"Variables": variables})


def test_a_setting_that_aws_does_not_show_leaves_the_function_careful(whole, clock):
    loosen(whole, "orders-on-payment")
    deployment = whole.deployment()
    mapping = whole.mapping("orders-on-payment")
    answering(deployment, "lambda", "UpdateEventSourceMapping", lambda _params: mapping)

    said = refusal(deploy, deployment)

    assert said == "AWS does not show what was set where orders-on-payment reads: run this again."
    assert "LARIS_PARTIAL_BATCHES" not in whole.variables("orders-on-payment")
    deploy(whole.deployment())
    assert whole.variables("orders-on-payment")["LARIS_PARTIAL_BATCHES"] == "1"


def test_chalice_by_itself_in_the_build_folder_leaves_every_function_careful(whole):
    deployment = whole.deployment()
    deployment.account = whole.stage.account
    record.put_into(deployment.project, deployment)

    deployment.chalice(deployment.project, whole.stage.name, whole.stage.region, lambda _line: None)

    assert [name for name in QUEUES if "LARIS_PARTIAL_BATCHES" in whole.variables(name)] == []
    assert {tuple(whole.mapping(name)["FunctionResponseTypes"]) for name in QUEUES} == {(PARTIAL_ANSWERS,)}
    assert planned(whole) != []
    deploy(whole.deployment())
    assert planned(whole) == []


def test_a_function_that_chalice_left_at_its_old_entry_is_started_at_the_new_one(whole):
    called = whole.function("orders-on-order")["FunctionName"]
    whole.client("lambda").update_function_configuration(FunctionName=called, Handler="chalicelib.orders.workers.old")

    lines = planned(whole)
    deploy(whole.deployment())

    assert lines == ["start orders-on-order at chalicelib.orders.workers.on_order"]
    assert whole.function("orders-on-order")["Handler"] == "chalicelib.orders.workers.on_order"


def test_what_somebody_changed_by_hand_is_found_and_put_back(whole):
    called = whole.function("api")["FunctionName"]
    role = f"laris-{whole.stage.name}-orders-on-order"
    whole.client("lambda").update_function_configuration(FunctionName=called, MemorySize=3000)
    anything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    whole.client("iam").put_role_policy(RoleName=role, PolicyName=role, PolicyDocument=json.dumps(anything))

    lines = planned(whole)
    deploy(whole.deployment())

    assert lines == [f"set MemorySize of {called} from 3000 to 1024", f"change what {role} may do"]
    assert planned(whole) == []


def test_a_worker_that_is_no_more_in_the_app_is_removed(whole):
    lambda_, name = whole.client("lambda"), f"laris-{whole.stage.name}-orders-on-nothing"
    about = whole.function("orders-on-order")
    code = {"ZipFile": b"PK\x05\x06" + bytes(18)}
    lambda_.create_function(FunctionName=name, Role=about["Role"], Runtime="python3.11", Handler="a.b", Code=code)

    lines = planned(whole)
    deploy(whole.deployment())

    assert lines == [f"remove the function {name} and what starts it"]
    assert planned(whole) == []


def test_an_api_that_does_not_answer_as_it_should_is_said_and_stays(whole, clock):
    def silent(_url):
        raise OSError("no route")

    said = refusal(deploy, whole.deployment(fetch=silent))

    assert "It is deployed, but does not answer as it should: /health gave no answer (no route)." in said
    assert planned(whole) == []


def test_a_firewall_that_is_no_longer_wanted_is_taken_away_before_the_stack_removes_it(whole):
    from infra.deploying import gateway
    from infra.deploying.stages import Web

    unwanted = whole.deployment()
    unwanted.stage = settings(name=whole.stage.name, web=Web(store_url="https://toko.example", firewall=False))

    lines = gateway.taken_down(unwanted)
    gateway.take_down(unwanted)

    assert lines == ["take the firewall away from the API"]
    assert gateway.taken_down(unwanted) == []
    deploy(whole.deployment())
    assert planned(whole) == []


@pytest.mark.parametrize(("unreserved", "may"), [(10, False), (1000, True)])
def test_concurrency_is_set_aside_where_the_account_has_room(whole, unreserved, may):
    from infra.deploying.concurrency import may_be_reserved

    deployment = whole.deployment()
    limits = {"ConcurrentExecutions": unreserved, "UnreservedConcurrentExecutions": unreserved}
    answering(deployment, "lambda", "GetAccountSettings", lambda _params: {"AccountLimit": limits})

    assert may_be_reserved(deployment) is may
    assert [note for note in deployment.notes if f"runs {unreserved} functions at once" in note] == deployment.notes
    assert bool(deployment.notes) is not may


def test_a_secret_that_is_lost_while_nothing_runs_is_not_made_anew_over_what_it_closed(whole, monkeypatch):
    deployment = whole.deployment()
    deployment.account = whole.stage.account
    path = f"/laris/{deployment.name}/index-key"
    ssm, dynamodb = deployment.client("ssm"), deployment.client("dynamodb")
    value = ssm.get_parameter(Name=path, WithDecryption=True)["Parameter"]["Value"]
    somebody = {"pk": {"S": "stf_1"}, "sk": {"S": "ACCOUNT"}}
    dynamodb.put_item(TableName=f"laris-{deployment.name}-identity", Item=somebody)
    ssm.delete_parameter(Name=path)
    monkeypatch.setattr(secrets, "_is_running", lambda _deployment: False)

    try:
        said = refusal(secrets.plan, deployment)
    finally:
        dynamodb.delete_item(TableName=f"laris-{deployment.name}-identity", Key=somebody)
        ssm.put_parameter(Name=path, Type="SecureString", Value=value)

    assert said.startswith("index-key of the stage")


def test_a_shop_that_wants_its_storefronts_keys_is_sound_when_it_asks_for_one(bench):
    from infra.deploying import smoke

    def asks_for_a_key(url):
        if "/store/" not in url:
            return answers(url)
        return answers("/admin/orders")._replace(body=b'{"code": "key_refused"}')

    open_, kept = bench.deployment(fetch=asks_for_a_key), bench.deployment(fetch=asks_for_a_key)
    kept.stage = replace(kept.stage, web=replace(kept.stage.web, storefront_key_required=True))

    smoke.check(kept, "https://api.example")

    assert "/store/products?limit=1 answers 401 instead of 200" in refusal(smoke.check, open_, "https://api.example")
