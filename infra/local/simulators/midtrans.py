"""Midtrans, played: Core API and Snap, signed notifications, and the retries Midtrans documents.

    POST /v2/charge    GET /v2/{id}/status    POST /v2/{id}/{cancel|expire|approve|deny|refund}
    POST /snap/v1/transactions
    GET  /snap/v4/redirection/{token}  /pay/{transaction_id}  /v2/{qris|gopay}/{transaction_id}/qr-code

From memory only: that a repeated order_id is 406, and which errors come with HTTP 200 (here every one but 401).
"""

import base64
import hmac
import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from infra.local.simulators import midtrans_deals as deals
from infra.local.simulators import midtrans_pages
from infra.local.simulators.base import Simulator, real_time
from infra.local.simulators.controls import Refused, Wish
from infra.local.simulators.delivery import Notification, Retries
from infra.local.simulators.midtrans_charges import (
    LIFETIMES,
    SNAP_METHODS,
    Asked,
    Declined,
    open_account,
    read_charge,
    read_object,
    read_snap,
)
from infra.local.simulators.midtrans_deals import Deal, GivenBack
from infra.local.simulators.midtrans_desk import (
    CANNOT,
    check_page,
    check_refund,
    check_wish,
    is_repeat,
    legal,
    method_for,
)
from infra.local.simulators.midtrans_keys import Keys, key_of
from infra.local.simulators.server import HTML, SVG, Answer, Request

RETRIES: Final = Retries(
    by_status={500: 1, 503: 4, 400: 2, 404: 2, 301: 0, 302: 0, 303: 0},
    otherwise=5,
    waits=(120, 600, 1_800, 5_400, 12_600),
    followed=frozenset({307, 308}),
)
AS_IT_WAS: Final = Wish()

ENDINGS: Final = {
    "cancel": (deals.MOVES["cancel"], "200", "Success, transaction is canceled"),
    "expire": (frozenset({"pending", "expire"}), "407", "Success, transaction has expired"),
    "approve": (frozenset({"challenge"}), "200", "Success, transaction is approved"),
    "deny": (frozenset({"challenge"}), "200", "Success, transaction is denied"),
}


class MidtransSimulator(Simulator):
    """Midtrans for the merchant with ``server_key``. Transactions are found by ``order_id`` in the controls."""

    name = "Midtrans"
    actions = ("choose", "settle", "capture", "challenge", "deny", "expire", "refund", "chargeback")
    retries = RETRIES

    def __init__(
        self,
        server_key: str,
        notify_url: str | None = None,
        *,
        port: int = 0,
        seed: int = 0,
        retry_scale: float = 0.001,
        now: Callable[[], datetime] = real_time,
    ) -> None:
        super().__init__(notify_url, port=port, seed=seed, retry_scale=retry_scale, now=now)
        self._server_key = server_key
        self._authorization = f"Basic {base64.b64encode(f'{server_key}:'.encode()).decode()}"
        self.forget()

    def forget(self) -> None:
        """Forget every transaction, Snap page and Idempotency-Key."""
        self._deals: dict[str, Deal] = {}
        self._by_transaction: dict[str, Deal] = {}
        self._pages: dict[str, tuple[Deal, Asked]] = {}
        self._addresses: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._keys = Keys()

    def tick(self) -> None:
        """Let expire what is due."""
        with self._lock:
            for deal in self._deals.values():
                self._lapse(deal)

    def urls(self, reference: str) -> tuple[str, ...]:
        """The addresses a charge gave in X-Override-Notification and X-Append-Notification count for it."""
        override, append = self._addresses.get(reference, ((), ()))
        return (override or super().urls(reference)) + append

    def book(self) -> list[dict[str, Any]]:
        """The transactions as Midtrans has them, oldest first; a Snap page without a choice is ``unchosen``."""
        with self._lock:
            self.tick()
            return [_line(deal) for deal in self._deals.values()]

    def unavailable(self) -> Answer:
        """Midtrans down."""
        return Answer.json(503, {"status_code": "503", "status_message": "Service is temporarily unavailable"})

    def page(self, request: Request) -> Answer | None:
        """What a buyer opens, without a key."""
        match (request.method, *request.parts):
            case ("GET", "snap", "v4", "redirection", token) if token in self._pages:
                return Answer.text(200, midtrans_pages.snap(*self._pages[token]), HTML)
            case ("GET", "pay", transaction_id) if transaction_id in self._by_transaction:
                return Answer.text(200, midtrans_pages.pay(self._by_transaction[transaction_id]), HTML)
            case ("GET", "v2", "qris" | "gopay", transaction_id, "qr-code") if transaction_id in self._by_transaction:
                return Answer.text(200, midtrans_pages.qr(transaction_id), SVG)
        return None

    def answer(self, request: Request) -> Answer:
        """Core API and Snap."""
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), self._authorization.encode()):
            message = "Transaction cannot be authorized with the current client/server key."
            return self._no(request, Declined(401, message))
        key = key_of(request)
        if key is None:
            return self._attempt(request)[0]
        return self._keys.once(key, self.now(), lambda: self._attempt(request))

    def act(self, reference: str, action: str, wish: Wish) -> list[Notification]:
        """What a buyer, a bank or the fraud desk does."""
        deal, new = self._deals.get(reference), list[Notification]()
        if deal is None:
            raise Refused(404, "There is no such transaction.", reference=reference)
        self._lapse(deal)
        check_wish(deal, action, wish)
        if not deal.payment_type:
            asked = self._pages[deal.token][1]
            check_page(deal, asked, action, wish, self.now())
            payment_type, options = SNAP_METHODS[method_for(asked, action, wish)]
            self._choose(deal, Asked(deal.order_id, deal.asked, payment_type, options, asked.begins, asked.lasts))
            new.append(self._snapshot(deal))
        elif is_repeat(deal, action, wish):
            return [self._snapshot(deal)]
        return new + self._go(deal, () if action == "choose" else self._moves(deal, action, wish))

    def _moves(self, deal: Deal, action: str, wish: Wish) -> Iterable[None]:
        at = self.now()
        match action:
            case "settle":
                return deals.settle(deal, wish, at)
            case "capture" | "approve":
                return deals.capture(deal, wish, at)
            case "challenge":
                return deals.challenge(deal, wish, at)
            case "deny":
                return deals.deny(deal)
            case "refund":
                return deals.give_back(deal, self._given(deal, wish.amount, self._uuid(), "dashboard"))
            case "chargeback":
                return deals.take_back(deal, self._given(deal, wish.amount, None, "chargeback"))
        return deals.end(deal, action)

    def _attempt(self, request: Request) -> tuple[Answer, bool]:
        """The answer, and whether it is a success."""
        try:
            return self._route(request), True
        except Declined as declined:
            return self._no(request, declined), False
        finally:
            self.behaviour.take_time()

    def _route(self, request: Request) -> Answer:
        with self._lock:
            match (request.method, *request.parts):
                case ("POST", "v2", "charge"):
                    return self._charge(request)
                case ("POST", "snap", "v1", "transactions"):
                    return self._open_page(request)
                case ("GET", "v2", key, "status"):
                    return Answer.json(200, deals.told(self._find(key), self._server_key))
                case ("POST", "v2", key, "cancel" | "expire" | "approve" | "deny" as what):
                    return self._end(self._find(key), what)
                case ("POST", "v2", key, "refund") | ("POST", "v2", key, "refund", "online", "direct"):
                    return self._refund(self._find(key), request)
        raise Declined(404, "The requested resource is not found")

    def _charge(self, request: Request) -> Answer:
        asked = read_charge(request.raw)
        deal = self._open(asked, request)
        self._choose(deal, asked)
        options = asked.options or {}
        if deal.is_card and not options.get("authentication"):
            token = options["token_id"]
            action = next((each for each in ("deny", "challenge") if each in token), "capture")
            new = self._go(deal, self._moves(deal, action, AS_IT_WAS))
        else:
            new = [self._snapshot(deal)]
        self.notify(deal.order_id, new)
        return Answer.json(200, deals.charged(deal))

    def _open_page(self, request: Request) -> Answer:
        asked = read_snap(request.raw)
        deal = self._open(asked, request)
        deal.token = self._uuid()
        self._pages[deal.token] = (deal, asked)
        deal.due = deal.opened_at + (asked.lasts or timedelta(days=1))
        page = f"{self.url}/snap/v4/redirection/{deal.token}"
        return Answer.json(201, {"token": deal.token, "redirect_url": page})

    def _open(self, asked: Asked, request: Request) -> Deal:
        if asked.order_id in self._deals:
            raise Declined(406, "The request could not be completed: transaction_details.order_id sudah digunakan")
        deal = self._deals[asked.order_id] = Deal(asked.order_id, asked.amount, self.now(), asked.amount)
        headers = ("x-override-notification", "x-append-notification")
        override, append = (_addresses(request.headers.get(name, "")) for name in headers)
        self._addresses[asked.order_id] = (override, append)
        return deal

    def _choose(self, deal: Deal, asked: Asked) -> None:
        """Make a transaction of it. Its time is counted from now, not from the ``order_time`` that was asked: so a
        caller whose clock stands still in a test is not told at once that it is too late."""
        deal.payment_type, deal.transaction_id, deal.opened_at = asked.payment_type, self._uuid(), self.now()
        deal.status = "pending"
        self._by_transaction[deal.transaction_id] = deal
        lasts = asked.lasts or LIFETIMES.get(asked.payment_type)
        deal.due = deal.expires_at = None
        if lasts:
            deal.due = deal.opened_at + lasts
            deal.expires_at = (asked.begins or deal.opened_at) + lasts
        open_account(deal, asked, self.url, self._random)

    def _end(self, deal: Deal, what: str) -> Answer:
        stages, code, message = ENDINGS[what]
        if deal.stage not in stages:
            raise Declined(412, CANNOT)
        if deal.stage != what:
            self.notify(deal.order_id, self._go(deal, self._moves(deal, what, AS_IT_WAS)))
        return Answer.json(200, deals.changed(deal, code, message))

    def _refund(self, deal: Deal, request: Request) -> Answer:
        body = read_object(request.raw)
        left = deal.amount - deal.returned
        key, amount, reason = body.get("refund_key", self._uuid()), body.get("amount", left), body.get("reason", "")
        check_refund(deal, key, amount)
        given = self._given(deal, amount, key, str(reason))
        self.notify(deal.order_id, self._go(deal, deals.give_back(deal, given)))
        one = {"refund_chargeback_id": given.number, "refund_amount": deals.money(amount), "refund_key": key}
        return Answer.json(200, deals.changed(deal, "200", "Success, refund request is approved") | one)

    def _find(self, key: str) -> Deal:
        deal = self._deals.get(key) or self._by_transaction.get(key)
        if deal is None or not deal.payment_type:
            raise Declined(404, "Transaction doesn't exist.")
        self._lapse(deal)
        return deal

    def _lapse(self, deal: Deal) -> None:
        if deal.status == "pending" and deal.due is not None and deal.due <= self.now():
            self.notify(deal.order_id, self._go(deal, deals.end(deal, "expire")))

    def _go(self, deal: Deal, moves: Iterable[None]) -> list[Notification]:
        """Make the moves; what is notified on the way."""
        return [self._snapshot(deal) for _ in moves]

    def _snapshot(self, deal: Deal) -> Notification:
        said = json.dumps(deals.notification(deal, self._server_key)).encode()
        return Notification(deal.order_id, said, {"User-Agent": "Veritrans"})

    def _given(self, deal: Deal, amount: int | None, key: str | None, reason: str) -> GivenBack:
        number = self._random.randrange(10**6, 10**7)
        return GivenBack(number, amount or deal.amount - deal.returned, self.now(), key, reason)

    def _no(self, request: Request, declined: Declined) -> Answer:
        """Snap says it by HTTP, Core in the body under HTTP 200; only 401 is both."""
        if request.parts[:1] == ("snap",):
            problems = declined.problems or (declined.message,)
            return Answer.json(400 if declined.code == 406 else declined.code, {"error_messages": problems})
        body: dict[str, Any] = {
            "status_code": str(declined.code),
            "status_message": declined.message,
            "id": self._uuid(),
        }
        if declined.problems:
            body["validation_messages"] = list(declined.problems)
        return Answer.json(401 if declined.code == 401 else 200, body)

    def _uuid(self) -> str:
        with self._lock:
            return str(UUID(int=self._random.getrandbits(128), version=4))


def _line(deal: Deal) -> dict[str, Any]:
    return {
        "reference": deal.order_id,
        "transaction_id": deal.transaction_id,
        "method": deal.payment_type,
        "status": deal.status or "unchosen",
        "fraud_status": deal.fraud,
        "asked": deal.asked,
        "amount": deal.amount,
        "refunded": deal.returned,
        "currency": "IDR",
        "opened_at": deal.opened_at.isoformat(timespec="seconds"),
        "settled_at": deal.settled_at and deal.settled_at.isoformat(timespec="seconds"),
        "legal": legal(deal, MidtransSimulator.actions),
        "page": f"/snap/v4/redirection/{deal.token}" if deal.token else f"/pay/{deal.transaction_id}",
    }


def _addresses(header: str) -> tuple[str, ...]:
    return tuple(address.strip() for address in header.split(",") if address.strip())
