"""Siti opens an account with the address she ordered with: proven by the link in her mail, the order is hers."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from infra.local.demo.telling import Answer, Line, Narrator

PATIENCE: Final = 30.0
"""Seconds for a letter: event, queue, sending."""


class NotAsPromised(Exception):
    """Something is not as Laris promises."""


class Account:
    """The customer's side of the shop at ``api``; letters come to ``outbox``."""

    def __init__(self, api: Line, outbox: Line, narrator: Narrator) -> None:
        self._api, self._outbox, self._tell = api, outbox, narrator
        self._password = f"{secrets.token_urlsafe(12)} es cendol"

    def open(self, contact: Mapping[str, str], order_id: str) -> None:
        """Register, prove the address, log in, and find ``order_id``. Raises NotAsPromised."""
        self._tell.chapter(
            "Siti opens an account. What she ordered as a guest is hers once she has proven her address."
        )
        asked = {**contact, "password": self._password}
        registered = self._ask("POST", "/store/customers", asked, expect=202)
        self._tell.step(registered, "the same answer as for an address that has an account already")
        refused = self._ask("POST", "/store/login", self._login(contact), expect=401)
        self._tell.step(refused, "not before the address is proven")
        link = self._letter(contact["email"])
        token = link.partition("#")[2]
        self._tell.fact(f"her letter came with the link {link[:48]}…")
        proven = self._ask("POST", "/store/customers/verify", {"token": token, "password": self._password}, expect=204)
        self._tell.step(proven, "the address is hers; the link is used up")
        session = self._ask("POST", "/store/login", self._login(contact)).body["token"]
        history = self._ask("GET", "/store/me/orders", token=session)
        self._must([each["id"] for each in history.body["items"]] == [order_id], "her history is not her order alone")
        self._tell.step(history, "her order, and nobody else's")

    def _login(self, contact: Mapping[str, str]) -> dict[str, str]:
        return {"email": contact["email"], "password": self._password}

    def _letter(self, to: str) -> str:
        deadline = time.monotonic() + PATIENCE
        while True:
            letters = self._outbox.ask("GET", f"/messages?to={to}").body["messages"]
            links = [link for letter in letters if letter["template"] == "customer_verify" for link in letter["links"]]
            if links:
                return str(links[0])
            self._must(time.monotonic() < deadline, f"no letter came to {to} within {PATIENCE:.0f} s")
            time.sleep(0.2)

    def _ask(self, method: str, path: str, body: Any = None, *, expect: int = 200, token: str = "") -> Answer:
        answer = self._api.ask(method, path, body, token=token)
        words = answer.raw[:300].decode(errors="replace")
        self._must(answer.status == expect, f"{answer.request} was answered {answer.status}, not {expect}: {words}")
        return answer

    @staticmethod
    def _must(holds: object, otherwise: str) -> None:
        if not holds:
            raise NotAsPromised(otherwise)
