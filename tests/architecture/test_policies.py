"""Each function's rights at AWS: read from one table, written down in one file, held to, and none to spare."""

import json
import re

import pytest

from infra import policies
from infra.local import guard
from infra.local.guard import Guard
from infra.policies import functions, judge, words
from infra.policies.asked import Ask, Place
from tests.architecture import workers
from tests.kit import grants
from tests.kit.cloud import ACCOUNT, REGION, STAGE

LARGEST = 10_240
"""Characters of a role's policies written into it, without white space."""

LONGEST_STAGE = "a" * 16

OPEN = {
    r"\*": "X-Ray and CloudWatch's metrics know no resource",
    r"arn:aws:kms:.*:key/\*": "the key is known by its alias, which is a condition",
    r"arn:aws:ses:.*:identity/\*": "the sender is a condition",
    r"arn:aws:logs:.*:log-group:/aws/lambda/laris-[^*]*:\*": "the streams of the function's own group",
    r"arn:aws:dynamodb:.*:table/laris-[^*]*-events/stream/\*": "a stream is named by when it was made",
    r"arn:aws:s3:::laris-[^*]*/[^*]*\*": "objects are named as they come",
}
"""Resources that are not named to the end, and why."""

CONDITIONED = r"arn:aws:(kms|ses):.*"

PLACE = Place(REGION, ACCOUNT)


def filled(function):
    return policies.policy(function, stage=STAGE, region=REGION, account=ACCOUNT)


def statements():
    return [(function, each) for function in policies.FUNCTIONS for each in filled(function)["Statement"]]


# The table and the files


def test_every_function_of_the_app_has_its_policy_and_nobody_else_has():
    assert set(policies.FUNCTIONS) == {policies.API, *(source.name for source in workers.event_sources())}


def test_the_committed_policies_are_those_of_the_table():
    committed = {path.stem: path.read_text() for path in policies.COMMITTED.iterdir()}

    assert committed == {function: policies.text(function) for function in policies.FUNCTIONS}, "run `make policies`"


def test_a_policy_that_is_filled_in_leaves_nothing_open():
    for function in policies.FUNCTIONS:
        assert "${" not in json.dumps(filled(function)), function


def test_a_function_that_the_table_does_not_name_may_not_even_be_asked_about():
    with pytest.raises(policies.UnknownFunction, match="orders-on-tuesdays has no policy"):
        policies.policy("orders-on-tuesdays", stage=STAGE, region=REGION, account=ACCOUNT)


def test_policies_of_functions_that_are_no_more_are_removed(tmp_path):
    (tmp_path / "orders-on-tuesdays.json").write_text("{}")

    policies.write(tmp_path)

    assert {path.stem for path in tmp_path.iterdir()} == set(policies.FUNCTIONS)


def test_every_policy_fits_in_a_role_and_names_its_statements_once():
    for function in policies.FUNCTIONS:
        policy = policies.policy(function, stage=LONGEST_STAGE, region=REGION, account=ACCOUNT)
        names = [each["Sid"] for each in policy["Statement"]]

        assert len(json.dumps(policy, separators=(",", ":"))) < LARGEST, function
        assert len(names) == len(set(names)), function
        assert all(name.isalnum() for name in names), function


def test_a_policy_says_what_the_words_say_and_no_more():
    for function in policies.FUNCTIONS:
        said = {
            (action, resource, tuple(sorted(grant.conditions)))
            for grant in policies.grants(function)
            for action in grant.actions
            for resource in grant.resources
        }
        stands = {
            (right.action, right.resource, tuple(sorted({operator for operator, _, _ in right.conditions})))
            for right in judge.rights(policies.document(function))
        }

        assert stands == said, function


def test_no_action_and_no_resource_is_left_open_without_need():
    for function, statement in statements():
        assert not [each for each in statement["Action"] if "*" in each], function
        for resource in statement["Resource"]:
            is_justified = any(re.fullmatch(pattern, resource) for pattern in OPEN)
            assert "*" not in resource or is_justified, (function, resource)
            assert not re.fullmatch(CONDITIONED, resource) or "Condition" in statement, (function, resource)


def names_in_the_template():
    from infra.local import cloud

    def properties(kind):
        return [each.properties for each in cloud.resources(kind, STAGE)]

    tables = {table["TableName"]: table for table in properties("AWS::DynamoDB::Table")}
    indexes = {
        f"table/{name}/index/{index['IndexName']}"
        for name, table in tables.items()
        for index in table.get("GlobalSecondaryIndexes", [])
    }
    return {
        "dynamodb": {f"table/{name}" for name in tables} | indexes | {f"table/laris-{STAGE}-events/stream/*"},
        "sqs": {queue["QueueName"] for queue in properties("AWS::SQS::Queue")},
        "sns": {topic["TopicName"] for topic in properties("AWS::SNS::Topic")},
        "s3": {bucket["BucketName"] for bucket in properties("AWS::S3::Bucket")},
    }


def test_what_is_granted_exists():
    """A grant on what is not there is one on what somebody may make there."""
    named = names_in_the_template()
    for function, statement in statements():
        for resource in statement["Resource"]:
            _, _, service, region, account, name = (*resource.split(":", 5), *[""] * 6)[:6]
            if service in named:
                name, place = (name.partition("/")[0], ("", "")) if service == "s3" else (name, (REGION, ACCOUNT))
                assert name in named[service], (function, resource)
                assert (region, account) == place, (function, resource)


def test_a_consumer_has_its_own_queue_and_settles_it_itself_only_where_batches_can_be_done_in_part():
    for source in workers.consumers():
        rights = judge.rights(filled(source.name))
        queue = PLACE.arn("sqs", source.queue)
        polled = {right.resource for right in rights if right.action == "sqs:ReceiveMessage"}
        asks = {right.resource for right in rights if right.action == "sqs:GetQueueUrl"}

        assert polled == {queue}, source.name
        assert (queue in asks) == (source.batch_size > 1), source.name


def test_nobody_may_take_keys_of_persons_out_of_their_table_and_few_may_destroy_them():
    keys = PLACE.arn("dynamodb", f"table/laris-{STAGE}-keys")
    may = {
        (function, right.action.partition(":")[2])
        for function in policies.FUNCTIONS
        for right in judge.rights(filled(function))
        if right.resource == keys
    }

    assert {action for _, action in may} == {"BatchGetItem", "PutItem", "UpdateItem"}
    assert {function for function, action in may if action == "PutItem"} == {"api"}
    assert {function for function, action in may if action == "UpdateItem"} == {
        "privacy-carry-out",
        "privacy-on-request",
    }


def test_letters_go_out_from_the_shops_own_address_alone_where_it_is_given():
    named = {"stage": STAGE, "region": REGION, "account": ACCOUNT, "sender": "halo@toko.example"}
    rights = judge.rights(policies.policy("notices-send-letters", **named))
    ours, another = (
        Ask("ses:SendEmail", PLACE.arn("ses", f"identity/{sender}"), (("ses:FromAddress", (sender,)),))
        for sender in ("halo@toko.example", "bos@toko.example")
    )

    assert any(right.allows(ours) for right in rights)
    assert not any(right.allows(another) for right in rights)


# The guard


@pytest.fixture(autouse=True)
def unnoted():
    """What is tried here for the sake of the guard is no use of a grant."""
    before = set(guard.used)
    yield
    guard.used.intersection_update(before)


@pytest.fixture
def refused():
    """What was refused, which is what the test wants."""
    yield guard.refused
    guard.refused.clear()


def test_a_function_is_refused_what_its_policy_does_not_grant_and_told_what(aws, refused):
    from botocore.exceptions import ClientError

    from chalicelib.core import aws as ours

    sqs = ours.client("sqs")
    url = sqs.get_queue_url(QueueName=f"laris-{STAGE}-orders")["QueueUrl"]

    with guard.running("events-relay"), pytest.raises(ClientError) as refusal:
        sqs.send_message(QueueUrl=url, MessageBody="{}")

    assert refusal.value.response["Error"]["Code"] == "AccessDenied"
    where = PLACE.arn("sqs", f"laris-{STAGE}-orders")
    assert refused == [f"events-relay may not sqs:SendMessage on {where}: see infra/policies/functions.py"]
    assert "Messages" not in sqs.receive_message(QueueUrl=url)


def test_a_grant_that_is_missing_from_the_table_is_missed(aws, refused, monkeypatch):
    from botocore.exceptions import ClientError

    from chalicelib.core import db

    model = db.client().meta.service_model.operation_model("BatchGetItem")
    call = {"RequestItems": {f"laris-{STAGE}-catalog": {"Keys": [{"pk": {"S": "sku_1"}}]}}}
    named = {"stage": STAGE, "region": REGION, "account": ACCOUNT}

    with guard.running("inventory-on-stock"):
        Guard(**named)(params=call, model=model)
        monkeypatch.setitem(functions.TABLE, "inventory-on-stock", (words.looks_up("inventory"),))
        with pytest.raises(ClientError, match="inventory-on-stock may not dynamodb:BatchGetItem"):
            Guard(**named)(params=call, model=model)


def test_a_key_of_staff_is_not_for_whoever_reads_those_of_customers(aws, refused):
    from chalicelib.core import vault
    from chalicelib.core.errors import Unavailable

    with guard.running("orders-on-order"):
        assert vault.key("cus_1") is None
        with pytest.raises(Unavailable):
            vault.key("stf_1")

    assert "orders-on-order may not dynamodb:BatchGetItem" in refused[0]
    assert "dynamodb:LeadingKeys stf_1" in refused[0]


def test_signing_an_address_is_asking_for_what_it_lets_others_do(aws, refused):
    from botocore.exceptions import ClientError

    from chalicelib.core import aws as ours

    at = {"Bucket": f"laris-{STAGE}-proofs-{ACCOUNT}", "Key": "ord_1/proof.jpg"}
    with guard.running("events-relay"):
        with pytest.raises(ClientError, match="s3:GetObject"):
            ours.client("s3").generate_presigned_url("get_object", Params=at)
        with pytest.raises(ClientError, match="s3:PutObject"):
            ours.client("s3").generate_presigned_post(**at)


def test_what_no_function_calls_is_nobodys_to_judge(aws):
    from chalicelib.core import db

    assert db.client().list_tables()["TableNames"]
    assert guard.refused == []


def test_a_function_fetches_its_own_secrets(aws):
    from chalicelib.core import secrets
    from tests.kit import calls

    with calls.recorded() as log:
        for function in ("api", "orders-on-payment", "api", "orders-on-payment"):
            with guard.running(function):
                secrets.get("signing-key")

    assert len(log.of("ssm")) == 2


def test_a_function_that_forgets_forgets_only_its_own(aws):
    from chalicelib.core import secrets
    from tests.kit import calls

    with calls.recorded() as log:
        for function in ("api", "orders-on-payment"):
            with guard.running(function):
                secrets.get("signing-key")
        with guard.running("api"):
            secrets.forget()
        for function in ("api", "orders-on-payment"):
            with guard.running(function):
                secrets.get("signing-key")

    assert len(log.of("ssm")) == 3


# Nothing to spare


def test_a_grant_that_nobody_uses_is_found():
    used = set(grants.granted())

    def with_one_more(function):
        spare = [words.removes("keys")] if function == "orders-on-order" else []
        return [*policies.grants(function), *spare]

    keys = "arn:aws:dynamodb:${Region}:${Account}:table/laris-${Stage}-keys"
    assert grants.unused(used) == []
    assert grants.unused(used, with_one_more) == [("orders-on-order", "dynamodb:DeleteItem", keys)]


def test_notes_of_all_processes_count_and_those_of_earlier_runs_do_not(tmp_path):
    (tmp_path / "1").write_text('[["api", "a:A", "x"]]')
    (tmp_path / "2").write_text('[["api", "a:A", "x"], ["api", "b:B", "y"]]')

    assert grants.noted(tmp_path) == {("api", "a:A", "x"), ("api", "b:B", "y")}

    grants.begin(tmp_path)
    assert not tmp_path.exists()


def test_what_is_implied_says_why():
    for function in policies.FUNCTIONS:
        for grant in policies.grants(function):
            is_of_aws = {action.partition(":")[0] for action in grant.actions} <= {"logs", "xray"}
            assert not is_of_aws or grant.implied, (function, grant.word)
