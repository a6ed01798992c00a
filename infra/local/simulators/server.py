"""A small HTTP/1.1 server on 127.0.0.1 whose every answer comes from one function."""

import json
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import unquote

LARGEST_REQUEST: Final = 1024 * 1024
HTML: Final = "text/html; charset=utf-8"
SVG: Final = "image/svg+xml"


@dataclass(frozen=True, slots=True)
class Request:
    """What came in; the names of ``headers`` are lower-case."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes = b""

    @property
    def parts(self) -> tuple[str, ...]:
        """The path without its query, in decoded pieces; empty for ``/``."""
        path = self.path.partition("?")[0].strip("/")
        return tuple(unquote(part) for part in path.split("/")) if path else ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes out, unless it ``is_lost``: then the connection is closed without a word."""

    status: int
    content: bytes
    kind: str = "application/json"
    is_lost: bool = False

    @classmethod
    def json(cls, status: int, body: Any) -> Self:
        """``body`` as JSON."""
        return cls(status, json.dumps(body, ensure_ascii=False).encode())

    @classmethod
    def text(cls, status: int, text: str, kind: str) -> Self:
        """A page or a picture."""
        return cls(status, text.encode(), kind)


class Server(ThreadingHTTPServer):
    """Serves ``respond``; ``close`` also ends the connections that clients keep open."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, respond: Callable[[Request], Answer]) -> None:
        self.respond = respond
        self._open: set[Any] = set()
        super().__init__(("127.0.0.1", port), Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection."""
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Take no more requests and hang up."""
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it was closed meanwhile


class Handler(BaseHTTPRequestHandler):
    """One connection; stays open between requests."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and content leave together
    server: Server

    def setup(self) -> None:
        """Send at once: with Nagle's algorithm an answer may wait 40 ms."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if self.headers.get("Transfer-Encoding") or not length.isdecimal() or int(length) > LARGEST_REQUEST:
            self.close_connection = True
            self._send(Answer.json(413, {"error": f"Send a Content-Length of at most {LARGEST_REQUEST}."}))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self.rfile.read(int(length)))
        try:
            answer = self.server.respond(request)
        except Exception:  # noqa: BLE001 - a fault of the simulator's must be seen, and seen as such
            traceback.print_exc(file=sys.stderr)
            answer = Answer.json(500, {"error": "The simulator itself failed; its terminal shows why."})
        if answer.is_lost:
            self.close_connection = True
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.content)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: the pages and the delivery log show what happened."""

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve
