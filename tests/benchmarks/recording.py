"""Records what runs of our code ask of AWS and of partners, over the emulated cloud of this process."""

import gzip
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from infra.local.pumps import Pumps
from tests.kit import api, calls, letters

COMPRESSED_FROM = 1024
"""Bytes from which API Gateway compresses an answer, as ``.chalice/config.json`` says."""


class Sink:
    """A standard output that only counts."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, text: str) -> int:
        self.bytes += len(text.encode())
        return len(text)

    def flush(self) -> None:
        """Nothing is kept."""


@dataclass
class Run:
    """One request, or one run of a worker: its calls, its letters, and the bytes that it logged and answered."""

    log: calls.Log = field(default_factory=calls.Log)
    mails: int = 0
    mail_bytes: int = 0
    logged: int = 0
    answered: int = 0


class Recorder:
    """Keeps the runs by name. ``before`` is done before each of them; ``partner_asked`` is for the partner to call."""

    def __init__(self, before: Callable[[], object] = lambda: None) -> None:
        from app import app
        from chalicelib.core import aws

        self.runs: defaultdict[str, list[Run]] = defaultdict(list)
        self._before = before
        self._under_way: list[Run] = []
        recorder = self

        class Recording(Pumps):
            def invoke(self, source: Any, event: dict[str, Any]) -> bool:
                with recorder.span(f"worker {source.name}"):
                    return super().invoke(source, event)

        self.pumps = Recording(app, sqs=aws.client("sqs"), streams=aws.client("dynamodbstreams"))

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """What happens inside is one run called ``name``."""
        self._before()
        mails, logged = len(letters.sent()), _logged()
        with calls.recorded() as log:
            run = Run(log)
            self._under_way.append(run)
            try:
                yield
            finally:
                self._under_way.pop()
        sent = letters.sent()[mails:]
        run.mails, run.mail_bytes = len(sent), sum(len((mail.subject + mail.html).encode()) for mail in sent)
        run.logged = _logged() - logged
        self.runs[name].append(run)

    def partner_asked(self, what: str) -> None:
        """A partner was asked something."""
        if self._under_way:
            self._under_way[-1].log.mark(what)

    def drain(self) -> None:
        """Carry everything to its end. Raises AssertionError if a worker failed."""
        self.pumps.drain()
        if self.pumps.failures:
            raise AssertionError(f"workers failed: {self.pumps.failures}") from self.pumps.failures[0][1]

    def taken(self) -> dict[str, list[Run]]:
        """The runs so far; the next begin anew."""
        runs = dict(self.runs)
        self.runs.clear()
        return runs

    @contextmanager
    def weighing_answers(self) -> Iterator[None]:
        """Count the bytes that requests inside are answered, as they go over the wire."""
        gateway = api.gateway()
        answer = gateway.answer

        def weighed(*request: Any) -> Any:
            status, headers, content = answer(*request)
            if self._under_way:
                self._under_way[-1].answered += _sent(content) + _size(headers)
            return status, headers, content

        gateway.answer = weighed  # type: ignore[assignment, method-assign]
        try:
            yield
        finally:
            gateway.answer = answer  # type: ignore[method-assign]


def _logged() -> int:
    return sys.stdout.bytes if isinstance(sys.stdout, Sink) else 0


def _sent(content: bytes) -> int:
    return len(gzip.compress(content, mtime=0)) if len(content) >= COMPRESSED_FROM else len(content)


def _size(headers: dict[str, str]) -> int:
    return sum(len(f"{name}: {value}\r\n") for name, value in headers.items())
