"""Workers as they are packaged: each its own Lambda, entered at module and function, without the app."""

import ast
import json
import re

import pytest

from tests.architecture import workers
from tests.architecture.fresh import heavy_among, loaded_by
from tests.architecture.source import ROOT, sources
from tests.kit.cloud import STAGE

NAMED_OTHERWISE = {
    "console-watch": "it watches all there is",
    "events-relay": "it belongs to no department",
}

LONGEST_RUN = 60
"""Seconds: queues are made for functions that take no longer."""


def names() -> list[str]:
    return [source.handler_string for source in workers.event_sources()]


def test_the_packaged_handlers_are_the_workers_that_stand_in_the_code():
    written = {
        f"{source.name}.{node.name}"
        for source in sources("chalicelib")
        if source.name.endswith(".workers")
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef) and node.decorator_list
    }

    assert set(names()) == written


@pytest.mark.parametrize("module", sorted({name.rpartition(".")[0] for name in names()}))
def test_a_worker_starts_alone(module):
    functions = [name.rpartition(".")[2] for name in names() if name.rpartition(".")[0] == module]
    looked_up = "; ".join(f"assert callable(module.{function})" for function in functions)

    modules = loaded_by(f"import importlib; module = importlib.import_module('{module}'); {looked_up}")

    assert "app" not in modules
    assert "chalicelib.core.api" not in modules
    assert not {each for each in modules if each.endswith(".workers")} - {module}
    assert heavy_among(modules) == set()


def test_the_api_never_imports_a_worker():
    modules = loaded_by("import app")

    assert {each for each in modules if each.startswith("chalicelib.") and "worker" in each} == set()


@pytest.mark.parametrize("source", workers.event_sources(), ids=lambda source: source.name)
def test_a_worker_is_named_for_what_it_does(source):
    department, _, rest = source.name.partition("-")

    assert source.name in NAMED_OTHERWISE or re.fullmatch(r"on-[a-z]+(-[a-z]+)*|[a-z]+-[a-z]+(-[a-z]+)*", rest)
    assert source.name in NAMED_OTHERWISE or source.handler_string.split(".")[1] == department


def test_no_two_workers_share_a_name():
    assert len({source.name for source in workers.event_sources()}) == len(workers.event_sources())


def timeout_of(worker: str) -> int:
    """The longest that the function may run, by .chalice/config.json."""
    config = json.loads((ROOT / ".chalice" / "config.json").read_text())
    levels = [config, *config.get("stages", {}).values()]
    return max(
        level.get("lambda_functions", {}).get(worker, {}).get("lambda_timeout") or config["lambda_timeout"]
        for level in levels
    )


@pytest.mark.parametrize("source", workers.consumers(), ids=lambda source: source.name)
def test_a_message_stays_hidden_six_times_as_long_as_its_worker_may_run(source):
    from infra.local import cloud

    queues = {queue.properties["QueueName"]: queue for queue in cloud.resources("AWS::SQS::Queue", STAGE)}

    assert timeout_of(source.name) <= LONGEST_RUN
    assert queues[source.queue].properties["VisibilityTimeout"] >= 6 * timeout_of(source.name)
    assert f"{source.queue}-dlq" in queues


@pytest.mark.parametrize("source", workers.consumers(), ids=lambda source: source.name)
def test_a_batch_is_no_larger_than_what_one_call_can_delete(source):
    assert source.batch_size <= 10
