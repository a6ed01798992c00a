"""What API Gateway does in front of the Lambda: an HTTP request becomes the event that the app is called with."""

import base64
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalice.app import Chalice
from chalice.local import LocalChalice, RouteMatcher

from infra import policies
from infra.local import guard

JSON = {"Content-Type": "application/json"}


class Gateway:
    """Calls the app as API Gateway does; safe for many threads."""

    def __init__(self, app: Chalice) -> None:
        app.__class__ = LocalChalice  # keeps the current request per thread
        self._app = app
        self._routes = RouteMatcher(list(app.routes))

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a request; ``headers`` have lower-case names."""
        url = urlsplit(target)
        try:
            match = self._routes.match_route(url.path)
        except ValueError:
            return 403, JSON, b'{"message":"Missing Authentication Token"}'
        event: dict[str, Any] = {
            "requestContext": {
                "httpMethod": method,
                "resourcePath": match.route,
                "identity": {"sourceIp": "127.0.0.1"},
            },
            "headers": headers,
            "multiValueQueryStringParameters": parse_qs(url.query, keep_blank_values=True) or None,
            "pathParameters": match.captured,
            "stageVariables": None,
            **_body(body),
        }
        with guard.running(policies.API):
            answer = self._app(event, None)
        text = answer["body"]
        return answer["statusCode"], answer["headers"], text if isinstance(text, bytes) else text.encode()


def _body(body: bytes) -> dict[str, Any]:
    """API Gateway hands text over as text, and base64 where it is not text."""
    try:
        return {"body": body.decode() if body else None, "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
