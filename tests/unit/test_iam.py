"""What AWS calls ask of IAM, and how it judges them, as far as our policies go."""

import pytest

from infra.policies import judge
from infra.policies.asked import Ask, Place, asked

PLACE = Place("ap-southeast-3", "123456789012")


ASK = Ask("dynamodb:GetItem", "arn:aws:dynamodb:here:1:table/orders")


def policy_of(**statement):
    about = {"Effect": "Allow", "Action": ["dynamodb:GetItem"], "Resource": [ASK.resource]}
    return judge.rights({"Version": "2012-10-17", "Statement": [about | statement]})


def is_allowed(ask, **statement):
    return any(right.allows(ask) for right in policy_of(**statement))


def test_what_no_statement_allows_is_refused():
    assert is_allowed(ASK)
    assert not is_allowed(ASK, Action=["dynamodb:PutItem"])
    assert not is_allowed(ASK, Action=["dynamodb:Get"])
    assert not is_allowed(ASK, Resource=["arn:aws:dynamodb:here:1:table/order"])
    assert not is_allowed(ASK, Resource=[ASK.resource + "/index/by_time"])
    assert not judge.rights({"Statement": []})


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("arn:aws:s3:::b/audit/*", "arn:aws:s3:::b/audit/2026/11.json", True),
        ("arn:aws:s3:::b/audit/*", "arn:aws:s3:::b/audit/", True),
        ("arn:aws:s3:::b/audit/*", "arn:aws:s3:::b/audits", False),
        ("arn:aws:s3:::b/a?c", "arn:aws:s3:::b/abc", True),
        ("arn:aws:s3:::b/a?c", "arn:aws:s3:::b/abbc", False),
        ("arn:aws:s3:::b/a.c", "arn:aws:s3:::b/abc", False),
        ("*", "anything", True),
        ("*end", "the end.", False),
    ],
)
def test_patterns_are_read_as_iam_reads_them(pattern, text, fits):
    assert is_allowed(Ask(ASK.action, text), Resource=[pattern]) == fits


@pytest.mark.parametrize(
    ("operator", "values", "fact", "holds"),
    [
        ("StringEquals", ["test", "dev"], ("dev",), True),
        ("StringEquals", ["te*"], ("test",), False),
        ("StringEquals", ["test"], ("test", "dev"), False),
        ("StringLike", ["cus_*"], ("cus_1",), True),
        ("StringLike", ["cus_*", "stf_*"], ("stf_1",), True),
        ("StringLike", ["cus_*"], ("stf_1",), False),
        ("ForAnyValue:StringEquals", ["alias/b"], ("alias/a", "alias/b"), True),
        ("ForAnyValue:StringEquals", ["alias/c"], ("alias/a", "alias/b"), False),
        ("ForAllValues:StringLike", ["cus_*"], ("cus_1", "cus_2"), True),
        ("ForAllValues:StringLike", ["cus_*"], ("cus_1", "stf_2"), False),
    ],
)
def test_conditions_hold_or_they_do_not(operator, values, fact, holds):
    conditions = {operator: {"some:key": values}}

    assert is_allowed(Ask(ASK.action, ASK.resource, (("some:key", fact),)), Condition=conditions) == holds


def test_a_condition_on_what_is_not_known_does_not_hold():
    assert not is_allowed(ASK, Condition={"ForAllValues:StringLike": {"some:key": ["*"]}})


def test_every_condition_of_a_statement_must_hold():
    ask = Ask(ASK.action, ASK.resource, (("a", ("1",)), ("b", ("2",))))

    assert is_allowed(ask, Condition={"StringEquals": {"a": ["1"]}, "StringLike": {"b": ["2"]}})
    assert not is_allowed(ask, Condition={"StringEquals": {"a": ["1"]}, "StringLike": {"b": ["1"]}})
    assert not is_allowed(ask, Condition={"StringEquals": {"a": ["1"], "b": ["1"]}})


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Deny"},
        {"NotAction": ["s3:PutObject"]},
        {"Action": ["dynamodb:*"]},
        {"Condition": {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}},
    ],
)
def test_what_is_not_judged_here_is_no_silent_yes(statement):
    with pytest.raises(ValueError, match=r"not judged here|written out"):
        policy_of(**statement)


# What calls ask

TABLE = PLACE.arn("dynamodb", "table/t")
QUEUE = "https://sqs.ap-southeast-3.amazonaws.com/123456789012/q"
KEY = {"pk": {"S": "cus_1"}, "sk": {"S": "KEY"}}
LEADING = (("dynamodb:LeadingKeys", ("cus_1",)),)


@pytest.mark.parametrize(
    ("service", "operation", "params", "asks"),
    [
        ("dynamodb", "GetItem", {"TableName": "t", "Key": KEY}, {("dynamodb:GetItem", TABLE, LEADING)}),
        ("dynamodb", "PutItem", {"TableName": "t", "Item": {"pk": "cus_1"}}, {("dynamodb:PutItem", TABLE, LEADING)}),
        ("dynamodb", "Query", {"TableName": "t"}, {("dynamodb:Query", TABLE)}),
        ("dynamodb", "Query", {"TableName": "t", "IndexName": "i"}, {("dynamodb:Query", f"{TABLE}/index/i")}),
        (
            "dynamodb",
            "BatchGetItem",
            {"RequestItems": {"t": {"Keys": [KEY]}, "u": {"Keys": [KEY]}}},
            {
                ("dynamodb:BatchGetItem", TABLE, LEADING),
                ("dynamodb:BatchGetItem", PLACE.arn("dynamodb", "table/u"), LEADING),
            },
        ),
        (
            "dynamodb",
            "BatchWriteItem",
            {"RequestItems": {"t": [{"PutRequest": {"Item": KEY}}]}},
            {("dynamodb:BatchWriteItem", TABLE, LEADING)},
        ),
        (
            "dynamodb",
            "TransactWriteItems",
            {
                "TransactItems": [
                    {"Put": {"TableName": "t", "Item": KEY}},
                    {"ConditionCheck": {"TableName": "t", "Key": KEY}},
                    {"Delete": {"TableName": "t", "Key": KEY}},
                    {"Update": {"TableName": "t", "Key": KEY}},
                ]
            },
            {
                (f"dynamodb:{action}", TABLE, LEADING)
                for action in ("PutItem", "ConditionCheckItem", "DeleteItem", "UpdateItem")
            },
        ),
        ("dynamodb", "ListTables", {}, {("dynamodb:ListTables", "*")}),
        ("sns", "PublishBatch", {"TopicArn": "arn:t"}, {("sns:Publish", "arn:t")}),
        ("sqs", "GetQueueUrl", {"QueueName": "q"}, {("sqs:GetQueueUrl", PLACE.arn("sqs", "q"))}),
        ("sqs", "SendMessageBatch", {"QueueUrl": QUEUE}, {("sqs:SendMessage", PLACE.arn("sqs", "q"))}),
        ("sqs", "DeleteMessageBatch", {"QueueUrl": QUEUE}, {("sqs:DeleteMessage", PLACE.arn("sqs", "q"))}),
        (
            "ssm",
            "GetParameter",
            {"Name": "/laris/test/x"},
            {("ssm:GetParameter", PLACE.arn("ssm", "parameter/laris/test/x"))},
        ),
        ("s3", "GetObject", {"Bucket": "b", "Key": "k"}, {("s3:GetObject", "arn:aws:s3:::b/k")}),
        (
            "s3",
            "GetObject",
            {"Bucket": "b", "Key": "k", "VersionId": "1"},
            {("s3:GetObjectVersion", "arn:aws:s3:::b/k")},
        ),
        (
            "s3",
            "PutObject",
            {"Bucket": "b", "Key": "k", "ObjectLockMode": "GOVERNANCE"},
            {("s3:PutObject", "arn:aws:s3:::b/k"), ("s3:PutObjectRetention", "arn:aws:s3:::b/k")},
        ),
        (
            "s3",
            "DeleteObjects",
            {"Bucket": "b", "Delete": {"Objects": [{"Key": "k", "VersionId": "1"}, {"Key": "l"}]}},
            {("s3:DeleteObjectVersion", "arn:aws:s3:::b/k"), ("s3:DeleteObject", "arn:aws:s3:::b/l")},
        ),
        (
            "s3",
            "ListObjectVersions",
            {"Bucket": "b", "Prefix": "a/"},
            {("s3:ListBucketVersions", "arn:aws:s3:::b", (("s3:prefix", ("a/",)),))},
        ),
        ("s3", "CreateBucket", {"Bucket": "b"}, {("s3:PutObject", "arn:aws:s3:::b/*")}),
        ("s3", "ListBuckets", {}, {("s3:ListBuckets", "*")}),
        ("lambda", "Invoke", {"FunctionName": "f"}, {("lambda:Invoke", "*")}),
    ],
)
def test_a_call_asks_what_aws_would_check(service, operation, params, asks):
    assert asked(PLACE, service, operation, params) == {Ask(*each) for each in asks}


def test_a_key_is_known_by_its_alias_and_by_what_it_is_used_for():
    context = {"stage": "test", "subject": "cus_1"}
    wraps = asked(PLACE, "kms", "GenerateDataKey", {"KeyId": "alias/laris-test", "EncryptionContext": context})
    unwraps = asked(PLACE, "kms", "Decrypt", {"CiphertextBlob": b"", "EncryptionContext": context})

    assert [each.facts for each in wraps] == [each.facts for each in unwraps]
    assert dict(next(iter(wraps)).facts) == {
        "kms:ResourceAliases": ("alias/laris-test",),
        "kms:EncryptionContext:stage": ("test",),
        "kms:EncryptionContext:subject": ("cus_1",),
    }


def test_a_letter_asks_for_its_sender_and_for_its_configuration():
    letter = {"FromEmailAddress": "Toko <halo@toko.example>", "ConfigurationSetName": "laris-test"}

    asks = asked(PLACE, "sesv2", "SendEmail", letter)

    assert {each.action for each in asks} == {"ses:SendEmail"}
    assert {each.resource.rpartition(":")[2] for each in asks} == {
        "identity/halo@toko.example",
        "configuration-set/laris-test",
    }
