"""The doors themselves: validation, access, problems and idempotency, at a small shop window made for these tests."""

import json
from datetime import timedelta
from typing import Annotated

import msgspec
import pytest
from chalice.app import Chalice

from chalicelib.core import db, idempotency
from chalicelib.core.access import holder_of, public, token_for
from chalicelib.core.api import Api, Created, Text, problems_for_chalice
from chalicelib.core.config import settings
from chalicelib.core.errors import Conflict, InProgress
from chalicelib.core.idempotency import Claim
from chalicelib.identity.service import staff
from infra.local.gateway import Gateway
from tests.kit import faults, keys


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    sizes: list[int] = []


class Made(msgspec.Struct, frozen=True):
    id: str
    name: str


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 10


class SoldOut(Conflict):
    """Nothing left in the window."""

    code = "window_sold_out"


class Toy(db.Row):
    class Meta:
        table_name = settings.table("carts")


api = Api("chalicelib.window.store")
made: list[str] = []


@api.post("/", access=public, body=Wish, answers={201: Made}, idempotent=True)
def make(asked: Wish, claim: Claim) -> Created:
    """Make a toy."""
    if asked.name == "sold out":
        raise SoldOut(name=asked.name)
    toy = f"toy_{len(made)}"
    with db.transaction() as tx:
        claim.record(tx, toy)
        tx.put(Toy(toy, "TOY"))
    made.append(toy)
    if asked.name == "crash":
        raise SystemExit("the machine went away")
    return Created(Made(toy, asked.name), location=f"/window/{toy}")


@api.get("/", access=public, query=Search, answers={200: Search})
def look(query: Search) -> Search:
    """Look."""
    return query


@api.get("/bug", access=public, answers={200: Made})
def bug() -> None:
    """A fault of ours."""
    raise ZeroDivisionError("a secret detail")


@api.get("/page", access=public, answers={200: str})
def page() -> Text:
    """A page."""
    return Text("<p>halo</p>", "text/html", cached_seconds=60)


@api.get("/orders/{order_id}", access=holder_of("order", "order_id"), answers={200: Made})
def mine(order_id: str) -> Made:
    """What I ordered."""
    return Made(order_id, "mine")


@api.get("/staff/{name}", access=staff("catalog:read"), answers={200: Made})
def backroom(name: str) -> Made:
    """Behind the counter."""
    return Made("x", name)


make.__module__ = look.__module__ = bug.__module__ = "chalicelib.window.store"
for each in api.doors:
    each.view.__module__ = "chalicelib.window.store"


@pytest.fixture(scope="module")
def gateway():
    app = Chalice("window", configure_logs=False)
    app.register_middleware(problems_for_chalice, "http")
    app.register_blueprint(api, url_prefix="/window")
    return Gateway(app)


@pytest.fixture
def ask(gateway, aws):
    made.clear()

    def ask(method, path, body=b"", **headers):
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, answered, content = gateway.answer(method, path, {"content-type": "application/json", **named}, sent)
        return status, json.loads(content), answered

    return ask


def test_what_is_asked_well_is_answered(ask):
    status, body, headers = ask("POST", "/window", {"name": "kite"}, idempotency_key="k1")

    assert (status, body) == (201, {"id": "toy_0", "name": "kite"})
    assert headers["Location"] == "/window/toy_0"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        (b"", 400, "malformed", None),
        (b"{", 400, "malformed", None),
        (b'{"name":"\xff"}', 400, "malformed", None),
        (b"[" * 100_000, 422, "invalid", ""),
        (b'{"name":1}', 422, "invalid", "/name"),
        (b'{"name":""}', 422, "invalid", "/name"),
        (b'{"name":"x","sizes":[1,2,"3"]}', 422, "invalid", "/sizes/2"),
        (b'{"name":"x","sizes":[1.0]}', 422, "invalid", "/sizes/0"),
        (b'{"name":"x","price":1}', 422, "invalid", ""),
        (b'{"name":"' + b"x" * 300_000 + b'"}', 413, "too_large", None),
    ],
)
def test_what_is_asked_badly_is_told_so_and_nothing_is_made(ask, body, status, code, pointer):
    answered, problem, headers = ask("POST", "/window", body, idempotency_key="k1")

    assert (answered, problem["code"]) == (status, code)
    assert headers["Content-Type"] == "application/problem+json"
    assert problem["type"] == f"/docs#{code}"
    assert problem["request_id"]
    if pointer is not None:
        assert problem["errors"][0]["pointer"] == pointer
    assert made == []


def test_a_body_of_another_kind_is_not_taken(ask):
    status, problem, _ = ask("POST", "/window", b"name=kite", content_type="text/plain", idempotency_key="k1")

    assert (status, problem["code"]) == (415, "unsupported_media_type")


def test_a_method_nobody_serves_names_those_that_are(ask):
    status, problem, headers = ask("DELETE", "/window")

    assert (status, problem["code"]) == (405, "method_not_allowed")
    assert set(headers["Allow"].split(", ")) == {"GET", "OPTIONS", "POST"}


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=ten", "limit=1.5", "limit=null", "colour=red"])
def test_a_query_is_held_to_its_shape(ask, query):
    status, problem, _ = ask("GET", f"/window?{query}")

    assert (status, problem["code"]) == (422, "invalid")


def test_a_query_is_read_as_numbers_where_numbers_are_meant(ask):
    assert ask("GET", "/window?limit=20")[:2] == (200, {"limit": 20})


def test_a_fault_of_ours_tells_nothing(ask):
    status, problem, _ = ask("GET", "/window/bug")

    assert (status, problem["code"]) == (500, "unexpected")
    assert "secret" not in json.dumps(problem)


def test_a_page_may_be_kept_for_a_while(gateway, aws):
    status, headers, content = gateway.answer("GET", "/window/page", {}, b"")

    assert (status, content) == (200, b"<p>halo</p>")
    assert headers["Cache-Control"] == "public, max-age=60"
    assert headers["Content-Type"] == "text/html"


def test_only_the_holder_of_the_token_sees_the_order(ask):
    right = token_for("order", "ord_1")

    assert ask("GET", "/window/orders/ord_1", authorization=f"Bearer {right}")[0] == 200
    assert ask("GET", "/window/orders/ord_2", authorization=f"Bearer {right}")[0] == 404
    assert ask("GET", "/window/orders/ord_1", authorization=f"Basic {right}")[0] == 401
    assert ask("GET", "/window/orders/ord_1")[0] == 401


def test_only_the_key_opens_the_back_room(ask):
    assert ask("GET", "/window/staff/a%20b", authorization=f"Bearer {keys.everything()}")[1]["name"] == "a b"
    assert ask("GET", "/window/staff/x", authorization=f"Bearer {keys.everything()}x")[0] == 401
    assert ask("GET", "/window/staff/x", authorization="Bearer ")[0] == 401
    assert ask("GET", "/window/staff/x", authorization="Bearer ü")[0] == 401


def test_a_key_is_needed(ask):
    assert ask("POST", "/window", {"name": "kite"})[1]["code"] == "idempotency_key_missing"
    assert ask("POST", "/window", {"name": "kite"}, idempotency_key="x" * 256)[1]["code"] == "invalid"
    assert made == []


def test_the_same_request_is_answered_the_same_and_done_once(ask):
    first = ask("POST", "/window", {"name": "kite"}, idempotency_key="k1")

    again = ask("POST", "/window", b'{ "sizes": [], "name": "kite" }', idempotency_key="k1")

    assert again[:2] == first[:2]
    assert again[2]["Idempotent-Replayed"] == "true"
    assert again[2]["Location"] == "/window/toy_0"
    assert made == ["toy_0"]


def test_a_key_used_for_something_else_is_refused(ask):
    ask("POST", "/window", {"name": "kite"}, idempotency_key="k1")

    status, problem, _ = ask("POST", "/window", {"name": "doll"}, idempotency_key="k1")

    assert (status, problem["code"]) == (422, "idempotency_key_reused")
    assert made == ["toy_0"]


def test_what_was_refused_leaves_the_key_free(ask):
    status, problem, _ = ask("POST", "/window", {"name": "sold out"}, idempotency_key="k1")

    assert (status, problem["code"], problem["name"]) == (409, "window_sold_out", "sold out")
    assert ask("POST", "/window", {"name": "kite"}, idempotency_key="k1")[0] == 201


def test_while_the_first_try_may_still_run_the_second_waits(ask, clock):
    with pytest.raises(SystemExit):
        ask("POST", "/window", {"name": "crash"}, idempotency_key="k1")

    status, problem, headers = ask("POST", "/window", {"name": "crash"}, idempotency_key="k1")

    assert (status, problem["code"]) == (409, "in_progress")
    assert headers["Retry-After"] == "2"
    assert made == ["toy_0"]


def test_after_a_crash_the_claim_says_what_was_made(aws, clock):
    claim = Claim.of("k1", principal="me", route="r", request=b"x")
    with db.transaction() as tx:
        claim.record(tx, "toy_9")
    clock.pass_(seconds=idempotency.RUNS_AT_MOST / timedelta(seconds=1) + 1)

    again = Claim.of("k1", principal="me", route="r", request=b"x")

    assert db.look(again.lookup()) == ("toy_9",)
    assert again.recorded


def test_two_at_once_with_one_key_make_one_thing(aws):
    first, second = (Claim.of("k1", principal="me", route="r", request=b"x") for _ in range(2))
    with db.transaction() as tx:
        first.record(tx, "toy_1")

    with pytest.raises(InProgress), db.transaction() as tx:
        second.record(tx, "toy_2")
        tx.put(Toy("toy_2", "TOY"))

    assert db.get(Toy, "toy_2", "TOY") is None


def test_a_lost_answer_at_the_end_is_replayed(aws):
    claim = Claim.of("k1", principal="me", route="r", request=b"x")
    with db.transaction() as tx:
        claim.record(tx, "toy_1")
    answer = idempotency.Answer(201, '{"id":"toy_1"}', "/window/toy_1")
    with faults.on_dynamodb("TransactWriteItems", [faults.response_lost]):
        claim.finish(answer)

    with pytest.raises(idempotency.Replayed) as replayed:
        db.look(Claim.of("k1", principal="me", route="r", request=b"x").lookup())

    assert replayed.value.answer == answer


def test_keys_of_different_callers_have_nothing_to_do_with_each_other(aws):
    mine = Claim.of("k1", principal="me", route="r", request=b"x")
    with db.transaction() as tx:
        mine.record(tx, "toy_1")

    assert db.look(Claim.of("k1", principal="you", route="r", request=b"x").lookup()) == (None,)
    assert db.look(Claim.of("k1", principal="me", route="other", request=b"x").lookup()) == (None,)
