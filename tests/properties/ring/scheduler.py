"""Runs actors one at a time, each to its next call, in an order and with faults that are drawn.

Every call of botocore in an actor's thread is a point at which another may go on: moto's stub, which all clients of
the process share, waits for its turn there. It is the stub that is wrapped because botocore calls every `before-send`
handler even when the first has answered, so that a handler of ours before it could not keep a call from happening.
Threads that an actor starts itself are not scheduled.
"""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar
from unittest.mock import patch

from botocore.exceptions import ReadTimeoutError
from botocore.retries.quota import RetryQuota
from moto.core.botocore_stubber import BotocoreStubber

from tests.properties.ring.faults import ARRIVING, LASTING, Call, Crash, Fault, Tokens, meet, said
from tests.properties.ring.outcome import Outcome, Result, Step
from tests.properties.ring.schedules import Choices, Segment

T = TypeVar("T")

MOST_ROUNDS: Final = 20

_here = threading.local()
_really_sleep = time.sleep


class Stuck(AssertionError):
    """The run did not come to its end."""


class Abandoned(BaseException):
    """Ends an actor whose run is over."""


# Actors


class _Actor:
    """A callable on a thread of its own, which runs only from one order to its next call."""

    def __init__(self, name: str, work: Callable[[], Any], reports: "SimpleQueue[_Actor]") -> None:
        self.name, self._work, self._reports = name, work, reports
        self._orders: SimpleQueue[Step | None] = SimpleQueue()
        self._dead: type[Crash | Abandoned] | None = None
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)
        self.next: Call | None = None
        self.result: Result | None = None

    @property
    def is_asleep(self) -> bool:
        return self.result is None and self.next is not None and self.next.is_sleep

    def _live(self) -> None:
        _here.actor = self
        try:
            result = Result(self._work())
        except BaseException as error:  # noqa: BLE001 - it is recorded, the run judges it
            result = Result(error=error)
        self.result = Result(crashed=True) if self._dead is Crash else result
        self._reports.put(self)

    def start(self) -> None:
        """Run to the first call."""
        self._thread.start()

    def go(self, step: Step | None) -> None:
        """Make the call and run to the next; without a step, give up."""
        self._orders.put(step)

    def is_over(self, patience: float) -> bool:
        """Whether the thread has ended, waiting for it."""
        if self._thread.ident:
            self._thread.join(patience)
        return not self._thread.is_alive()

    def arrive(self, call: Call) -> Step:
        """Wait for the turn to make ``call``: in the actor's thread. The dead make no calls."""
        if self._dead:
            raise self._dead
        self.next = call
        self._reports.put(self)
        step = self._orders.get()
        if step is None:
            self._dead = Abandoned
            raise Abandoned
        return step

    def make(self, call: Call, send: Callable[[], T], lost: Callable[[], Exception]) -> T:
        """Make ``call`` when its turn comes."""
        step = self.arrive(call)
        try:
            answered = meet(call, step.fault, send, lost)
        except Crash:
            self._dead = Crash
            raise
        step.answer = said(answered)
        return answered


def _actor() -> _Actor | None:
    return getattr(_here, "actor", None)


def checkpoint(name: str) -> None:
    """A point at which another actor may go on, or this one crash. Means nothing outside a run."""
    if actor := _actor():
        actor.make(Call("checkpoint", name), lambda: None, Stuck)


def outside(name: str, send: Callable[[], T], lost: Callable[[], Exception] = TimeoutError) -> T:
    """``send()``, a call of a partner: a point at which request or answer may be lost, raising ``lost()``."""
    actor = _actor()
    return actor.make(Call("outside", name), send, lost) if actor else send()


def sleeper(pass_time: Callable[[float], object]) -> Callable[[float], None]:
    """A sleep that takes no time, for ``clock.use``: others go on meanwhile, then ``pass_time(seconds)``."""

    def sleep(seconds: float) -> None:
        if actor := _actor():
            actor.arrive(Call("sleep", f"{seconds:.3f} s"))
        pass_time(seconds)

    return sleep


# Runs


def run(
    actors: Mapping[str, Callable[[], Any]],
    choices: Iterable[Segment] = (),
    *,
    always: Callable[[], object] = lambda: None,
    drain: Callable[[Outcome], object] = lambda _: False,
    quiet: Callable[[Outcome], object] = lambda _: None,
    expected: tuple[type[Exception], ...] = (Exception,),
    most_steps: int = 400,
    patience: float = 30.0,
) -> Outcome:
    """Run all actors to their ends in the order of ``choices``, the first one first.

    ``always`` raises if an invariant is broken; it is called after each step that may have changed something. When the
    actors are done, ``drain`` is called as an actor, free of faults, until it says that there was nothing to do, and
    then ``quiet``. An actor's error that is not ``expected`` fails the run. A failure carries the trace as a note.
    The actors together, and each round of the drain, may take ``most_steps``, and one step ``patience`` seconds of
    real time.
    """
    ring = _Ring(Outcome(dict(actors)), always, most_steps, patience)
    with ring.installed():
        try:
            ring.play(actors, choices)
            ring.judge(expected)
            ring.drain(drain)
            ring.judge(expected)
            quiet(ring.outcome)
        except BaseException as failure:
            failure.add_note(f"{ring.outcome}\n      replay with {Choices(choices)}")
            raise
        finally:
            ring.end()
    return ring.outcome


class _Ring:
    """One run: the actors it has made, the faults that are due, the tokens it has seen."""

    def __init__(self, outcome: Outcome, always: Callable[[], object], most_steps: int, patience: float) -> None:
        self.outcome, self._always = outcome, always
        self._most_steps, self._last_step, self._patience = most_steps, 0, patience
        self._reports: SimpleQueue[_Actor] = SimpleQueue()
        self._made: list[_Actor] = []
        self._faults: list[Fault] = []
        self._cut_off: set[bytes] = set()
        self._tokens = Tokens()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Stand in moto's stub and in the sleep of libraries; retries are free, chance is the same each time."""
        before = random.getstate()
        with ExitStack() as places:
            places.callback(random.setstate, before)
            places.enter_context(patch.object(BotocoreStubber, "__call__", self._stub()))
            places.enter_context(patch.object(time, "sleep", _library_sleep))
            places.enter_context(patch.object(RetryQuota, "acquire", lambda _quota, _amount: True))
            random.seed(0)
            yield

    def _stub(self) -> Callable[..., Any]:
        moto: Callable[..., Any] = BotocoreStubber.__call__

        def stub(self_: BotocoreStubber, event_name: str, request: Any, **others: Any) -> Any:
            call = Call.of(event_name, request)

            def send() -> Any:
                return self._tokens.once(call, lambda: moto(self_, event_name, request, **others))

            actor = _actor()
            return actor.make(call, send, lambda: ReadTimeoutError(endpoint_url=request.url)) if actor else send()

        return stub

    def play(self, actors: Mapping[str, Callable[[], Any]], choices: Iterable[Segment]) -> None:
        """Let them all run to their ends."""
        cast = [_Actor(name, work, self._reports) for name, work in actors.items()]
        self._made += cast
        self._last_step = len(self.outcome.trace) + self._most_steps
        turns, current, left = deque(choices), cast[0], 0
        while any(actor.result is None for actor in cast):
            if left == 0 and turns:
                turn = turns.popleft()
                current, left = _further(cast, current, turn.who), turn.steps + 1
                self._faults += [turn.fault] if turn.fault else []
            elif current.result or current.is_asleep:
                current = _further(cast, current, 1 if current.is_asleep else 0)
            left = max(0, left - 1)
            self._advance(current)

    def _advance(self, actor: _Actor) -> None:
        if len(self.outcome.trace) >= self._last_step:
            raise Stuck(f"not at an end after {self._most_steps} steps")
        if actor.next is None:
            actor.start()
            self._await(actor)
            if actor.is_asleep:
                return
        if actor.result is None and actor.next is not None:
            self._make(actor, actor.next)
        if actor.result:
            self.outcome.results[actor.name] = actor.result

    def _make(self, actor: _Actor, call: Call) -> None:
        step = Step(actor.name, call, self._fault_for(call))
        self.outcome.trace.append(step)
        actor.go(step)
        self._await(actor)
        step.ending = actor.result
        if call.can_change and step.fault in ARRIVING:
            self._always()

    def _await(self, actor: _Actor) -> None:
        try:
            self._reports.get(timeout=self._patience)
        except Empty:
            raise Stuck(f"{actor.name} waits for something that another holds") from None

    def _fault_for(self, call: Call) -> Fault | None:
        if call.invocation in self._cut_off:
            return Fault.REQUEST_LOST
        fault = next((fault for fault in self._faults if call.can_meet(fault)), None)
        if fault:
            self._faults.remove(fault)
        if fault in LASTING and call.invocation:
            self._cut_off.add(call.invocation)
        return fault

    def judge(self, expected: tuple[type[Exception], ...]) -> None:
        """Raise what an actor raised unexpectedly."""
        for result in self.outcome.results.values():
            if result.error and not isinstance(result.error, expected):
                raise result.error

    def drain(self, drain: Callable[[Outcome], object]) -> None:
        """Carry on, free of faults, until there is nothing to do."""
        self._faults.clear()
        for _ in range(MOST_ROUNDS):
            self.play({"drain": lambda: drain(self.outcome)}, ())
            result = self.outcome.results.pop("drain")
            if result.error:
                raise result.error
            if not result.value:
                return
        raise Stuck(f"not quiet after {MOST_ROUNDS} rounds of the drain")

    def end(self) -> None:
        """No thread outlives its run."""
        for actor in self._made:
            actor.go(None)
        if not all(actor.is_over(self._patience) for actor in self._made):
            raise Stuck("an actor's thread does not end")


def _further(actors: list[_Actor], current: _Actor, places: int) -> _Actor:
    at = actors.index(current)
    running = [actor for actor in actors[at:] + actors[:at] if actor.result is None]
    return running[places % len(running)]


def _library_sleep(seconds: float) -> None:
    if actor := _actor():
        actor.arrive(Call("sleep", f"{seconds:.3f} s"))
    else:
        _really_sleep(seconds)
