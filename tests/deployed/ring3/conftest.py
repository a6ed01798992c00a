"""One system for all of ring 3: it takes half a minute to make."""

import sys
from collections.abc import Generator, Iterator

import pytest

from tests.deployed.conftest import Say, tool
from tests.deployed.ring3 import system
from tests.deployed.ring3.buyers import Buyer
from tests.deployed.ring3.system import API, Deployed


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, say: Say) -> Iterator[Deployed]:
    """The stage as it was just opened."""
    if sys.platform != "linux":
        pytest.skip("NOT TESTED: what is packaged for Lambda runs on Linux alone")
    venv = tool("emulator", "ministack")
    with system.running(venv, tmp_path_factory.mktemp("ring3"), say) as made:
        say(f"open at {made.url}")
        yield made
        say("closing")


@pytest.fixture(scope="session")
def overdue(stage: Deployed) -> Buyer:
    """An order that has a minute to be paid: made first, it is overdue when somebody looks at it."""
    stage.switch(API, LARIS_PAYMENT_MINUTES="1")
    buyer = Buyer(stage, stage.skus[0]).buys()
    stage.settles()
    stage.switch(API, LARIS_PAYMENT_MINUTES="60")
    return buyer


@pytest.fixture(scope="session")
def deployed(stage: Deployed, overdue: Buyer) -> Deployed:
    """The stage, open for business."""
    return stage


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a test fails, show what the emulator said last."""
    report = yield
    deployed = getattr(item, "funcargs", {}).get("deployed")
    if report.when == "call" and report.failed and deployed is not None:
        report.sections.append(("ministack", deployed.emulator.last_words()))
    return report
