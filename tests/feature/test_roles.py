"""Roles: the house's own, which stay as they are, and the shop's, which count within half a minute."""

import pytest

from chalicelib.core.access import Caller
from chalicelib.identity import rolebook
from chalicelib.identity import service as identity
from chalicelib.identity.errors import BeyondOwnScopes
from chalicelib.identity.models.roles import RoleRow
from tests.kit import people
from tests.kit.api import call

PACKER = {"scopes": ["orders:read", "stock:read"], "refund_limit": 0}


@pytest.fixture
def owner(aws):
    return people.session("owner")


def put(person, name, role):
    return call("PUT", f"/admin/roles/{name}", role, headers=person)


def test_a_role_of_the_shops_own_lets_do_what_it_says(owner):
    answer = put(owner, "packer", PACKER)

    assert answer.status == 200
    assert answer.body == {"name": "packer", **PACKER, "built_in": False}
    packer = people.session("packer")
    assert call("GET", "/admin/orders", headers=packer).status == 200
    assert call("GET", "/admin/products", headers=packer).body["scope"] == "catalog:read"


def test_all_roles_are_listed_with_what_scopes_mean(owner):
    put(owner, "packer", PACKER)

    answer = call("GET", "/admin/roles", headers=owner).body

    assert [role["name"] for role in answer["items"]] == [
        "owner", "manager", "catalogue", "warehouse", "support", "finance", "analyst", "packer",
    ]  # fmt: skip
    assert [role["built_in"] for role in answer["items"]] == [True] * 7 + [False]
    assert answer["scopes"]["refunds:approve"] == "Approve refunds above another's limit."
    assert call("GET", "/admin/roles/packer", headers=owner).body["scopes"] == PACKER["scopes"]


def test_whose_role_is_unknown_may_do_nothing_but_is_somebody(aws):
    nobody = people.session("magician")

    assert call("GET", "/admin/orders", headers=nobody).code == "scope_missing"
    assert call("GET", "/admin/me/passkeys", headers=nobody).status == 200


def test_the_houses_roles_can_be_neither_changed_nor_deleted(owner):
    assert put(owner, "support", PACKER).code == "role_built_in"
    assert call("DELETE", "/admin/roles/support", headers=owner).code == "role_built_in"
    assert "orders:write" in call("GET", "/admin/roles/support", headers=owner).body["scopes"]


def test_a_change_counts_within_half_a_minute_everywhere(owner, clock):
    put(owner, "packer", PACKER)
    packer = people.session("packer")
    assert call("GET", "/admin/orders", headers=packer).status == 200
    kept = dict(rolebook._kept)

    put(owner, "packer", {"scopes": ["stock:read"]})
    assert call("GET", "/admin/orders", headers=packer).code == "scope_missing"

    rolebook._kept.update(kept)  # another process, which has read it a moment ago
    clock.pass_(seconds=31)
    assert call("GET", "/admin/orders", headers=packer).code == "scope_missing"


def test_nobody_gives_what_they_do_not_have(owner):
    put(owner, "foreman", {"scopes": ["staff:write", "staff:read", "orders:read"], "refund_limit": 1000})
    foreman = people.session("foreman")

    beyond = put(foreman, "packer", PACKER)
    richer = put(foreman, "packer", {"scopes": ["orders:read"], "refund_limit": 1001})
    boundless = put(foreman, "packer", {"scopes": ["orders:read"], "refund_limit": None})

    assert (beyond.status, beyond.code, beyond.body["scopes"]) == (403, "beyond_own_scopes", ["stock:read"])
    assert (richer.status, richer.code, richer.body["limit"]) == (403, "beyond_own_limit", 1000)
    assert boundless.code == "beyond_own_limit"
    assert [role.name for role in RoleRow.all()] == ["foreman"]
    assert put(foreman, "packer", {"scopes": ["orders:read"], "refund_limit": 1000}).status == 200


def test_a_role_that_names_no_scope_of_ours_is_refused(owner):
    answer = put(owner, "packer", {"scopes": ["orders:fly"]})

    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/scopes")
    assert RoleRow.all() == []


@pytest.mark.parametrize("name", ["Packer", "p", "x" * 41, "a b", "1st"])
def test_a_roles_name_is_a_plain_word(owner, name):
    assert put(owner, name, PACKER).status == 422
    assert RoleRow.all() == []


def test_a_role_that_somebody_has_stays(owner):
    put(owner, "packer", PACKER)
    people.employ("packer")

    answer = call("DELETE", "/admin/roles/packer", headers=owner)

    assert (answer.status, answer.code) == (409, "role_in_use")
    assert call("GET", "/admin/roles/packer", headers=owner).status == 200


def test_a_role_that_nobody_has_can_go(owner):
    put(owner, "packer", PACKER)

    assert call("DELETE", "/admin/roles/packer", headers=owner).status == 204
    assert call("GET", "/admin/roles/packer", headers=owner).code == "role_not_found"
    assert call("DELETE", "/admin/roles/packer", headers=owner).code == "role_not_found"


def test_roles_are_changed_by_a_person_who_has_just_proven_themselves(owner, clock):
    clock.pass_(minutes=11)

    assert put(owner, "packer", PACKER).code == "step_up_needed"
    assert RoleRow.all() == []


def test_who_may_give_somebody_a_role(owner):
    manager = Caller("staff:x", "x", account=people.member("manager"), scopes=rolebook.named("manager").scopes)

    identity.check_can_give("support", manager)
    with pytest.raises(BeyondOwnScopes):
        identity.check_can_give("owner", manager)


def test_how_much_somebody_may_refund_is_their_roles_business(owner):
    put(owner, "cashier", {"scopes": ["refunds:write"], "refund_limit": 75_000})

    limits = {
        role: identity.refund_limit(Caller("staff:x", "x", account=people.member(role)))
        for role in ("owner", "support", "cashier", "warehouse", "magician")
    }

    assert limits == {"owner": None, "support": 500_000, "cashier": 75_000, "warehouse": 0, "magician": 0}
    assert identity.refund_limit(Caller("key:x", "key:x")) == 0


def test_a_changed_role_is_in_the_audit_trail_as_it_was_and_is(owner):
    from tests.feature.test_keys import stored

    put(owner, "packer", PACKER)
    put(owner, "packer", {"scopes": ["stock:read"]})

    entries = [row["Attributes"]["data"]["S"] for row in stored("events") if "role:packer" in repr(row)]

    assert len(entries) == 2
    assert any('"before":{"scopes":["orders:read","stock:read"],"refund_limit":0}' in entry for entry in entries)
