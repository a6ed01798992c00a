"""A first walk around the API that was deployed: alive, reading, refusing, and saying so properly."""

import json
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from chalicelib.core import clock
from chalicelib.core.api import HEADERS, PROBLEM
from chalicelib.identity.errors import KeyRefused
from infra.deploying.deployment import Deployment, Fetched, Refused
from infra.deploying.gatewayresponses import SANDBOX

TRIES: Final = 12
BETWEEN: Final = 5
"""Seconds. What was deployed a moment ago is not known everywhere yet, and the first call starts the function."""


class Look(NamedTuple):
    """An address, and what is expected there."""

    path: str
    status: int
    code: str = ""
    """Of the problem document."""
    headers: Mapping[str, str] = HEADERS


LOOKS: Final = (
    Look("/health", 200),
    Look("/nowhere", 404, "not_found", HEADERS | SANDBOX),  # API Gateway says so by itself
    Look("/admin/orders", 401, "unauthenticated"),
)
OPEN: Final = Look("/store/products?limit=1", 200)
KEPT: Final = Look("/store/products?limit=1", KeyRefused.status, KeyRefused.code)
"""Where a storefront has to show its key."""


def check(deployment: Deployment, url: str) -> None:
    """Look at each address. Raises Refused with all that is not as expected; what was deployed stays."""
    shop = KEPT if deployment.stage.web.storefront_key_required else OPEN
    wrong = [problem for look in (*LOOKS, shop) for problem in _looked(deployment, url, look)]
    if wrong:
        raise Refused(f"It is deployed, but does not answer as it should: {' '.join(wrong)}")


def _looked(deployment: Deployment, url: str, look: Look) -> list[str]:
    for left in reversed(range(TRIES)):
        wrong = _wrong(deployment, url, look)
        if not wrong or not left:
            return wrong
        clock.sleep(BETWEEN)
    return []


def _wrong(deployment: Deployment, url: str, look: Look) -> list[str]:
    try:
        return list(_unexpected(deployment.fetch(url + look.path), look))
    except OSError as error:
        return [f"{look.path} gave no answer ({error})."]


def _unexpected(answer: Fetched, look: Look) -> Iterator[str]:
    if answer.status != look.status:
        yield f"{look.path} answers {answer.status} instead of {look.status}."
        return
    for name, value in look.headers.items():
        if answer.headers.get(name.lower()) != value:
            yield f"{look.path} says {name}: {answer.headers.get(name.lower())} instead of {value}."
    if look.code and not _is_problem(answer, look.code):
        yield f"{look.path} is refused without the problem {look.code}."


def _is_problem(answer: Fetched, code: str) -> bool:
    if answer.headers.get("content-type") != PROBLEM:
        return False
    try:
        return bool(json.loads(answer.body)["code"] == code)
    except (ValueError, KeyError, TypeError):
        return False
