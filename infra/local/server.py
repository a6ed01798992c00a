"""The HTTP server of the local system: the API as API Gateway shows it, and the demo shop's pictures."""

import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from infra.local.gateway import Gateway

LARGEST_REQUEST: Final = 10 * 1024 * 1024
"""What API Gateway takes."""

AT_ONCE: Final = 12
"""Requests that are worked on at the same time; the rest wait, so that a rush is slow instead of timing out."""

FAREWELL: Final = 3.0
"""Seconds for requests that are being worked on when the server stops."""

BAD_REQUEST: Final = (400, {"Content-Type": "application/json"}, b'{"message":"Bad Request"}')
TOO_LARGE: Final = (413, {"Content-Type": "application/json"}, b'{"message":"Request Entity Too Large"}')

Picture = Callable[[str], bytes]


class Server(ThreadingHTTPServer):
    """Serves ``gateway`` on 127.0.0.1; ``picture`` gives the SVG of a slug."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, gateway: Gateway, picture: Picture) -> None:
        self.gateway, self.picture = gateway, picture
        self.places = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(("127.0.0.1", port), Handler)

    def finish(self) -> None:
        """After the last request was taken in: let those being worked on come to their end."""
        deadline = time.monotonic() + FAREWELL
        for _ in range(AT_ONCE):
            self.places.acquire(timeout=max(0, deadline - time.monotonic()))
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection; stays open between requests."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        """Send at once: with Nagle's algorithm each answer would wait 40 ms."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _serve(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not (length.isascii() and length.isdecimal()) or self.headers.get("Transfer-Encoding"):
            self._refuse(BAD_REQUEST)
            return
        if int(length) > LARGEST_REQUEST:
            self._refuse(TOO_LARGE)
            return
        body = self.rfile.read(int(length))
        if self.path.startswith("/pictures/"):
            self._send(*self._picture())
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.server.places:
            self._send(*self.server.gateway.answer(self.command, self.path, headers, body))

    def _refuse(self, answer: tuple[int, dict[str, str], bytes]) -> None:
        """Without having read the body: what follows on this connection would be taken for a request."""
        self.close_connection = True
        self._send(*answer)

    def _picture(self) -> tuple[int, dict[str, str], bytes]:
        slug = self.path.removeprefix("/pictures/").removesuffix(".svg")
        headers = {"Content-Type": "image/svg+xml", "Cache-Control": "max-age=3600"}
        return 200, headers, self.server.picture(slug)

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: the app logs each decision itself."""

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _serve
