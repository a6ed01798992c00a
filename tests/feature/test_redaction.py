"""Nothing that a caller sends, or that an error says, reaches a log line: canaries in every field of every door."""

import dataclasses
import json
import types
from typing import Any

import pytest
from chalice.app import CloudWatchEvent, DynamoDBEvent, SQSEvent

from chalicelib.core import db, log, runs
from chalicelib.core.access import public
from chalicelib.core.api import serve
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.errors import Conflict, Unexpected
from chalicelib.core.worker import BatchFailed, RunFailed, each_batch, each_message, scheduled
from tests.architecture.source import doors
from tests.kit import canaries, matrix
from tests.kit.api import call
from tests.kit.matrix import POLICY

CANARY = "kakapo-rahasia-7731"
HEADERS = (
    "Authorization", "Cookie", "Idempotency-Key", "Origin", "Referer", "User-Agent", "X-Callback-Token",
    "X-Forwarded-For", "X-Hub-Signature-256", "X-Laris-Device", "X-Laris-Key", "X-Request-Id", "traceparent",
)  # fmt: skip
SENT = {name: f"Bearer {CANARY}" if name == "Authorization" else f"{CANARY}-{name}" for name in HEADERS}


@pytest.fixture(scope="module")
def scene():
    with matrix.opened() as made:
        for _, path in doors():
            made.path(path)  # made before any door is opened that ends them
        yield made


@pytest.fixture
def logs(capfd):
    """Everything that a function would have written so far: lines of ours and of libraries, and what was printed."""
    with canaries.listening() as written:

        def everything():
            out, err = capfd.readouterr()
            return written.getvalue() + out + err

        yield everything


def poisoned(value: Any) -> Any:
    """``value`` with the canary in every text of it, as a name too."""
    if isinstance(value, dict):
        return {**{name: poisoned(part) for name, part in value.items()}, CANARY: CANARY}
    if isinstance(value, list):
        return [poisoned(part) for part in value]
    return f"{value} {CANARY}" if isinstance(value, str) else value


def softly(value: Any) -> Any:
    """``value`` with the canary in those texts alone that may say anything, so that the door still takes it."""
    if isinstance(value, dict):
        free = {"name", "reason", "note", "line1", "what", "remedy", "title"}
        return {
            name: CANARY if name in free and isinstance(part, str) else softly(part) for name, part in value.items()
        }
    return [softly(part) for part in value] if isinstance(value, list) else value


def broken(*_: Any, **__: Any) -> Any:
    """A fault whose text, values, notes and causes all tell what it met."""
    secret = f"local {CANARY}"
    error = RuntimeError(f"could not parse {secret!r}", {"password": CANARY})
    error.add_note(CANARY)
    raise error from KeyError(CANARY)


def test_a_canary_is_seen_where_it_is_not_kept_back(logs):
    """The test of the test."""
    log.logger.info("leaks", fact=CANARY)

    assert CANARY in logs()


@pytest.mark.parametrize("name", sorted(POLICY))
def test_nothing_that_a_door_is_sent_reaches_the_logs(scene, logs, name):
    method, _, path = name.partition(" ")
    example, entitled = scene.body(method, path), scene.entitled(POLICY[name])
    known, unknown = scene.path(path), "/".join(CANARY if "{" in part else part for part in path.split("/"))
    query = f"?{CANARY}={CANARY}&cursor={CANARY}&limit=1"

    replies = [
        call(method, unknown + query, poisoned(example), headers=SENT),
        call(method, unknown, poisoned(example), headers={**SENT, **entitled}),
        call(method, known + query, poisoned(example), headers={**SENT, **entitled}),
        call(method, known, softly(example), headers={**SENT, **entitled}),
        call(method, known, raw=f'{{"name": "{CANARY}'.encode(), headers={**SENT, **entitled}),
    ]

    written = logs()
    assert all(f'"request_id":"{reply.headers["X-Request-Id"]}"' in written for reply in replies)
    assert CANARY not in written.lower()


@pytest.mark.parametrize("name", sorted(POLICY))
def test_nothing_that_a_fault_says_reaches_the_logs(scene, logs, name):
    method, _, path = name.partition(" ")
    door = dataclasses.replace(
        doors()[method, path], view=broken, access=public, body=None, query=None, idempotent=False
    )
    door = dataclasses.replace(door, recorded=False, wants=frozenset())
    request: Any = types.SimpleNamespace(
        context={"resourcePath": path, "requestId": "req-1"}, headers=SENT, raw_body=CANARY.encode(), query_params={}
    )

    broken.__module__ = "chalicelib.core.api"
    answer = serve(door, request, {})

    written = logs()
    assert answer.status_code == Unexpected.status
    assert CANARY not in answer.body
    assert CANARY not in written
    (line,) = {each: json.loads(each) for each in written.splitlines()}.values()
    assert (line["exception_name"], line["causes"][0]["kind"]) == ("builtins.RuntimeError", "builtins.KeyError")
    assert line["frames"][-1].endswith(" broken")


@pytest.mark.parametrize("name", [name for name in sorted(POLICY) if not name.startswith("GET ")])
def test_nothing_that_a_fault_of_the_storage_says_reaches_the_logs(scene, logs, name):
    method, _, path = name.partition(" ")
    target, body, entitled = scene.path(path), softly(scene.body(method, path)), scene.entitled(POLICY[name])
    events = db.client().meta.events

    events.register_first("before-send.dynamodb", broken)
    answer = call(method, target, body, headers={**SENT, **entitled})
    events.unregister("before-send.dynamodb", broken)

    assert CANARY not in answer.text
    assert CANARY not in logs()


# Workers: what they raise is logged by Lambda itself


def batch(body):
    about = {"messageId": "m0", "receiptHandle": "r0", "eventSourceARN": "arn:aws:sqs:x:0:laris-test-orders"}
    return SQSEvent({"Records": [{**about, "body": json.dumps(body)}]}, None)


def test_what_a_worker_raises_tells_nothing_of_what_it_met(scene, logs):
    @each_message
    def on_parcel(_: dict[str, Any]) -> None:
        broken()

    @scheduled
    def sweep() -> Counts:
        return broken()

    @each_batch
    def relay(images: list[Any]) -> int:
        return broken()

    names = ("version", "account", "region", "detail", "detail-type", "source", "time", "id", "resources")
    record = {"eventName": "INSERT", "dynamodb": {"NewImage": {"data": {"S": CANARY}}}}
    with pytest.raises(BatchFailed) as by_queue:
        on_parcel(batch({"awb": CANARY}))
    with pytest.raises(RunFailed) as by_schedule:
        sweep(CloudWatchEvent(dict.fromkeys(names), None))
    with pytest.raises(BatchFailed) as by_stream:
        relay(DynamoDBEvent({"Records": [record]}, None))

    assert [str(each.value) for each in (by_queue, by_schedule, by_stream)] == [
        '{"failed": 1, "done": 0}', "RuntimeError", "RuntimeError",
    ]  # fmt: skip
    written = logs()
    assert CANARY not in written
    assert len({line for line in written.splitlines() if "builtins.RuntimeError" in line}) == 3
    assert CANARY not in repr(runs.of(runs.Kind.SCHEDULE))


@pytest.mark.parametrize("body", [{"awb": {CANARY: 1}}, {CANARY: CANARY}, {"awb": CANARY, "kind": CANARY}])
def test_what_cannot_be_read_or_is_refused_is_put_aside_without_a_word_of_it(scene, logs, body):
    import msgspec

    class Parcel(msgspec.Struct, forbid_unknown_fields=True):
        awb: str
        kind: str = "small"

    @each_message
    def on_parcel(parcel: Parcel) -> None:
        raise Conflict(f"{parcel.kind} is no size", kind=parcel.kind)

    on_parcel(batch(body))

    written = logs()
    assert CANARY not in written
    assert '"outcome":"failed"' in written or '"outcome":"refused"' in written


def test_the_settings_never_reach_a_line(logs):
    try:
        raise ValueError(settings)
    except ValueError:
        log.logger.exception("tells")

    assert settings.midtrans_api_url not in logs()
