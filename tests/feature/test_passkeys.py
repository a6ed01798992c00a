"""Passkeys, with an authenticator in software and faults planted in it."""

import pytest

from chalicelib.core import crypto
from chalicelib.identity import passkeys
from chalicelib.identity.errors import PasskeyRefused
from tests.kit import people
from tests.kit.api import Reply, call
from tests.kit.authenticator import Authenticator

TICKET = "tkt_1"


@pytest.fixture
def person(aws):
    return people.session("support")


def begin(person):
    answer = call("POST", "/admin/me/passkeys/options", headers=person)
    assert answer.status == 200, answer.text
    return answer.body["public_key"]


def add(person, device, options=None) -> Reply:
    credential = device.create(options or begin(person))
    return call("POST", "/admin/me/passkeys", {"credential": credential}, headers=person)


def mine(person):
    return call("GET", "/admin/me/passkeys", headers=person).body["items"]


@pytest.fixture
def device(person):
    made = Authenticator()
    assert add(person, made).status == 201
    return made


def ask(person):
    return passkeys.options(people.account_of(person), TICKET)


def prove(person, credential, ticket=TICKET):
    passkeys.verify(people.account_of(person), credential, ticket)


def counter(person) -> int:
    return passkeys.of(people.account_of(person))[0].counter


def test_the_browser_is_asked_for_a_verified_user_on_our_own_site(person):
    options = begin(person)

    assert options["rp"] == {"id": "localhost", "name": "localhost"}
    assert options["user"]["id"] == crypto.text_of(people.account_of(person).encode())
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert {each["alg"] for each in options["pubKeyCredParams"]} == {-7, -8, -257}
    assert len(crypto.bytes_of(options["challenge"])) == 32
    assert begin(person)["challenge"] != options["challenge"]


def test_a_passkey_is_kept_and_shown(person):
    answer = add(person, Authenticator())

    assert answer.status == 201
    assert mine(person) == [answer.body]
    assert answer.body["model"] == "00000000-0000-0000-0000-000000000000"
    assert answer.body["is_synced"] is True
    assert answer.body["used_at"] is None


def test_somebody_may_have_several_and_is_not_asked_for_the_same_twice(person, device):
    options = begin(person)

    assert [each["id"] for each in options["excludeCredentials"]] == [crypto.text_of(device.id)]
    assert add(person, Authenticator()).status == 201
    assert add(person, device).code == "passkey_taken"
    assert len(mine(person)) == 2


def test_nobody_gathers_passkeys_without_end(person, monkeypatch):
    monkeypatch.setattr(passkeys, "MOST", 1)
    add(person, Authenticator())

    answer = call("POST", "/admin/me/passkeys/options", headers=person)

    assert (answer.status, answer.code) == (409, "too_many_passkeys")


FAULTS = {
    "another origin": {"origin": "https://laris.example.evil"},
    "an origin of another port": {"origin": "http://localhost:9000"},
    "another site's credential": {"host": "laris.example.evil"},
    "no user verified": {"verifies": False},
    "within another's frame": {"is_framed": True},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_faulty_registration_is_refused(person, fault):
    answer = add(person, Authenticator(**fault))

    assert (answer.status, answer.code) == (401, "passkey_refused")
    assert mine(person) == []


@pytest.mark.parametrize("nonsense", [{}, {"id": 1}, {"rawId": "!", "response": None}, {"response": {"a": []}}])
def test_what_is_no_credential_is_refused(person, nonsense):
    answer = call("POST", "/admin/me/passkeys", {"credential": nonsense}, headers=person)

    assert (answer.status, answer.code) == (401, "passkey_refused")
    assert mine(person) == []


def test_a_registration_answers_its_challenge_once_and_in_time(person, clock):
    options = begin(person)
    assert add(person, Authenticator(), options).status == 201
    assert add(person, Authenticator(), options).code == "passkey_refused"

    late = begin(person)
    clock.pass_(minutes=5)
    assert add(person, Authenticator(), late).code == "passkey_refused"
    assert add(person, Authenticator(), {"challenge": crypto.text_of(bytes(32))}).code == "passkey_refused"
    assert len(mine(person)) == 1


def test_nobody_answers_anothers_challenge(person):
    other = people.session("support")

    assert add(other, Authenticator(), begin(person)).code == "passkey_refused"
    assert mine(other) == mine(person) == []


def test_a_challenge_of_a_log_in_registers_nothing(person):
    assert add(person, Authenticator(), ask(person)).code == "passkey_refused"
    assert mine(person) == []


def test_a_passkey_is_taken_away_by_its_owner_alone(person, device):
    id_ = mine(person)[0]["id"]
    other = people.session("owner")

    assert call("DELETE", f"/admin/me/passkeys/{id_}", headers=other).code == "passkey_not_found"
    assert call("DELETE", f"/admin/me/passkeys/{id_}", headers=person).status == 204
    assert mine(person) == []
    with pytest.raises(PasskeyRefused):
        prove(person, device.get(ask(person)))


def test_passkeys_are_changed_only_by_who_has_just_proven_themselves(person, device, clock):
    id_ = mine(person)[0]["id"]
    clock.pass_(minutes=11)

    assert call("POST", "/admin/me/passkeys/options", headers=person).code == "step_up_needed"
    assert call("POST", "/admin/me/passkeys", {"credential": {}}, headers=person).code == "step_up_needed"
    assert call("DELETE", f"/admin/me/passkeys/{id_}", headers=person).code == "step_up_needed"
    assert len(mine(person)) == 1


def test_a_passkey_proves_its_owner(person, device):
    options = ask(person)
    assert options["rpId"] == "localhost"
    assert options["userVerification"] == "required"
    assert options["allowCredentials"] == [{"type": "public-key", "id": crypto.text_of(device.id)}]

    prove(person, device.get(options, people.account_of(person)))

    assert counter(person) == 1
    assert mine(person)[0]["used_at"] is not None


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_faulty_proof_is_refused(person, device, fault):
    vars(device).update(fault)

    with pytest.raises(PasskeyRefused):
        prove(person, device.get(ask(person)))

    assert (counter(person), mine(person)[0]["used_at"]) == (0, None)


def test_a_proof_signed_by_another_key_is_refused(person, device):
    forger = Authenticator(id=device.id)

    with pytest.raises(PasskeyRefused):
        prove(person, forger.get(ask(person)))

    assert counter(person) == 0


def test_a_proof_is_good_once(person, device):
    options = ask(person)
    answer = device.get(options)
    prove(person, answer)

    with pytest.raises(PasskeyRefused):
        prove(person, answer)
    with pytest.raises(PasskeyRefused):
        prove(person, device.get(options))

    assert counter(person) == 1


def test_a_proof_is_good_for_five_minutes(person, device, clock):
    options = ask(person)
    clock.pass_(minutes=5)

    with pytest.raises(PasskeyRefused):
        prove(person, device.get(options))


def test_a_proof_is_good_for_the_log_in_that_asked_for_it(person, device):
    with pytest.raises(PasskeyRefused):
        prove(person, device.get(ask(person)), "tkt_2")


def test_the_old_counter_of_a_copy_is_refused(person, device):
    prove(person, device.get(ask(person)))
    prove(person, device.get(ask(person)))
    copy = Authenticator(id=device.id, key=device.key, counter=1)

    with pytest.raises(PasskeyRefused):
        prove(person, copy.get(ask(person)))

    assert counter(person) == 2
    prove(person, device.get(ask(person)))


def test_an_authenticator_that_does_not_count_is_taken(person):
    device = Authenticator(counts=0)
    add(person, device)

    prove(person, device.get(ask(person)))
    prove(person, device.get(ask(person)))

    assert counter(person) == 0


def test_a_proof_for_somebody_else_is_refused(person, device):
    other = people.session("support")

    with pytest.raises(PasskeyRefused):
        prove(other, device.get(ask(other)))
    with pytest.raises(PasskeyRefused):
        prove(person, device.get(ask(person), people.account_of(other)))


@pytest.mark.parametrize("nonsense", [{}, {"rawId": "AA", "response": {}}, {"id": [], "rawId": 3}])
def test_what_is_no_proof_is_refused(person, device, nonsense):
    with pytest.raises(PasskeyRefused):
        prove(person, nonsense)
