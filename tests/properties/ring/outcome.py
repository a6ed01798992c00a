"""What a run leaves: how each actor ended, and every step on the way."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.properties.ring.faults import Call, Fault


@dataclass(slots=True)
class Result:
    """How an actor ended."""

    value: Any = None
    error: BaseException | None = None
    crashed: bool = False

    def __str__(self) -> str:
        if self.crashed:
            return "crashed"
        return f"raised {self.error!r}" if self.error else f"returned {self.value!r}"


@dataclass(slots=True)
class Step:
    """One call by one actor, and what came of it."""

    actor: str
    call: Call
    fault: Fault | None
    answer: str = ""
    ending: Result | None = None

    def lines(self, number: int, width: int) -> Iterator[str]:
        """As a person reads it."""
        answered = f" -> {self.answer}" if self.answer else ""
        planted = f"  !! {self.fault.upper()}" if self.fault else ""
        yield f"{number:4}  {self.actor:{width}}  {self.call}{answered}{planted}"
        if self.ending:
            yield f"      {self.actor:{width}}  {self.ending}"


@dataclass(slots=True)
class Outcome:
    """What the actors came to."""

    actors: Mapping[str, Callable[[], Any]]
    results: dict[str, Result] = field(default_factory=dict)
    trace: list[Step] = field(default_factory=list)

    @property
    def crashed(self) -> list[str]:
        """The names of the actors that died and were not restarted."""
        return [name for name, result in self.results.items() if result.crashed]

    @property
    def faults(self) -> list[Fault]:
        """The faults that hit a call."""
        return [step.fault for step in self.trace if step.fault]

    def restart(self, name: str) -> Result:
        """Let an actor do its work again; for the drain, as a queue that delivers once more."""
        try:
            self.results[name] = Result(self.actors[name]())
        except Exception as error:  # noqa: BLE001 - what is expected, the run judges
            self.results[name] = Result(error=error)
        return self.results[name]

    def __str__(self) -> str:
        width = max((len(step.actor) for step in self.trace), default=0)
        return "\n".join(line for at, step in enumerate(self.trace, 1) for line in step.lines(at, width))
