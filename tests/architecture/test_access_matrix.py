"""Every door, tried by everybody who may not come in: OWASP API1, API3 and API5.

The doors are read from the app and who may use them from the table in ``tests/kit/matrix.py``; a door without a line
there fails. Whoever is refused learns nothing of the victim and changes nothing.
"""

import pytest

from chalicelib.core.access import Access
from chalicelib.identity import sessions
from chalicelib.identity.errors import LoginTooOld, StepUpNeeded
from chalicelib.identity.roles import BUILT_IN, OWNER, SCOPES
from tests.architecture.source import doors
from tests.kit import matrix, people
from tests.kit.matrix import CANARIES, POLICY, Case, bearer, stored

REFUSED = {401, 403, 404}
NOT_YET = {"GET /admin/customers/{customer_id}/erasure": 404, "GET /store/me/erasure": 404}
"""What nobody has asked for in the scene."""
PARTNERS_REFUSED = {400, 401, 403, 404, 422}


@pytest.fixture(scope="module")
def scene():
    with matrix.opened() as made:
        yield made


def names(*kinds: str) -> list[str]:
    """The doors of these kinds; ``scope`` stands for all that need one."""
    return sorted(
        name
        for name, policy in POLICY.items()
        if (kind := policy.rstrip("+")) in kinds or (":" in kind and "scope" in kinds)
    )


def split(name: str) -> tuple[str, str]:
    method, _, path = name.partition(" ")
    return method, path


def admitted_by(access: Access) -> str:
    """What the table should say of a door, by its rule."""
    if access.scheme == "staff":
        kind = access.scope or "self"
        return f"{kind}+" if StepUpNeeded in access.refusals else kind
    if access.scheme == "customer":
        return "customer+" if LoginTooOld in access.refusals else "customer"
    return {"access_token": "buyer", "partner_signature": "partner", None: "anybody"}[access.scheme]


def test_every_door_has_its_line_in_the_table():
    said = {f"{method} {path}": admitted_by(door.access) for (method, path), door in doors().items()}

    assert said == POLICY, "say in tests/kit/matrix.py who may use the door"


def refused(scene, policy: str) -> list[Case]:
    """Who may not come in where ``policy`` holds."""
    kind = policy.rstrip("+")
    cases = list(scene.strangers())
    everything = Case("key with all scopes", bearer(scene.key(frozenset(SCOPES))[1]))
    if ":" in kind:
        cases += scene.staff(but=kind)
        cases += [
            Case("customer", scene.other().headers),
            Case("the victim", scene.victim.headers),
            Case("key without the scope", bearer(scene.key(frozenset(SCOPES) - {kind})[1])),
        ]
    elif kind == "self":
        cases = [case for case in cases if case.name != "staff, without a role"]
        cases += [Case("customer", scene.other().headers), everything]
    else:
        cases += [*scene.staff(), everything]
    if kind == "buyer":
        cases.append(Case("another customer", scene.other().headers))
    if policy.endswith("+") and kind != "customer":
        cases += [everything, Case("staff, proven long ago", scene.stale(people.member(OWNER), sessions.STAFF))]
    if policy == "customer+":
        cases.append(Case("customer, proven long ago", scene.stale(scene.other().id, sessions.CUSTOMER)))
    return cases


@pytest.mark.parametrize("name", names("scope", "self", "customer", "buyer"))
def test_who_may_not_come_in_learns_nothing_and_changes_nothing(scene, name):
    scene.path(split(name)[1])
    scene.body(*split(name))
    cases = refused(scene, POLICY[name])
    before = stored()

    for case in cases:
        answer = scene.ask(*split(name), case.headers)

        assert answer.status in REFUSED, (case.name, answer.text)
        assert not [each for each in CANARIES if each in answer.text], case.name
    assert stored() == before


@pytest.mark.parametrize("name", [name for name in names("customer", "self") if "{" in name])
def test_what_is_anothers_is_not_found(scene, name):
    scene.path(split(name)[1])
    scene.body(*split(name))
    is_staff = POLICY[name].startswith("self")
    headers = people.session(OWNER) if is_staff else scene.other().headers
    before = stored()

    answer = scene.ask(*split(name), headers)

    assert answer.status == 404, answer.text
    assert not [each for each in CANARIES if each in answer.text]
    assert stored() == before


@pytest.mark.parametrize("name", [name for name in names("customer", "self") if "{" not in name])
def test_what_is_ones_own_has_nothing_of_anothers(scene, name):
    scene.body(*split(name))
    is_staff = POLICY[name].startswith("self")
    headers = people.session(OWNER) if is_staff else scene.other().headers
    before = stored()

    answer = scene.ask(*split(name), headers)

    assert answer.status < 500, answer.text
    assert not [each for each in CANARIES if each in answer.text]
    assert hers(scene, stored(), before) == hers(scene, before, before)


def hers(scene, rows: matrix.Rows, of: matrix.Rows) -> dict[tuple[str, str, str], str | None]:
    """The victim's items among ``rows``: those that stood under her ids in ``of``."""
    ids = [scene.thing(name) for name in ("customer_id", "order_id", "cart_id")]
    return {key: rows.get(key) for key in of if any(each in "|".join(key) for each in ids)}


@pytest.mark.parametrize("name", names("anybody"))
def test_what_is_open_to_anybody_tells_and_changes_nothing_of_the_victims(scene, name):
    scene.path(split(name)[1])
    scene.body(*split(name))
    cases = [*scene.strangers()[:5], Case("another customer", scene.other().headers)]
    before = stored()

    for case in cases:
        answer = scene.ask(*split(name), case.headers)

        assert answer.status < 500, (case.name, answer.text)
        assert not [each for each in CANARIES if each in answer.text], case.name
    assert hers(scene, stored(), before) == hers(scene, before, before)


@pytest.mark.parametrize("name", names("partner"))
def test_who_does_not_sign_as_the_partner_is_not_heard(scene, name):
    cases = [*scene.strangers(), *scene.staff(), Case("the victim", scene.victim.headers)]
    before = stored()

    for case in cases:
        answer = scene.ask(*split(name), case.headers)

        assert answer.status in PARTNERS_REFUSED, (case.name, answer.text)
    assert stored() == before


# So that the refusals above are none of things that nobody ever gets


@pytest.mark.parametrize("name", [name for name in names("scope", "self", "customer", "buyer") if name[:4] == "GET "])
def test_who_may_gets_it(scene, name):
    scene.path(split(name)[1])

    answer = scene.ask(*split(name), scene.entitled(POLICY[name]))

    assert answer.status == NOT_YET.get(name, 200), answer.text


@pytest.mark.parametrize("scope", sorted({policy.rstrip("+") for policy in POLICY.values() if ":" in policy}))
def test_each_role_with_the_scope_may(scene, scope):
    name = next((each for each in names("scope") if POLICY[each] == scope and each[:4] == "GET "), None)
    if name is None:
        return
    scene.path(split(name)[1])
    expected = NOT_YET.get(name, 200)

    for role in (role for role in BUILT_IN.values() if scope in role.scopes):
        assert scene.ask(*split(name), people.session(role.name)).status == expected, role.name


def test_the_victim_is_in_what_staff_and_she_herself_see(scene):
    seen = [
        scene.ask("GET", "/admin/orders/{order_id}", people.session("support")).text,
        scene.ask("GET", "/store/orders/{order_id}", scene.victim.headers).text,
    ]

    assert all(each in text for text in seen for each in (matrix.NAME, matrix.EMAIL, matrix.STREET))
