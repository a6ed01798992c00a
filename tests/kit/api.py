"""Calls the API in process: an API Gateway event in, the app's answer out."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from chalice.local import RouteMatcher


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the API."""

    status: int
    body: Any
    headers: dict[str, str]
    text: str

    @property
    def code(self) -> str | None:
        """The problem's code, None where it went well."""
        return self.body.get("code") if isinstance(self.body, dict) else None


@cache
def _matcher() -> RouteMatcher:
    from app import app

    return RouteMatcher(list(app.routes))


def call(
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: dict[str, str] | None = None,
    raw: bytes | str | None = None,
) -> Reply:
    """``method path`` with ``body`` as JSON, or ``raw`` as it is."""
    from app import app

    url = urlsplit(path)
    try:
        match = _matcher().match_route(quote(url.path, safe="/%"))
    except ValueError:
        return Reply(404, None, {}, "")
    text = raw if raw is not None else (None if body is None else json.dumps(body))
    event = {
        "requestContext": {"httpMethod": method, "resourcePath": match.route, "requestId": "req_test"},
        "headers": {"content-type": "application/json", **(headers or {})},
        "multiValueQueryStringParameters": parse_qs(url.query, keep_blank_values=True) or None,
        "pathParameters": match.captured,
        "body": text.decode() if isinstance(text, bytes) else text,
        "isBase64Encoded": False,
        "stageVariables": None,
    }
    answer = app(event, None)
    text = answer["body"]
    is_json = "json" in answer["headers"].get("Content-Type", "")
    return Reply(answer["statusCode"], json.loads(text) if is_json and text else text, answer["headers"], text)


def as_staff(key: str = "lk_test_admin") -> dict[str, str]:
    """The headers of staff."""
    return {"Authorization": f"Bearer {key}"}
