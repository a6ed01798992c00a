"""Buyers at the shop's door. A phone that got no answer asks again with the same key, as every storefront should."""

import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

import urllib3

from infra.local.demo.telling import TIMEOUT
from tests.deployed.ring3.system import PATIENCE, Deployed
from tests.kit.journey import ADDRESS, CONTACT

SHIPPING: Final = "jne-reg"
AGAIN: Final = frozenset({429, 500, 502, 503, 504})
PAUSE: Final = 0.4

_http: Final = urllib3.PoolManager(maxsize=32, retries=False, timeout=TIMEOUT)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: ``lost`` says how often the question had to be asked again."""

    status: int
    raw: bytes
    body: dict[str, Any]
    headers: Mapping[str, str]
    lost: int = 0


@dataclass
class Buyer:
    """One who buys ``quantity`` of ``sku``; an impatient one never asks again."""

    shop: Deployed
    sku: str
    quantity: int = 1
    is_patient: bool = True
    email: str = field(default_factory=lambda: f"buyer.{uuid.uuid4().hex[:10]}@example.com")
    key: str = field(default_factory=lambda: uuid.uuid4().hex)
    cart: str = ""
    answer: Told | None = None
    has_paid: bool = False
    lost: int = 0
    answered: int = 0

    @property
    def wish(self) -> dict[str, Any]:
        """The body of the checkout."""
        return {
            "cart_id": self.cart,
            "contact": {**CONTACT, "email": self.email},
            "address": ADDRESS,
            "shipping_option": SHIPPING,
            "payment": {"gateway": "midtrans", "method": "bca_va"},
        }

    @property
    def order_id(self) -> str:
        """The order, once it was acknowledged."""
        assert self.answer is not None
        assert self.answer.status == 201, self.answer.raw[:500]
        return str(self.answer.body["order"]["id"])

    @property
    def reference(self) -> str:
        """What to pay for."""
        return f"{self.order_id}-1"

    @property
    def token(self) -> str:
        """What shows that the order is theirs."""
        assert self.answer is not None
        return str(self.answer.body["access_token"])

    def fills_a_cart(self) -> "Buyer":
        """All that comes before the checkout."""
        self.cart = str(self._asks("POST", "/store/carts").body["id"])
        put = self._asks("PUT", f"/store/carts/{self.cart}/lines/{self.sku}", {"quantity": self.quantity})
        assert put.status == 200, put.raw[:500]
        return self

    def orders(self) -> Told:
        """The checkout, asked until it is answered; of an impatient buyer the first answer is the last."""
        self.answer = self._asks("POST", "/store/checkout", self.wish, key=self.key)
        return self.answer

    def asks_again(self) -> Told:
        """The same checkout under the same key."""
        return self._asks("POST", "/store/checkout", self.wish, key=self.key)

    def pays(self, **wish: Any) -> "Buyer":
        """The money arrives at Midtrans, which says so three times over and in no order."""
        told = {"duplicates": 2, "shuffle": True, **wish}
        url = f"{self.shop.midtrans.url}/_sim/transactions/{self.reference}/settle"
        paid = _http.request("POST", url, json=told)
        assert paid.status == 200, paid.data
        self.has_paid = True
        return self

    def buys(self) -> "Buyer":
        """A cart, and the order."""
        self.fills_a_cart().orders()
        assert self.order_id
        return self

    def _asks(self, method: str, path: str, body: Any = None, *, key: str = "") -> Told:
        headers = {"Idempotency-Key": key} if key else {}
        deadline, lost = time.monotonic() + PATIENCE, 0
        while True:
            told = _ask(method, f"{self.shop.url}{path}", body, headers, lost)
            is_running = told.status == 409 and "Retry-After" in told.headers
            if told.status and told.status not in AGAIN and not is_running:
                self.answered += 1
                return told
            lost, self.lost = lost + 1, self.lost + 1
            is_checkout = path == "/store/checkout"
            if time.monotonic() > deadline or (is_checkout and not self.is_patient):
                return told
            time.sleep(PAUSE)


def _ask(method: str, url: str, body: Any, headers: Mapping[str, str], lost: int) -> Told:
    """Status 0 where no answer came at all."""
    try:
        answer = _http.request(method, url, json=body, headers=headers)
    except urllib3.exceptions.HTTPError:
        return Told(0, b"", {}, {}, lost)
    is_json = "json" in answer.headers.get("Content-Type", "")
    return Told(answer.status, answer.data, answer.json() if is_json and answer.data else {}, answer.headers, lost)


def all_at_once(buyers: list[Buyer]) -> None:
    """Each buyer on a thread of their own: cart, order, and payment where the order was taken."""
    with ThreadPoolExecutor(len(buyers)) as threads:
        list(threads.map(_shop, buyers))


def _shop(buyer: Buyer) -> None:
    buyer.fills_a_cart()
    if buyer.orders().status == 201:
        buyer.pays()
