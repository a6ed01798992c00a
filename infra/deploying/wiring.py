"""How functions are started, as far as neither the template nor Chalice can say it.

Partial answers come in two halves that must never be the wrong way round: a queue that is not told so deletes what a
function names as failed. So the mapping is told first, is read back, and only then the function may answer in part.
Chalice, run by itself, takes the function's half away again, which is safe with either mapping.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.core import clock
from infra.deploying import record
from infra.deploying.build import config
from infra.deploying.cloud import missing
from infra.deploying.code import target_of
from infra.deploying.deployment import Deployment, Refused
from infra.deploying.functions import Function, Kind, functions
from infra.deploying.starting import CALLING, PARTIAL_ANSWERS, STREAM_READING

PARTIAL: Final = "LARIS_PARTIAL_BATCHES"
LOOKS: Final = 60
LOOK_EVERY: Final = 2
SETTLED: Final = ("Enabled", "Disabled")

About = dict[str, Any]


def plan(deployment: Deployment) -> list[str]:
    """What differs from how functions are to be started."""
    if "EventsStreamArn" not in deployment.outputs():
        return ["let queues take partial answers, and say where what fails goes"]
    seen = _Seen.now(deployment)
    return [*_in_words_reading(seen), *_in_words_called(seen), *_in_words_configured(seen)]


def apply(deployment: Deployment) -> None:
    """First what starts a function, then the function."""
    lambda_, seen = deployment.client("lambda"), _Seen.now(deployment)
    for function, mapping in seen.mapped():
        if changed := _unlike(mapping, seen.reading_of(function)):
            _read_back(lambda_, function, mapping["UUID"], {})  # one that is still being made takes no change
            lambda_.update_event_source_mapping(UUID=mapping["UUID"], **changed)
            _read_back(lambda_, function, mapping["UUID"], changed)
    for function in seen.wrongly_called():
        name = function.deployed_name(deployment.name)
        lambda_.put_function_event_invoke_config(FunctionName=name, **seen.calling())
    for function, changed in _Seen.now(deployment).wrongly_configured():
        name = function.deployed_name(deployment.name)
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=name)
        lambda_.update_function_configuration(FunctionName=name, **changed)
        lambda_.get_waiter("function_updated_v2").wait(FunctionName=name)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What stands, at one moment."""

    deployment: Deployment
    outputs: dict[str, str]
    standing: dict[str, About]
    """The functions, by their name in Chalice's records."""
    mappings: dict[str, list[About]]

    @classmethod
    def now(cls, deployment: Deployment) -> "_Seen":
        """Look."""
        standing, mappings = record.deployed_functions(deployment), record.mappings(deployment)
        return cls(deployment, deployment.outputs(), standing, mappings)

    def mapped(self) -> Iterator[tuple[Function, About]]:
        """What each function reads. Those that read nothing any more are Chalice's to remove."""
        for function in functions():
            if about := self.standing.get(function.config_name):
                for mapping in self.mappings.get(about["FunctionArn"], []):
                    yield function, mapping

    def reading_of(self, function: Function) -> About:
        """How a function is to read."""
        if function.kind is Kind.QUEUE:
            return {"FunctionResponseTypes": [PARTIAL_ANSWERS]}
        failures = {"OnFailure": {"Destination": self.outputs["RelayFailuresArn"]}}
        return {**STREAM_READING, "DestinationConfig": failures}

    def calling(self) -> About:
        """How schedules are to be called."""
        return {**CALLING, "DestinationConfig": {"OnFailure": {"Destination": self.outputs["ScheduleFailuresArn"]}}}

    def wrongly_called(self) -> list[Function]:
        """The schedules that are called otherwise."""
        schedules = [function for function in functions() if function.kind is Kind.SCHEDULE]
        return [function for function in schedules if self._calling_of(function) != self.calling()]

    def wrongly_configured(self) -> Iterator[tuple[Function, About]]:
        """Functions whose environment or entry is not as built: Chalice never changes the entry of one that stands."""
        target = target_of(self.deployment)
        variables = config(target)["stages"][target.stage]["environment_variables"]
        proven = {function.name for function, mapping in self.mapped() if _answers_in_part(mapping)}
        for function in functions():
            about = self.standing.get(function.config_name)
            if about is None:
                continue
            wanted = {**variables, PARTIAL: "1"} if function.name in proven else variables
            changed: About = {}
            if about.get("Environment", {}).get("Variables", {}) != wanted:
                changed["Environment"] = {"Variables": wanted}
            if about["Handler"] != function.handler:
                changed["Handler"] = function.handler
            if changed:
                yield function, changed

    def _calling_of(self, function: Function) -> About:
        lambda_, name = self.deployment.client("lambda"), function.deployed_name(self.deployment.name)
        found = missing(
            lambda: lambda_.get_function_event_invoke_config(FunctionName=name), "ResourceNotFoundException"
        )
        standing = {key: (found or {}).get(key) for key in self.calling()}
        if destinations := standing["DestinationConfig"]:
            standing["DestinationConfig"] = {key: value for key, value in destinations.items() if value}
        return standing


def _in_words_reading(seen: _Seen) -> Iterator[str]:
    for function, mapping in seen.mapped():
        if changed := _unlike(mapping, seen.reading_of(function)):
            yield f"set {', '.join(sorted(changed))} where {function.name} reads"
    mapped = {function.name for function, _mapping in seen.mapped()}
    for function in functions():
        if function.kind in {Kind.QUEUE, Kind.STREAM} and function.name not in mapped:
            yield f"set how {function.name} reads, once it stands"


def _in_words_called(seen: _Seen) -> Iterator[str]:
    for function in seen.wrongly_called():
        yield f"say where what {function.name} fails at goes"


def _in_words_configured(seen: _Seen) -> Iterator[str]:
    for function, changed in seen.wrongly_configured():
        if "Handler" in changed:
            yield f"start {function.name} at {function.handler}"
        if "Environment" in changed:
            yield f"give {function.name} its settings"


def _unlike(standing: Mapping[str, Any], wanted: About) -> About:
    return {key: value for key, value in wanted.items() if standing.get(key) != value}


def _read_back(lambda_: Any, function: Function, mapping: str, wanted: About) -> None:
    """Until the mapping stands as it was set. Raises Refused if it never does."""
    for _look in range(LOOKS):
        standing = lambda_.get_event_source_mapping(UUID=mapping)
        if not _unlike(standing, wanted) and standing["State"] in SETTLED:
            return
        clock.sleep(LOOK_EVERY)
    raise Refused(f"AWS does not show what was set where {function.name} reads: run this again.")


def _answers_in_part(mapping: Mapping[str, Any]) -> bool:
    return PARTIAL_ANSWERS in (mapping.get("FunctionResponseTypes") or [])
