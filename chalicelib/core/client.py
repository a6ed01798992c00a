"""Calls to partners: JSON over urllib3 with a timeout, bounded retries with jitter, and typed errors.

urllib3 comes with botocore; the vendors' own SDKs bring no timeout or half a second of import.
"""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final

import urllib3

from chalicelib.core import aws, clock
from chalicelib.core.errors import Upstream, UpstreamTimeout
from chalicelib.core.log import logger

CONNECT: Final = 1
PATIENCE: Final = 3
"""Seconds: two tries and a look-up stay well within the 29 s that the API's own gateway waits."""
TRIES: Final = 2
LARGEST_ANSWER: Final = 1024 * 1024
CHUNK: Final = 64 * 1024
SLOWEST: Final = 2
"""A whole answer may take so many times the patience, and then once more until its last part is waited for."""


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
    patience: float = PATIENCE,
) -> Reply:
    """Ask a partner and give its answer, whatever the status below 500.

    ``patience`` is how many seconds it may be silent. ``repeatable`` says that a repeat does no harm (a read, or a
    write under an idempotency key): then one more try follows a lost answer or a 5xx. Redirects are not followed.
    Raises UpstreamTimeout if no answer came, so that the effect is unknown, Upstream on a 5xx or an answer that is no
    JSON object, and Unanswered if there is no time left to ask.
    """
    tries = TRIES if repeatable else 1
    for attempt in range(tries):
        last = attempt == tries - 1
        aws.check_time()
        try:
            return _once(method, url, headers, body, patience)
        except (Upstream, UpstreamTimeout) as error:
            logger.warning("partner call failed", url=url.partition("?")[0], code=error.code, attempt=attempt)
            if last:
                raise
        clock.sleep(random.uniform(0.1, 0.4))
    raise AssertionError("unreachable")


def read_object(raw: bytes, largest: int = LARGEST_ANSWER) -> dict[str, Any]:
    """A partner's JSON object, answer or webhook, read strictly; its decimals are Decimal. Raises ValueError.

    Refused are another encoding than UTF-8, NaN and Infinity, a name given twice (readers differ in which one
    they believe), nesting deeper than the interpreter can follow, and more than ``largest`` bytes.
    """
    if len(raw) > largest:
        raise ValueError("too large")
    try:
        decoded = json.loads(
            raw.decode(), object_pairs_hook=_named_once, parse_constant=_no_number, parse_float=Decimal
        )
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(decoded, dict):
        raise ValueError("not an object")
    return decoded


def _named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise ValueError("a name stands twice")
    return named


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _once(method: str, url: str, headers: Mapping[str, str], body: Mapping[str, Any] | None, patience: float) -> Reply:
    encoded = None if body is None else json.dumps(body, separators=(",", ":")).encode()
    timeout = urllib3.Timeout(connect=CONNECT, read=patience)
    end = clock.now() + timedelta(seconds=SLOWEST * patience)
    try:
        answer = _pool().request(
            method,
            url,
            body=encoded,
            headers=dict(headers),
            timeout=timeout,
            redirect=False,
            preload_content=False,
        )
        raw = _whole(answer, url, end)
    except urllib3.exceptions.HTTPError as error:
        raise UpstreamTimeout(partner=_host(url)) from error
    if answer.status >= 500:
        raise Upstream(partner=_host(url), partner_status=answer.status)
    return Reply(answer.status, _object(raw, url))


def _whole(answer: urllib3.BaseHTTPResponse, url: str, end: datetime) -> bytes:
    """The body, unless it is too large or comes too slowly, drop by drop; then the connection is closed with it."""
    chunks, size = [], 0
    while chunk := answer.read1(CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > LARGEST_ANSWER:
            answer.close()
            raise Upstream("A partner's answer is too large.", partner=_host(url))
        if clock.now() > end:
            answer.close()
            raise UpstreamTimeout(partner=_host(url))
    answer.release_conn()
    return b"".join(chunks)


def _object(raw: bytes, url: str) -> dict[str, Any]:
    try:
        return read_object(raw)
    except ValueError as error:
        raise Upstream("A partner's answer could not be read.", partner=_host(url)) from error


def _host(url: str) -> str:
    return urllib3.util.parse_url(url).host or ""
