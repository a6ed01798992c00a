"""The edge: headers on every answer, who may call from where, how much may be sent, and how often."""

import json
import random
from datetime import timedelta

import pytest

from chalicelib.core import api as doorway
from chalicelib.core import clock as time
from chalicelib.core import limits
from chalicelib.core.api import HEADERS, LARGEST_BODY
from chalicelib.core.errors import TooMany
from chalicelib.core.limits import Limit, Local
from tests.architecture.source import doors, routes
from tests.kit import faults, matrix, people
from tests.kit.api import as_staff, call, gateway
from tests.kit.matrix import POLICY
from tests.properties.ring import scheduler
from tests.properties.ring.schedules import Segment

SHOP = "https://toko.example"
STRANGERS = [
    "null",
    "http://toko.example",
    "https://toko.example.attacker.example",
    "https://attacker-toko.example",
    "https://toko.example:8443",
    "https://www.toko.example",
    "https://toko.example/",
    "https://TOKO.example",
    "https://toko.example https://attacker.example",
    "https://attacker.example",
    "*",
    "",
]
TELLTALES = ("chalice", "python", "boto", "dynamo", "traceback", "werkzeug", "powertools", "/chalicelib")
UNDECLARED = ("TRACE", "CONNECT", "HEAD", "PATCH", "PROPFIND", "DELETE", "PUT", "POST", "GET")


def paths():
    return sorted({path for _, path in doors()})


def methods(path):
    return {method for method, each in doors() if each == path}


# Headers


def answers(aws):
    """An answer of each kind that the API gives, by its status."""
    staff = as_staff()
    large = b'{"name":"' + b"x" * LARGEST_BODY + b'"}'
    yield 200, call("GET", "/admin/products", headers=staff)
    yield 201, call("POST", "/store/carts")
    yield 204, call("OPTIONS", "/store/carts", headers={"Origin": SHOP})
    yield 400, call("POST", "/admin/products", raw=b"{", headers=staff)
    yield 401, call("GET", "/admin/products")
    yield 403, call("GET", "/admin/audit?day=2026-11-24", headers=people.session("analyst"))
    yield 404, call("GET", "/store/products/nothing-of-the-kind")
    yield 405, call("DELETE", "/store/products")
    yield 413, call("POST", "/admin/products", raw=large, headers=staff)
    yield 415, call("POST", "/admin/products", raw=b"x", headers={**staff, "Content-Type": "text/plain"})
    yield 422, call("POST", "/admin/products", {"colour": "red"}, headers=staff)
    yield 429, tired(aws)
    with faults.on_dynamodb("BatchGetItem", [faults.refusal("ValidationException")] * 3):
        yield 500, call("GET", "/admin/products", headers=staff)


def tired(_aws):
    """The answer to who tries passwords again and again."""
    guess = {"email": "tamu@contoh.id", "password": "bukan-sandi-yang-benar"}
    replies = (call("POST", "/store/login", guess) for _ in range(200))
    return next(reply for reply in replies if reply.status == 429)


def test_every_answer_has_the_headers_that_keep_browsers_safe(aws):
    for status, answer in answers(aws):
        assert answer.status == status, answer.text
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, status
        assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]
        assert answer.headers["Vary"] == "Origin", status


def test_no_answer_tells_what_it_was_made_with(aws):
    for status, answer in answers(aws):
        told = json.dumps(answer.headers).lower() + answer.text.lower()
        assert {"server", "x-powered-by", "via", "x-amzn-remapped-server"}.isdisjoint(map(str.lower, answer.headers))
        assert [word for word in TELLTALES if word in told] == [], status


def test_every_refusal_is_a_problem_document(aws):
    for status, answer in answers(aws):
        if status >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json", status
            assert set(answer.body) >= {"type", "title", "status", "code", "detail", "request_id"}, status
            assert answer.body["status"] == status


def test_who_tried_too_often_is_told_when_to_come_again(aws):
    answer = tired(aws)

    assert answer.code == "too_many_requests"
    assert int(answer.headers["Retry-After"]) >= 1


# Pages from elsewhere


@pytest.mark.parametrize("origin", STRANGERS)
def test_a_page_that_is_not_on_the_list_may_read_nothing(aws, origin):
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    replies = [
        call("GET", "/store/products", headers=asked),
        call("GET", "/store/products/nothing-of-the-kind", headers=asked),
        call("DELETE", "/store/products", headers=asked),
        call("OPTIONS", "/store/carts", headers=asked),
    ]

    for reply in replies:
        assert not [name for name in reply.headers if name.startswith("Access-Control-")], reply.status
        assert reply.headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", [SHOP, "https://admin.toko.example"])
def test_a_page_on_the_list_may_read_every_answer_without_cookies(aws, origin):
    asked = {"Origin": origin}
    replies = [
        call("GET", "/store/products", headers=asked),
        call("GET", "/store/products/nothing-of-the-kind", headers=asked),
        call("GET", "/admin/orders", headers=asked),
        call("DELETE", "/store/products", headers=asked),
        call("POST", "/store/carts", raw=b"x", headers={**asked, "Content-Type": "text/plain"}),
    ]

    for reply in replies:
        assert reply.headers["Access-Control-Allow-Origin"] == origin, reply.status
        assert "Access-Control-Allow-Credentials" not in reply.headers
        assert "Retry-After" in reply.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("path", paths())
def test_a_preflight_says_what_may_be_sent_there(path):
    target = path.replace("{", "").replace("}", "")

    mine = call("OPTIONS", target, headers={"Origin": SHOP, "Access-Control-Request-Method": "POST"})
    other = call("OPTIONS", target, headers={"Origin": "https://attacker.example"})

    assert (mine.status, mine.text) == (204, "")
    assert set(mine.headers["Access-Control-Allow-Methods"].split(", ")) == methods(path)
    assert "Authorization" in mine.headers["Access-Control-Allow-Headers"]
    assert "*" not in json.dumps({name: text for name, text in mine.headers.items() if name.startswith("Access-")})
    assert other.status == 204
    assert not [name for name in other.headers if name.startswith("Access-Control-")]
    assert {name: mine.headers[name] for name in HEADERS} == HEADERS


# Methods


@pytest.mark.parametrize("path", paths())
def test_a_method_that_nobody_declared_is_refused(path):
    target = path.replace("{", "").replace("}", "")
    for method in set(UNDECLARED) - methods(path):
        answer = call(method, target, headers=as_staff_somewhere())

        assert (answer.status, answer.code) == (405, "method_not_allowed"), method
        assert set(answer.headers["Allow"].split(", ")) == {*methods(path), "OPTIONS"}


def as_staff_somewhere():
    """A token that would count: what is refused here is the method."""
    return {"Authorization": "Bearer lk_sec_TESTTESTTESTTEST_a-secret-of-the-tests"}


def test_a_method_in_the_disguise_of_another_is_taken_for_what_it_is(aws):
    disguised = {**as_staff(), "X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"}

    assert call("GET", "/admin/products?_method=DELETE", headers=disguised).status == 422
    assert call("GET", "/admin/products", headers=disguised).status == 200


def test_an_address_that_is_not_there_leads_nowhere(aws):
    for target in ("/admin", "/admin/../store", "/.git/config", "/store/products/../../admin/orders", "/favicon.ico"):
        status, _, _ = gateway().answer("GET", target, {}, b"")
        assert status in {401, 403, 404}, target


# How much


@pytest.fixture(scope="module")
def scene():
    with matrix.opened() as made:
        yield made


@pytest.mark.parametrize("name", sorted(name for name in POLICY if not name.startswith("GET ")))
def test_a_body_beyond_256_kb_is_refused_before_it_is_read(scene, name):
    method, _, path = name.partition(" ")
    headers = {**scene.entitled(POLICY[name]), "Idempotency-Key": "large"}
    target, before = scene.path(path), matrix.stored()

    answer = call(method, target, raw=b"[" * (LARGEST_BODY + 1), headers=headers)

    assert (answer.status, answer.code) == (413, "too_large")
    assert answer.body["largest"] == 256 * 1024
    assert matrix.stored() == before


@pytest.mark.parametrize("depth", [1_000, 30_000])
def test_a_body_that_is_nested_without_end_is_refused(aws, depth):
    answer = call("POST", "/admin/products", raw=b'{"name":' * depth, headers=as_staff())

    assert answer.status in {400, 422}


# How often


def test_a_burst_is_served_and_then_so_many_a_second(clock):
    brake = Local(per_second=5)
    served = sum(is_served(brake) for _ in range(60))

    clock.pass_(seconds=1)
    later = sum(is_served(brake) for _ in range(60))

    assert served == 50
    assert 5 <= later <= 6


def is_served(brake, caller="somebody"):
    try:
        brake.take(caller)
    except TooMany:
        return False
    return True


def test_one_caller_takes_nothing_from_another(clock):
    brake = Local(per_second=1)
    while is_served(brake, "greedy"):
        pass

    assert is_served(brake, "modest")


def test_who_goes_on_asking_is_served_as_fast_as_who_waits(clock):
    brake = Local(per_second=10)
    while is_served(brake):
        pass

    served = sum((clock.pass_(milliseconds=20), is_served(brake))[1] for _ in range(100))

    assert 19 <= served <= 22


def test_a_brake_of_nothing_brakes_nothing(clock):
    brake = Local(per_second=0)

    assert all(is_served(brake) for _ in range(1_000))


def test_the_brake_forgets_who_came_longest_ago(clock, monkeypatch):
    monkeypatch.setattr(limits, "MOST_CALLERS", 3)
    brake = Local(per_second=1)
    for caller in ("a", "b", "c", "d"):
        is_served(brake, caller)

    assert list(brake._buckets) == ["b", "c", "d"]


@pytest.fixture
def braked(aws, monkeypatch):
    """The API with its brake on, which the environment of the tests turns off."""
    monkeypatch.setattr(doorway, "_brake", Local(per_second=1))


def test_a_caller_who_asks_too_much_is_told_to_wait(braked, clock):
    answers = [call("GET", "/store/categories") for _ in range(limits.BURST + 1)]

    assert [answer.status for answer in answers] == [200] * limits.BURST + [429]
    assert answers[-1].headers["Retry-After"] == "1"
    clock.pass_(seconds=2)
    assert call("GET", "/store/categories").status == 200


def test_who_is_refused_is_braked_too(braked):
    answers = [call("GET", "/admin/orders", headers={"Authorization": "Bearer nonsense"}) for _ in range(12)]

    assert {answer.status for answer in answers[: limits.BURST]} == {401}
    assert answers[-1].status == 429


# How often, for all copies of the API together

LIMIT = Limit(capacity=3, refill=timedelta(seconds=10))


def takes(bucket="b", limit=LIMIT, tokens=1):
    try:
        limits.take(bucket, limit, tokens)
    except TooMany:
        return False
    return True


def test_a_bucket_gives_what_it_holds_and_no_more(aws, clock):
    assert [takes() for _ in range(5)] == [True, True, True, False, False]


def test_a_refusal_says_when_to_come_again(aws, clock):
    for _ in range(3):
        takes()

    with pytest.raises(TooMany) as refused:
        limits.take("b", LIMIT)
    clock.pass_(seconds=refused.value.wait)

    assert takes()
    assert not takes()


def test_tokens_grow_back_one_by_one_up_to_the_brim(aws, clock):
    for _ in range(3):
        takes()
    clock.pass_(seconds=21)
    after_a_while = [takes() for _ in range(3)]
    clock.pass_(hours=1)

    assert after_a_while == [True, True, False]
    assert [takes() for _ in range(4)] == [True, True, True, False]


def test_more_tokens_than_the_bucket_holds_are_never_given(aws):
    assert not takes(tokens=4)
    assert takes(tokens=3)
    assert not takes()


def test_a_success_fills_the_bucket_again(aws):
    for _ in range(4):
        takes()

    limits.refill("b")
    limits.refill("never used")

    assert [takes() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("seed", range(40))
def test_however_they_race_no_more_get_through_than_the_bucket_holds(aws, clock, seed):
    chance = random.Random(seed)
    segments = [Segment(chance.randrange(5), None, chance.randrange(3)) for _ in range(12)]
    slow = Limit(3, timedelta(hours=1))
    racers = {f"racer {number}": lambda: takes(limit=slow) for number in range(5)}

    with time.use(clock.now, scheduler.sleeper(lambda seconds: clock.pass_(seconds=seconds))):
        outcome = scheduler.run(racers, segments)

    through = sum(result.value for result in outcome.results.values())
    assert 1 <= through <= 3
    assert sum(takes(limit=slow) for _ in range(5)) == 3 - through


def test_every_route_has_its_preflight():
    from app import app

    assert {path for path, entries in app.routes.items() if "OPTIONS" in entries} == {path for _, path in routes()}


@pytest.mark.parametrize("path", [f"/store/carts/{'x' * 3000}", f"/admin/stock/{'x' * 3000}"])
def test_what_is_too_long_to_name_anything_is_not_found(aws, path):
    assert call("GET", path, headers=as_staff()).status == 404


@pytest.mark.parametrize("token", [f"lks_stf_{'x' * 3000}_y", f"lkc_cus_{'x' * 3000}_y", f"lk_sec_{'x' * 3000}_y"])
def test_what_is_too_long_for_a_token_is_none(aws, token):
    headers = {"Authorization": f"Bearer {token}"}

    assert {call("GET", path, headers=headers).status for path in ("/admin/orders", "/store/me")} == {401}
