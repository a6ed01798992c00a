"""A shop in which each kind of door has something to be asked for, put back after every try."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.core import secrets, vault
from chalicelib.payments.gateways.port import Kind
from tests.kit import logins, matrix, people
from tests.kit.api import Reply, as_staff, call
from tests.kit.cloud import ACCOUNT, REGION, STAGE
from tests.properties.ring.books import Books
from tests.properties.ring.stage import Stage, wants_repeat

TRANSFER: Final = {"gateway": "transfer", "method": "bank"}
MOST_REPEATS: Final = 8
BESIDE: Final = ("-limits", "-sendings")
"""Tables of what was tried, whatever came of it."""

Ask = Callable[[], Reply]
Census = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Case:
    """A request."""

    ask: Ask
    once: bool = True
    """False where its effect may be there twice: a cart or a session more does no harm."""
    told: frozenset[str] = frozenset()
    """The codes with which a repeat may learn that it was done already."""
    lingers: frozenset[str] = frozenset()
    """Rows that may stay until they expire by themselves."""
    anew: Ask | None = None
    """What a buyer does who is told that the payment could not be begun."""

    def is_put_off(self, reply: Reply) -> bool:
        """True if the order stands and its payment is to be begun anew."""
        return self.anew is not None and "retry" in str(reply.body.get("next_step"))

    def is_as(self, once: "Census", now: "Census") -> bool:
        """True if there is one effect."""
        return not self.once or _without(once, self.lingers) == _without(now, self.lingers)


class Scene:
    """A shop with an order in each state that matters, and who may do what with it."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.shop = stage, stage.shop
        self.shop.sells("SARUNG", 20)
        self.product = self.shop.staff("GET", "/admin/products").body["items"][0]
        self.paid = self.shop.places(("SARUNG", 2))
        self._is_paid(self.paid)
        self.shop.tells(self.paid["payment"]["reference"])
        self.shop.drain()
        self.open, self.unpaid = self.shop.places(("SARUNG", 1)), self.shop.places(("SARUNG", 1))
        self.transfer = self.shop.places(("SARUNG", 1), payment=TRANSFER)
        self.shop.drain()
        self._is_paid(self.open)
        self.cart = self.shop.cart(("SARUNG", 2))
        self.colleague = logins.owner()
        self.staff, self.owner = as_staff(), people.session("owner")
        stage.keep()

    def reset(self) -> Books:
        """As it was, with nothing remembered; the books to be checked from here on."""
        self.stage.reset()
        secrets.forget()
        vault.forget()
        return Books()

    def repeats(self, ask: Ask) -> Reply:
        """A client that waits as it is told, longer each time, and asks again."""
        reply = ask()
        for tried in range(MOST_REPEATS):
            if not wants_repeat(reply):
                return reply
            self.stage.pass_(seconds=int(reply.headers["Retry-After"]) * 2**tried)
            reply = ask()
        raise AssertionError(f"told to come again {MOST_REPEATS} times: {reply.text}")

    def queued(self, queue: str) -> int:
        """How many messages lie in a queue."""
        from moto.sqs.models import sqs_backends

        return len(sqs_backends[ACCOUNT][REGION].queues[f"laris-{STAGE}-{queue}"]._messages)

    def cases(self) -> dict[str, Case]:
        """A request of each use case of money and stock, and of each kind of door."""
        return {**self._of_buyers(), **self._of_staff(), **self._doors()}

    def _of_buyers(self) -> dict[str, Case]:
        unpaid, wish = self.unpaid["order"]["id"], self.shop.wish(self.cart)
        return {
            "checkout": Case(keyed("/store/checkout", wish, {})),
            "pay again": Case(
                keyed(f"/store/orders/{unpaid}/payments", TRANSFER, _holds(self.unpaid)),
                anew=keyed(f"/store/orders/{unpaid}/payments", TRANSFER, _holds(self.unpaid), "another key"),
            ),
            "webhook": Case(lambda: self.shop.tells(self.open["payment"]["reference"])),
        }

    def _of_staff(self) -> dict[str, Case]:
        payment = f"/admin/payments/{self.transfer['payment']['id']}"
        paid, open_ = (f"/admin/orders/{each['order']['id']}" for each in (self.paid, self.open))
        receipt = {"location": "jkt", "document": "PO-2", "lines": [{"sku": "SARUNG", "quantity": 3}]}
        adjustment = {"sku": "SARUNG", "location": "jkt", "reason": "lost", "delta": -1, "expected_on_hand": 20}
        refund = {"amount": {"amount": 50_000, "currency": "IDR"}, "reason": "robek"}
        verified = {"amount": self.transfer["payment"]["next_step"]["amount"], "mutation": "BCA-1"}
        change = {"version": self.product["version"], "brand": "Laris"}
        product = f"/admin/products/{self.product['id']}"
        return {
            "receipt": Case(keyed("/admin/stock/receipts", receipt, self.staff)),
            "adjustment": Case(keyed("/admin/stock/adjustments", adjustment, self.staff)),
            "verify": Case(keyed(f"{payment}/verify", verified, self.staff)),
            "reject": Case(keyed(f"{payment}/reject", {"reason": "nihil"}, self.staff), lingers=frozenset({"CODE"})),
            "refund": Case(keyed(f"{paid}/refunds", refund, self.owner)),
            "cancel": Case(plain("POST", f"{open_}/cancel", {"reason": "batal"}, self.staff), told=DONE),
            "hold": Case(plain("POST", f"{paid}/hold", {"reason": "address"}, self.staff), told=DONE),
            "change": Case(plain("PATCH", product, change, self.staff), told=DONE),
        }

    def _doors(self) -> dict[str, Case]:
        order = f"/store/orders/{self.transfer['order']['id']}"
        proof = f"{order}/payments/{self.transfer['payment']['id']}/proof"
        somebody = matrix.example("POST", "/store/customers")
        return {
            "read order": Case(plain("GET", order, None, _holds(self.transfer))),
            "read stock": Case(plain("GET", "/admin/stock/SARUNG", None, self.staff)),
            "list orders": Case(plain("GET", "/admin/orders", None, self.staff)),
            "list products": Case(plain("GET", "/store/products")),
            "cart line": Case(plain("PUT", f"/store/carts/{self.cart}/lines/SARUNG", {"quantity": 1})),
            "new cart": Case(plain("POST", "/store/carts"), once=False),
            "upload": Case(plain("POST", proof, {"content_type": "image/jpeg"}, _holds(self.transfer))),
            "log in": Case(lambda: self.colleague.says(), once=False),
            "register": Case(plain("POST", "/store/customers", somebody), once=False),
        }

    def _is_paid(self, placed: dict[str, Any]) -> None:
        self.stage.bank.happens(placed["payment"]["reference"], Kind.CAPTURED)


DONE: Final = frozenset({"illegal_move", "stale_version"})
NAMES: Final = (
    "checkout",
    "pay again",
    "webhook",
    "receipt",
    "adjustment",
    "verify",
    "reject",
    "refund",
    "cancel",
    "hold",
    "change",
    "read order",
    "read stock",
    "list orders",
    "list products",
    "cart line",
    "new cart",
    "upload",
    "log in",
    "register",
)


def keyed(path: str, body: Any, headers: dict[str, str], key: str = "the client's own") -> Ask:
    """A POST under a key of the client's own, the same each time."""
    return lambda: call("POST", path, body, headers={**headers, "Idempotency-Key": key})


def plain(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Ask:
    """A request as it is."""
    return lambda: call(method, path, body, headers=headers)


def census() -> Census:
    """How many rows of each kind there are, by table and the head of their key; but what only tells of tries."""
    from moto.dynamodb.models import dynamodb_backends

    found: Census = Counter()
    for name, table in dynamodb_backends[ACCOUNT][REGION].tables.items():
        if name.startswith(f"laris-{STAGE}-") and not name.endswith(BESIDE):
            for partition, items in table.items.items():
                if not partition.value.startswith("aud_"):
                    found.update((name, key.value.partition("#")[0].partition("_")[0]) for key in items)
    return found


def _without(counted: Census, kinds: frozenset[str]) -> dict[tuple[str, str], int]:
    return {(table, kind): number for (table, kind), number in counted.items() if kind not in kinds}


def _holds(placed: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {placed['access_token']}"}
