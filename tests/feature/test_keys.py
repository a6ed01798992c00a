"""API keys: made, shown once, listed, used, narrowed and revoked; and the store surface with a storefront's key."""

from dataclasses import replace

import pytest

from chalicelib.core.access import Caller, Visit
from chalicelib.core.config import settings
from chalicelib.core.idempotency import Claim
from chalicelib.identity import access, keys
from chalicelib.identity.keys import KeyWish
from chalicelib.identity.models.keys import KeyKind
from tests.kit import calls, people
from tests.kit.api import Reply, call

INTEGRATION = {"kind": "integration", "name": "Gudang pusat", "scopes": ["orders:read", "stock:write"]}
PUBLISHABLE = {"kind": "publishable", "name": "toko.example"}


@pytest.fixture
def owner(aws):
    return people.session("owner")


def make(person, wish, key="k1") -> Reply:
    return call("POST", "/admin/keys", wish, headers={**person, "Idempotency-Key": key})


def made(person, wish, key="k1") -> str:
    reply = make(person, wish, key)
    assert reply.status == 201, reply.text
    return reply.body["token"]


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def listed(person):
    return call("GET", "/admin/keys", headers=person).body["items"]


def test_a_key_is_shown_with_its_token_once_and_listed_without_it(owner):
    answer = make(owner, INTEGRATION)

    assert answer.status == 201
    assert answer.body["token"].startswith(f"lk_sec_{answer.body['id']}_")
    (key,) = listed(owner)
    assert key == {name: value for name, value in answer.body.items() if name != "token"}
    assert key["scopes"] == ["orders:read", "stock:write"]
    assert (key["used_at"], key["revoked_at"]) == (None, None)
    assert key["made_by"] == f"staff:{people.account_of(owner)}"


def test_the_token_is_found_neither_in_the_table_nor_in_the_trail(owner):
    secret = made(owner, INTEGRATION).rpartition("_")[2]

    assert secret not in repr(stored("identity"))
    assert secret not in repr(stored("events"))
    assert secret not in repr(stored("idempotency"))


def stored(table):
    from moto.dynamodb.models import dynamodb_backends

    from tests.kit import cloud

    rows = dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables[settings.table(table)].items
    return [item.to_json() for parts in rows.values() for item in parts.values()]


def test_making_a_key_again_with_the_same_key_gives_the_same_token(owner):
    first, second = make(owner, INTEGRATION), make(owner, INTEGRATION)

    assert first.body == second.body
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(listed(owner)) == 1


def test_a_key_whose_maker_died_before_the_answer_gets_a_token_that_works(owner, clock):
    caller = Caller("staff:stf_1", "stf_1", account="stf_1", scopes=frozenset({"orders:read"}))
    wish = KeyWish(KeyKind.INTEGRATION, "Gudang", frozenset({"orders:read"}))
    lost = keys.issue(wish, caller, Claim.of("k1", principal="stf_1", route="r", request=b"q"))[1]
    clock.pass_(minutes=1)

    key, token = keys.issue(wish, caller, Claim.of("k1", principal="stf_1", route="r", request=b"q"))

    assert call("GET", "/admin/orders", headers=bearer(token)).status == 200
    assert call("GET", "/admin/orders", headers=bearer(lost)).code == "key_refused"
    assert [each["id"] for each in listed(owner)] == [key.id]


def test_a_key_lets_in_for_its_scopes_alone(owner):
    token = made(owner, INTEGRATION)

    assert call("GET", "/admin/orders", headers=bearer(token)).status == 200
    refused = call("GET", "/admin/products", headers=bearer(token))
    assert (refused.status, refused.code, refused.body["scope"]) == (403, "scope_missing", "catalog:read")


@pytest.mark.parametrize("scope", ["keys:write", "staff:write", "privacy:write", "refunds:approve", "orders:fly"])
def test_what_only_a_person_may_do_and_what_nobody_can_is_no_scope_of_a_key(owner, scope):
    answer = make(owner, {**INTEGRATION, "scopes": ["orders:read", scope]})

    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/scopes")
    assert listed(owner) == []


def test_nobody_gives_a_key_what_they_do_not_have(owner):
    call("PUT", "/admin/roles/keymaster", {"scopes": ["keys:write", "orders:read"]}, headers=owner)
    keymaster = people.session("keymaster")

    answer = make(keymaster, INTEGRATION)

    assert (answer.status, answer.code, answer.body["scopes"]) == (403, "beyond_own_scopes", ["stock:write"])
    assert listed(owner) == []
    assert make(keymaster, {**INTEGRATION, "scopes": ["orders:read"]}, "k2").status == 201


def test_a_key_cannot_make_keys_nor_can_a_person_who_proved_themselves_long_ago(owner, clock):
    from tests.kit.api import as_staff

    assert make(as_staff(), PUBLISHABLE).code == "step_up_needed"
    clock.pass_(minutes=11)
    assert make(owner, PUBLISHABLE).code == "step_up_needed"
    assert listed(owner) == []


def test_an_integrations_key_ends_after_ninety_days_unless_said_otherwise(owner, clock):
    long = made(owner, {**INTEGRATION, "expires_at": "2027-11-20T00:00:00Z"}, "long")
    usual = made(owner, INTEGRATION, "usual")
    assert call("GET", "/admin/orders", headers=bearer(usual)).status == 200

    clock.pass_(days=91)

    assert call("GET", "/admin/orders", headers=bearer(usual)).code == "key_refused"
    assert call("GET", "/admin/orders", headers=bearer(long)).status == 200


@pytest.mark.parametrize("end", ["2026-11-24T02:00:00Z", "2027-12-24T00:00:00Z"])
def test_no_key_lives_longer_than_a_year_or_ended_before_it_was_made(owner, end):
    answer = make(owner, {**INTEGRATION, "expires_at": end})

    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/expires_at")
    assert listed(owner) == []


def test_several_keys_count_at_once_until_one_is_revoked(owner):
    old, new = made(owner, INTEGRATION, "old"), made(owner, INTEGRATION, "new")
    assert [call("GET", "/admin/orders", headers=bearer(each)).status for each in (old, new)] == [200, 200]

    id_ = old.split("_")[2]
    revoked = call("POST", f"/admin/keys/{id_}/revoke", headers=owner)

    assert (revoked.status, revoked.body["id"]) == (200, id_)
    assert revoked.body["revoked_at"] is not None
    assert call("GET", "/admin/orders", headers=bearer(old)).code == "key_refused"
    assert call("GET", "/admin/orders", headers=bearer(new)).status == 200
    assert call("POST", f"/admin/keys/{id_}/revoke", headers=owner).code == "key_revoked"
    assert call("POST", "/admin/keys/NOSUCHKEY/revoke", headers=owner).code == "key_not_found"


def test_use_is_noted_once_an_hour(owner, clock):
    token = made(owner, INTEGRATION)
    id_ = token.split("_")[2]
    call("GET", "/admin/orders", headers=bearer(token))
    first = keys.get(id_).used_at
    clock.pass_(minutes=50)

    with calls.recorded() as log:
        call("GET", "/admin/orders", headers=bearer(token))
    assert "TransactWriteItems" not in [each.operation for each in log.calls]
    assert keys.get(id_).used_at == first is not None

    clock.pass_(minutes=20)
    call("GET", "/admin/orders", headers=bearer(token))
    assert (keys.get(id_).used_at or first) > first


def test_a_key_for_certain_networks_is_refused_from_elsewhere(owner):
    local = made(owner, {**INTEGRATION, "addresses": ["127.0.0.1", "10.0.0.0/8"]}, "local")
    far = made(owner, {**INTEGRATION, "addresses": ["203.0.113.0/24", "2001:db8::/32"]}, "far")

    assert call("GET", "/admin/orders", headers=bearer(local)).status == 200
    assert call("GET", "/admin/orders", headers=bearer(far)).code == "key_refused"
    assert {tuple(key["addresses"]) for key in listed(owner)} == {
        ("127.0.0.1/32", "10.0.0.0/8"),
        ("203.0.113.0/24", "2001:db8::/32"),
    }
    wrong = make(owner, {**INTEGRATION, "addresses": ["10.0.0.0/8", "10.0.0.1/8"]}, "wrong")
    assert (wrong.status, wrong.body["errors"][0]["pointer"]) == (422, "/addresses/1")


def test_a_publishable_key_opens_nothing_of_the_admin_surface(owner):
    token = made(owner, PUBLISHABLE)

    for method, path in [("GET", "/admin/orders"), ("GET", "/admin/keys"), ("POST", "/admin/keys")]:
        answer = call(method, path, PUBLISHABLE, headers={**bearer(token), "Idempotency-Key": "k9"})
        assert answer.status == 403
    assert make(owner, {**PUBLISHABLE, "scopes": ["orders:read"]}, "k2").status == 422


def test_a_storefront_is_known_by_its_key(owner):
    token = made(owner, PUBLISHABLE)

    assert call("GET", "/store/categories", headers={"X-Laris-Key": token}).status == 200
    visit = Visit({"x-laris-key": token}, {}, "127.0.0.1")
    assert access.storefront.admit(visit) == Caller("guest", f"key:{token.split('_')[2]}", is_public=True)


@pytest.mark.parametrize("token", ["lk_pub_NOSUCHKEY_x", "lk_sec_TESTTESTTESTTEST_a-secret-of-the-tests", "", "x"])
def test_a_storefront_with_a_key_that_is_none_is_refused(owner, token):
    for path in ("/store/categories", "/store/products"):
        answer = call("GET", path, headers={"X-Laris-Key": token})
        assert (answer.status, answer.code) == (401, "key_refused")


def test_a_storefronts_key_once_read_costs_a_page_nothing_more(owner):
    headers = {"X-Laris-Key": made(owner, PUBLISHABLE)}
    call("GET", "/store/categories", headers=headers)

    with calls.recorded() as without:
        call("GET", "/store/categories")
    with calls.recorded() as with_key:
        call("GET", "/store/categories", headers=headers)

    assert [str(each) for each in with_key.calls] == [str(each) for each in without.calls]


def test_a_storefronts_key_revoked_elsewhere_is_refused_within_half_a_minute(owner, clock):
    token = made(owner, PUBLISHABLE)
    headers = {"X-Laris-Key": token}
    call("GET", "/store/categories", headers=headers)
    kept = dict(keys._kept)
    call("POST", f"/admin/keys/{token.split('_')[2]}/revoke", headers=owner)
    assert call("GET", "/store/categories", headers=headers).code == "key_refused"

    keys._kept.update(kept)  # another process, which has read it a moment ago
    clock.pass_(seconds=31)

    assert call("GET", "/store/categories", headers=headers).code == "key_refused"


def test_a_shop_may_insist_on_its_storefronts_key(owner, monkeypatch):
    token = made(owner, PUBLISHABLE)
    assert call("GET", "/store/categories").status == 200
    monkeypatch.setattr(access, "settings", replace(settings, storefront_key_required=True))

    refused = call("GET", "/store/categories")

    assert (refused.status, refused.code) == (401, "key_refused")
    assert call("POST", "/store/carts").code == "key_refused"
    assert call("GET", "/store/categories", headers={"X-Laris-Key": token}).status == 200


def test_pages_of_other_origins_may_send_the_storefronts_key(aws):
    answer = call("GET", "/store/categories", headers={"Origin": "https://toko.example"})

    assert "X-Laris-Key" in answer.headers["Access-Control-Allow-Headers"].split(", ")


def test_making_and_revoking_a_key_are_in_the_audit_trail(owner):
    id_ = make(owner, INTEGRATION).body["id"]
    call("POST", f"/admin/keys/{id_}/revoke", headers=owner)

    entries = [row["Attributes"]["data"]["S"] for row in stored("events") if "audit" in repr(row)]

    assert len(entries) == 2
    assert all(f"key:{id_}" in entry and people.account_of(owner) in entry for entry in entries)


def test_the_list_goes_on_by_cursor_newest_first(owner, clock):
    ids = []
    for number in range(3):
        ids.append(make(owner, {**PUBLISHABLE, "name": f"toko {number}"}, f"k{number}").body["id"])
        clock.pass_(seconds=1)

    first = call("GET", "/admin/keys?limit=2", headers=owner).body
    second = call("GET", f"/admin/keys?limit=2&cursor={first['next_cursor']}", headers=owner).body

    assert [key["id"] for key in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None


def test_a_key_of_the_houses_own_making_needs_no_caller(aws):
    _, token = keys.make(KeyKind.INTEGRATION, "local", frozenset({"orders:read"}), expires_at=None, made_by="make run")

    assert keys.of(token, "").made_by == "make run"
    assert keys.of(token, "").expires_at is None
