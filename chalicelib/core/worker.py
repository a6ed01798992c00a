"""Queue consumers and schedules, each its own Lambda, entered at ``<module>.<function>`` without the app.

Chalice cannot ask SQS mappings for partial batch responses, and without that setting AWS deletes what a partial answer
names as failed. So, unless an operator has proven the setting (``LARIS_PARTIAL_BATCHES=1``), a batch that failed in
part deletes what succeeded itself and then raises for the rest.
"""

import functools
import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final

import msgspec
from chalice.app import CloudWatchEvent, DynamoDBEvent, SQSEvent

from chalicelib.core import aws, ids, log, runs, work
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.errors import LarisError

CALLED: Final = {"core": "events"}
"""What core does by itself it does with the events."""


class BatchFailed(Exception):
    """Some messages of the batch were not done and come again; the others are deleted."""


class RunFailed(Exception):
    """A schedule did not get through; what went wrong stands in the log."""


def each_message(consume: Callable[[Any], object]) -> Callable[[SQSEvent], Any]:
    """Make a batch handler of ``consume``, which takes one message as the type its parameter is annotated with.

    An event dataclass is read from the ``data`` of the envelope, any other type from the whole message. A message
    refused for good (an error whose kind is not to be retried) goes to the dead-letter queue at once; one that failed
    otherwise comes again. The neighbours of either are done. What a message says it follows from, its work does too.
    """
    name = name_of(consume)
    shape = next(iter(inspect.signature(consume, eval_str=True).parameters.values())).annotation

    @functools.wraps(consume)
    def handle(event: SQSEvent) -> Any:
        records = event.to_dict()["Records"]
        with log.invocation(name, _request_of(event)):
            failed = [record for record in records if not _done(name, consume, shape, record)]
            return _settle(records, failed)

    return handle


def scheduled(run: Callable[[], Counts]) -> Callable[[CloudWatchEvent], None]:
    """Make a schedule's handler of ``run``, which must be safe to run twice and safe to miss once.

    When it ran last, and how that went, is noted (``runs``). Raises RunFailed, so that AWS runs it again.
    """
    name = name_of(run)

    @functools.wraps(run)
    def handle(event: CloudWatchEvent) -> None:
        with (
            log.invocation(name, _request_of(event)),
            _opaque(RunFailed),
            work.begun("schedule ran", name) as done,
            runs.noted(runs.Kind.SCHEDULE, name) as noted,
        ):
            noted.counts = run()
            done.facts |= asdict(noted.counts)

    return handle


def each_batch(relay: Callable[[list[dict[str, Any]]], int]) -> Callable[[DynamoDBEvent], None]:
    """Make a stream handler of ``relay``, which takes the new images of inserted items; a failure repeats all.

    Raises BatchFailed then.
    """
    name = name_of(relay)

    @functools.wraps(relay)
    def handle(event: DynamoDBEvent) -> None:
        records = event.to_dict()["Records"]
        images = [record["dynamodb"]["NewImage"] for record in records if record["eventName"] == "INSERT"]
        request = _request_of(event)
        with log.invocation(name, request), _opaque(BatchFailed), work.begun("stream carried on", name) as done:
            done.facts["events"] = len(images)
            relay(images)

    return handle


def name_of(run: Callable[..., Any]) -> str:
    """What the function is called: by its department and itself, ``orders-expire-unpaid``."""
    department = run.__module__.split(".")[1]
    return f"{CALLED.get(department, department)}-{run.__name__}".replace("_", "-")


@contextmanager
def _opaque(failure: type[Exception]) -> Iterator[None]:
    """What goes wrong inside comes out as ``failure``: Lambda logs the text of what is raised, whatever it holds."""
    try:
        yield
    except Exception as error:
        raise failure(type(error).__name__) from error


def _request_of(event: Any) -> str:
    """Lambda's id of this run."""
    return str(getattr(event.context, "aws_request_id", None) or ids.new("run"))


def _done(name: str, consume: Callable[[Any], object], shape: Any, record: dict[str, Any]) -> bool:
    message = _message(record["body"])
    follows = message.get("correlation_id", record["messageId"]) if message is not None else None
    with log.correlated(follows), work.begun("message handled", name) as done:
        done.facts["message_id"] = record["messageId"]
        try:
            consume(_read(message, shape))
        except LarisError as error:
            done.refuse(error)
            done.facts["again"] = error.retry
            return not error.retry and _put_aside(record, error.code)
        except msgspec.DecodeError as error:
            done.outcome = work.FAILED
            done.facts |= {"code": "unreadable", "where": str(error).partition(" - at `")[2].rstrip("`")}
            return _put_aside(record, "unreadable")
        except Exception as error:  # noqa: BLE001 - one message must not take its neighbours along; it comes again
            done.fail(error)
            done.facts["again"] = True
            return False
    return True


def _message(body: str) -> dict[str, Any] | None:
    """None for what is no JSON object."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def _read(message: dict[str, Any] | None, shape: Any) -> Any:
    if message is None:
        raise msgspec.ValidationError("not an object")
    kinds = getattr(shape, "__args__", (shape,))
    by_type = {kind.TYPE: kind for kind in kinds if hasattr(kind, "TYPE")}
    if not by_type:
        return msgspec.convert(message, shape)
    kind = by_type.get(message.get("type"))
    if kind is None:
        raise msgspec.ValidationError("nobody here reads its type")
    return msgspec.convert(message.get("data"), kind)


def _put_aside(record: dict[str, Any], why: str) -> bool:
    """Whether it could be buried; else it comes again, and its neighbours are done all the same."""
    try:
        return _bury(record, why)
    except Exception as error:  # noqa: BLE001 - whatever keeps one message here must not keep the others
        log.logger.exception("message not put aside", error)
        return False


def _bury(record: dict[str, Any], why: str) -> bool:
    """Send the message to the dead-letter queue of the queue it came from; True, since it is dealt with."""
    sqs = aws.client("sqs")
    queue = record["eventSourceARN"].rsplit(":", 1)[1]
    url = sqs.get_queue_url(QueueName=f"{queue}-dlq")["QueueUrl"]
    reason = {"reason": {"DataType": "String", "StringValue": why}}
    sqs.send_message(QueueUrl=url, MessageBody=record["body"], MessageAttributes=reason)
    return True


def _settle(records: list[dict[str, Any]], failed: list[dict[str, Any]]) -> Any:
    if not failed:
        return None
    if settings.partial_batches:
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}
    done = [record for record in records if record not in failed]
    if done:
        _delete(done)
    raise BatchFailed(json.dumps({"failed": len(failed), "done": len(done)}))


def _delete(records: list[dict[str, Any]]) -> None:
    sqs = aws.client("sqs")
    queue = records[0]["eventSourceARN"].rsplit(":", 1)[1]
    entries = [{"Id": str(number), "ReceiptHandle": record["receiptHandle"]} for number, record in enumerate(records)]
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    answer = sqs.delete_message_batch(QueueUrl=url, Entries=entries)
    if answer.get("Failed"):
        log.logger.warning("messages not deleted", failed=len(answer["Failed"]))
