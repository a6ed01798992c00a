"""Fixtures for all tests. The environment is set before anything of Laris is imported."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local import guard
from tests.kit import cloud, grants

cloud.set_environment()


def pytest_sessionstart(session: pytest.Session) -> None:
    """What functions used in earlier runs counts no more; the processes that share the work ask nobody to forget."""
    if not hasattr(session.config, "workerinput"):
        grants.begin()


def pytest_sessionfinish() -> None:
    """What functions used in this process is noted."""
    grants.note()


@pytest.fixture(autouse=True)
def within_their_rights() -> Iterator[None]:
    """No function may ask AWS for what its policy does not allow, be the refusal swallowed or not."""
    yield
    found = sorted(set(guard.refused))
    guard.refused.clear()
    assert not found, "\n".join(found)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Several tests of one id would pass for one another, and where processes share the work only one of them runs."""
    twice = [id_ for id_, times in Counter(item.nodeid for item in session.items).items() if times > 1]
    if twice:
        raise pytest.UsageError(f"tests of one id: {twice[:3]}")


class Clock:
    """A clock that stands still until told otherwise; sleeping moves it."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def pass_(self, **time: float) -> None:
        self.at += timedelta(**time)

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Time, standing at 2026-11-24 10:00 in Jakarta; each look at it takes a millisecond."""
    from chalicelib.core import clock as real

    held = Clock()
    with real.use(held.now, held.sleep):
        yield held


@pytest.fixture
def aws(clock: Clock) -> Any:
    """The emulated cloud, empty; the clock stands still."""
    mock = cloud.start()
    cloud.wipe()
    from chalicelib.core import secrets

    secrets.forget()
    return mock


@pytest.fixture
def pumps(aws: Any) -> Any:
    """Queues, stream and schedules; ``pumps.drain()`` carries everything to its end."""
    from app import app
    from chalicelib.core import aws as ours
    from infra.local.pumps import Pumps

    made = Pumps(app, sqs=ours.client("sqs"), streams=ours.client("dynamodbstreams"))
    made.skip_stream()
    return made


@pytest.fixture
def bank() -> Iterator[Any]:
    """A payment gateway in memory, known to the shop as "fake"."""
    from chalicelib.payments import gateways
    from tests.kit.gateways import FakeGateway

    fake = FakeGateway()
    with gateways.use("fake", fake):
        yield fake


@pytest.fixture
def shop(pumps: Any, bank: Any) -> Any:
    """A shop with one warehouse and nothing on its shelves."""
    from tests.kit.shop import Shop

    return Shop(pumps, bank)
