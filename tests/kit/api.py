"""Calls the API in process: an API Gateway event in, the app's answer out."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from infra.local.gateway import Gateway
from tests.kit import keys


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
def gateway() -> Gateway:
    """The API behind its gateway, made once."""
    from app import app

    return Gateway(app)


def call(
    method: str,
    path: str,
    body: Any = None,
    *,
    headers: dict[str, str] | None = None,
    raw: bytes | None = None,
) -> Reply:
    """``method path`` with ``body`` as JSON, or ``raw`` as it is."""
    sent = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
    given = {name.lower(): value for name, value in (headers or {}).items()}
    status, answered, content = gateway().answer(
        method, quote(path, safe="/?&=%:,"), {"content-type": "application/json", **given}, sent
    )
    text = content.decode()
    is_json = "json" in answered.get("Content-Type", "")
    return Reply(status, json.loads(text) if is_json and text else text, answered, text)


def as_staff() -> dict[str, str]:
    """The headers of an integration that may do all that a key can do."""
    return {"Authorization": f"Bearer {keys.everything()}"}
