"""What every partner simulator shares: the server, the controls, the notifications, the misbehaviour, the list.

GET  /                                              a page with everything, to click
GET  /_sim/transactions[/{reference}]               the partner's own book
POST /_sim/transactions/{reference}/{action}        what a buyer, bank or fraud desk would do: ``controls.Wish``
GET, POST /_sim/behaviour                           ``controls.Behaviour``
GET  /_sim/deliveries                               every try to deliver a notification
POST /_sim/reset                                    forget everything
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any, ClassVar, Final

from infra.local.simulators import pages
from infra.local.simulators.controls import Behaviour, Refused, Wish
from infra.local.simulators.delivery import Deliveries, Notification, Retries
from infra.local.simulators.server import HTML, Answer, Request, Server

TICK: Final = 1.0
NOTHING_SPECIAL: Final = Wish()


def real_time() -> datetime:
    """The time on this machine."""
    return datetime.now(UTC)


class Simulator(ABC):
    """A partner. ``notify_url`` is where it reports to; None keeps it silent. ``port`` 0 takes a free one.

    ``seed`` fixes ids and orders, ``retry_scale`` shortens the waits between tries, ``now`` is the partner's clock.
    """

    name: ClassVar[str]
    actions: ClassVar[tuple[str, ...]]
    retries: ClassVar[Retries]

    def __init__(
        self,
        notify_url: str | None = None,
        *,
        port: int = 0,
        seed: int = 0,
        retry_scale: float = 0.001,
        now: Callable[[], datetime] = real_time,
    ) -> None:
        self.notify_url = notify_url
        self.behaviour = Behaviour()
        self.now = now
        self._lock = threading.RLock()
        self._random = Random(seed)
        self._disorder = Random(seed)
        self._port = port
        self._server: Server | None = None
        self._stopped = threading.Event()
        self._deliveries = Deliveries(self.retries, retry_scale, seed)
        self._said: dict[str, list[Notification]] = {}

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        if not self._port:
            raise RuntimeError("The simulator has no address before it is started.")
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen and deliver, on threads of its own; once more after ``stop`` at the same address."""
        server = self._server = Server(self._port, self._respond)
        self._port = int(server.server_address[1])
        self._stopped.clear()
        self._deliveries.start()
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        threading.Thread(target=self._tick, daemon=True).start()

    def stop(self) -> None:
        """Hang up. What is known stays known."""
        self._stopped.set()
        if self._server is not None:
            self._server.close()
            self._server = None
        self._deliveries.stop()

    def drain(self, seconds: float = 5) -> bool:
        """Wait until every notification has arrived or was given up; whether it came to that in time."""
        return self._deliveries.drain(seconds)

    def deliveries(self) -> list[dict[str, Any]]:
        """Every try to deliver, oldest first."""
        return self._deliveries.log()

    def reset(self) -> None:
        """Forget every transaction and notification, and behave well."""
        with self._lock:
            self._deliveries.forget()
            self._said.clear()
            self.behaviour.reset()
            self.forget()

    def notify(self, reference: str, new: Sequence[Notification], wish: Wish = NOTHING_SPECIAL) -> int:
        """Send what is new about a transaction in the way wished; how many deliveries that makes."""
        with self._lock:
            said = self._said.setdefault(reference, [])
            said.extend(new)
            batch = [each for each in (said if wish.shuffle else new) for _ in range(1 + wish.duplicates)]
            if wish.shuffle:
                self._disorder.shuffle(batch)
            urls = self.urls(reference)
            for each in batch:
                for url in urls:
                    self._deliveries.send(each, url, wish.delay_ms / 1000)
        return len(batch) * len(urls)

    def urls(self, reference: str) -> tuple[str, ...]:  # noqa: ARG002 - some partners have an address per transaction
        """Where to report a transaction to."""
        return (self.notify_url,) if self.notify_url else ()

    @abstractmethod
    def answer(self, request: Request) -> Answer:
        """The partner's own protocol."""

    @abstractmethod
    def unavailable(self) -> Answer:
        """What the partner says when it is down."""

    @abstractmethod
    def page(self, request: Request) -> Answer | None:
        """What a person opens in a browser; None if it is nothing of the kind."""

    @abstractmethod
    def act(self, reference: str, action: str, wish: Wish) -> list[Notification]:
        """Carry out a control; what is to be said about it. Called under the lock. Raises Refused."""

    @abstractmethod
    def book(self) -> list[dict[str, Any]]:
        """The partner's own book, oldest first: ``reference``, ``transaction_id``, ``method``, ``status``, ``asked``,
        ``amount``, ``refunded`` (rupiah), ``opened_at``, ``settled_at`` and ``legal`` controls."""

    @abstractmethod
    def forget(self) -> None:
        """Forget every transaction. Called under the lock."""

    def tick(self) -> None:  # noqa: B027 - a partner for whom time does nothing needs none
        """What happens by itself; called every second."""

    def entry(self, reference: str) -> dict[str, Any]:
        """One line of the book. Raises Refused."""
        for line in self.book():
            if line["reference"] == reference:
                return line
        raise Refused(404, "There is no such transaction.", reference=reference)

    def _tick(self) -> None:
        while not self._stopped.wait(TICK):
            self.tick()

    def _respond(self, request: Request) -> Answer:
        try:
            if request.parts[:1] in ((), ("_sim",)):
                return self._control(request)
            return self.page(request) or self._speak(request)
        except Refused as refused:
            return Answer.json(refused.status, refused.body)

    def _speak(self, request: Request) -> Answer:
        if self.behaviour.down:
            return self.unavailable()
        answer = self.answer(request)
        with self._lock:
            is_lost = request.method == "POST" and self.behaviour.loses_this()
        return replace(answer, is_lost=is_lost)

    def _control(self, request: Request) -> Answer:
        match (request.method, *request.parts):
            case ("GET", *parts):
                return self._show(*parts)
            case ("POST", "_sim", "transactions", reference, action):
                return self._act(reference, action, Wish.read(request.raw))
            case ("POST", "_sim", "behaviour"):
                self.behaviour.change(request.raw)
                return self._show("_sim", "behaviour")
            case ("POST", "_sim", "reset"):
                self.reset()
                return self._show("_sim", "transactions")
        raise _unknown(request.method, *request.parts)

    def _show(self, *parts: str) -> Answer:
        match parts:
            case ():
                return Answer.text(200, pages.overview(self.name, self.book(), self.behaviour.shown()), HTML)
            case ("_sim", "transactions"):
                return Answer.json(200, {"transactions": self.book()})
            case ("_sim", "transactions", reference):
                return Answer.json(200, self.entry(reference))
            case ("_sim", "deliveries"):
                return Answer.json(200, {"deliveries": self.deliveries()})
            case ("_sim", "behaviour"):
                return Answer.json(200, self.behaviour.shown())
        raise _unknown("GET", *parts)

    def _act(self, reference: str, action: str, wish: Wish) -> Answer:
        if action not in self.actions:
            raise Refused(404, "There is no such action.", action=action, actions=self.actions)
        with self._lock:
            deliveries = self.notify(reference, self.act(reference, action, wish), wish)
            return Answer.json(200, {"transaction": self.entry(reference), "deliveries": deliveries})


def _unknown(method: str, *parts: str) -> Refused:
    return Refused(404, "There is no such control.", asked=f"{method} /{'/'.join(parts)}")
