"""Queue consumers and schedules, each its own Lambda, entered at ``<module>.<function>`` without the app.

Chalice cannot ask SQS mappings for partial batch responses, and without that setting AWS deletes what a partial answer
names as failed. So, unless an operator has proven the setting (``LARIS_PARTIAL_BATCHES=1``), a batch that failed in
part deletes what succeeded itself and then raises for the rest.
"""

import functools
import inspect
import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec
from chalice.app import CloudWatchEvent, DynamoDBEvent, SQSEvent

from chalicelib.core import aws, log
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.errors import LarisError


class BatchFailed(Exception):
    """Some messages of the batch were not done and come again; the others are deleted."""


def each_message(consume: Callable[[Any], object]) -> Callable[[SQSEvent], Any]:
    """Make a batch handler of ``consume``, which takes one message as the type its parameter is annotated with.

    An event dataclass is read from the ``data`` of the envelope, any other type from the whole message. A message
    refused for good (an error whose kind is not to be retried) goes to the dead-letter queue at once; one that failed
    otherwise comes again. The neighbours of either are done.
    """
    shape = next(iter(inspect.signature(consume, eval_str=True).parameters.values())).annotation

    @functools.wraps(consume)
    def handle(event: SQSEvent) -> Any:
        records = event.to_dict()["Records"]
        failed = [record for record in records if not _done(consume, shape, record)]
        return _settle(records, failed)

    return handle


def scheduled(run: Callable[[], Counts]) -> Callable[[CloudWatchEvent], None]:
    """Make a schedule's handler of ``run``, which must be safe to run twice and safe to miss once."""

    @functools.wraps(run)
    def handle(_event: CloudWatchEvent) -> None:
        counts = run()
        log.logger.info("schedule ran", schedule=run.__name__, **asdict(counts))

    return handle


def each_batch(relay: Callable[[list[dict[str, Any]]], int]) -> Callable[[DynamoDBEvent], None]:
    """Make a stream handler of ``relay``, which takes the new images of inserted items; a failure repeats all."""

    @functools.wraps(relay)
    def handle(event: DynamoDBEvent) -> None:
        records = event.to_dict()["Records"]
        relay([record["dynamodb"]["NewImage"] for record in records if record["eventName"] == "INSERT"])

    return handle


def _done(consume: Callable[[Any], object], shape: Any, record: dict[str, Any]) -> bool:
    name = consume.__name__
    mark = log.request_id.set(record["messageId"])
    try:
        consume(_read(record["body"], shape))
    except LarisError as error:
        log.count(name, "refused")
        log.logger.warning("message refused", consumer=name, code=error.code, again=error.retry)
        return not error.retry and _bury(record, error.code)
    except msgspec.DecodeError as error:
        log.count(name, "failed")
        log.logger.error("message unreadable", consumer=name, problem=str(error))
        return _bury(record, "unreadable")
    except Exception:  # noqa: BLE001 - one message must not take its neighbours along; it comes again
        log.count(name, "failed")
        log.logger.exception("message failed", consumer=name)
        return False
    finally:
        log.request_id.reset(mark)
    log.count(name, "succeeded")
    return True


def _read(body: str, shape: Any) -> Any:
    message = msgspec.json.decode(body, type=dict[str, Any])
    kinds = getattr(shape, "__args__", (shape,))
    by_type = {kind.TYPE: kind for kind in kinds if hasattr(kind, "TYPE")}
    if not by_type:
        return msgspec.convert(message, shape)
    kind = by_type.get(message.get("type"))
    if kind is None:
        raise msgspec.ValidationError(f"no consumer for {message.get('type')}")
    return msgspec.convert(message.get("data"), kind)


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
