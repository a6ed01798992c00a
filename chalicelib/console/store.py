"""Pages: the reference of the API, and where the links of letters to staff lead. All are files, none is made here.

Each page may load what stands in it and nothing else: its scripts are named to the browser by their digests.
"""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Final

from chalicelib.core.access import public
from chalicelib.core.api import JSON, Api, Text

FILES: Final = Path(__file__).parent
HTML: Final = "text/html; charset=utf-8"
CACHED_SECONDS: Final = 300
SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)

api = Api(__name__)


@api.get("/openapi.json", access=public, answers={200: JSON})
def describe() -> Text:
    """The description of this API, OpenAPI 3.1."""
    return Text(_read("openapi.json"), JSON, CACHED_SECONDS)


@api.get("/docs", access=public, answers={200: HTML})
def read_reference() -> Text:
    """The reference of this API as a page, with every error code."""
    return _page("reference.html", asks="'self' http: https:")


@api.get("/invitation", access=public, answers={200: HTML})
def open_invitation() -> Text:
    """The page where somebody who was invited joins: password, authenticator app, recovery codes."""
    return _page("staff.html", asks="'self'")


@api.get("/reset-password", access=public, answers={200: HTML})
def open_reset() -> Text:
    """The page where staff set a new password by the link they were sent."""
    return _page("staff.html", asks="'self'")


@api.get("/status", access=public, answers={200: HTML})
def open_status() -> Text:
    """The page that shows staff how the system is doing. By itself it knows nothing: it asks for a key, or a log-in."""
    return _page("status.html", asks="'self'")


def _page(name: str, *, asks: str) -> Text:
    """A page that may ask ``asks`` for what it shows."""
    return Text(_read(name), HTML, CACHED_SECONDS, _policy(name, asks))


@cache
def _policy(name: str, asks: str) -> str:
    digests = [hashlib.sha256(script.encode()).digest() for script in SCRIPT.findall(_read(name))]
    scripts = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data:; connect-src {asks}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _read(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")
