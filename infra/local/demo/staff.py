"""The demo shop's owner, who joins and logs in through the API as any other: password, authenticator app, session."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from infra.local.demo.telling import Answer, Line

EMAIL: Final = "pemilik@toko-laris.example"
NAME: Final = "Ibu Laras"
STEP_SECONDS: Final = 30
AHEAD: Final = 1
"""A code of the next step is taken too, since clocks differ: two log-ins in half a minute both find a fresh one."""


class Refused(Exception):
    """The API gave another answer than the owner needs."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person keeps: in the head, and on the phone."""

    email: str
    password: str
    totp_secret: str


def join(api: Line, link: str) -> tuple[Credentials, list[str]]:
    """Accept the invitation of ``link``: choose a password, set up the app; the credentials and recovery codes."""
    token = urlsplit(link).fragment
    password = f"{secrets.token_urlsafe(18)}-nasi-uduk"
    setup = _good(api.ask("POST", "/admin/invitations/accept", {"token": token, "password": password}))
    credentials = Credentials(EMAIL, password, setup["secret"])
    code = _code(credentials, 0)
    joined = _good(api.ask("POST", "/admin/invitations/confirm", {"token": token, "code": code}))
    return credentials, list(joined["codes"])


def log_in(api: Line, credentials: Credentials) -> str:
    """A session's token. A code is good once: where this step's was used, the next one's is, or is waited for."""
    while True:
        ticket = begin(api, credentials)
        for ahead in range(AHEAD + 1):
            answer = finish(api, ticket, {"kind": "totp", "code": _code(credentials, ahead)})
            if answer.status == 200:
                return str(answer.body["token"])
            if answer.body.get("code") != "code_refused":
                _good(answer)
        time.sleep(STEP_SECONDS - time.time() % STEP_SECONDS)


def begin(api: Line, credentials: Credentials) -> str:
    """The password: a ticket to the second factor."""
    asked = {"email": credentials.email, "password": credentials.password}
    return str(_good(api.ask("POST", "/admin/login", asked))["ticket"])


def finish(api: Line, ticket: str, proof: dict[str, str]) -> Answer:
    """The second factor, right or wrong."""
    return api.ask("POST", "/admin/login/second-factor", {"ticket": ticket, "proof": proof})


def make_key(api: Line, credentials: Credentials, recovery_code: str, scopes: list[str]) -> str:
    """An integration's key with ``scopes``, for the scripts of the local system.

    By a recovery code, so that the app's codes of this half minute are left for who logs in next.
    """
    ticket = begin(api, credentials)
    session = _good(finish(api, ticket, {"kind": "recovery", "code": recovery_code}))["token"]
    asked = {"kind": "integration", "name": "local", "scopes": scopes}
    made = api.ask("POST", "/admin/keys", asked, token=session, key=str(uuid.uuid4()))
    return str(_good(made)["token"])


def _code(credentials: Credentials, ahead: int) -> str:
    from pyotp import TOTP

    return str(TOTP(credentials.totp_secret).at(int(time.time()) + ahead * STEP_SECONDS))


def _good(answer: Answer) -> dict[str, Any]:
    if answer.status >= 300:
        raise Refused(f"{answer.request} was answered {answer.status}: {answer.raw[:500].decode(errors='replace')}")
    return dict(answer.body)
