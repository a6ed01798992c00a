"""The template and the code agree: tables, indexes, queues and who hears what."""

import importlib
import inspect
import json
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

from tests.architecture import workers
from tests.kit.cloud import ACCOUNT, REGION, STAGE

ROOT = Path(__file__).parent.parent.parent


def resources(kind: str) -> list[Any]:
    from infra.local import cloud

    return cloud.resources(kind, STAGE)


def rows() -> list[Any]:
    """Every class of a stored item, with all departments' models loaded."""
    import chalicelib
    from chalicelib.core import db

    for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        if ".models" in module.name or module.name.startswith("chalicelib.core."):
            importlib.import_module(module.name)
    found, waiting = [], [db.Row]
    while waiting:
        class_ = waiting.pop()
        waiting += class_.__subclasses__()
        if hasattr(class_, "Meta") and class_.__module__.startswith("chalicelib."):
            found.append(class_)
    return found


def tables() -> dict[str, Any]:
    return {table.properties["TableName"]: table.properties for table in resources("AWS::DynamoDB::Table")}


def keys_of(schema: list[dict[str, str]]) -> dict[str, str]:
    return {part["KeyType"]: part["AttributeName"] for part in schema}


def test_every_item_has_its_table_with_these_keys():
    for row in rows():
        table = tables()[row.Meta.table_name]

        assert keys_of(table["KeySchema"]) == {"HASH": "pk", "RANGE": "sk"}, row


def test_every_table_holds_items_of_some_department():
    assert {row.Meta.table_name for row in rows()} == set(tables())


def test_every_index_of_the_code_is_in_the_template_as_it_is_used():
    for row in rows():
        defined = {
            index["IndexName"]: index for index in tables()[row.Meta.table_name].get("GlobalSecondaryIndexes", [])
        }
        for index in row._indexes.values():
            about = defined[index.Meta.index_name]
            ours = keys_of([_named(part) for part in index._get_schema()["key_schema"]])

            assert keys_of(about["KeySchema"]) == ours, row
            assert about["Projection"] == _projection(index), row


def test_items_of_one_kind_alone_enter_an_index():
    """A row that happens to have an attribute of the index's name would be found in the place of the right one."""
    for table, about in tables().items():
        for index in about.get("GlobalSecondaryIndexes", []):
            keys = set(keys_of(index["KeySchema"]).values())
            entering = [
                row
                for row in rows()
                if row.Meta.table_name == table and keys <= {each.attr_name for each in row.get_attributes().values()}
            ]

            assert len(entering) == 1, (table, index["IndexName"], entering)


def _named(part: dict[str, str]) -> dict[str, str]:
    return {"KeyType": part["KeyType"], "AttributeName": part["AttributeName"]}


def _projection(index) -> dict[str, Any]:
    projection = index.Meta.projection
    asked = {"ProjectionType": projection.projection_type}
    if projection.non_key_attributes:
        asked["NonKeyAttributes"] = projection.non_key_attributes
    return asked


def test_every_index_of_the_template_is_used():
    used = {(row.Meta.table_name, index.Meta.index_name) for row in rows() for index in row._indexes.values()}
    defined = {
        (name, index["IndexName"])
        for name, table in tables().items()
        for index in table.get("GlobalSecondaryIndexes", [])
    }

    assert used == defined


def test_key_attributes_are_texts_and_each_is_needed():
    for table in tables().values():
        schemas = [table["KeySchema"], *(index["KeySchema"] for index in table.get("GlobalSecondaryIndexes", []))]
        needed = {name for schema in schemas for name in keys_of(schema).values()}

        assert {each["AttributeName"]: each["AttributeType"] for each in table["AttributeDefinitions"]} == (
            dict.fromkeys(needed, "S")
        )


def test_what_expires_expires_by_the_attribute_that_the_code_writes():
    for table in tables().values():
        if "TimeToLiveSpecification" in table:
            name = table["TimeToLiveSpecification"]["AttributeName"]
            writers = [row for row in rows() if row.Meta.table_name == table["TableName"] and hasattr(row, name)]
            assert writers, table["TableName"]


def every(kind: str) -> dict[str, Any]:
    """The resources of a kind as CloudFormation is sent them."""
    from infra.local import cloud

    return {id_: about for id_, about in cloud.template()["Resources"].items() if about["Type"] == kind}


def test_no_table_can_be_lost():
    for about in every("AWS::DynamoDB::Table").values():
        properties = about["Properties"]
        assert (about["DeletionPolicy"], about["UpdateReplacePolicy"]) == ("Retain", "Retain"), properties
        assert properties["DeletionProtectionEnabled"] == {"Fn::If": ["IsProtected", True, False]}, properties
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, properties
        assert properties["SSESpecification"] == {"SSEEnabled": True}, properties
        assert properties["BillingMode"] == "PAY_PER_REQUEST", properties


def test_the_stage_is_protected_unless_somebody_says_otherwise():
    from infra.local import cloud

    assert cloud.template()["Parameters"]["Protected"]["Default"] == "on"
    assert cloud.template()["Conditions"]["IsProtected"] == {"Fn::Equals": [{"Ref": "Protected"}, "on"]}


def test_no_bucket_can_be_lost_or_read_by_strangers():
    for id_, about in every("AWS::S3::Bucket").items():
        properties = about["Properties"]
        assert (about["DeletionPolicy"], about["UpdateReplacePolicy"]) == ("Retain", "Retain"), id_
        assert len(properties["PublicAccessBlockConfiguration"]) == 4, id_
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}, id_
        assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, id_
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"], id_
        assert properties["BucketName"]["Fn::Sub"].endswith("-${AWS::AccountId}"), id_


def test_what_is_overwritten_in_a_bucket_is_kept_but_for_copies_that_have_to_vanish():
    versioned = {id_ for id_, about in every("AWS::S3::Bucket").items() if _is_versioned(about["Properties"])}

    assert every("AWS::S3::Bucket").keys() - versioned == {"ExportsBucket"}


def _is_versioned(bucket: dict[str, Any]) -> bool:
    return bucket.get("VersioningConfiguration") == {"Status": "Enabled"}


def test_who_reads_a_file_is_written_down_elsewhere():
    for id_, about in every("AWS::S3::Bucket").items():
        kept = about["Properties"].get("LoggingConfiguration", {}).get("DestinationBucketName")
        assert id_ == "AccessBucket" or kept == {"Ref": "AccessBucket"}, id_


def test_backups_are_locked_and_personal_pictures_are_not():
    buckets = every("AWS::S3::Bucket")
    rule = buckets["BackupsBucket"]["Properties"]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]

    assert rule == {"Mode": "GOVERNANCE", "Days": 35}
    assert [id_ for id_, about in buckets.items() if "ObjectLockEnabled" in about["Properties"]] == ["BackupsBucket"]


def denied_without_tls(statements: list[dict[str, Any]]) -> bool:
    return any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in statements
    )


@pytest.mark.parametrize(
    ("kind", "policy", "of"),
    [
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
    ],
)
def test_nothing_is_reached_without_tls(kind, policy, of):
    covered: list[str] = []
    for id_, about in every(policy).items():
        named = about["Properties"][of]
        covered += [each["Ref"] for each in (named if isinstance(named, list) else [named])]
        assert denied_without_tls(about["Properties"]["PolicyDocument"]["Statement"]), id_

    assert sorted(covered) == sorted(every(kind))


def test_every_key_is_turned_and_not_lost_at_once():
    for id_, about in every("AWS::KMS::Key").items():
        assert about["Properties"]["EnableKeyRotation"] is True, id_
        assert about["Properties"]["PendingWindowInDays"] == 30, id_


def test_the_key_of_personal_data_is_ended_by_administrators_alone_and_used_for_people_alone():
    key = every("AWS::KMS::Key")["PersonalDataKey"]
    statements = {about.get("Sid"): about for about in key["Properties"]["KeyPolicy"]["Statement"]}
    (_, deny, _) = key["Properties"]["KeyPolicy"]["Statement"][2]["Fn::If"]

    assert (key["DeletionPolicy"], key["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert deny["Effect"] == "Deny"
    assert deny["Action"] == ["kms:DisableKey", "kms:ScheduleKeyDeletion"]
    assert statements["KeysOfPeople"]["Condition"]["Null"] == {"kms:EncryptionContext:subject": "false"}
    assert not {
        action for action in statements["Administration"]["Action"] if re.search("crypt|DataKey|\\*$", action)
    } - {
        "kms:Describe*",
        "kms:EnableKey*",
        "kms:Get*",
        "kms:List*",
        "kms:Update*",
    }


def test_the_key_of_personal_data_wraps_nothing_else():
    used = {id_ for id_, about in _resources().items() if "PersonalDataKey" in json.dumps(about)}

    assert used == {"PersonalDataKeyAlias"}


def _resources() -> dict[str, Any]:
    from infra.local import cloud

    return cloud.template()["Resources"]


def test_every_queue_has_a_dead_letter_queue_that_keeps_letters_long():
    queues = {queue.id: queue.properties for queue in resources("AWS::SQS::Queue")}
    for id_, queue in queues.items():
        assert queue["SqsManagedSseEnabled"] is True, id_
        if queue["QueueName"].endswith("-dlq"):
            assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600, id_
            continue
        target = queues[queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]]
        assert target["QueueName"] == f"{queue['QueueName']}-dlq", id_
        assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5, id_
        assert target["RedriveAllowPolicy"] == {
            "redrivePermission": "byQueue",
            "sourceQueueArns": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue['QueueName']}"],
        }, id_


def test_what_no_queue_brought_is_given_up_to_a_queue_of_its_own():
    fed = {queue.properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for queue in _fed()}
    others = {
        queue.properties["QueueName"]
        for queue in resources("AWS::SQS::Queue")
        if queue.id not in fed and queue.properties["QueueName"].endswith("-dlq")
    }

    assert others == {f"laris-{STAGE}-events-relay-dlq", f"laris-{STAGE}-schedules-dlq"}


def _fed() -> list[Any]:
    return [queue for queue in resources("AWS::SQS::Queue") if "RedrivePolicy" in queue.properties]


def test_every_function_has_its_log_and_no_log_is_without_a_function():
    """Chalice must not make them: see the template."""
    from infra.deploying.functions import functions

    logs = {about.properties["LogGroupName"]: about.properties for about in resources("AWS::Logs::LogGroup")}
    of_functions = {name for name in logs if name.startswith("/aws/lambda/")}

    assert of_functions == {f"/aws/lambda/{function.deployed_name(STAGE)}" for function in functions()}
    assert logs.keys() - of_functions == {f"/aws/apigateway/laris-{STAGE}", f"aws-waf-logs-laris-{STAGE}"}
    assert "log_retention_in_days" not in json.dumps(json.loads((ROOT / ".chalice" / "config.json").read_text()))


def test_deployment_finds_every_output_it_asks_for():
    from infra.local import cloud

    asked = set()
    for path in (ROOT / "infra" / "deploying").glob("*.py"):
        asked |= set(re.findall(r"outputs\(\)(?:\.get\(|\[)\"(\w+)\"", path.read_text()))

    assert asked
    assert asked <= cloud.template()["Outputs"].keys()


def test_every_log_ends_and_is_encrypted():
    for id_, about in every("AWS::Logs::LogGroup").items():
        assert about["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, id_
        assert about["Properties"]["KmsKeyId"] == {"Fn::GetAtt": ["OperationsKey", "Arn"]}, id_


def test_every_queue_is_worked_off():
    served = {source.queue for source in workers.consumers()}

    assert served == {
        queue.properties["QueueName"]
        for queue in resources("AWS::SQS::Queue")
        if not queue.properties["QueueName"].endswith("-dlq")
    }


def subscribed() -> dict[str, set[str]]:
    """The types of events that each queue gets, by its name."""
    names = {queue.id: queue.properties["QueueName"] for queue in resources("AWS::SQS::Queue")}
    return {
        names[about.properties["Endpoint"]["Fn::GetAtt"][0]]: set(about.properties["FilterPolicy"]["type"])
        for about in resources("AWS::SNS::Subscription")
        if "FilterPolicy" in about.properties  # the others are to topics of AWS's own events
    }


def test_every_subscription_is_to_events_that_exist():
    known = set(workers.event_types())

    assert {queue: types - known for queue, types in subscribed().items() if types - known} == {}


def test_every_queue_gets_exactly_what_its_worker_reads():
    read = {source.queue: workers.types_read_by(source) for source in workers.consumers()}

    assert {queue: types for queue, types in read.items() if types} == subscribed()


def test_the_topic_may_send_to_every_subscribed_queue():
    policies = [about.properties for about in resources("AWS::SQS::QueuePolicy")]
    allowed = {
        queue["Ref"]
        for policy in policies
        if any(statement["Effect"] == "Allow" for statement in policy["PolicyDocument"]["Statement"])
        for queue in policy["Queues"]
    }

    assert allowed == {about.properties["Endpoint"]["Fn::GetAtt"][0] for about in resources("AWS::SNS::Subscription")}


@pytest.mark.parametrize("event", workers.event_types().values(), ids=lambda event: event.TYPE)
def test_an_event_is_a_past_tense_fact_about_an_aggregate(event):
    assert re.fullmatch(r"[a-z_]+\.[a-z_]+", event.TYPE)
    assert event.KEY in inspect.signature(event).parameters
    assert event.__dataclass_params__.frozen
    assert event.__doc__
    assert not event.__doc__.startswith(event.__name__ + "(")
