"""Calls to partners: JSON over urllib3 with a timeout, bounded retries with jitter, and typed errors.

urllib3 comes with botocore; the vendors' own SDKs bring no timeout or half a second of import.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import urllib3

from chalicelib.core import clock
from chalicelib.core.errors import Upstream, UpstreamTimeout
from chalicelib.core.log import logger

TIMEOUT: Final = urllib3.Timeout(connect=2, read=6)
TRIES: Final = 2
LARGEST_ANSWER: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Reply:
    """A partner's answer: the HTTP status and the decoded body (empty where it was not a JSON object)."""

    status: int
    body: dict[str, Any]


@cache
def _pool() -> urllib3.PoolManager:
    return urllib3.PoolManager(num_pools=8, maxsize=32, retries=False)


def call(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: Mapping[str, Any] | None = None,
    repeatable: bool,
) -> Reply:
    """Ask a partner and give its answer, whatever the status below 500.

    ``repeatable`` says that a repeat does no harm (a read, or a write under an idempotency key): then one more try
    follows a lost answer or a 5xx. Redirects are not followed. Raises UpstreamTimeout if no answer came, so that the
    effect is unknown, and Upstream on a 5xx or an answer that is no JSON object.
    """
    tries = TRIES if repeatable else 1
    for attempt in range(tries):
        last = attempt == tries - 1
        try:
            return _once(method, url, headers, body)
        except (Upstream, UpstreamTimeout) as error:
            logger.warning("partner call failed", url=url.partition("?")[0], code=error.code, attempt=attempt)
            if last:
                raise
        clock.sleep(random.uniform(0.1, 0.4))
    raise AssertionError("unreachable")


def _once(method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None) -> Reply:
    encoded = None if body is None else json.dumps(body, separators=(",", ":")).encode()
    try:
        answer = _pool().request(
            method, url, body=encoded, headers=dict(headers), timeout=TIMEOUT, redirect=False, preload_content=False
        )
        raw = answer.read(LARGEST_ANSWER + 1)
        answer.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise UpstreamTimeout(partner=_host(url)) from error
    if answer.status >= 500:
        raise Upstream(partner=_host(url), partner_status=answer.status)
    return Reply(answer.status, _object(raw, url))


def _object(raw: bytes, url: str) -> dict[str, Any]:
    try:
        decoded = json.loads(raw) if len(raw) <= LARGEST_ANSWER else None
    except (ValueError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise Upstream("A partner's answer could not be read.", partner=_host(url))
    return decoded


def _host(url: str) -> str:
    return urllib3.util.parse_url(url).host or ""
