"""The acceptance script, step by step: ``infra/golive/uat.md`` says it to people, with the same numbers and goods."""

import re
from pathlib import Path
from typing import Any

import pytest

from chalicelib.payments.gateways.midtrans import Midtrans
from chalicelib.payments.gateways.port import Kind
from tests.kit import journey, letters, logins, people
from tests.kit.accounts import Visitor
from tests.kit.api import Reply, as_staff, call
from tests.kit.shop import CONTACT, SHIPPING, Stock

SCRIPT = Path(__file__).parents[2] / "infra" / "golive" / "uat.md"
GOODS = re.compile(r"^\| `([A-Z-]+)` \| (.+) · (.+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
BATIK, SARUNG, MUKENA = "BATIK-PARANG-M", "SARUNG-TENUN", "MUKENA-KATUN"
TRANSFER = {"gateway": "transfer", "method": "bank"}
DAY = "2026-11-24"
STEPS = {"bill", "qr", "app", "redirect", "virtual_account"}


class Store:
    """The shop of the script: shirts on the shelf, the other goods of its table when asked for, and who takes part."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.goods = {sku: rest for sku, *rest in GOODS.findall(SCRIPT.read_text(encoding="utf-8"))}
        self.sells(BATIK)

    def sells(self, *skus: str) -> None:
        """Put goods of the table on the shelf."""
        for sku in skus:
            name, english, price, stock = self.goods[sku]
            self.shop.sells(sku, int(stock), price=int(price), name={"id": name, "en": english})

    def orders(self, *lines: tuple[str, int], **instead: Any) -> dict[str, Any]:
        """A guest orders."""
        return dict(self.shop.places(*lines, **instead))

    def paid(self, *lines: tuple[str, int], **instead: Any) -> str:
        """A guest orders and pays; the order's id."""
        placed = self.orders(*lines, **instead)
        self.shop.pays(placed["payment"]["reference"])
        self.shop.drain()
        assert self.state(placed) == ("confirmed", "paid")
        return str(placed["order"]["id"])

    def state(self, placed: dict[str, Any]) -> tuple[str, str]:
        """How an order stands."""
        order = self.shop.order(placed["order"]["id"])
        return order["state"], order["payment_status"]

    def owed(self, order_id: str) -> int:
        """What is promised back of an order's money."""
        told = self.shop.order(order_id)["timeline"]
        return sum(entry["data"]["amount"] for entry in told if entry["type"] == "refund.granted")

    def stock(self, sku: str) -> Stock:
        """What the warehouse has."""
        found: Stock = self.shop.stock_of(sku)
        return found

    def turns(self, switch: str, share: int, circle: tuple[str, ...] = ()) -> None:
        """The owner turns a switch."""
        owner = people.session("owner")
        shown = call("GET", "/admin/switches", headers=owner).body["items"]
        version = next(each["version"] for each in shown if each["switch"] == switch)
        body = {"share": share, "circle": list(circle), "reason": "uji terima", "version": version}
        assert call("PUT", f"/admin/switches/{switch}", body, headers=owner).status == 200


@pytest.fixture
def store(shop) -> Store:
    return Store(shop)


def as_role(role: str, method: str, path: str, body: Any = None, key: str = "") -> Reply:
    """Somebody with this role, who has just logged in, asks for something."""
    headers = people.session(role) | ({"Idempotency-Key": key} if key else {})
    return call(method, path, body, headers=headers)


def again(placed: dict[str, Any], way: dict[str, str], key: str = "again") -> Reply:
    """The buyer pays in another way."""
    headers = {"Authorization": f"Bearer {placed['access_token']}", "Idempotency-Key": key}
    return call("POST", f"/store/orders/{placed['order']['id']}/payments", way, headers=headers)


def page(slug: str) -> Reply:
    return call("GET", f"/store/products/{slug}")


# Products and stock


def test_u01_a_product_is_shown_in_both_languages(store):
    store.sells(SARUNG, MUKENA)
    store.shop.drain()

    listed = call("GET", "/store/products").body["items"]
    shown = page("batik-parang-m").body

    assert len(listed) == 3
    assert shown["name"] == {"id": "Kemeja Batik Parang", "en": "Parang Batik Shirt"}
    assert [(each["price"]["amount"], each["available"]) for each in shown["variants"]] == [(250_000, 10)]


def test_u02_a_draft_is_not_sold(store):
    store.shop.sells("BELUM-TERBIT", 0, state="draft")
    cart_id = call("POST", "/store/carts").body["id"]

    put = call("PUT", f"/store/carts/{cart_id}/lines/BELUM-TERBIT", {"quantity": 1})

    assert page("belum-terbit").code == "product_not_found"
    assert (put.status, put.code) == (409, "not_for_sale")
    assert call("GET", f"/store/carts/{cart_id}").body["lines"] == []


def test_u03_goods_that_come_in_can_be_sold(store):
    store.sells(SARUNG)
    receipt = {"location": "jkt", "document": "SJ-0091", "lines": [{"sku": SARUNG, "quantity": 7}]}

    headers = {**people.session("warehouse"), "Idempotency-Key": "sj-0091"}
    first, second = (call("POST", "/admin/stock/receipts", receipt, headers=headers) for _ in range(2))
    store.shop.drain()

    assert (first.status, second.status, second.text) == (201, 201, first.text)
    assert store.stock(SARUNG) == Stock(available=12)
    assert page("sarung-tenun").body["variants"][0]["available"] == 12


def test_u04_a_stock_count(store):
    count = {"sku": BATIK, "location": "jkt", "reason": "counted", "quantity": 9, "expected_on_hand": 10}

    counted = as_role("warehouse", "POST", "/admin/stock/adjustments", count, key="hitung-1")
    stale = as_role("warehouse", "POST", "/admin/stock/adjustments", {**count, "quantity": 8}, key="hitung-2")

    assert (counted.status, counted.body["on_hand"]) == (201, 9)
    assert (stale.status, stale.code) == (409, "stale_stock")
    assert store.stock(BATIK) == Stock(available=9)
    assert as_role("warehouse", "GET", f"/admin/stock/{BATIK}/audit").body["is_consistent"]


def test_u05_the_last_one_is_sold_once(store):
    store.sells(MUKENA)
    first, second = store.shop.cart((MUKENA, 1)), store.shop.cart((MUKENA, 1))

    answers = [store.shop.checks_out(first), store.shop.checks_out(second)]

    assert [(each.status, each.code, each.body.get("sku")) for each in answers] == [
        (201, None, None),
        (409, "out_of_stock", MUKENA),
    ]
    assert call("GET", f"/store/carts/{second}").body["state"] == "open"
    assert store.stock(MUKENA) == Stock(available=0, reserved=1)


def test_u06_products_moved_from_shopify(store, tmp_path):
    from tests.feature.shopify_products import Loaded, load, read
    from tests.feature.test_shopify_products import COLUMNS, ROWS

    file = tmp_path / "products.csv"
    file.write_text("\r\n".join([COLUMNS, *ROWS]), encoding="utf-8")

    def send(method: str, path: str, body: Any, headers: Any) -> tuple[int, Any]:
        answer = call(method, path, body, headers={**as_staff(), **headers})
        return answer.status, answer.body

    loaded = [load(read(file), send, lambda _: None) for _ in range(2)]
    store.shop.drain()

    assert loaded == [Loaded(3, 3, 6), Loaded(0, 0, 0)]
    top = page("top").body["variants"][0]
    assert (top["price"], top["available"]) == ({"amount": 60_500, "currency": "IDR"}, 2)


# Buying and paying


def test_u07_the_shop_says_the_total(store):
    placed = store.orders((BATIK, 2))["order"]

    assert (placed["totals"]["total"]["amount"], SHIPPING) == (508_000, 8_000)
    assert placed["totals"]["tax"]["amount"] == 500_000 - round(500_000 * 100 / 111)
    assert (placed["state"], placed["payment_status"]) == ("pending", "unpaid")
    assert store.stock(BATIK) == Stock(available=8, reserved=2)


def test_u08_a_changed_price_is_told_first(store):
    cart_id = store.shop.cart((BATIK, 1))
    product = next(
        each for each in as_role("owner", "GET", "/admin/products").body["items"] if each["slug"] == "batik-parang-m"
    )
    shown = as_role("owner", "GET", f"/admin/products/{product['id']}").body
    variants = [{**shown["variants"][0], "price": {"amount": 275_000, "currency": "IDR"}}]
    kept = ("sku", "option_values", "price", "weight_grams")
    change = {"version": shown["version"], "variants": [{name: each[name] for name in kept} for each in variants]}
    changed = as_role("catalogue", "PATCH", f"/admin/products/{product['id']}", change)

    refused, taken = store.shop.checks_out(cart_id), store.shop.checks_out(cart_id)

    assert changed.status == 200, changed.text
    assert (refused.status, refused.code) == (409, "price_changed")
    assert [(each["was"]["amount"], each["now"]["amount"]) for each in refused.body["changes"]] == [(250_000, 275_000)]
    assert (taken.status, taken.body["order"]["totals"]["total"]["amount"]) == (201, 283_000)


def test_u09_each_way_to_pay_by_midtrans(store):
    store.sells(SARUNG)
    steps: dict[str, str] = {}
    with journey.midtrans() as bank:
        for method in sorted(Midtrans.methods):
            token = {"token": "481111-1114-token"} if method in Midtrans.methods_by_token else {}
            placed = store.orders(
                (BATIK if len(steps) < 9 else SARUNG, 1), payment={"gateway": "midtrans", "method": method, **token}
            )
            steps[method] = placed["payment"]["next_step"]["kind"]
            bank.pays(placed["payment"]["reference"])
            bank.notifies(bank.notices(placed["payment"]["reference"], 1)[-1])
            store.shop.drain()

            assert store.state(placed) == ("confirmed", "paid"), method

    assert len(steps) == len(Midtrans.methods) == 11
    assert set(steps.values()) == STEPS
    assert {steps[method] for method in steps if method.endswith("_va")} == {"virtual_account"}


def test_u10_bank_transfer_with_a_unique_code(store):
    first, second = store.orders((BATIK, 1), payment=TRANSFER), store.orders((BATIK, 1), payment=TRANSFER)
    step = first["payment"]["next_step"]
    line = {"amount": step["amount"], "mutation": "BCA/24NOV/0001"}

    matched = as_role("finance", "POST", f"/admin/payments/{first['payment']['id']}/verify", line, key="v1")
    other = {"amount": second["payment"]["next_step"]["amount"], "mutation": line["mutation"]}
    used = as_role("finance", "POST", f"/admin/payments/{second['payment']['id']}/verify", other, key="v2")
    store.shop.drain()

    assert step["amount"]["amount"] == 258_000 + step["unique_code"]
    assert matched.status == 200, matched.text
    assert (used.status, used.code) == (409, "bank_mutation_used")
    assert (store.state(first), store.state(second)[0]) == (("confirmed", "paid"), "pending")


def test_u11_the_gateway_is_down(store):
    store.shop.bank.is_down = True
    placed = store.orders((BATIK, 1))
    store.shop.bank.is_down = False

    retried = again(placed, {"gateway": "fake", "method": "va"})
    store.shop.pays(retried.body["reference"])
    store.shop.drain()

    assert placed["payment"]["next_step"]["kind"] == "retry"
    assert retried.status == 201
    assert store.state(placed) == ("confirmed", "paid")


def test_u12_the_same_key_one_order(store):
    cart_id = store.shop.cart((BATIK, 1))

    first, second = (store.shop.checks_out(cart_id, "jawaban-hilang") for _ in range(2))

    assert (first.status, second.status, second.text) == (201, 201, first.text)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(store.shop.orders()) == 1


def test_u13_webhooks_that_repeat(store):
    order_id = store.paid((BATIK, 2))
    before = store.shop.order(order_id)

    for number in range(3):
        assert store.shop.tells(f"{order_id}-1", again=number).status == 200
        store.shop.drain()

    assert store.shop.order(order_id) == before
    assert store.stock(BATIK) == Stock(available=8, allocated=2)


def test_u14_too_little_is_not_paid(store):
    placed = store.orders((BATIK, 1))

    store.shop.pays(placed["payment"]["reference"], 257_999)
    store.shop.drain()

    assert store.state(placed) == ("pending", "partially_paid")
    assert "payment.flagged" in store.shop.timeline(placed["order"]["id"])


def test_u15_an_order_expires(store, clock):
    placed = store.orders((BATIK, 2))

    clock.pass_(minutes=61)
    store.shop.runs("orders-expire-unpaid")
    store.shop.drain()

    assert store.state(placed)[0] == "expired"
    assert store.stock(BATIK) == Stock(available=10)
    assert store.shop.bank.cancelled == [placed["payment"]["reference"]]


def test_u16_paid_at_the_last_moment(store, clock):
    placed = store.orders((BATIK, 1))
    clock.pass_(minutes=59)
    store.shop.bank.happens(placed["payment"]["reference"], Kind.CAPTURED)

    clock.pass_(minutes=2)
    store.shop.runs("orders-expire-unpaid")
    store.shop.drain()

    assert store.state(placed) == ("confirmed", "paid")


def test_u17_cancelling_a_paid_order(store):
    order_id = store.paid((BATIK, 2))

    answers = [
        as_role("support", "POST", f"/admin/orders/{order_id}/cancel", {"reason": "pembeli batal"}) for _ in "12"
    ]
    store.shop.drain()

    assert [(each.status, each.code) for each in answers] == [(200, None), (409, "illegal_move")]
    assert store.shop.order(order_id)["state"] == "cancelled"
    assert store.owed(order_id) == 508_000
    assert store.stock(BATIK) == Stock(available=10)


def refund(role: dict[str, str], order_id: str, amount: int) -> Reply:
    body = {"amount": {"amount": amount, "currency": "IDR"}, "reason": "jahitan lepas"}
    return call("POST", f"/admin/orders/{order_id}/refunds", body, headers={**role, "Idempotency-Key": f"r-{amount}"})


def test_u18_a_small_refund(store):
    order_id = store.paid((BATIK, 1))

    answer = refund(people.session("support"), order_id, 50_000)

    assert (answer.status, answer.body["state"]) == (201, "granted")
    assert store.owed(order_id) == 50_000
    assert store.shop.order(order_id)["state"] == "confirmed"


def test_u19_a_large_refund_by_two_people(store):
    order_id = store.paid((BATIK, 3))
    support, finance = people.session("support"), people.session("finance")

    asked = refund(support, order_id, 600_000)
    approve = f"/admin/refund-requests/{asked.body['id']}/approve"
    before, by_oneself = store.owed(order_id), call("POST", approve, headers=support)
    granted, once_more = call("POST", approve, headers=finance), call("POST", approve, headers=finance)

    assert (asked.status, asked.body["state"], before) == (202, "waiting", 0)
    assert (by_oneself.status, by_oneself.code) == (403, "scope_missing")
    assert (granted.status, granted.body["state"]) == (200, "granted")
    assert (once_more.status, once_more.code) == (409, "refund_request_decided")
    assert store.owed(order_id) == 600_000


# Customers


def test_u20_registering_by_a_link(store):
    siti = Visitor(store.shop)

    asked, early = siti.registers(), siti.says()
    token = siti.token()
    followed, late, twice = siti.follows(token), siti.logs_in(), siti.follows(token)

    assert (asked.status, early.code) == (202, "login_refused")
    assert (followed.status, late.status) == (204, 200)
    assert twice.code == "link_ended"


def test_u21_a_guests_order_becomes_theirs(store):
    order_id = store.paid((BATIK, 1))
    siti = Visitor(store.shop).joins()
    budi = Visitor(store.shop, email="budi@example.com", name="Budi Santoso").joins()

    theirs = [each.does("GET", "/store/me/orders").body["items"] for each in (siti, budi)]

    assert [[order["id"] for order in each] for each in theirs] == [[order_id], []]
    assert budi.does("GET", f"/store/orders/{order_id}").status == 404


def test_u22_letters_in_the_buyers_language(store):
    jane = Visitor(store.shop, email="jane@example.com", name="Jane Doe").joins(language="en")
    known = len(letters.sent(jane.email))
    contact = {"name": "Jane Doe", "email": jane.email, "phone": CONTACT["phone"]}

    store.paid((BATIK, 1), contact=contact)
    store.paid((BATIK, 1))

    english = [mail.subject for mail in letters.sent(jane.email)[known:]]
    indonesian = [mail.subject for mail in letters.sent(CONTACT["email"])]
    assert [("order" in subject, "Pesanan" in subject or "pesanan" in subject) for subject in english] == [
        (True, False)
    ] * 2
    assert [("pesanan" in subject.lower()) for subject in indonesian] == [True, True]


def test_u23_a_copy_of_ones_data(store):
    order_id = store.paid((BATIK, 1))
    siti = Visitor(store.shop).joins()
    budi = Visitor(store.shop, email="budi@example.com").joins()

    export_id = siti.does("POST", "/store/me/exports").body["id"]
    store.shop.drain()
    copy, stolen = (each.does("GET", f"/store/me/exports/{export_id}") for each in (siti, budi))

    assert (copy.body["profile"]["email"], copy.body["profile"]["name"]) == (siti.email, siti.name)
    assert [order["id"] for order in copy.body["orders"]] == [order_id]
    assert stolen.status == 404


def test_u24_erasure(store, clock):
    placed = store.orders((BATIK, 1))
    clock.pass_(minutes=61)
    store.shop.runs("orders-expire-unpaid")
    siti = Visitor(store.shop).joins()
    before = store.shop.order(placed["order"]["id"])

    asked = siti.does("POST", "/store/me/erasure")
    for _ in range(2):
        store.shop.drain()
        store.shop.runs("privacy-carry-out")
    store.shop.drain()

    after = store.shop.order(placed["order"]["id"])
    assert asked.status == 200
    assert siti.logs_in().code == "login_refused"
    assert (after["number"], after["lines"], after["totals"]) == (before["number"], before["lines"], before["totals"])
    assert (before["contact"]["name"], after["contact"], after["address"]) == ("Siti Rahmawati", None, None)


# Staff


def test_u25_invitation_and_authenticator(store, clock):
    owner = people.session("owner")
    bayu = {"email": "bayu@toko.example", "name": "Bayu", "role": "warehouse"}

    invited = call("POST", "/admin/staff", bayu, headers=owner)
    store.shop.drain()
    link = next(link for link in letters.sent(bayu["email"])[-1].links if "/invitation#" in link)
    joined = logins.joined(bayu["email"], link.partition("#")[2])
    password = joined.says()
    proof = {"kind": "totp", "code": joined.code()}
    whole, same_code = joined.proves(password.body["ticket"], proof), joined.proves(joined.says().body["ticket"], proof)

    assert invited.status == 201
    assert (password.status, set(password.body)) == (200, {"ticket", "expires_at", "methods"})
    assert whole.status == 200
    assert same_code.code == "code_refused"
    assert (
        call("GET", "/admin/me", headers={"Authorization": f"Bearer {whole.body['token']}"}).body["role"] == "warehouse"
    )


def test_u26_roles(store):
    order_id = store.paid((BATIK, 1))
    payment = store.shop.order(order_id)["payments"][0]["id"]
    doors = {
        "stock": ("POST", "/admin/stock/receipts"),
        "orders": ("GET", f"/admin/orders/{order_id}"),
        "refunds": ("POST", f"/admin/orders/{order_id}/refunds"),
        "transfers": ("POST", f"/admin/payments/{payment}/verify"),
        "staff": ("POST", "/admin/staff"),
    }

    let_in = {
        role: {
            name for name, door in doors.items() if as_role(role, *door, body={}, key="peran").code != "scope_missing"
        }
        for role in ("warehouse", "support", "finance", "owner")
    }

    assert let_in == {
        "warehouse": {"stock", "orders"},
        "support": {"orders", "refunds"},
        "finance": {"orders", "refunds", "transfers"},
        "owner": set(doors),
    }


def test_u27_the_audit_trail(store):
    owner = people.session("owner")
    order_id = store.paid((BATIK, 1))
    call("POST", f"/admin/orders/{order_id}/hold", {"reason": "fraud"}, headers=owner)
    store.shop.drain()

    told = call("GET", f"/admin/audit?day={DAY}", headers=owner).body["items"]
    verdict = call("GET", f"/admin/audit/{DAY}/verification", headers=owner).body

    held = [entry for entry in told if entry["action"] == "POST /admin/orders/{order_id}/hold"]
    assert [(entry["who"], entry["outcome"]) for entry in held] == [(f"staff:{people.account_of(owner)}", "done")]
    assert held[0]["target"] == {"order_id": order_id}
    assert verdict["is_intact"]


# Switches


def test_u28_the_shop_is_closed(store):
    waiting = store.orders((BATIK, 1))
    cart_id = store.shop.cart((BATIK, 1))
    store.turns("checkout", 0)

    refused = store.shop.checks_out(cart_id)
    store.shop.pays(waiting["payment"]["reference"])
    store.shop.drain()
    store.turns("checkout", 100)
    taken = store.shop.checks_out(cart_id)

    assert (refused.status, refused.code, set(refused.body["message"])) == (409, "checkout_closed", {"id", "en"})
    assert store.state(waiting) == ("confirmed", "paid")
    assert taken.status == 201


def test_u29_the_circle(store):
    siti = Visitor(store.shop).joins()
    store.turns("checkout", 0, circle=(siti.does("GET", "/store/me").body["id"],))
    cart_id = siti.does("POST", "/store/me/cart", {}).body["id"]
    siti.does("PUT", f"/store/carts/{cart_id}/lines/{BATIK}", {"quantity": 1})

    wish, key = store.shop.wish(cart_id), {"Idempotency-Key": "lingkaran"}
    hers = call("POST", "/store/checkout", wish, headers={**siti.headers, **key})
    another = store.shop.checks_out(store.shop.cart((BATIK, 1)))

    assert (hers.status, another.code) == (201, "checkout_closed")


def test_u30_a_way_to_pay_is_off(store):
    store.turns("payments.transfer", 0)

    offered = {each["name"]: each["is_open"] for each in call("GET", "/store/services").body["items"]}
    refused = store.shop.checks_out(store.shop.cart((BATIK, 1)), payment=TRANSFER)
    other = store.shop.checks_out(store.shop.cart((BATIK, 1)))

    assert (offered["payments.transfer"], offered["payments.midtrans"]) == (False, True)
    assert (refused.status, refused.code) == (409, "payment_way_closed")
    assert other.status == 201


def test_u31_registration_and_letters_are_off(store, clock):
    store.turns("registration", 0)
    store.turns("letters", 0)
    refused = Visitor(store.shop, email="budi@example.com").registers()
    store.orders((BATIK, 1))
    store.shop.drain()
    silent = letters.sent()
    store.turns("letters", 100)
    clock.pass_(seconds=31)

    noted = as_role("support", "GET", "/admin/notices?state=suppressed").body["items"]
    sent = as_role("manager", "POST", f"/admin/notices/{noted[0]['id']}/resend", key="kirim-ulang")
    store.shop.drain()

    assert (refused.status, refused.code) == (409, "registration_closed")
    assert (silent, [each["reason"] for each in noted]) == ([], ["switched_off"])
    assert sent.status == 200
    assert [mail.to for mail in letters.sent()] == [CONTACT["email"]]
