"""Calls to partners: bounded in time and size, whatever the partner does."""

import http.server
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.core import client, clock
from chalicelib.core.errors import Upstream, UpstreamTimeout

HUGE = b'{"a":"' + b"x" * (2 * 1024 * 1024) + b'"}'


class Partner(http.server.BaseHTTPRequestHandler):
    """/drips sends a byte at a time, /huge two megabytes, anything else a small object."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = HUGE if self.path == "/huge" else b'{"ok":true}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for part in [body[i : i + 1] for i in range(len(body))] if self.path == "/drips" else [body]:
            self.wfile.write(part)
            self.wfile.flush()
            if self.path == "/drips":
                time.sleep(0.02)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def partner():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Partner)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_answer_that_is_too_large_is_an_error_and_the_next_call_is_not_confused_by_its_rest(partner):
    with pytest.raises(Upstream):
        client.call("GET", f"{partner}/huge", headers={}, repeatable=False)

    assert client.call("GET", f"{partner}/small", headers={}, repeatable=False).body == {"ok": True}


def test_an_answer_that_drips_is_given_up(partner):
    """Each drop comes in time; together they would take for ever. Every look at this clock takes a second."""
    at = [datetime(2026, 11, 24, tzinfo=UTC)]

    def now():
        at[0] += timedelta(seconds=1)
        return at[0]

    with clock.use(now), pytest.raises(UpstreamTimeout):
        client.call("GET", f"{partner}/drips", headers={}, repeatable=False, patience=2)
