"""Creates what ``infra/template.yaml`` defines, in an emulated AWS: for the local system and for the tests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from infra.expand import expanded

TEMPLATE: Final = Path(__file__).parent.parent / "template.yaml"
EMULATED: Final = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "ap-southeast-3",
}
NOTHING: Final = {"Ref": "AWS::NoValue"}


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of the template, its properties with the stage filled in."""

    id: str
    kind: str
    properties: dict[str, Any]


@cache
def template() -> dict[str, Any]:
    """The template with what it repeats written out, as everybody is sent it."""
    return expanded(yaml.safe_load(TEMPLATE.read_text()))


def resources(kind: str, stage: str) -> list[Resource]:
    """The template's resources of ``kind`` such as "AWS::SQS::Queue", of a stage that was told only its name."""
    filling = _Filling(_told(stage))
    return [
        Resource(id_, kind, filling.of(about.get("Properties", {})))
        for id_, about in template()["Resources"].items()
        if about["Type"] == kind and filling.holds(about.get("Condition"))
    ]


def create_tables(dynamodb: Any, stage: str) -> list[str]:
    """Make the tables with their indexes, streams and expiry; their names."""
    names = []
    for table in resources("AWS::DynamoDB::Table", stage):
        about = dict(table.properties)
        stream = about.pop("StreamSpecification", None)
        expiry = about.pop("TimeToLiveSpecification", None)
        for ours_alone in ("DeletionProtectionEnabled", "PointInTimeRecoverySpecification", "SSESpecification"):
            about.pop(ours_alone, None)
        if stream:
            about["StreamSpecification"] = {"StreamEnabled": True, **stream}
        dynamodb.create_table(**about)
        if expiry:
            dynamodb.update_time_to_live(TableName=about["TableName"], TimeToLiveSpecification=expiry)
        names.append(about["TableName"])
    return names


def create_messaging(sns: Any, sqs: Any, stage: str) -> None:
    """Make the topic, the queues with their dead-letter queues, and the filtered subscriptions."""
    made: dict[str, str] = {}
    for topic in resources("AWS::SNS::Topic", stage):
        made[topic.id] = sns.create_topic(Name=topic.properties["TopicName"])["TopicArn"]
    for queue in _dead_letters_first(resources("AWS::SQS::Queue", stage)):
        made[queue.id] = _create_queue(sqs, queue, made)
    for subscription in resources("AWS::SNS::Subscription", stage):
        about = subscription.properties
        sns.subscribe(
            TopicArn=made[about["TopicArn"]["Ref"]],
            Protocol=about["Protocol"],
            Endpoint=made[about["Endpoint"]["Fn::GetAtt"][0]],
            Attributes=_attributes(about),
        )


def _attributes(subscription: dict[str, Any]) -> dict[str, str]:
    raw = {"RawMessageDelivery": str(subscription["RawMessageDelivery"]).lower()}
    policy = subscription.get("FilterPolicy")
    return {**raw, "FilterPolicy": json.dumps(policy)} if policy else raw


def create_buckets(s3: Any, stage: str, region: str) -> None:
    """Make the buckets."""
    for bucket in resources("AWS::S3::Bucket", stage):
        about = bucket.properties
        s3.create_bucket(
            Bucket=about["BucketName"],
            CreateBucketConfiguration={"LocationConstraint": region},
            ObjectLockEnabledForBucket=about.get("ObjectLockEnabled", False),
        )
        if versions := about.get("VersioningConfiguration"):
            s3.put_bucket_versioning(Bucket=about["BucketName"], VersioningConfiguration=versions)


def create_keys(kms: Any, stage: str) -> None:
    """Make the keys under their aliases."""
    for alias in resources("AWS::KMS::Alias", stage):
        made = kms.create_key(Description=alias.properties["AliasName"])
        kms.create_alias(AliasName=alias.properties["AliasName"], TargetKeyId=made["KeyMetadata"]["KeyId"])


def create_mail(sesv2: Any, stage: str, *, sender: str) -> None:
    """Make the configuration sets and let ``sender`` send. What becomes of letters is told by nobody here: moto
    delivers none."""
    for configuration in resources("AWS::SES::ConfigurationSet", stage):
        sesv2.create_configuration_set(ConfigurationSetName=configuration.properties["Name"])
    sesv2.create_email_identity(EmailIdentity=sender)


def _create_queue(sqs: Any, queue: Resource, made: dict[str, str]) -> str:
    about = dict(queue.properties)
    name, redrive = about.pop("QueueName"), about.pop("RedrivePolicy", None)
    allowed = about.pop("RedriveAllowPolicy", None)
    attributes = {key: str(value).lower() for key, value in about.items()}
    if allowed:
        attributes["RedriveAllowPolicy"] = json.dumps(allowed)
    if redrive:
        target = made[redrive["deadLetterTargetArn"]["Fn::GetAtt"][0]]
        attributes["RedrivePolicy"] = json.dumps({**redrive, "deadLetterTargetArn": target})
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(arn["Attributes"]["QueueArn"])


def _dead_letters_first(queues: list[Resource]) -> list[Resource]:
    return sorted(queues, key=lambda queue: "RedrivePolicy" in queue.properties)


def _told(stage: str) -> dict[str, str]:
    """What parameters and AWS's own names stand for."""
    defaults = {name: str(about.get("Default", "")) for name, about in template()["Parameters"].items()}
    return {**EMULATED, **defaults, "Stage": stage}


class _Filling:
    """Puts what is known in its place, as CloudFormation does. References to other resources stay as they are."""

    def __init__(self, told: Mapping[str, str]) -> None:
        self._told = told

    def of(self, value: Any) -> Any:
        """``value`` filled in."""
        match value:
            case {"Ref": str(name)} if name in self._told:
                return self._told[name]
            case {"Fn::Sub": str(text)}:
                return self._text(text, {})
            case {"Fn::Sub": [str(text), dict(names)]}:
                return self._text(text, self.of(names))
            case {"Fn::If": [str(condition), then, otherwise]}:
                return self.of(then if self.holds(condition) else otherwise)
            case dict():
                return {key: self.of(part) for key, part in value.items() if self._is_there(part)}
            case list():
                return [self.of(part) for part in value if self._is_there(part)]
        return value

    def holds(self, condition: str | None) -> bool:
        """Whether the condition of that name holds; what has none is always there."""
        return condition is None or self._is_true(template()["Conditions"][condition])

    def _is_true(self, condition: Mapping[str, Any]) -> bool:
        match condition:
            case {"Fn::Equals": [one, other]}:
                return bool(self.of(one) == self.of(other))
            case {"Fn::Not": [inner]}:
                return not self._is_true(inner)
        raise ValueError(f"a condition of another kind: {condition}")

    def _text(self, text: str, names: Mapping[str, str]) -> Any:
        for name, value in {**self._told, **names}.items():
            text = text.replace(f"${{{name}}}", value)
        return {"Fn::Sub": text} if "${" in text.replace("${!", "") else text.replace("${!", "${")

    def _is_there(self, value: Any) -> bool:
        match value:
            case {"Fn::If": [str(condition), then, otherwise]}:
                return self._is_there(then if self.holds(condition) else otherwise)
        return bool(value != NOTHING)
