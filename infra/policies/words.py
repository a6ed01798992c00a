"""The words of the table of rights, each a grant of exactly the actions that it needs, with ``${Stage}`` and the like.

A grant that our code uses is found used by the tests, or it is too much; one that AWS uses in our name, and no call of
ours shows, says why it is there (``implied``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

HERE: Final = "${Region}:${Account}"
LARIS: Final = "laris-${Stage}"

POLLER: Final = "Lambda polls with the function's own role"
KEEPER: Final = "Lambda puts aside with the function's own role what the function gave up"
LOGGER: Final = "Lambda writes what the function prints"
TRACER: Final = "Lambda reports the traces; X-Ray knows no resource to name"

Conditions = Mapping[str, Mapping[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Grant:
    """Each action on each resource, where the conditions hold."""

    word: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = field(default_factory=dict)
    implied: str = ""


# Tables


def looks_up(*tables: str) -> Grant:
    """Items by their keys, together with others."""
    return _on_tables("LooksUp", "BatchGetItem", tables)


def lists(*places: str) -> Grant:
    """The items under a key, of a table ("orders") or through an index of it ("orders/by_due")."""
    return _on_tables("Lists", "Query", places)


def adds(*tables: str) -> Grant:
    """New items, and old ones written anew."""
    return _on_tables("Adds", "PutItem", tables)


def changes(*tables: str) -> Grant:
    """Attributes of items."""
    return _on_tables("Changes", "UpdateItem", tables)


def removes(*tables: str) -> Grant:
    """Items, for good."""
    return _on_tables("Removes", "DeleteItem", tables)


def checks(*tables: str) -> Grant:
    """Conditions on items that a transaction leaves as they are."""
    return _on_tables("Checks", "ConditionCheckItem", tables)


def remembers(table: str) -> Grant:
    """What Powertools does to know that something was done before; a refused write says what stands there."""
    actions = ("PutItem", "UpdateItem", "DeleteItem")
    return Grant("Remembers", tuple(f"dynamodb:{each}" for each in actions), (_table(table),))


def notes_runs(*kinds: str) -> Grant:
    """When something ran last, of a kind such as "SCHEDULE"."""
    return _on_rows("NotesRuns", ("UpdateItem",), "runs", kinds)


def turns_switches() -> Grant:
    """How the switches of the shop stand."""
    return _on_rows("TurnsSwitches", ("PutItem",), "runs", ("SWITCHES",))


def keeps_trail(*actions: str) -> Grant:
    """The chain of the audit trail, and nothing else of who may log in."""
    return _on_rows("KeepsTrail", actions, "identity", ("AUDIT#*",))


def forgets_logins() -> tuple[Grant, ...]:
    """How customers log in. The list of staff is looked through for them too, and there they are not."""
    mine = ("cus_*", "EMAIL#customer#*", "STAFF")
    return (
        _on_rows("ReadsLogins", ("BatchGetItem",), "identity", ("cus_*",)),
        _on_rows("ForgetsLogins", ("DeleteItem",), "identity", mine),
    )


def _on_rows(word: str, actions: tuple[str, ...], table: str, partitions: tuple[str, ...]) -> Grant:
    """The rows of a table are told apart by the first part of their keys."""
    conditions = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(partitions)}}
    return Grant(word, tuple(f"dynamodb:{each}" for each in actions), (_table(table),), conditions)


def _on_tables(word: str, action: str, places: tuple[str, ...]) -> Grant:
    return Grant(word, (f"dynamodb:{action}",), tuple(map(_table, places)))


def _table(place: str) -> str:
    name, _, index = place.partition("/")
    table = f"arn:aws:dynamodb:{HERE}:table/{LARIS}-{name}"
    return f"{table}/index/{index}" if index else table


# Queues, the stream and the topic


def consumes(queue: str) -> tuple[Grant, ...]:
    """Messages in batches: what was done is deleted, what is refused for good put aside."""
    own = (_queue(queue),)
    return *consumes_singly(queue), Grant("Settles", ("sqs:GetQueueUrl", "sqs:DeleteMessage"), own)


def consumes_singly(queue: str) -> tuple[Grant, ...]:
    """Messages one at a time."""
    polls = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    aside = Grant("PutsAside", ("sqs:GetQueueUrl", "sqs:SendMessage"), (_queue(f"{queue}-dlq"),))
    return Grant("Polls", polls, (_queue(queue),), implied=POLLER), aside


def sends_to(queue: str) -> Grant:
    """Messages for a worker."""
    return Grant("SendsTo", ("sqs:GetQueueUrl", "sqs:SendMessage"), (_queue(queue),))


def follows(table: str) -> Grant:
    """The stream of a table, whose name ends with the time at which it was switched on."""
    actions = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
    stream = f"{_table(table)}/stream/*"
    return Grant("Follows", tuple(f"dynamodb:{each}" for each in actions), (stream,), implied=POLLER)


def publishes(topic: str) -> Grant:
    """Facts for everybody who listens."""
    return Grant("Publishes", ("sns:Publish",), (f"arn:aws:sns:{HERE}:{LARIS}-{topic}",))


def gives_up_to(queue: str) -> Grant:
    """What failed for good, for a person to look at."""
    return Grant("GivesUpTo", ("sqs:SendMessage",), (_queue(queue),), implied=KEEPER)


def runs_on_schedule(*also: str) -> tuple[Grant, ...]:
    """Called now and then; that it ran is noted (``also`` runs of other kinds), and calls that failed are put aside."""
    return notes_runs("SCHEDULE", *also), gives_up_to("schedules-dlq")


def measures_queues(*queues: str) -> tuple[Grant, ...]:
    """How much waits, and lies dead, in queues; and for how long, which CloudWatch tells of all or none."""
    names = tuple(_queue(f"{queue}{kind}") for queue in queues for kind in ("", "-dlq"))
    return (
        Grant("MeasuresQueues", ("sqs:GetQueueUrl", "sqs:GetQueueAttributes"), names),
        Grant("MeasuresAges", ("cloudwatch:GetMetricData",), ("*",)),
    )


def measures_outlets(*outlets: str) -> Grant:
    """How much lies in dead-letter queues that belong to no queue."""
    names = tuple(_queue(f"{outlet}-dlq") for outlet in outlets)
    return Grant("MeasuresOutlets", ("sqs:GetQueueUrl", "sqs:GetQueueAttributes"), names)


def _queue(name: str) -> str:
    return f"arn:aws:sqs:{HERE}:{LARIS}-{name}"


# Secrets and keys


def secrets(*names: str) -> Grant:
    """Secrets of the house, by their names."""
    found = tuple(f"arn:aws:ssm:{HERE}:parameter/laris/${{Stage}}/{name}" for name in names)
    return Grant("Secrets", ("ssm:GetParameter",), found)


def reads_keys_of(*subjects: str) -> tuple[Grant, ...]:
    """The keys of personal data of subjects such as "cus_*", ready for use."""
    return _on_rows("ReadsKeys", ("BatchGetItem",), "keys", subjects), unwraps_keys_of(*subjects)


def unwraps_keys_of(*subjects: str) -> Grant:
    """Keys that were read, ready for use: for whoever is asked for subjects that there may not be."""
    return _master_key("Unwraps", "kms:Decrypt", subjects)


def makes_keys_of(*subjects: str) -> tuple[Grant, ...]:
    """New keys for new subjects."""
    return _on_rows("MakesKeys", ("PutItem",), "keys", subjects), _master_key("Wraps", "kms:GenerateDataKey", subjects)


def tries_keys() -> Grant:
    """Whether keys can be made, for nobody."""
    return _master_key("TriesKeys", "kms:GenerateDataKey", ("-",))


def destroys_keys_of(*subjects: str) -> Grant:
    """What was sealed under the key is unreadable from then on, everywhere."""
    return _on_rows("DestroysKeys", ("UpdateItem",), "keys", subjects)


def _master_key(word: str, action: str, subjects: tuple[str, ...]) -> Grant:
    """The key's own name is AWS's to give, so it is known by its alias; and only for what the vault uses it for."""
    context = "kms:EncryptionContext"
    conditions = {
        "ForAnyValue:StringEquals": {"kms:ResourceAliases": [f"alias/{LARIS}"]},
        "StringEquals": {f"{context}:stage": ["${Stage}"], f"{context}:table": [f"{LARIS}-keys"]},
        "StringLike": {f"{context}:subject": list(subjects)},
    }
    return Grant(word, (action,), (f"arn:aws:kms:{HERE}:key/*",), conditions)


# Buckets and letters


def files(word: str, bucket: str, prefix: str, *actions: str) -> Grant:
    """Objects of a bucket whose names begin with ``prefix``."""
    return Grant(word, tuple(f"s3:{each}" for each in actions), (f"{_bucket(bucket)}/{prefix}*",))


def lists_versions(word: str, bucket: str, prefix: str) -> Grant:
    """The versions of objects whose names begin with ``prefix``."""
    conditions = {"StringLike": {"s3:prefix": [f"{prefix}*"]}}
    return Grant(word, ("s3:ListBucketVersions",), (_bucket(bucket),), conditions)


def _bucket(purpose: str) -> str:
    return f"arn:aws:s3:::{LARIS}-{purpose}-${{Account}}"


def mails() -> Grant:
    """Letters from the shop's own sender, and by the configuration that reports what became of them."""
    resources = (f"arn:aws:ses:{HERE}:identity/*", f"arn:aws:ses:{HERE}:configuration-set/{LARIS}")
    return Grant("Mails", ("ses:SendEmail",), resources, {"StringLike": {"ses:FromAddress": ["${Sender}"]}})


# What every function does


def logs(function: str) -> Grant:
    """Into its own log group, which the stack has made."""
    group = f"arn:aws:logs:{HERE}:log-group:/aws/lambda/{function}:*"
    return Grant("Logs", ("logs:CreateLogStream", "logs:PutLogEvents"), (group,), implied=LOGGER)


def traces() -> Grant:
    """To X-Ray."""
    return Grant("Traces", ("xray:PutTraceSegments", "xray:PutTelemetryRecords"), ("*",), implied=TRACER)
