"""Every way into the API is a door that says who may use it, what it takes, gives and refuses."""

import base64
import hashlib
import importlib
import json
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from tests.architecture.source import ROOT, doors, routes
from tests.kit import api

MOST_RESOURCES = 300
DEEPEST_PATH = 6

PUBLIC = {
    "POST /admin/invitations/accept",
    "POST /admin/invitations/confirm",
    "POST /admin/login",
    "POST /admin/login/passkey-options",
    "POST /admin/login/second-factor",
    "POST /admin/password-resets",
    "POST /admin/password-resets/confirm",
    "GET /docs",
    "GET /health",
    "GET /invitation",
    "GET /openapi.json",
    "GET /reset-password",
    "GET /status",
}
"""Open to anybody, whatever they show."""

STOREFRONT = {
    "GET /store/carts/{cart_id}",
    "GET /store/categories",
    "GET /store/products",
    "GET /store/products/{slug}",
    "GET /store/services",
    "POST /store/carts",
    "POST /store/checkout",
    "POST /store/customers",
    "POST /store/customers/verify",
    "POST /store/email-changes/confirm",
    "POST /store/login",
    "POST /store/login/second-factor",
    "POST /store/password-resets",
    "POST /store/password-resets/confirm",
    "POST /store/shipping-quotes",
    "POST /store/unsubscribe",
    "PUT /store/carts/{cart_id}/lines/{sku}",
}
"""Open to a storefront's guests, unless the shop insists on the storefront's key. A cart's id is a capability."""

MOVES_MONEY_OR_STOCK = {
    "POST /admin/orders/{order_id}/refunds",
    "POST /admin/payments/{payment_id}/verify",
    "POST /admin/stock/adjustments",
    "POST /admin/stock/receipts",
    "POST /store/checkout",
    "POST /store/orders/{order_id}/payments",
}
"""Each of these takes an Idempotency-Key: a repeat must not move anything twice."""

REPEATS_HARMLESSLY: dict[str, str] = {
    "POST /admin/invitations/accept": "the last password and app that were chosen are confirmed",
    "POST /admin/invitations/confirm": "the link is used up",
    "POST /admin/login": "one more ticket, which by itself opens nothing",
    "POST /admin/login/passkey-options": "one more challenge, gone in five minutes",
    "POST /admin/me/step-up/passkey-options": "one more challenge, gone in five minutes",
    "POST /admin/login/second-factor": "ticket and code are used up",
    "POST /admin/logout": "the session is gone",
    "POST /admin/me/recovery-codes": "the last ten count",
    "POST /admin/me/step-up": "a code is used up; proven twice is proven",
    "POST /admin/me/totp": "the last app that was begun is confirmed",
    "POST /admin/me/totp/confirm": "the code is used up",
    "POST /admin/password-resets": "one more link; at most three an hour are sent",
    "POST /admin/password-resets/confirm": "the link is used up",
    "POST /admin/staff": "the e-mail is taken, or its invitation goes out anew",
    "POST /admin/staff/{staff_id}/invitations": "nothing is left to take away; the invitation goes out anew",
    "POST /admin/categories": "its slug is taken",
    "POST /admin/keys/{key_id}/revoke": "a revoked key is refused",
    "POST /admin/me/passkeys": "its challenge is used up",
    "POST /admin/me/passkeys/options": "one more challenge, gone after five minutes",
    "POST /admin/refund-requests/{request_id}/approve": "a decided request is refused, and the money with it",
    "POST /admin/refund-requests/{request_id}/decline": "a decided request is refused",
    "POST /admin/products": "its SKUs are taken",
    "POST /admin/customers/{customer_id}/erasure": "it is the same wish",
    "POST /admin/customers/{customer_id}/exports": "one more copy, gone after seven days",
    "POST /admin/privacy/breaches": "an entry more in the register, which people read; nobody is told by it",
    "POST /admin/privacy/breaches/{breach_id}/notify": "each letter is asked for by a key of its own, and sent once",
    "POST /store/me/erasure": "it is the same wish",
    "POST /store/me/exports": "one more copy, gone after seven days",
    "POST /admin/stock/locations": "its id is taken",
    "POST /store/orders/{order_id}/payments/{payment_id}/proof": "one more address to upload to; nothing is written",
    "POST /admin/orders/{order_id}/cancel": "the state table refuses a second cancel, and refunds go with the first",
    "POST /admin/orders/{order_id}/hold": "the state table refuses a second hold",
    "POST /admin/orders/{order_id}/release": "the state table refuses a second release",
    "POST /store/me/cart": "what is in a cart goes into the other once: it is closed then",
    "POST /admin/notice-suppressions/lift": "there is no block to lift any more",
    "POST /webhooks/notices/whatsapp": "the partner repeats by itself; a state is noted once",
    "POST /store/carts": "an empty cart more is forgotten by itself",
    "POST /store/customers": "one more link; the first one followed opens the account, at most three an hour are sent",
    "POST /store/customers/verify": "the link is used up",
    "POST /store/email-changes/confirm": "the link is used up",
    "POST /store/login": "one more log-in, which its owner sees and can end",
    "POST /store/login/second-factor": "ticket and code are used up",
    "POST /store/logout": "the session is gone",
    "POST /store/me/addresses": "an address more in the customer's book, of twenty at most; they see and remove it",
    "POST /store/me/email": "one more link; at most three an hour are sent",
    "POST /store/me/totp": "the last app that was begun is confirmed",
    "POST /store/me/totp/confirm": "the code is used up",
    "POST /store/password-resets": "one more link; at most three an hour are sent",
    "POST /store/password-resets/confirm": "the link is used up",
    "POST /store/shipping-quotes": "reads only",
    "POST /store/unsubscribe": "what was taken back is taken back",
    "POST /webhooks/payments/{gateway}": "the partner repeats by itself; facts are kept once",
}
"""The other POSTs, and why a repeat does no harm."""

NEVER_ANSWERED: dict[str, str] = {
    "conflict": "a kind; departments say what is in conflict",
    "forbidden": "a kind, for roles to come",
    "gateway_refused": "an order stands all the same: the next step says to try again",
    "illegal_refund_move": "what a gateway says about a refund; its message is put aside",
    "owner_exists": "`make owner` says it on the operator's screen",
    "second_factor_needed": "a customer's log-in may do without, no door of staff asks for it",
    "more_to_do": "a long job of a worker, which goes on with the next message",
    "under_legal_hold": "a worker meets it; the wish to be forgotten is taken, and waits",
    "letter_incomplete": "a fault of ours: said as unexpected",
    "letter_refused": "what a partner says to a worker; the notice is marked",
    "notice_moved": "what workers tell each other; nobody waits for it",
    "sender_refused": "what a partner says to a worker; the letter waits",
    "message_unknown": "a queue names a message that is not kept",
    "method_not_allowed": "said before a door is reached",
    "not_refundable": "workers ask for refunds; this one has to be paid by hand",
    "unreadable": "a fault of ours, or somebody moved sealed data: said as unexpected, under its own code",
    "upstream_error": "workers ask partners; doors turn it into a next step",
}
"""Codes that no door refuses with."""


def name_of(method: str, path: str) -> str:
    return f"{method} {path}"


def each_door():
    return [pytest.param(path, door, id=name_of(method, path)) for (method, path), door in sorted(doors().items())]


def codes() -> list[Any]:
    """Every error with a code, wherever it stands in the departments."""
    import chalicelib
    from chalicelib.core.errors import LarisError

    for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        importlib.import_module(module.name)
    found, waiting = [], [LarisError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if "code" in vars(kind) and kind is not LarisError and kind.__module__.startswith("chalicelib."):
            found.append(kind)
    return [kind for kind in found if not kind.__module__.startswith("chalicelib.window")]


def committed() -> dict[str, Any]:
    return json.loads((ROOT / "chalicelib" / "console" / "openapi.json").read_text(encoding="utf-8"))


def test_every_route_is_a_door():
    assert set(routes()) == set(doors())


@pytest.mark.parametrize(("path", "door"), each_door())
def test_a_door_says_who_may_come_in(path, door):
    from chalicelib.core.access import Access, public

    assert isinstance(door.access, Access)
    assert (door.access is public) == (name_of(door.method, path) in PUBLIC)
    assert (door.access.optional == "storefront_key") == (name_of(door.method, path) in STOREFRONT)
    assert (door.access.scheme is None) == (name_of(door.method, path) in PUBLIC | STOREFRONT)
    assert (path.startswith("/admin/") and door.access is not public) == (door.access.scheme == "staff")
    assert path.startswith("/webhooks/") == (door.access.scheme == "partner_signature")


@pytest.mark.parametrize(("path", "door"), each_door())
def test_a_door_says_what_it_does_gives_and_refuses(path, door):
    from chalicelib.core import openapi
    from chalicelib.core.errors import LarisError

    assert re.fullmatch(r"[A-Z].*\.", door.summary, re.DOTALL), "the docstring's first line is the summary"
    assert door.answers
    assert all(200 <= status < 300 for status in door.answers)
    assert all(issubclass(refusal, LarisError) and "code" in vars(refusal) for refusal in door.refusals)
    assert len(set(door.refusals)) == len(door.refusals)
    if "{" in path and door.method != "PUT":
        assert 404 in {refusal.status for refusal in openapi.refusals(door)}


@pytest.mark.parametrize(("path", "door"), each_door())
def test_a_door_takes_what_it_declares(path, door):
    from chalicelib.core.idempotency import Claim

    parameters = set(re.findall(r"\{(\w+)\}", path))

    assert ("claim" in door.wants) == door.idempotent, "a repeat is told apart in the use case's own transaction"
    assert ("asked" in door.wants) == (door.body is not None)
    assert ("query" in door.wants) == (door.query is not None)
    assert door.wants - parameters <= {"asked", "query", "caller", "claim", "raw", "headers", "visit"}
    if door.idempotent:
        assert door.view.__annotations__["claim"] is Claim


@pytest.mark.parametrize(("path", "door"), each_door())
def test_what_comes_in_is_held_to_its_shape(path, door):
    for shape in (door.body, door.query):
        if shape is not None:
            structs = shape.__args__ if hasattr(shape, "__args__") else (shape,)
            assert all(struct.__struct_config__.forbid_unknown_fields for struct in structs), shape
            assert all(struct.__struct_config__.frozen for struct in structs), shape


def test_what_moves_money_or_stock_takes_an_idempotency_key():
    posts = {name_of(*key): door for key, door in doors().items() if key[0] == "POST"}

    assert {name for name, door in posts.items() if door.idempotent} >= MOVES_MONEY_OR_STOCK & set(posts)
    assert set(posts) >= MOVES_MONEY_OR_STOCK
    unplaced = {name for name, door in posts.items() if not door.idempotent} - set(REPEATS_HARMLESSLY)
    assert unplaced == set(), "give it an Idempotency-Key, or say why a repeat does no harm"


def test_the_api_fits_into_api_gateway():
    """It counts resources: every prefix of every path is one."""
    parts = [path.strip("/").split("/") for _, path in doors()]
    resources = {tuple(each[:length]) for each in parts for length in range(len(each) + 1)}

    assert len(resources) <= MOST_RESOURCES
    assert max(len(each) for each in parts) <= DEEPEST_PATH


def test_parameters_of_one_place_have_one_name():
    """API Gateway takes one parameter name per place in the tree."""
    names: dict[str, set[str]] = {}
    for _, path in doors():
        for match in re.finditer(r"\{(\w+)\}", path):
            names.setdefault(re.sub(r"\{\w+\}", "{}", path[: match.start()]), set()).add(match[1])

    assert {place: found for place, found in names.items() if len(found) > 1} == {}


@pytest.mark.parametrize(("path", "door"), each_door())
def test_who_proves_nothing_gets_nothing(aws, path, door):
    if door.access.scheme is None:
        return
    target = re.sub(r"\{\w+\}", "midtrans", path)
    headers = {"Idempotency-Key": "k1"} if door.idempotent else {}

    answers = [
        api.call(door.method, target, {}, headers=headers),
        api.call(door.method, target, {}, headers={**headers, "Authorization": "Bearer nonsense"}),
        api.call(door.method, target, {}, headers={**headers, "Authorization": "Basic bGtfdGVzdF9hZG1pbg=="}),
    ]

    refused = {400, 401, 404} if door.access.scheme == "partner_signature" else {401, 404}
    for answer in answers:
        assert answer.status in refused
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert set(answer.body) >= {"type", "title", "status", "code", "detail", "request_id"}


def test_every_code_means_one_thing():
    twice = {code: n for code, n in Counter(kind.code for kind in codes()).items() if n > 1}

    assert twice == {}


def test_every_code_is_a_lower_snake_word_with_an_explanation():
    for kind in codes():
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code), kind
        assert kind.__doc__, kind
        assert re.search(r"[.]$", " ".join(kind.__doc__.split())), kind


def test_every_code_is_explained_in_the_description():
    assert {kind.code for kind in codes()} == {each["code"] for each in committed()["x-errors"]}


def test_every_code_can_be_met_at_a_door_or_is_known_to_be_internal():
    from chalicelib.core import openapi

    met = {refusal.code for door in doors().values() for refusal in openapi.refusals(door)}
    internal = {kind.code for kind in codes()} - met

    assert internal == set(NEVER_ANSWERED)


def test_the_committed_description_is_that_of_the_doors(tmp_path):
    made = tmp_path / "openapi.json"

    subprocess.run([sys.executable, "-m", "infra.openapi", str(made)], cwd=ROOT, check=True, capture_output=True)

    assert json.loads(made.read_text(encoding="utf-8")) == committed(), "run `make openapi` and commit what it writes"


def test_the_description_is_valid_openapi_3_1():
    errors = list(jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(committed()))

    assert [f"{error.instance_path}: {error.message}" for error in errors] == []


def test_every_schema_of_the_description_is_a_valid_schema():
    description = committed()
    for name, schema in description["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert re.fullmatch(r"[A-Za-z]+", name)


def test_every_reference_of_the_description_leads_somewhere():
    description = committed()
    found = [(description, reference.removeprefix("#/").split("/")) for reference in references(description)]

    assert found
    for place, steps in found:
        for step in steps:
            assert step in place, steps
            place = place[step]


def references(node):
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        yield from node.get("discriminator", {}).get("mapping", {}).values()
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from references(part)


def test_every_operation_of_the_description_has_a_name_of_its_own():
    operations = [each for methods in committed()["paths"].values() for each in methods.values()]

    assert len({each["operationId"] for each in operations}) == len(operations)


def test_every_example_of_the_description_fits_its_schema():
    description = committed()
    checked = 0
    for methods in description["paths"].values():
        for operation in methods.values():
            holders = [operation.get("requestBody", {}), *operation["responses"].values()]
            contents = [content for holder in holders for content in holder.get("content", {}).values()]
            for content in [*contents, *operation["parameters"]]:
                if "example" in content:
                    schema = {**content["schema"], "components": description["components"]}
                    jsonschema_rs.Draft202012Validator(schema).validate(content["example"])
                    checked += 1

    assert checked > len(doors())


@pytest.mark.parametrize(("path", "door"), each_door())
def test_the_example_of_a_request_is_taken(path, door):
    example = committed()["paths"][path][door.method.lower()].get("requestBody", {}).get("content", {})
    if door.body is not None:
        msgspec.convert(example["application/json"]["example"], door.body)


def test_the_description_and_the_page_may_be_kept_for_a_while(aws):
    description, page = api.call("GET", "/openapi.json"), api.call("GET", "/docs")

    assert description.body == committed()
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert {answer.headers["Cache-Control"] for answer in (description, page)} == {"public, max-age=300"}


@pytest.mark.parametrize("path", ["/docs", "/invitation", "/reset-password", "/status"])
def test_a_page_fetches_nothing_from_elsewhere(aws, path):
    page = api.call("GET", path).text

    assert re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?(https?://[^\"')\s]+)", page) == []
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", page), "no inline handlers"
    assert "eval(" not in page
    assert "innerHTML" not in page


@pytest.mark.parametrize("path", ["/docs", "/invitation", "/reset-password", "/status"])
def test_a_page_runs_the_scripts_that_stand_in_it_and_no_others(aws, path):
    page = api.call("GET", path)

    (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in page.headers["Content-Security-Policy"]
    assert page.text.count("<script") == 1
