"""The template, as everybody is sent it, becomes a stack, and what stands then is what the code works with.

moto's CloudFormation makes it. What moto cannot make is named below; of that, alarms are made by their own call, and
all of it is held by `tests/architecture/test_template.py`, `test_alarms.py` and, on another emulator, `make cloud`.
"""

import json
from functools import cache
from typing import Any

import pytest

from tests.kit import cloud, motocloud

STACK = "stack"
UNMADE = {
    "AWS::ApiGateway::Account": "moto's CloudFormation has no such thing",
    "AWS::Athena::NamedQuery": "moto's CloudFormation has no such thing",
    "AWS::Athena::WorkGroup": "moto's CloudFormation has no such thing",
    "AWS::CloudWatch::Alarm": "made here by its own call",
    "AWS::Glue::Database": "moto's CloudFormation has no such thing",
    "AWS::Glue::Table": "moto's CloudFormation has no such thing",
    "AWS::S3::BucketPolicy": "moto enforces none",
    "AWS::SES::ConfigurationSet": "made by infra/local/cloud.py",
    "AWS::SES::ConfigurationSetEventDestination": "moto delivers no mail, so nothing becomes of it",
    "AWS::SNS::Subscription": "made by infra/local/cloud.py, from the same lines",
    "AWS::SNS::TopicPolicy": "moto enforces none",
    "AWS::SQS::QueuePolicy": "moto enforces none",
    "AWS::WAFv2::LoggingConfiguration": "moto's CloudFormation has no such thing",
}
"""moto leaves these out with a warning. Of what it makes it drops a table's expiry and point-in-time recovery, and a
bucket's versions, lock and lifecycle."""


@cache
def client(service: str) -> Any:
    import botocore.session

    return botocore.session.get_session().create_client(service, region_name=cloud.REGION)


@pytest.fixture(scope="module")
def stack():
    """The stack of a stage beside the one that the other tests use; what it says of itself."""
    cloud.start()
    motocloud.make_importable()
    motocloud.teach_firewall()
    with pytest.warns(UserWarning, match="not supported by moto") as warned:
        made = make()
    yield {**made, "warned": {str(each.message).split()[3] for each in warned}}
    client("cloudformation").delete_stack(StackName=f"laris-{STACK}")


def make() -> dict[str, Any]:
    from infra.local import cloud as ours

    cloudformation = client("cloudformation")
    told = [{"ParameterKey": "Stage", "ParameterValue": STACK}, {"ParameterKey": "Protected", "ParameterValue": "off"}]
    cloudformation.create_stack(StackName=f"laris-{STACK}", TemplateBody=json.dumps(ours.template()), Parameters=told)
    (made,) = cloudformation.describe_stacks(StackName=f"laris-{STACK}")["Stacks"]
    return dict(made)


def resources(kind: str, stage: str = STACK) -> list[Any]:
    from infra.local import cloud as ours

    return ours.resources(kind, stage)


def test_it_is_made_but_for_what_moto_cannot_make(stack):
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["warned"] == set(UNMADE)


def test_it_says_all_that_is_asked_of_it(stack):
    from infra.local import cloud as ours

    said = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    assert said.keys() == ours.template()["Outputs"].keys() - {"MailConfigurationName", "WorkGroupName"}
    assert [name for name, value in said.items() if not value or "${" in value] == []
    assert said["TopicArn"] == f"arn:aws:sns:{cloud.REGION}:{cloud.ACCOUNT}:laris-{STACK}-events"
    assert said["EventsStreamArn"].startswith(
        f"arn:aws:dynamodb:{cloud.REGION}:{cloud.ACCOUNT}:table/laris-{STACK}-events/"
    )


def table(stage: str, name: str) -> dict[str, Any]:
    about = client("dynamodb").describe_table(TableName=f"laris-{stage}-{name}")["Table"]
    indexes = [
        {key: index[key] for key in ("IndexName", "KeySchema", "Projection")}
        for index in about.get("GlobalSecondaryIndexes", [])
    ]
    return {
        "indexes": indexes,
        "billing": about["BillingModeSummary"]["BillingMode"],
        **{key: about.get(key) for key in ("KeySchema", "AttributeDefinitions", "StreamSpecification")},
    }


def test_its_tables_are_those_that_the_code_is_tested_with(stack):
    names = [each.properties["TableName"].removeprefix(f"laris-{STACK}-") for each in resources("AWS::DynamoDB::Table")]

    assert "runs" in names
    for name in names:
        assert table(STACK, name) == table(cloud.STAGE, name)


def attributes(stage: str, queue: str) -> dict[str, Any]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=f"laris-{stage}-{queue}")["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    redrive = json.loads(told.get("RedrivePolicy", "{}"))
    return {
        "redrive": {key: str(value).replace(f"laris-{stage}-", "") for key, value in redrive.items()},
        **{
            key: str(told.get(key)).lower()
            for key in ("VisibilityTimeout", "MessageRetentionPeriod", "SqsManagedSseEnabled")
        },
    }


def test_its_queues_are_those_that_the_code_is_tested_with(stack):
    names = [each.properties["QueueName"].removeprefix(f"laris-{STACK}-") for each in resources("AWS::SQS::Queue")]

    assert len(names) == 22
    for name in names:
        assert attributes(STACK, name) == attributes(cloud.STAGE, name)


def test_its_subscriptions_are_those_that_the_code_is_tested_with(stack):
    sns = client("sns")
    listed = sns.list_subscriptions()["Subscriptions"]
    told = {
        each["Endpoint"].rpartition(":")[2]: sns.get_subscription_attributes(SubscriptionArn=each["SubscriptionArn"])
        for each in listed
    }
    made = {
        queue: json.loads(about["Attributes"].get("FilterPolicy", "null"))
        for queue, about in told.items()
        if queue.startswith(f"laris-{cloud.STAGE}-")
    }
    names = {each.id: each.properties["QueueName"] for each in resources("AWS::SQS::Queue", cloud.STAGE)}

    assert made == {
        names[each.properties["Endpoint"]["Fn::GetAtt"][0]]: each.properties.get("FilterPolicy")
        for each in resources("AWS::SNS::Subscription", cloud.STAGE)
    }


def test_its_buckets_carry_the_account_and_are_encrypted(stack):
    s3 = client("s3")
    made = {each["Name"] for each in s3.list_buckets()["Buckets"] if each["Name"].startswith(f"laris-{STACK}-")}

    assert made == {
        f"laris-{STACK}-{purpose}-{cloud.ACCOUNT}" for purpose in ("access", "backups", "exports", "proofs")
    }
    for bucket in made:
        (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        asked = "aws:kms" if "-exports-" in bucket else "AES256"
        assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == asked


def test_its_keys_are_found_by_their_names(stack):
    listed = {each["AliasName"]: each["TargetKeyId"] for each in client("kms").list_aliases()["Aliases"]}

    for alias, output in ((STACK, "PersonalDataKeyArn"), (f"{STACK}-operations", "OperationsKeyArn")):
        assert _output(stack, output)["OutputValue"].endswith(f":key/{listed[f'alias/laris-{alias}']}")


def test_its_logs_end(stack):
    listed = client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/laris-{STACK}")["logGroups"]

    assert f"/aws/lambda/laris-{STACK}" in {each["logGroupName"] for each in listed}
    assert {str(each["retentionInDays"]) for each in listed} == {"90"}


def test_its_firewall_can_be_put_before_the_api(stack):
    (listed,) = [
        each for each in client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"] if each["Name"] == f"laris-{STACK}"
    ]

    assert {"OutputKey": "WebAclArn", "OutputValue": listed["ARN"]}.items() <= _output(stack, "WebAclArn").items()


def _output(stack: dict[str, Any], key: str) -> dict[str, str]:
    (found,) = [output for output in stack["Outputs"] if output["OutputKey"] == key]
    return found


def test_its_dashboard_is_one(stack):
    body = json.loads(client("cloudwatch").get_dashboard(DashboardName=f"laris-{STACK}")["DashboardBody"])

    assert body["widgets"][0]["type"] == "alarm"
    assert f":alarm:laris-{STACK}-unexpected" in json.dumps(body)


def test_cloudwatch_takes_every_alarm(stack):
    cloudwatch, topic = client("cloudwatch"), _output(stack, "AlarmsTopicArn")["OutputValue"]
    queues = {each.id: each.properties["QueueName"] for each in resources("AWS::SQS::Queue")}
    alarms = resources("AWS::CloudWatch::Alarm")
    for alarm in alarms:
        about = {**alarm.properties, "AlarmActions": [topic], "OKActions": [topic]}
        for dimension in about.get("Dimensions", []):
            if isinstance(dimension["Value"], dict):
                dimension["Value"] = queues[dimension["Value"]["Fn::GetAtt"][0]]
        cloudwatch.put_metric_alarm(**about)

    listed = cloudwatch.describe_alarms(AlarmNamePrefix=f"laris-{STACK}-", MaxRecords=100)["MetricAlarms"]
    assert len(listed) == len(alarms)
    cloudwatch.delete_alarms(AlarmNames=[each["AlarmName"] for each in listed])
