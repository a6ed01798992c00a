"""The reference of the API: its description, and a page to read it on. Both are files; nothing is made on request."""

from functools import cache
from pathlib import Path
from typing import Final

from chalicelib.core.access import public
from chalicelib.core.api import JSON, Api, Text

FILES: Final = Path(__file__).parent
HTML: Final = "text/html; charset=utf-8"
CACHED_SECONDS: Final = 300

api = Api(__name__)


@api.get("/openapi.json", access=public, answers={200: JSON})
def describe() -> Text:
    """The description of this API, OpenAPI 3.1."""
    return Text(_read("openapi.json"), JSON, CACHED_SECONDS)


@api.get("/docs", access=public, answers={200: HTML})
def read_reference() -> Text:
    """The reference of this API as a page, with every error code."""
    return Text(_read("reference.html"), HTML, CACHED_SECONDS)


@cache
def _read(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")
