"""A partner's side of the line, on a port of its own: says what it is told to and keeps what it was asked."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import urllib3

from infra.local.simulators.server import Answer, Request, Server


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that came in; its headers are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The JSON that was sent, None where nothing was."""
        return json.loads(self.raw) if self.raw else None


@dataclass(frozen=True, slots=True)
class Said:
    """An answer: JSON, or ``raw`` bytes as they are; ``is_lost`` hangs up instead."""

    status: int = 200
    body: Any = None
    raw: bytes | None = None
    is_lost: bool = False


SILENCE = Said(is_lost=True)


class Listener:
    """Listens on a port; every answer comes from ``respond``."""

    def __init__(self, respond: Callable[[Asked], Said]) -> None:
        self.asked: list[Asked] = []
        self._arrived = threading.Condition()
        self._respond = respond
        self._server = Server(0, self._answer)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def wait_for(self, count: int, seconds: float = 5) -> list[Asked]:
        """The first ``count`` requests, waiting until they have come."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.asked) >= count, seconds), "nothing came"
            return self.asked[:count]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Listen for a while."""
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield
        finally:
            self._server.close()

    def _answer(self, request: Request) -> Answer:
        asked = Asked(request.method, request.path, request.headers, request.raw)
        with self._arrived:
            self.asked.append(asked)
            self._arrived.notify_all()
        said = self._respond(asked)
        content = json.dumps(said.body).encode() if said.raw is None else said.raw
        return Answer(said.status, content, is_lost=said.is_lost)


class Scripted(Listener):
    """Gives the answers of a script in turn; the last one again and again."""

    def __init__(self) -> None:
        self._script: deque[Said] = deque([Said(body={})])
        super().__init__(self._next)

    def says(self, *script: Said) -> None:
        """From now on answer with these, and forget what was asked."""
        self._script = deque(script)
        self.asked.clear()

    def _next(self, asked: Asked) -> Said:
        return self._script.popleft() if len(self._script) > 1 else self._script[0]


class Line(Listener):
    """The line to a partner at ``url``, which can break in the ways lines do."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(maxsize=4, retries=False)
        self._faults: deque[str] = deque()
        self._mended = threading.Event()
        super().__init__(self._carry)

    def breaks(self, fault: str, times: int = 100) -> None:
        """For the next requests: ``down`` answers 503, ``unheard`` hangs up before the partner has heard, ``lost``
        hangs up once the partner has done as asked, and ``slow`` says nothing until the line is mended."""
        self._mended.clear()
        self._faults = deque([fault] * times)

    def mend(self) -> None:
        """Carry everything again."""
        self._faults.clear()
        self._mended.set()

    def _carry(self, asked: Asked) -> Said:
        match self._faults.popleft() if self._faults else "none":
            case "down":
                return Said(503, {"status_message": "down"})
            case "unheard":
                return SILENCE
            case "slow":
                self._mended.wait(10)
                return SILENCE
            case "lost":
                self._forward(asked)
                return SILENCE
        return self._forward(asked)

    def _forward(self, asked: Asked) -> Said:
        headers = {name: value for name, value in asked.headers.items() if name not in ("host", "connection")}
        answer = self._pool.request(asked.method, self._url + asked.path, body=asked.raw, headers=headers)
        return Said(answer.status, raw=answer.data)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Carry for a while."""
        with super().running():
            try:
                yield
            finally:
                self.mend()
                self._pool.clear()
