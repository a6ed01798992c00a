"""The shop's DynamoDB is DynamoDB Local, all else of AWS is moto in this process; a test file imports these fixtures.

moto lets a request pass whose address is none of AWS's, so the endpoint of the shop's own client decides. Nothing
expires by itself here: DynamoDB Local would go by the machine's clock, and tests have clocks of their own.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import pytest
from botocore.session import get_session
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib.core import aws as ours
from chalicelib.core import clock as time
from chalicelib.core import db, secrets
from infra.local import cloud as template
from infra.local.dynamodb_local import DynamoDBLocal, unavailable
from tests.kit import cloud, keys
from tests.properties.ring2.clock import WallClock
from tests.properties.ring2.crowd import Crew

ENDPOINT: Final = "AWS_ENDPOINT_URL_DYNAMODB"
EVENTS: Final = f"laris-{cloud.STAGE}-events"
SEQUENCE_DIGITS: Final = 21


@pytest.fixture(scope="module")
def dynamodb_local(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The shop's own client, which speaks to DynamoDB Local while the module's tests run."""
    if reason := unavailable():
        _shout(request.config, f"RING 2 IS SKIPPED: {reason}")
        pytest.skip(f"RING 2 IS SKIPPED: {reason}")
    cloud.start()
    with pointed_to(server().endpoint), one_at_a_time():
        yield db.client()


@pytest.fixture
def aws(clock: Any, dynamodb_local: Any) -> Any:
    """The emulated cloud, empty, with DynamoDB Local in it."""
    cloud.wipe()
    _make_tables(dynamodb_local)
    table, item = keys.item()
    dynamodb_local.put_item(TableName=table, Item=item)
    secrets.forget()
    return cloud.start()


@pytest.fixture
def pumps(aws: Any) -> Crew:
    """As everywhere, with the event log's stream read from DynamoDB Local."""
    from app import app

    made = Crew(app, sqs=ours.client("sqs"), streams=Streams(server().endpoint))
    made.skip_stream()
    return made


@pytest.fixture
def clock() -> Iterator[WallClock]:
    """The machine's time, which can be set forward."""
    held = WallClock()
    with time.use(held.now, held.sleep):
        yield held


@cache
def _shout(config: pytest.Config, what: str) -> None:
    """Once, past all capturing."""
    capture = config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        sys.stderr.write(f"\n!!! {what}\n")


@cache
def server() -> DynamoDBLocal:
    """The one that all tests of this process share; it ends with the process."""
    started = DynamoDBLocal()
    started.start()
    return started


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """moto is not made for threads: what it answers itself, it answers one after the other."""
    lock, answer = threading.RLock(), BotocoreStubber.process_request

    def process_request(self: BotocoreStubber, request: Any) -> Any:
        with lock:
            return answer(self, request)

    BotocoreStubber.process_request = process_request  # type: ignore[method-assign]
    try:
        yield
    finally:
        BotocoreStubber.process_request = answer  # type: ignore[method-assign]


@contextmanager
def pointed_to(endpoint: str) -> Iterator[None]:
    """Let the shop make its client of DynamoDB for ``endpoint``."""
    os.environ[ENDPOINT] = endpoint
    db.client.cache_clear()
    try:
        yield
    finally:
        db.client().close()
        db.client.cache_clear()
        del os.environ[ENDPOINT]


def _make_tables(client: Any) -> None:
    for name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)
    template.create_tables(client, cloud.STAGE)
    for table in template.resources("AWS::DynamoDB::Table", cloud.STAGE):
        if expiry := table.properties.get("TimeToLiveSpecification"):
            off = {**expiry, "Enabled": False}
            client.update_time_to_live(TableName=table.properties["TableName"], TimeToLiveSpecification=off)


class Streams:
    """The streams of DynamoDB Local as the pumps know moto's: the event log's latest, and numbers without zeros."""

    def __init__(self, endpoint: str) -> None:
        self._client = _streams_client(endpoint)
        self._arn = db.client().describe_table(TableName=EVENTS)["Table"]["LatestStreamArn"]

    def describe_stream(self, **_: Any) -> Any:
        return self._client.describe_stream(StreamArn=self._arn)

    def get_shard_iterator(self, **where: Any) -> Any:
        if "SequenceNumber" in where:
            where["SequenceNumber"] = where["SequenceNumber"].zfill(SEQUENCE_DIGITS)
        return self._client.get_shard_iterator(**{**where, "StreamArn": self._arn})

    def get_records(self, **about: Any) -> Any:
        return self._client.get_records(**about)


@cache
def _streams_client(endpoint: str) -> Any:
    return get_session().create_client("dynamodbstreams", region_name=cloud.REGION, endpoint_url=endpoint)
