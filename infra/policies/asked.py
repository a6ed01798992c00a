"""What a call to AWS asks of IAM: actions on resources, with what conditions may look at.

From the service authorization reference (https://docs.aws.amazon.com/service-authorization/latest/reference/), for the
operations that Laris uses; of any other, its own name is asked on everything, which no policy here allows. A write in a
transaction asks what the same write alone would ask; a batch of reads or writes has an action of its own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any, Final

Params = Mapping[str, Any]
Facts = tuple[tuple[str, tuple[str, ...]], ...]
"""Condition keys, each with its values: most have one."""

MEMBERS: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}
OF_ONE: Final = {
    "PublishBatch": "Publish",
    "SendMessageBatch": "SendMessage",
    "DeleteMessageBatch": "DeleteMessage",
    "ChangeMessageVisibilityBatch": "ChangeMessageVisibility",
}
"""Operations on many that ask what the one asks."""
SIGNED_FORM: Final = "CreateBucket"
"""What botocore calls the signing of a form by which a browser may put an object; its key is not told here."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One action on one resource; ``facts`` are the condition keys that are known of it."""

    action: str
    resource: str
    facts: Facts = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the resources of a stage are."""

    region: str
    account: str

    def arn(self, service: str, resource: str) -> str:
        """The name of a resource of ``service`` here."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"


def asked(place: Place, service: str, operation: str, params: Params) -> set[Ask]:
    """What ``operation`` of ``service`` (both as botocore calls them) with ``params`` asks."""
    reader = READERS.get(service)
    found = set(reader(place, operation, params)) if reader else set()
    return found or {Ask(f"{service}:{operation}", "*")}


def _dynamodb(place: Place, operation: str, params: Params) -> Iterable[Ask]:
    """Items are known by the first part of their keys; a query's is not told, since no policy of ours asks for it."""
    keys: dict[tuple[str, str], list[str]] = {}
    for action, table, key in _items(operation, params):
        keys.setdefault((action, table), []).extend(key)
    for (action, table), leading in keys.items():
        facts: Facts = (("dynamodb:LeadingKeys", tuple(leading)),) if leading else ()
        yield Ask(f"dynamodb:{action}", place.arn("dynamodb", f"table/{table}"), facts)


def _items(operation: str, params: Params) -> Iterable[tuple[str, str, list[str]]]:
    """The action, the table or index, and the partitions of what is touched."""
    if "TransactItems" in params:
        for item in params["TransactItems"]:
            for kind, about in item.items():
                yield MEMBERS[kind], about["TableName"], _partition(about)
    elif "RequestItems" in params:
        for table, about in params["RequestItems"].items():
            yield operation, table, [key for each in _batched(about) for key in _partition(each)]
    elif "TableName" in params:
        index = f"/index/{params['IndexName']}" if params.get("IndexName") else ""
        yield operation, params["TableName"] + index, _partition(params)


def _batched(about: Any) -> list[Params]:
    if isinstance(about, list):
        return [write for request in about for write in request.values()]
    return [{"Key": key} for key in about["Keys"]]


def _partition(about: Params) -> list[str]:
    """Items of ours lie under ``pk``; Powertools' client writes plain texts, all others typed ones."""
    key = (about.get("Key") or about.get("Item") or {}).get("pk")
    return [key["S"] if isinstance(key, dict) else key] if key else []


def _sns(_place: Place, operation: str, params: Params) -> Iterable[Ask]:
    topic = params.get("TopicArn")
    return (Ask(f"sns:{OF_ONE.get(operation, operation)}", topic),) if topic else ()


def _sqs(place: Place, operation: str, params: Params) -> Iterable[Ask]:
    name = params.get("QueueName") or str(params.get("QueueUrl", "")).rpartition("/")[2]
    return (Ask(f"sqs:{OF_ONE.get(operation, operation)}", place.arn("sqs", name)),) if name else ()


def _ssm(place: Place, operation: str, params: Params) -> Iterable[Ask]:
    names = [params["Name"]] if "Name" in params else params.get("Names", [])
    return [Ask(f"ssm:{operation}", place.arn("ssm", f"parameter/{name.lstrip('/')}")) for name in names]


def _kms(place: Place, operation: str, params: Params) -> Iterable[Ask]:
    """A stage has one key. Which key a sealed text needs stands in the text, so that ``Decrypt`` names none."""
    context = params.get("EncryptionContext", {})
    facts = [(f"kms:EncryptionContext:{name}", (str(value),)) for name, value in sorted(context.items())]
    alias = params.get("KeyId") or f"alias/laris-{context.get('stage')}"
    return (Ask(f"kms:{operation}", place.arn("kms", "key/of-alias"), (("kms:ResourceAliases", (alias,)), *facts)),)


def _s3(_place: Place, operation: str, params: Params) -> Iterable[Ask]:
    if "Bucket" not in params:
        return ()
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    if "Key" in params:
        return _object(operation, params, f"{bucket}/{params['Key']}")
    if operation == "DeleteObjects":
        objects = params["Delete"]["Objects"]
        return [Ask(f"s3:DeleteObject{_version(each)}", f"{bucket}/{each['Key']}") for each in objects]
    if operation == SIGNED_FORM:
        return (Ask("s3:PutObject", f"{bucket}/*"),)
    lists = {"ListObjectsV2": "ListBucket", "ListObjects": "ListBucket", "ListObjectVersions": "ListBucketVersions"}
    action = lists.get(operation)
    return (Ask(f"s3:{action}", bucket, (("s3:prefix", (params.get("Prefix", ""),)),)),) if action else ()


def _object(operation: str, params: Params, name: str) -> Iterable[Ask]:
    action = {"HeadObject": "GetObject"}.get(operation, operation)
    yield Ask(f"s3:{action}{_version(params)}", name)
    if "ObjectLockMode" in params:
        yield Ask("s3:PutObjectRetention", name)


def _version(params: Params) -> str:
    return "Version" if params.get("VersionId") else ""


def _ses(place: Place, operation: str, params: Params) -> Iterable[Ask]:
    """A letter asks for its sender's identity and for the configuration set that it names."""
    sender = parseaddr(params.get("FromEmailAddress", ""))[1]
    facts = (("ses:FromAddress", (sender,)),)
    yield Ask(f"ses:{operation}", place.arn("ses", f"identity/{sender}"), facts)
    if name := params.get("ConfigurationSetName"):
        yield Ask(f"ses:{operation}", place.arn("ses", f"configuration-set/{name}"), facts)


READERS: Final[dict[str, Callable[[Place, str, Params], Iterable[Ask]]]] = {
    "dynamodb": _dynamodb,
    "sns": _sns,
    "sqs": _sqs,
    "ssm": _ssm,
    "kms": _kms,
    "s3": _s3,
    "sesv2": _ses,
}
