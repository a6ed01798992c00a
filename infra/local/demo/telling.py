"""How `make demo` speaks: one line per step, coloured where a person reads it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, TextIO

import urllib3

TIMEOUT: Final = urllib3.Timeout(connect=3, read=30)
REQUEST_WIDTH: Final = 44

BOLD: Final = "1"
DIM: Final = "2"
GREEN: Final = "32"
RED: Final = "31"
CYAN: Final = "36"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``body`` is the JSON of ``raw``."""

    request: str
    status: int
    raw: bytes
    headers: Mapping[str, str]

    @property
    def body(self) -> Any:
        """The JSON that was answered."""
        return json.loads(self.raw)


class Line:
    """One address, asked over a kept-alive connection; nothing is retried."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/")
        self._http = urllib3.PoolManager(maxsize=1, retries=False, timeout=TIMEOUT)

    def ask(self, method: str, path: str, body: Any = None, *, token: str = "", key: str = "") -> Answer:
        """``method path``, with ``token`` as the bearer's and ``key`` as the Idempotency-Key where given."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if key:
            headers["Idempotency-Key"] = key
        answer = self._http.request(method, self._base + path, json=body, headers=headers)
        return Answer(f"{method} {path}", answer.status, answer.data, answer.headers)


class Narrator:
    """Tells a story to ``out``."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._is_coloured = out.isatty()

    def title(self, text: str) -> None:
        """What it is about."""
        self._say(f"\n{self._in(BOLD, text)}\n")

    def chapter(self, text: str) -> None:
        """What happens next, and why."""
        self._say(f"\n{self._in(CYAN, text)}")

    def step(self, answer: Answer, outcome: str) -> None:
        """A request and what came of it."""
        request = _shortened(answer.request).ljust(REQUEST_WIDTH)
        self._say(f"  {self._in(DIM, request)} {answer.status}  {outcome}")

    def fact(self, text: str) -> None:
        """Something worth knowing that was just seen."""
        self._say(f"  {' ' * REQUEST_WIDTH} {self._in(DIM, '·')}    {text}")

    def checked(self, text: str) -> None:
        """A promise that was just seen to hold."""
        self._say(f"  {' ' * REQUEST_WIDTH} {self._in(GREEN, '✓')}    {text}")

    def ends_well(self, text: str) -> None:
        """The last words, if all is as promised."""
        self._say(f"\n{self._in(GREEN, text)}\n")

    def ends_badly(self, text: str) -> None:
        """The last words, if something is not."""
        self._say(f"\n{self._in(RED, '✗ ' + text)}\n")

    def _in(self, colour: str, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._is_coloured else text

    def _say(self, text: str) -> None:
        print(text, file=self._out, flush=True)


def rupiah(money: Mapping[str, Any]) -> str:
    """``{"amount": 389000, "currency": "IDR"}`` as Indonesians write it: Rp389.000."""
    return f"Rp{money['amount']:,}".replace(",", ".")


def _shortened(request: str) -> str:
    """Ids are long; their ends tell them apart well enough."""
    method, _, path = request.partition(" ")
    parts = [f"{part[:8]}…{part[-4:]}" if len(part) > 28 and "_" in part else part for part in path.split("/")]
    return f"{method:<5}{'/'.join(parts)}"
