"""What CloudFormation is about to do, in plain words, and what of it is never done."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

KEPT: Final = {
    "AWS::DynamoDB::Table": "table",
    "AWS::S3::Bucket": "bucket",
    "AWS::KMS::Key": "key",
}
"""What holds data, or opens it: never replaced and never removed by a deployment."""

WORDS: Final = {
    **KEPT,
    "AWS::CloudWatch::Alarm": "alarm",
    "AWS::CloudWatch::Dashboard": "dashboard",
    "AWS::IAM::Role": "role",
    "AWS::KMS::Alias": "name of a key",
    "AWS::Logs::LogGroup": "log",
    "AWS::SNS::Subscription": "subscription",
    "AWS::SNS::Topic": "topic",
    "AWS::SQS::Queue": "queue",
    "AWS::WAFv2::WebACL": "firewall",
}
"""How people call it; what is not here goes by AWS' own name."""

Change = Mapping[str, Any]


def in_words(changes: Iterable[Change]) -> list[str]:
    """One line for all that is new of a kind, and one for each thing that is changed or removed."""
    about = [change["ResourceChange"] for change in changes if change.get("Type") == "Resource"]
    added = Counter(each["ResourceType"] for each in about if each["Action"] == "Add")
    lines = [f"add {count} x {WORDS.get(kind, kind)}" for kind, count in sorted(added.items())]
    lines += [_changed(each) for each in about if each["Action"] == "Modify"]
    lines += [f"remove {_named(each)}" for each in about if each["Action"] == "Remove"]
    lines += [f"{each['Action'].lower()} {_named(each)}" for each in about if each["Action"] in {"Import", "Dynamic"}]
    return lines


def never_done(changes: Iterable[Change]) -> list[str]:
    """Why these changes are refused; nothing where they may be made."""
    about = [change["ResourceChange"] for change in changes if change.get("Type") == "Resource"]
    return list(_dangers(about))


def _dangers(about: list[Mapping[str, Any]]) -> Iterator[str]:
    for each in about:
        kind = KEPT.get(each["ResourceType"])
        if kind is None:
            continue
        if each["Action"] == "Remove":
            yield f"The {kind} {_called(each)} would be removed."
        elif each.get("Replacement") == "True":
            yield f"The {kind} {_called(each)} would be replaced by an empty one ({', '.join(_properties(each))})."
        elif each.get("Replacement") == "Conditional":
            yield f"The {kind} {_called(each)} might be replaced by an empty one ({', '.join(_properties(each))})."


def _changed(each: Mapping[str, Any]) -> str:
    what = ", ".join(_properties(each)) or "its definition"
    replaced = {"True": " by a new one", "Conditional": ", perhaps by a new one"}.get(each.get("Replacement", ""), "")
    return f"change {what} of {_named(each)}{replaced}"


def _properties(each: Mapping[str, Any]) -> list[str]:
    """What of the resource changes."""
    targets = [detail.get("Target", {}) for detail in each.get("Details", [])]
    return sorted({str(target.get("Name") or target.get("Attribute")) for target in targets if target})


def _named(each: Mapping[str, Any]) -> str:
    return f"the {WORDS.get(each['ResourceType'], each['ResourceType'])} {_called(each)}"


def _called(each: Mapping[str, Any]) -> str:
    return str(each.get("PhysicalResourceId") or each["LogicalResourceId"])
