"""The HTTP server of the local system: the API as API Gateway shows it, and the demo shop's pictures."""

import socket
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from infra.local.gateway import Gateway

LARGEST_REQUEST: Final = 10 * 1024 * 1024
"""What API Gateway takes."""

Picture = Callable[[str], bytes]


class Server(ThreadingHTTPServer):
    """Serves ``gateway`` on 127.0.0.1; ``picture`` gives the SVG of a slug."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, gateway: Gateway, picture: Picture) -> None:
        self.gateway, self.picture = gateway, picture
        super().__init__(("127.0.0.1", port), Handler)


class Handler(BaseHTTPRequestHandler):
    """One connection; stays open between requests."""

    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        """Send at once: with Nagle's algorithm each answer would wait 40 ms."""
        super().setup()
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_REQUEST or self.headers.get("Transfer-Encoding"):
            self.close_connection = True
            self._send(413, {"Content-Type": "application/json"}, b'{"message":"Request Entity Too Large"}')
            return
        body = self.rfile.read(length)
        if self.path.startswith("/pictures/"):
            self._send(*self._picture())
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(*self.server.gateway.answer(self.command, self.path, headers, body))

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
