"""Who may use which door, as a table, and a shop with a victim in it whose data nobody else may meet."""

import itertools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property
from typing import Any, Final

from chalicelib.core import clock, db, secrets, vault
from chalicelib.core.access import token_for
from chalicelib.customers.service import Person
from chalicelib.identity import service as identity
from chalicelib.identity import sessions
from chalicelib.identity.models.accounts import AccountRow, AccountState
from chalicelib.identity.models.keys import KeyRow
from chalicelib.identity.models.people import StaffRow
from chalicelib.identity.models.sessions import SessionRow
from chalicelib.identity.roles import BUILT_IN, OWNER, SCOPES
from chalicelib.identity.service import KeyKind
from chalicelib.notices import service as notices
from chalicelib.notices.service import TEMPLATES, Notice, Recipient
from tests.architecture.source import ROOT, doors
from tests.conftest import Clock
from tests.kit import cloud, customers, people
from tests.kit.api import Reply, call
from tests.kit.gateways import FakeGateway
from tests.kit.shop import ADDRESS, Shop

POLICY: Final[dict[str, str]] = {
    "GET /admin/audit": "audit:read",
    "GET /admin/audit/{day}/verification": "audit:read",
    "GET /admin/categories": "catalog:read",
    "POST /admin/categories": "catalog:write",
    "PATCH /admin/categories/{category_id}": "catalog:write",
    "GET /admin/customers": "customers:read",
    "GET /admin/customers/{customer_id}": "customers:read",
    "PATCH /admin/customers/{customer_id}": "customers:write",
    "GET /admin/customers/{customer_id}/erasure": "privacy:read",
    "POST /admin/customers/{customer_id}/erasure": "privacy:write+",
    "POST /admin/customers/{customer_id}/exports": "privacy:write+",
    "GET /admin/customers/{customer_id}/exports/{export_id}": "privacy:read",
    "DELETE /admin/customers/{customer_id}/legal-hold": "privacy:write+",
    "PUT /admin/customers/{customer_id}/legal-hold": "privacy:write+",
    "POST /admin/invitations/accept": "anybody",
    "POST /admin/invitations/confirm": "anybody",
    "GET /admin/keys": "keys:read",
    "POST /admin/keys": "keys:write+",
    "POST /admin/keys/{key_id}/revoke": "keys:write+",
    "POST /admin/login": "anybody",
    "POST /admin/login/passkey-options": "anybody",
    "POST /admin/login/second-factor": "anybody",
    "POST /admin/logout": "self",
    "GET /admin/me": "self",
    "GET /admin/me/passkeys": "self",
    "POST /admin/me/passkeys": "self+",
    "POST /admin/me/passkeys/options": "self+",
    "DELETE /admin/me/passkeys/{passkey_id}": "self+",
    "PUT /admin/me/password": "self",
    "POST /admin/me/recovery-codes": "self+",
    "DELETE /admin/me/sessions": "self",
    "GET /admin/me/sessions": "self",
    "DELETE /admin/me/sessions/{session_id}": "self",
    "POST /admin/me/step-up": "self",
    "POST /admin/me/step-up/passkey-options": "self",
    "POST /admin/me/totp": "self+",
    "POST /admin/me/totp/confirm": "self+",
    "POST /admin/notice-suppressions/lift": "notices:write",
    "GET /admin/notice-templates": "notices:read",
    "GET /admin/notice-templates/{template}/preview": "notices:read",
    "GET /admin/notices": "notices:read",
    "GET /admin/notices/{notice_id}": "notices:read",
    "POST /admin/notices/{notice_id}/resend": "notices:write",
    "GET /admin/orders": "orders:read",
    "GET /admin/orders/{order_id}": "orders:read",
    "POST /admin/orders/{order_id}/cancel": "orders:write",
    "POST /admin/orders/{order_id}/hold": "orders:write",
    "POST /admin/orders/{order_id}/refunds": "refunds:write+",
    "POST /admin/orders/{order_id}/release": "orders:write",
    "POST /admin/password-resets": "anybody",
    "POST /admin/password-resets/confirm": "anybody",
    "GET /admin/payments/messages": "payments:read",
    "GET /admin/payments/{payment_id}": "payments:read",
    "POST /admin/payments/{payment_id}/reject": "payments:write",
    "POST /admin/payments/{payment_id}/verify": "payments:write",
    "GET /admin/privacy/breaches": "privacy:read",
    "POST /admin/privacy/breaches": "privacy:write+",
    "GET /admin/privacy/breaches/{breach_id}": "privacy:read",
    "POST /admin/privacy/breaches/{breach_id}/notify": "privacy:write+",
    "GET /admin/privacy/inventory": "privacy:read",
    "GET /admin/products": "catalog:read",
    "POST /admin/products": "catalog:write",
    "GET /admin/products/{product_id}": "catalog:read",
    "PATCH /admin/products/{product_id}": "catalog:write",
    "GET /admin/refund-requests": "refunds:approve",
    "POST /admin/refund-requests/{request_id}/approve": "refunds:approve+",
    "POST /admin/refund-requests/{request_id}/decline": "refunds:approve+",
    "GET /admin/roles": "staff:read",
    "DELETE /admin/roles/{role}": "staff:write+",
    "GET /admin/roles/{role}": "staff:read",
    "PUT /admin/roles/{role}": "staff:write+",
    "GET /admin/staff": "staff:read",
    "POST /admin/staff": "staff:write+",
    "GET /admin/staff/{staff_id}": "staff:read",
    "PATCH /admin/staff/{staff_id}": "staff:write+",
    "POST /admin/staff/{staff_id}/invitations": "staff:write+",
    "GET /admin/status": "status:read",
    "POST /admin/stock/adjustments": "stock:write",
    "GET /admin/stock/locations": "stock:read",
    "POST /admin/stock/locations": "stock:write",
    "PATCH /admin/stock/locations/{location_id}": "stock:write",
    "POST /admin/stock/receipts": "stock:write",
    "GET /admin/stock/{sku}": "stock:read",
    "GET /admin/stock/{sku}/audit": "stock:read",
    "GET /admin/stock/{sku}/movements": "stock:read",
    "GET /admin/switches": "switches:read",
    "PUT /admin/switches/{switch}": "switches:write+",
    "GET /docs": "anybody",
    "GET /health": "anybody",
    "GET /invitation": "anybody",
    "GET /openapi.json": "anybody",
    "GET /reset-password": "anybody",
    "GET /status": "anybody",
    "POST /store/carts": "anybody",
    "GET /store/carts/{cart_id}": "anybody",
    "PUT /store/carts/{cart_id}/lines/{sku}": "anybody",
    "GET /store/categories": "anybody",
    "POST /store/checkout": "anybody",
    "POST /store/customers": "anybody",
    "POST /store/customers/verify": "anybody",
    "POST /store/email-changes/confirm": "anybody",
    "POST /store/login": "anybody",
    "POST /store/login/second-factor": "anybody",
    "POST /store/logout": "customer",
    "GET /store/me": "customer",
    "PATCH /store/me": "customer",
    "GET /store/me/addresses": "customer",
    "POST /store/me/addresses": "customer",
    "DELETE /store/me/addresses/{address_id}": "customer",
    "GET /store/me/addresses/{address_id}": "customer",
    "PUT /store/me/addresses/{address_id}": "customer",
    "POST /store/me/cart": "customer",
    "GET /store/me/consents": "customer",
    "PUT /store/me/consents": "customer",
    "POST /store/me/email": "customer+",
    "GET /store/me/erasure": "customer",
    "POST /store/me/erasure": "customer+",
    "POST /store/me/exports": "customer+",
    "GET /store/me/exports/{export_id}": "customer+",
    "GET /store/me/orders": "customer",
    "PUT /store/me/password": "customer",
    "DELETE /store/me/sessions": "customer",
    "GET /store/me/sessions": "customer",
    "DELETE /store/me/sessions/{session_id}": "customer",
    "DELETE /store/me/totp": "customer+",
    "POST /store/me/totp": "customer+",
    "POST /store/me/totp/confirm": "customer+",
    "GET /store/orders/{order_id}": "buyer",
    "POST /store/orders/{order_id}/payments": "buyer",
    "POST /store/orders/{order_id}/payments/{payment_id}/proof": "buyer",
    "POST /store/password-resets": "anybody",
    "POST /store/password-resets/confirm": "anybody",
    "GET /store/products": "anybody",
    "GET /store/products/{slug}": "anybody",
    "GET /store/services": "anybody",
    "POST /store/shipping-quotes": "anybody",
    "POST /store/unsubscribe": "anybody",
    "GET /webhooks/notices/whatsapp": "partner",
    "POST /webhooks/notices/whatsapp": "partner",
    "POST /webhooks/payments/{gateway}": "partner",
}
"""By door: the scope that staff and keys need (with "+": and having proven oneself anew, which no key can);
``self`` (any member of staff), ``customer`` (each with "+" alike); ``buyer`` (whose order it is, or who holds its
token); ``partner`` (who signs as one); ``anybody``.
"""

NAME: Final = "Kanaria Rahasiawati"
EMAIL: Final = "kanaria.rahasia@contoh.id"
PHONE: Final = "+6281399887766"
STREET: Final = "Jl. Kenari Tersembunyi No. 77"
CANARIES: Final = (NAME, EMAIL, PHONE, PHONE.removeprefix("+62"), STREET)

PLACE: Final = {**ADDRESS, "line1": STREET, "name": NAME, "phone": PHONE}
OTHER: Final = Person("Orang Lain", "orang.lain@contoh.id", "+6281211112222")
DAY: Final = "2026-11-24"

Headers = dict[str, str]
Rows = dict[tuple[str, str, str], str]


@dataclass(frozen=True)
class Case:
    """Somebody who knocks."""

    name: str
    headers: Headers


class Scene:
    """An open shop: a customer who ordered, what belongs to the order and to her, and everybody who may knock."""

    def __init__(self, held: Clock, shop: Shop) -> None:
        self.clock, self.shop = held, shop
        self._count = itertools.count()
        self.victim = customers.member(Person(NAME, EMAIL, PHONE))
        shop.sells("KENARI", 9)
        self.cart = self._made("POST", "/store/me/cart", {}, self.victim.headers)["id"]
        self._made("PUT", f"/store/carts/{self.cart}/lines/KENARI", {"quantity": 2}, self.victim.headers)
        self.order = self._ordered()
        self.payment = self.order["payment"]["id"]
        shop.drain()

    # The victim's things, by the name of the path's parameter

    @cached_property
    def _things(self) -> dict[str, Callable[[], str]]:
        return {
            "address_id": lambda: self._own("/store/me/addresses", PLACE),
            "breach_id": lambda: self._of_owner("/admin/privacy/breaches", breach()),
            "cart_id": lambda: self.cart,
            "category_id": lambda: self._of_owner("/admin/categories", {"name": {"id": "Burung"}, "slug": "burung"}),
            "customer_id": lambda: self.victim.id,
            "day": lambda: DAY,
            "export_id": self._export,
            "gateway": lambda: "fake",
            "key_id": lambda: self.key(frozenset(SCOPES))[0],
            "location_id": lambda: "jkt",
            "notice_id": self._notice,
            "order_id": lambda: str(self.order["order"]["id"]),
            "passkey_id": lambda: "cGFzc2tleS1vZi1zb21lYm9keQ",
            "payment_id": lambda: str(self.payment),
            "product_id": lambda: str(self.shop.staff("GET", "/admin/products").body["items"][0]["id"]),
            "request_id": self._refund_request,
            "role": self._role,
            "session_id": lambda: self._session(self.victim.id, sessions.CUSTOMER)[0],
            "sku": lambda: "KENARI",
            "slug": lambda: "kenari",
            "switch": lambda: "checkout",
            "staff_id": lambda: self.known("support"),
            "template": lambda: "order_placed",
        }

    @cache  # noqa: B019 - a scene lives as long as its module
    def thing(self, parameter: str) -> str:
        """The victim's thing that the path's parameter asks for."""
        assert parameter in self._things, f"say in tests/kit/matrix.py what {{{parameter}}} of the victim is"
        return self._things[parameter]()

    def path(self, template: str) -> str:
        """The path to the victim's thing."""
        return re.sub(r"\{(\w+)\}", lambda match: self.thing(match[1]), template)

    def body(self, method: str, template: str) -> Any:
        """A body that the door takes, about the victim's things."""
        return self._about_victim(example(method, template))

    def _about_victim(self, value: Any) -> Any:
        if isinstance(value, dict):
            named = {name for name in value if name in self._things and isinstance(value[name], str)}
            return {
                name: self.thing(name) if name in named else self._about_victim(part) for name, part in value.items()
            }
        return [self._about_victim(part) for part in value] if isinstance(value, list) else value

    def ask(self, method: str, template: str, headers: Headers, body: Any = None) -> Reply:
        """Somebody knocks at a door, about the victim's things; with the example's body unless another is given."""
        door = doors()[method, template]
        sent = {**headers, "User-Agent": "matrix"}
        if door.idempotent:
            sent["Idempotency-Key"] = f"matrix-{next(self._count)}"
        if body is None and door.body is not None:
            body = self.body(method, template)
        return call(method, self.path(template) + _query(method, template), body, headers=sent)

    # Who knocks

    def entitled(self, policy: str) -> Headers:
        """The headers of somebody who may come in, and has just proven who they are."""
        kind = policy.rstrip("+")
        if kind in {"anybody", "partner"}:
            return {}
        if kind in {"customer", "buyer"}:
            return self._session(self.victim.id, sessions.CUSTOMER)[1]
        return people.log_in(self.known(OWNER))

    @cache  # noqa: B019
    def strangers(self) -> list[Case]:
        """Who proves nothing, or with what no longer counts."""
        return [
            Case("nobody", {}),
            Case("nonsense", {"Authorization": "Bearer nonsense"}),
            Case("no token", {"Authorization": "Bearer "}),
            Case("another scheme", {"Authorization": "Basic bGtzX3N0Zl8x"}),
            Case("publishable key", bearer(self.key(frozenset(), KeyKind.PUBLISHABLE)[1])),
            Case("revoked key", bearer(self._ended_key("revoked_at"))),
            Case("expired key", bearer(self._ended_key("expires_at"))),
            Case("key of a changed secret", bearer(self.key(frozenset(SCOPES))[1][:-1] + "-")),
            Case("staff, session expired", self._expired(people.member(OWNER), sessions.STAFF)),
            Case("staff, session revoked", self._revoked(people.member(OWNER), sessions.STAFF)),
            Case("staff, disabled", self._disabled(people.member(OWNER), sessions.STAFF)),
            Case("staff, without a role", people.session(None)),
            Case("customer, session expired", self._expired(self.victim.id, sessions.CUSTOMER)),
            Case("customer, session revoked", self._revoked(self.victim.id, sessions.CUSTOMER)),
            Case("customer, disabled", self._disabled(self.other().id, sessions.CUSTOMER)),
            Case("customer's token as staff's", _reprefixed(self.other().headers, "lkc_", "lks_")),
            Case("staff's token as customer's", _reprefixed(people.session(OWNER), "lks_", "lkc_")),
            Case("the other's order token", bearer(token_for("order", self._other_order()))),
        ]

    @cache  # noqa: B019
    def staff(self, *, but: str | None = None) -> list[Case]:
        """Each built-in role, logged in a moment ago, but those with a scope."""
        return [
            Case(f"staff, {name}", people.session(name)) for name, role in BUILT_IN.items() if but not in role.scopes
        ]

    def known(self, role: str) -> str:
        """The account of somebody of the staff who has a name."""
        account = people.member(role)
        with db.transaction() as tx:
            person = {"name": "Anggota Staf", "email": f"staf.{next(self._count)}@toko.example"}
            StaffRow.add(tx, vault.make(tx, account), person, "tests")
        return account

    def other(self) -> customers.Member:
        """Another customer, logged in a moment ago."""
        number = next(self._count)
        return customers.member(Person(OTHER.name, f"orang.lain.{number}@contoh.id", OTHER.phone))

    def key(self, scopes: frozenset[str], kind: KeyKind = KeyKind.INTEGRATION) -> tuple[str, str]:
        """The id and the token of a new key."""
        key, token = identity.make_key(kind, "matrix", scopes, expires_at=None, made_by="tests")
        return key.id, token

    def stale(self, account: str, lifetime: sessions.Lifetime) -> Headers:
        """A session whose owner proved themselves long ago."""
        id_, headers = self._session(account, lifetime)
        long_ago = clock.stamp(clock.now() - timedelta(minutes=11))
        self._edit(SessionRow(account, f"SESSION#{id_}"), SessionRow.stepped_up_at.set(long_ago))
        return headers

    def _session(self, account: str, lifetime: sessions.Lifetime) -> tuple[str, Headers]:
        with db.transaction() as tx:
            session, token = sessions.start(tx, account, lifetime)
        return session.id, bearer(token)

    def _expired(self, account: str, lifetime: sessions.Lifetime) -> Headers:
        id_, headers = self._session(account, lifetime)
        self._edit(SessionRow(account, f"SESSION#{id_}"), SessionRow.ends_at.set(clock.stamp(clock.now())))
        return headers

    def _revoked(self, account: str, lifetime: sessions.Lifetime) -> Headers:
        id_, headers = self._session(account, lifetime)
        SessionRow(account, f"SESSION#{id_}").delete()
        return headers

    def _disabled(self, account: str, lifetime: sessions.Lifetime) -> Headers:
        _, headers = self._session(account, lifetime)
        self._edit(AccountRow(account, "ACCOUNT"), AccountRow.state.set(AccountState.DISABLED))
        return headers

    def _ended_key(self, how: str) -> str:
        id_, token = self.key(frozenset(SCOPES))
        self._edit(KeyRow(f"KEY#{id_}", "KEY"), getattr(KeyRow, how).set(clock.stamp(clock.now())))
        return token

    @staticmethod
    def _edit(row: Any, action: Any) -> None:
        row.update(actions=[action])

    # How things are made

    def _ordered(self) -> dict[str, Any]:
        wish = self.shop.wish(
            self.cart,
            contact={"name": NAME, "email": EMAIL, "phone": PHONE},
            address={**ADDRESS, "line1": STREET},
        )
        placed = self._made("POST", "/store/checkout", wish, {**self.victim.headers, "Idempotency-Key": "victim"})
        self.shop.pays(placed["payment"]["reference"])
        self.cart = self._made("POST", "/store/me/cart", {}, self.victim.headers)["id"]
        self._made("PUT", f"/store/carts/{self.cart}/lines/KENARI", {"quantity": 1}, self.victim.headers)
        return placed

    @cache  # noqa: B019
    def _other_order(self) -> str:
        return str(self.shop.places(("KENARI", 1))["order"]["id"])

    def _refund_request(self) -> str:
        asked = {"amount": {"amount": 200_000, "currency": "IDR"}, "reason": "rusak"}
        headers = {**people.session("support"), "Idempotency-Key": "refund"}
        made = self._made("POST", self.path("/admin/orders/{order_id}/refunds"), asked, headers)
        return str(made["id"])

    def _role(self) -> str:
        self._made("PUT", "/admin/roles/penjaga", {"scopes": ["stock:read"]}, people.session(OWNER))
        return "penjaga"

    def _export(self) -> str:
        export = self._own("/store/me/exports", None)
        self.shop.drain()
        return export

    def _notice(self) -> str:
        to, key = Recipient(self.victim.id, NAME, EMAIL, PHONE), vault.key(self.victim.id)
        assert key is not None
        with db.transaction() as tx:
            facts = dict.fromkeys(TEMPLATES["customer_verify"].facts, "https://toko.example/akun")
            return notices.send(tx, Notice("customer_verify", to, facts, "id", "matrix"), key)

    def _own(self, path: str, body: Any) -> str:
        headers = {**self._session(self.victim.id, sessions.CUSTOMER)[1], "Idempotency-Key": f"own-{path}"}
        return str(self._made("POST", path, body, headers)["id"])

    def _of_owner(self, path: str, body: Any) -> str:
        headers = {**people.session(OWNER), "Idempotency-Key": f"owner-{path}"}
        return str(self._made("POST", path, body, headers)["id"])

    @staticmethod
    def _made(method: str, path: str, body: Any, headers: Headers) -> Any:
        reply = call(method, path, body, headers=headers)
        assert 200 <= reply.status < 300, f"{method} {path}: {reply.text}"
        return reply.body


@contextmanager
def opened() -> Iterator[Scene]:
    """The scene, in tables of its own."""
    from app import app
    from chalicelib.core import aws
    from chalicelib.payments import gateways
    from infra.local.pumps import Pumps

    cloud.start()
    cloud.wipe()
    secrets.forget()
    held, bank = Clock(), FakeGateway()
    with clock.use(held.now, held.sleep), gateways.use("fake", bank):
        pumps = Pumps(app, sqs=aws.client("sqs"), streams=aws.client("dynamodbstreams"))
        pumps.skip_stream()
        yield Scene(held, Shop(pumps, bank))


def stored() -> Rows:
    """Every item of every table but what any request may leave: limits, and that somebody tried."""
    from moto.dynamodb.models import dynamodb_backends

    tables = dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables
    rows: Rows = {}
    for name, table in tables.items():
        for item in table.all_items():
            attributes = dict(item.to_json()["Attributes"])
            pk, sk = attributes["pk"]["S"], attributes["sk"]["S"]
            attributes.pop("used_at", None)
            if not (name.endswith("-limits") or pk.startswith("aud_")):
                rows[name, pk, sk] = json.dumps(attributes, sort_keys=True, default=repr)
    return rows


def bearer(token: str) -> Headers:
    """The headers that show a token."""
    return {"Authorization": f"Bearer {token}"}


def breach() -> dict[str, Any]:
    """What is known of a breach."""
    return {
        "what": "Cadangan terbaca orang luar",
        "remedy": "Kunci diganti",
        "data_classes": ["order"],
        "discovered_at": f"{DAY}T02:00:00Z",
        "occurred_from": f"{DAY}T00:00:00Z",
        "occurred_to": f"{DAY}T01:00:00Z",
        "affected": {"kind": "all"},
    }


def _reprefixed(headers: Headers, old: str, new: str) -> Headers:
    return bearer(headers["Authorization"].removeprefix("Bearer ").replace(old, new, 1))


@cache
def _description() -> dict[str, Any]:
    """As it is committed: other tests have mounted doors of their own in this process."""
    committed: dict[str, Any] = json.loads((ROOT / "chalicelib" / "console" / "openapi.json").read_text("utf-8"))
    return committed


def example(method: str, template: str) -> Any:
    """The body that the API's reference gives as an example."""
    body = _description()["paths"][template][method.lower()].get("requestBody", {})
    return body.get("content", {}).get("application/json", {}).get("example", {})


def _query(method: str, template: str) -> str:
    """What a door's query cannot do without."""
    parameters = _description()["paths"][template][method.lower()]["parameters"]
    needed = [each["name"] for each in parameters if each.get("in") == "query" and each.get("required")]
    return "?" + "&".join(f"{name}={DAY}" for name in needed) if needed else ""
