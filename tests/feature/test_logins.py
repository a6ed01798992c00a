"""Logging in: password, second factor, sessions, and how often somebody may guess."""

import threading
from collections import Counter

import pytest

from chalicelib.core.errors import TooMany
from tests.kit import api
from tests.kit.api import call
from tests.kit.logins import PASSWORD, caller, code_at, colleague, letters, owner, send, visit

WRONG = "bukan kata sandinya"


@pytest.fixture
def ratna(aws):
    """The owner, who has joined and not logged in yet."""
    return owner()


@pytest.fixture
def hashes(monkeypatch):
    """How often Argon2 was put to work."""
    import argon2._password_hasher as hasher

    counted: Counter[str] = Counter()
    real = vars(hasher)["verify_secret"]

    def verify(*arguments):
        counted["verified"] += 1
        return real(*arguments)

    monkeypatch.setattr(hasher, "verify_secret", verify)
    return counted


def log_in(email, password, **where):
    from chalicelib.identity import service as identity

    return identity.log_in(identity.Kind.STAFF, email, password, visit(**where))


def outcome(email, password, **where):
    """What became of a guess, by its name."""
    from chalicelib.core.errors import LarisError

    try:
        return type(log_in(email, password, **where)).__name__
    except LarisError as refusal:
        return refusal.code


def use_up_guesses(email):
    """As a hundred wrong ones from a hundred addresses do."""
    from chalicelib.core import limits
    from chalicelib.identity import guesses
    from chalicelib.identity.models.accounts import Kind

    limits.take(f"login:{guesses.Guesser.at(Kind.STAFF, email, '').account}", guesses.BY_ACCOUNT, 100)


def without_request_id(answer):
    return {name: value for name, value in answer.body.items() if name != "request_id"}


# The password


def test_a_password_alone_gives_staff_no_session_but_a_ticket(ratna):
    answer = ratna.says()

    assert answer.status == 200
    assert set(answer.body) == {"ticket", "expires_at", "methods"}
    assert answer.body["methods"] == ["totp", "recovery"]
    ticket = {"Authorization": f"Bearer {answer.body['ticket']}"}
    assert call("GET", "/admin/me", headers=ticket).status == 401


def test_ticket_and_code_begin_a_session_that_says_who_one_is(ratna):
    answer = ratna.logs_in()

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    me = ratna.asks("GET", "/admin/me").body
    assert (me["id"], me["name"], me["email"], me["role"]) == (ratna.account, "Ratna Dewi", ratna.email, "owner")
    assert me["recovery_codes_left"] == 10
    assert "staff:write" in me["scopes"]


def test_an_e_mail_is_the_same_in_capitals_and_with_spaces_around(ratna):
    assert send("POST", "/admin/login", {"email": f" {ratna.email.upper()}", "password": PASSWORD}).status == 422
    assert send("POST", "/admin/login", {"email": ratna.email.upper(), "password": PASSWORD}).status == 200


def test_unknown_wrong_invited_and_disabled_get_one_answer(ratna):
    from chalicelib.identity import people
    from chalicelib.identity.models.accounts import AccountState

    boss = caller(ratna.account)
    people.invite("baru@toko-ratna.example", "Baru", "analyst", boss)
    gone = colleague("analyst", "pergi@toko-ratna.example", boss=ratna.account)
    people.change(gone.account, boss, state=AccountState.DISABLED)

    answers = [
        send("POST", "/admin/login", {"email": email, "password": password})
        for email, password in [
            ("tidak.ada@toko-ratna.example", PASSWORD),
            (ratna.email, WRONG),
            ("baru@toko-ratna.example", PASSWORD),
            (gone.email, PASSWORD),
        ]
    ]

    assert [answer.status for answer in answers] == [401] * 4
    assert answers[0].code == "login_refused"
    assert len({str(without_request_id(answer)) for answer in answers}) == 1
    assert len({str({**answer.headers, "X-Request-Id": "-"}) for answer in answers}) == 1


def test_unknown_and_wrong_cost_one_verification_and_as_many_trips_each(ratna, hashes, monkeypatch):
    from chalicelib.core import db

    trips: Counter[str] = Counter()
    real = db.client().batch_get_item

    def read(**asked):
        trips["read"] += 1
        return real(**asked)

    monkeypatch.setattr(db.client(), "batch_get_item", read)
    costs = []
    for email in ("tidak.ada@toko-ratna.example", ratna.email):
        hashes.clear()
        trips.clear()
        outcome(email, WRONG, address="198.51.100.1")
        costs.append((hashes["verified"], trips["read"]))

    assert costs[0] == costs[1]
    assert costs[0][0] == 1


def test_a_hash_of_former_parameters_is_replaced_when_its_password_is_used(ratna):
    from argon2 import PasswordHasher

    from chalicelib.core import db
    from chalicelib.identity.models.accounts import LoginRow

    weaker = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash(PASSWORD)
    with db.transaction() as tx:
        LoginRow.set_password(tx, ratna.account, weaker)

    def stored():
        row = db.get(LoginRow, ratna.account, "LOGIN")
        return (row and row.password) or ""

    assert ratna.says(WRONG).status == 401
    assert stored() == weaker
    assert ratna.logs_in().status == 200
    assert stored().startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert ratna.says().status == 200


def test_no_field_but_the_known_ones_is_taken(ratna):
    asked = {"email": ratna.email, "password": PASSWORD, "role": "owner"}

    assert send("POST", "/admin/login", asked).status == 422


# Guessing


def test_of_a_thousand_guesses_from_everywhere_at_most_a_hundred_are_looked_at(ratna, hashes):
    outcomes = Counter(
        outcome(ratna.email, f"{WRONG} {number}", address=f"198.51.100.{number % 15}") for number in range(999)
    )
    right = outcome(ratna.email, PASSWORD, address="192.0.2.200")

    assert outcomes["login_refused"] == hashes["verified"] <= 100
    assert outcomes["too_many_requests"] == 999 - outcomes["login_refused"]
    assert right == "too_many_requests", "not even the right one is looked at"


def test_one_address_soon_has_to_wait_and_is_told_how_long(ratna, hashes, clock):
    tries = [outcome(ratna.email, WRONG) for _ in range(12)]
    with pytest.raises(TooMany) as refused:
        log_in(ratna.email, PASSWORD)

    assert Counter(tries) == {"login_refused": 10, "too_many_requests": 2}
    assert hashes["verified"] == 10
    assert refused.value.wait
    assert refused.value.wait <= 300
    clock.pass_(seconds=refused.value.wait)
    assert outcome(ratna.email, PASSWORD) == "Ticket"


def test_an_unknown_e_mail_is_braked_just_the_same(ratna):
    for email in (ratna.email, "tidak.ada@toko-ratna.example"):
        tries = [outcome(email, WRONG, address="198.51.100.1") for _ in range(12)]
        assert Counter(tries) == {"login_refused": 10, "too_many_requests": 2}


def test_who_guesses_cannot_lock_the_owner_out_of_a_device_they_know(ratna):
    ratna.logs_in()
    use_up_guesses(ratna.email)

    stranger = send("POST", "/admin/login", {"email": ratna.email, "password": PASSWORD})
    theirs = ratna.logs_in()

    assert (stranger.status, stranger.code) == (429, "too_many_requests")
    assert int(stranger.headers["Retry-After"]) > 0
    assert theirs.status == 200


def test_a_known_device_has_few_guesses_too_and_is_known_to_its_own_account_alone(ratna):
    ratna.logs_in()
    budi = colleague("support", "budi@toko-ratna.example", boss=ratna.account)

    stolen = Counter(outcome(ratna.email, WRONG, device=ratna.device) for _ in range(15))
    for _ in range(10):
        outcome(budi.email, WRONG, device=ratna.device)

    assert stolen == {"login_refused": 10, "too_many_requests": 5}
    assert outcome(budi.email, PASSWORD, device=ratna.device) == "too_many_requests"


def test_a_log_in_gives_the_guesses_back(ratna):
    for _ in range(8):
        ratna.says(WRONG)
    assert ratna.logs_in().status == 200
    ratna.device = None

    tries = [ratna.says(WRONG).status for _ in range(10)]

    assert tries == [401] * 10


def test_a_right_password_without_the_second_factor_gives_no_guesses_back(ratna):
    statuses = [ratna.says().status for _ in range(12)]

    assert statuses == [200] * 10 + [429] * 2


def test_no_bucket_names_an_e_mail_or_an_address(ratna):
    from moto.dynamodb.models import dynamodb_backends

    from tests.kit import cloud

    outcome(ratna.email, WRONG, address="198.51.100.77")
    tables = dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables

    kept = str([list(tables[f"laris-test-{name}"].all_items()) for name in ("limits", "identity")])
    kept_names = [item.to_json() for item in tables["laris-test-limits"].all_items()]
    assert kept_names
    assert "198.51.100" not in str(kept_names)
    assert "ratna" not in (kept + str(kept_names)).casefold()


@pytest.fixture
def index_key(aws):
    """Sets the keys of blind indexes; afterwards they are as before."""
    from chalicelib.core import aws as ours
    from chalicelib.core import secrets
    from tests.kit.cloud import SECRETS

    def set_(value):
        ours.client("ssm").put_parameter(Name="/laris/test/index-key", Value=value, Type="SecureString", Overwrite=True)
        secrets.forget()

    yield set_
    set_(SECRETS["index-key"])


def test_while_the_index_key_is_rotated_people_are_found_and_their_e_mails_stay_taken(ratna, index_key):
    from chalicelib.identity import people
    from chalicelib.identity.errors import EmailTaken
    from tests.kit.cloud import SECRETS

    index_key(f"a-new-index-key,{SECRETS['index-key']}")
    for _ in range(8):
        ratna.says(WRONG)

    assert ratna.logs_in().status == 200
    with pytest.raises(EmailTaken):
        people.invite(ratna.email, "Ratna", "support", caller(ratna.account))
    ratna.device = None
    assert [ratna.says(WRONG).status for _ in range(10)] == [401] * 10, "the log-in gave the guesses back"


# The second factor


def test_a_wrong_code_begins_nothing_and_the_ticket_is_good_for_another_try(ratna):
    ticket = ratna.says().body["ticket"]
    wrong = f"{(int(ratna.code()) + 1) % 1_000_000:06d}"

    refused = ratna.proves(ticket, {"kind": "totp", "code": wrong})

    assert (refused.status, refused.code) == (401, "code_refused")
    assert sessions_of(ratna) == []
    assert ratna.proves(ticket).status == 200


def test_a_ticket_is_good_for_five_tries(ratna):
    ticket = ratna.says().body["ticket"]
    wrong = f"{(int(ratna.code()) + 1) % 1_000_000:06d}"

    tries = [ratna.proves(ticket, {"kind": "totp", "code": wrong}).code for _ in range(5)]

    assert tries == ["code_refused"] * 5
    assert ratna.proves(ticket).code == "ticket_ended"


def test_tickets_do_not_multiply_guesses_at_codes(ratna):
    wrong = f"{(int(ratna.code()) + 1) % 1_000_000:06d}"
    codes = []
    for _ in range(4):
        ticket = ratna.says().body["ticket"]
        codes += [ratna.proves(ticket, {"kind": "totp", "code": wrong}).code for _ in range(4)]

    assert Counter(codes) == {"code_refused": 10, "too_many_requests": 6}


def test_however_slowly_codes_are_guessed_a_hundred_in_a_row_are_looked_at(ratna, clock):
    from chalicelib.identity import guesses

    def guess():
        clock.pass_(minutes=10)
        try:
            guesses.take_code(ratna.account)
        except TooMany:
            return "waits"
        return "looked at"

    found = Counter(guess() for _ in range(140))

    assert found["looked at"] <= 101
    assert ratna.proves(ratna.says().body["ticket"]).code == "too_many_requests"
    guesses.forgive_codes(ratna.account)
    assert ratna.logs_in().status == 200


def test_a_ticket_lasts_five_minutes(ratna, clock):
    ticket = ratna.says().body["ticket"]

    clock.pass_(minutes=5)

    assert ratna.proves(ticket).code == "ticket_ended"
    assert sessions_of(ratna) == []


def test_a_ticket_begins_one_session(ratna, clock):
    ticket = ratna.says().body["ticket"]
    assert ratna.proves(ticket).status == 200
    clock.pass_(seconds=60)

    assert ratna.proves(ticket).code == "ticket_ended"
    assert len(sessions_of(ratna)) == 1


def test_a_code_that_was_used_is_worthless_even_with_another_ticket(ratna, clock):
    clock.pass_(seconds=60)
    code = ratna.code()
    assert ratna.proves(ratna.says().body["ticket"], {"kind": "totp", "code": code}).status == 200

    replayed = ratna.proves(ratna.says().body["ticket"], {"kind": "totp", "code": code})

    assert (replayed.status, replayed.code) == (401, "code_refused")
    assert len(sessions_of(ratna)) == 1


def test_the_code_that_confirmed_the_app_is_used_up(ratna, clock):
    clock.pass_(seconds=-45)

    assert ratna.proves(ratna.says().body["ticket"]).code == "code_refused"


def test_an_earlier_code_is_worthless_once_a_later_one_was_used(ratna, clock):
    clock.pass_(seconds=90)
    before, now = code_at(ratna.secret, clock.at.timestamp() - 30), ratna.code()
    assert ratna.proves(ratna.says().body["ticket"], {"kind": "totp", "code": now}).status == 200

    late = ratna.proves(ratna.says().body["ticket"], {"kind": "totp", "code": before})

    assert late.status == 401


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
def test_clocks_may_differ_by_one_step(ratna, clock, steps, status):
    clock.pass_(minutes=5)
    code = code_at(ratna.secret, clock.at.timestamp() + 30 * steps)

    assert ratna.proves(ratna.says().body["ticket"], {"kind": "totp", "code": code}).status == status


def app_of(person):
    """The app's row as it stands."""
    from chalicelib.core import db
    from chalicelib.identity.models.factors import TotpRow

    (row,) = db.look(TotpRow.lookup(person.account))
    assert row is not None
    return row


def at_once(tries):
    """Each try in a thread of its own, all let go together; what became of them."""
    gate, found = threading.Barrier(len(tries)), []

    def run(attempt):
        gate.wait()
        found.append(attempt())

    threads = [threading.Thread(target=run, args=(attempt,)) for attempt in tries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def finish(ratna, ticket, proof):
    from chalicelib.core.errors import LarisError
    from chalicelib.identity import service as identity

    try:
        identity.finish_login(identity.Kind.STAFF, ticket, proof, visit())
    except LarisError as refusal:
        return refusal.code
    return "begun"


def test_a_code_used_by_two_at_once_begins_one_session(ratna, clock):
    from chalicelib.identity.service import TotpProof

    clock.pass_(seconds=60)
    tickets = [ratna.says().body["ticket"] for _ in range(4)]
    proof = TotpProof(ratna.code())

    found = at_once([lambda ticket=ticket: finish(ratna, ticket, proof) for ticket in tickets])

    assert Counter(found) == {"begun": 1, "code_refused": 3}
    assert len(sessions_of(ratna)) == 1


def test_a_ticket_used_by_two_at_once_begins_one_session(ratna, clock):
    from chalicelib.identity.service import RecoveryProof

    ticket = ratna.says().body["ticket"]

    found = at_once([lambda code=code: finish(ratna, ticket, RecoveryProof(code)) for code in ratna.recovery[:3]])

    assert Counter(found) == {"begun": 1, "ticket_ended": 2}
    assert len(sessions_of(ratna)) == 1
    assert recovery_codes_left(ratna) == 9


def test_a_recovery_code_used_by_two_at_once_begins_one_session(ratna):
    from chalicelib.identity.service import RecoveryProof

    tickets = [ratna.says().body["ticket"] for _ in range(4)]
    proof = RecoveryProof(ratna.recovery[0])

    found = at_once([lambda ticket=ticket: finish(ratna, ticket, proof) for ticket in tickets])

    assert Counter(found) == {"begun": 1, "code_refused": 3}
    assert recovery_codes_left(ratna) == 9


def test_the_condition_alone_refuses_a_step_that_was_taken_meanwhile(ratna, clock):
    """Both have read the row before either writes."""
    from chalicelib.core import db
    from chalicelib.identity.errors import CodeRefused

    step = int(clock.at.timestamp()) // 30 + 1
    first, second = (app_of(ratna) for _ in range(2))
    with db.transaction() as tx:
        first.use(tx, step, CodeRefused())

    with pytest.raises(CodeRefused), db.transaction() as tx:
        second.use(tx, step, CodeRefused())


def test_a_recovery_code_stands_in_for_the_app_once(ratna):
    code = ratna.recovery[3].lower().replace("-", " ")
    proof = {"kind": "recovery", "code": code}

    first = ratna.proves(ratna.says().body["ticket"], proof)
    again = ratna.proves(ratna.says().body["ticket"], proof)

    assert (first.status, again.status, again.code) == (200, 401, "code_refused")
    assert recovery_codes_left(ratna) == 9


def test_recovery_codes_are_many_long_and_kept_as_digests(ratna):
    from chalicelib.core import crypto
    from chalicelib.identity.models.factors import RecoveryRow

    kept = {row.sk for row in RecoveryRow.of(ratna.account)}
    bare = [code.replace("-", "") for code in ratna.recovery]

    assert len(set(bare)) == 10
    assert {len(code) * 5 for code in bare} == {80}
    assert kept == {f"RECOVERY#{crypto.digest(code)}" for code in bare}


def test_the_apps_secret_is_160_bits_and_sealed(ratna):
    import base64

    from chalicelib.core import vault
    from chalicelib.core.crypto import Unreadable

    row, key = app_of(ratna), vault.key(ratna.account)

    assert len(base64.b32decode(ratna.secret)) * 8 == 160
    assert ratna.secret not in str(row.serialize())
    assert key
    assert row.opened(key) == ratna.secret
    with pytest.raises(Unreadable):
        key.open(row.place.replace("TOTP", "TOTP-NEW"), row.secret)


def test_a_ticket_is_worthless_once_the_password_has_changed(ratna):
    from chalicelib.identity import service as identity

    ticket = ratna.says().body["ticket"]
    identity.set_password(ratna.account, "topeng malangan tua")

    assert ratna.proves(ticket).code == "ticket_ended"


# Customers, who need not have one


@pytest.fixture
def siti(aws):
    """A customer's account, active, without a second factor."""
    from chalicelib.core import db, ids, vault
    from chalicelib.identity import service as identity

    account = ids.new("cus")
    with db.transaction() as tx:
        identity.open_login(
            tx,
            account,
            identity.Kind.CUSTOMER,
            email="Siti@Example.com",
            password_hash=identity.hash_password(PASSWORD),
            state=identity.AccountState.ACTIVE,
            key=vault.make(tx, account),
        )
    return account


def customer_logs_in():
    from chalicelib.identity import service as identity

    return identity.log_in(identity.Kind.CUSTOMER, "siti@example.com", PASSWORD, visit())


def test_a_customer_without_a_second_factor_is_in_at_once_and_is_no_staff(siti):
    from chalicelib.identity import service as identity

    begun = customer_logs_in()

    assert isinstance(begun, identity.LoggedIn)
    assert begun.account == siti
    assert outcome("siti@example.com", PASSWORD) == "login_refused"
    assert call("GET", "/admin/me", headers={"Authorization": f"Bearer {begun.token}"}).status in {401, 403}


def test_a_customer_who_set_an_app_up_needs_it_from_then_on_until_they_drop_it(siti, clock):
    from chalicelib.identity import service as identity

    secret = identity.start_totp(siti).secret
    assert isinstance(customer_logs_in(), identity.LoggedIn), "not confirmed yet"
    assert len(identity.confirm_totp(siti, code_at(secret, clock.at.timestamp()))) == 10
    clock.pass_(minutes=1)

    begun = customer_logs_in()
    assert isinstance(begun, identity.Ticket)
    proof = identity.TotpProof(code_at(secret, clock.at.timestamp()))
    finished = identity.finish_login(identity.Kind.CUSTOMER, begun.token, proof, visit())
    identity.drop_totp(siti)

    assert finished.account == siti
    assert isinstance(customer_logs_in(), identity.LoggedIn)


def test_staff_cannot_drop_their_second_factor(ratna):
    from chalicelib.identity import service as identity
    from chalicelib.identity.errors import SecondFactorNeeded

    with pytest.raises(SecondFactorNeeded):
        identity.drop_totp(ratna.account)

    assert ratna.logs_in().status == 200


def test_a_log_in_proven_by_the_former_password_comes_too_late(siti):
    """The password is replaced between its verification and the beginning of the session."""
    from chalicelib.core import db
    from chalicelib.identity import service as identity
    from chalicelib.identity.errors import LoginRefused
    from chalicelib.identity.models.accounts import LoginRow

    (seen,) = db.look(LoginRow.lookup(siti))
    identity.set_password(siti, "topeng malangan tua sekali")

    with pytest.raises(LoginRefused), db.transaction() as tx:
        assert seen is not None
        seen.stay(tx, LoginRefused())


# Passkeys


@pytest.fixture
def passkey(ratna):
    """An authenticator that the owner has added to their account."""
    from tests.kit.authenticator import Authenticator

    ratna.logs_in()
    made = Authenticator()
    options = ratna.asks("POST", "/admin/me/passkeys/options").body["public_key"]
    added = ratna.asks("POST", "/admin/me/passkeys", {"credential": made.create(options)})
    assert added.status == 201, added.text
    return made


def test_a_passkey_stands_in_for_the_app(ratna, passkey):
    begun = ratna.says()
    assert begun.body["methods"] == ["totp", "recovery", "passkey"]
    ticket = begun.body["ticket"]
    options = send("POST", "/admin/login/passkey-options", {"ticket": ticket}).body["public_key"]
    proof = {"kind": "passkey", "credential": passkey.get(options)}

    first = ratna.proves(ticket, proof)
    again = ratna.proves(ratna.says().body["ticket"], proof)

    assert first.status == 200
    assert (again.status, again.code) == (401, "passkey_refused")


def test_a_passkeys_answer_is_for_the_log_in_it_was_asked_for(ratna, passkey):
    one, other = (ratna.says().body["ticket"] for _ in range(2))
    options = send("POST", "/admin/login/passkey-options", {"ticket": one}).body["public_key"]

    refused = ratna.proves(other, {"kind": "passkey", "credential": passkey.get(options)})

    assert (refused.status, refused.code) == (401, "passkey_refused")
    assert send("POST", "/admin/login/passkey-options", {"ticket": "lkt_stf_X_y"}).code == "ticket_ended"


def test_a_passkey_alone_proves_oneself_once_more(ratna, passkey, clock):
    clock.pass_(minutes=11)
    assert ratna.asks("POST", "/admin/me/totp").code == "step_up_needed"
    options = ratna.asks("POST", "/admin/me/step-up/passkey-options").body["public_key"]

    proof = {"kind": "passkey", "credential": passkey.get(options)}
    answer = ratna.asks("POST", "/admin/me/step-up", {"proof": proof})

    assert answer.status == 204
    assert ratna.asks("POST", "/admin/me/totp").status == 200


# Sessions


def sessions_of(person):
    from chalicelib.identity import service as identity

    return identity.sessions_of(person.account)


def recovery_codes_left(person):
    from chalicelib.identity import totp

    return totp.recovery_codes_left(person.account)


def test_a_session_ends_after_half_an_hour_without_use(ratna, clock):
    ratna.logs_in()
    clock.pass_(minutes=29)
    assert ratna.asks("GET", "/admin/me").status == 200

    clock.pass_(minutes=29)
    used = ratna.asks("GET", "/admin/me")
    clock.pass_(minutes=30)
    unused = ratna.asks("GET", "/admin/me")

    assert (used.status, unused.status, unused.code) == (200, 401, "session_ended")


def test_a_session_ends_after_twelve_hours_however_much_it_is_used(ratna, clock):
    ratna.logs_in()
    statuses = []
    for _ in range(36):
        clock.pass_(minutes=20)
        statuses.append(ratna.asks("GET", "/admin/me").status)

    assert statuses == [200] * 35 + [401]


def test_each_log_in_is_a_new_token_and_only_its_digest_is_kept(ratna, clock):
    from moto.dynamodb.models import dynamodb_backends

    from tests.kit import cloud

    tokens, devices = [], []
    for _ in range(2):
        clock.pass_(minutes=1)
        body = ratna.logs_in().body
        tokens.append(body["token"])
        devices.append(body["device"])

    kept = str(
        [
            item.to_json()
            for item in dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables["laris-test-identity"].all_items()
        ]
    )
    assert len(set(tokens)) == 2
    assert len(set(devices)) == 1, "a device that is known stays the same"
    assert all(token.split("_", 3)[3] not in kept for token in tokens)
    assert devices[0] not in kept


def test_one_sees_where_one_is_logged_in_and_ends_one_of_them_at_once(ratna, clock):
    ratna.logs_in()
    elsewhere = ratna.headers
    clock.pass_(minutes=1)
    ratna.logs_in()

    listed = ratna.asks("GET", "/admin/me/sessions").body["items"]
    (other,) = [each for each in listed if not each["current"]]
    ended = ratna.asks("DELETE", f"/admin/me/sessions/{other['id']}")

    assert len(listed) == 2
    assert {(each["address"], each["agent"]) for each in listed} == {("127.0.0.1", "Mozilla/5.0 (X11; Linux x86_64)")}
    assert ended.status == 204
    assert call("GET", "/admin/me", headers=elsewhere).status == 401
    assert ratna.asks("GET", "/admin/me").status == 200
    assert ratna.asks("DELETE", f"/admin/me/sessions/{other['id']}").code == "session_not_found"


def test_nobody_ends_or_sees_somebody_elses_session(ratna):
    ratna.logs_in()
    budi = colleague("support", "budi@toko-ratna.example", boss=ratna.account)
    budi_session = budi.logs_in().body["session_id"]

    answer = ratna.asks("DELETE", f"/admin/me/sessions/{budi_session}")

    assert (answer.status, answer.code) == (404, "session_not_found")
    assert budi.asks("GET", "/admin/me").status == 200
    assert budi_session not in str(ratna.asks("GET", "/admin/me/sessions").body)


def test_logging_out_everywhere_else_leaves_the_session_that_asks(ratna, clock):
    others = []
    for _ in range(3):
        clock.pass_(minutes=1)
        ratna.logs_in()
        others.append(ratna.headers)
    mine = others.pop()

    assert ratna.asks("DELETE", "/admin/me/sessions").status == 204

    assert [call("GET", "/admin/me", headers=each).status for each in [*others, mine]] == [401, 401, 200]
    assert len(ratna.asks("GET", "/admin/me/sessions").body["items"]) == 1


def test_logging_out_ends_the_session_at_once(ratna):
    ratna.logs_in()

    assert ratna.asks("POST", "/admin/logout").status == 204

    assert ratna.asks("GET", "/admin/me").code == "session_ended"


def test_a_log_in_on_a_new_device_is_told_by_letter_and_on_a_known_one_is_not(ratna, clock):
    ratna.logs_in()
    clock.pass_(minutes=1)
    ratna.logs_in()

    assert [(name, facts["device"]) for name, facts in letters(ratna.account)] == [
        ("staff_new_device", "Mozilla/5.0 (X11; Linux x86_64)")
    ]


# Passwords changed and reset


def test_changing_the_password_needs_the_present_one(ratna):
    ratna.logs_in()

    refused = ratna.asks("PUT", "/admin/me/password", {"current": WRONG, "password": "topeng malangan tua"})

    assert (refused.status, refused.code) == (401, "login_refused")
    ratna.device = None
    assert ratna.says().status == 200


def test_a_changed_password_ends_all_other_sessions_and_counts_from_then_on(ratna, clock):
    ratna.logs_in()
    elsewhere = ratna.headers
    clock.pass_(minutes=1)
    ratna.logs_in()

    answer = ratna.asks("PUT", "/admin/me/password", {"current": PASSWORD, "password": "topeng malangan tua"})

    assert answer.status == 204
    assert call("GET", "/admin/me", headers=elsewhere).code == "session_ended"
    assert ratna.asks("GET", "/admin/me").status == 200
    assert ratna.says().status == 401
    assert ratna.says("topeng malangan tua").status == 200


def test_a_new_password_is_held_to_the_rules_with_its_owners_name_in_mind(ratna):
    ratna.logs_in()
    answers = [
        ratna.asks("PUT", "/admin/me/password", {"current": PASSWORD, "password": password})
        for password in ("pendek", "Password123!", "ratna-8841-xqz", "dewi 8841 xqzv")
    ]

    assert [answer.status for answer in answers] == [422] * 4
    assert {answer.body["errors"][0]["pointer"] for answer in answers} == {"/password"}
    assert ratna.says().status == 200


def test_asking_for_a_reset_tells_nothing_of_who_is_known(ratna, clock):
    answers, took = [], []
    for email in (ratna.email, "tidak.ada@toko-ratna.example"):
        before = clock.at
        answers.append(send("POST", "/admin/password-resets", {"email": email}))
        took.append((clock.at - before).total_seconds())

    assert [(answer.status, answer.text) for answer in answers] == [(202, "{}")] * 2
    assert took[0] == pytest.approx(took[1], rel=0.1)
    assert [name for name, _ in letters(ratna.account)] == ["staff_password_reset"]


def reset_token(person):
    return letters(person.account)[-1][1]["link"].partition("#")[2]


def test_a_reset_sets_the_password_ends_sessions_and_does_not_bypass_the_second_factor(ratna, clock):
    ratna.logs_in()
    send("POST", "/admin/password-resets", {"email": ratna.email})
    token = reset_token(ratna)

    answer = send("POST", "/admin/password-resets/confirm", {"token": token, "password": "topeng malangan tua"})

    assert (answer.status, answer.text) == (204, "")
    assert ratna.asks("GET", "/admin/me").code == "session_ended"
    assert ratna.says().status == 401
    ratna.password = "topeng malangan tua"
    begun = ratna.says()
    assert set(begun.body) == {"ticket", "expires_at", "methods"}
    assert ratna.proves(begun.body["ticket"], {"kind": "totp", "code": "000000"}).status == 401
    clock.pass_(minutes=1)
    assert ratna.logs_in().status == 200


def test_a_reset_link_is_used_once_within_an_hour_and_takes_the_others_with_it(ratna, clock):
    for _ in range(3):
        send("POST", "/admin/password-resets", {"email": ratna.email})
        clock.pass_(minutes=1)
    first, second, third = (facts["link"].partition("#")[2] for _, facts in letters(ratna.account))
    body = {"password": "topeng malangan tua"}

    statuses = [
        send("POST", "/admin/password-resets/confirm", {**body, "token": token}).status
        for token in (second, second, first, third)
    ]
    clock.pass_(hours=2)
    send("POST", "/admin/password-resets", {"email": ratna.email})
    late = reset_token(ratna)
    clock.pass_(hours=1)

    assert statuses == [204, 401, 401, 401]
    assert send("POST", "/admin/password-resets/confirm", {**body, "token": late}).code == "link_ended"


def test_a_password_that_is_refused_leaves_the_link_good(ratna):
    send("POST", "/admin/password-resets", {"email": ratna.email})
    token = reset_token(ratna)

    refused = send("POST", "/admin/password-resets/confirm", {"token": token, "password": "ratna-8841-xqz"})

    assert refused.status == 422
    again = send("POST", "/admin/password-resets/confirm", {"token": token, "password": "topeng malangan tua"})
    assert again.status == 204


def test_a_link_is_good_for_its_own_purpose_and_account_alone(ratna):
    from chalicelib.identity import people

    budi = colleague("support", "budi@toko-ratna.example", boss=ratna.account)
    send("POST", "/admin/password-resets", {"email": budi.email})
    token = reset_token(budi)
    forged = f"{ratna.account}_{token.rpartition('_')[2]}"

    wrong_use = send("POST", "/admin/invitations/accept", {"token": token, "password": "topeng malangan tua"})
    wrong_owner = send("POST", "/admin/password-resets/confirm", {"token": forged, "password": "topeng malangan tua"})

    assert {wrong_use.code, wrong_owner.code} == {"link_ended"}
    assert people.get(budi.account).state == "active"
    assert ratna.says().status == 200


def test_a_link_is_worthless_for_who_was_switched_off_meanwhile(ratna):
    from chalicelib.identity import people
    from chalicelib.identity.models.accounts import AccountState

    budi = colleague("support", "budi@toko-ratna.example", boss=ratna.account)
    send("POST", "/admin/password-resets", {"email": budi.email})
    token = reset_token(budi)
    people.change(budi.account, caller(ratna.account), state=AccountState.DISABLED)

    answer = send("POST", "/admin/password-resets/confirm", {"token": token, "password": "topeng malangan tua"})

    assert answer.code == "link_ended"


def test_no_more_than_three_letters_an_hour_are_sent_and_the_answer_stays_the_same(ratna):
    answers = [send("POST", "/admin/password-resets", {"email": ratna.email}) for _ in range(6)]

    assert {(answer.status, answer.text) for answer in answers} == {(202, "{}")}
    assert len(letters(ratna.account)) == 3


def test_a_reset_opens_the_way_for_an_owner_who_was_guessed_at(ratna, clock):
    use_up_guesses(ratna.email)
    assert outcome(ratna.email, PASSWORD, address="192.0.2.1") == "too_many_requests"
    send("POST", "/admin/password-resets", {"email": ratna.email})

    send("POST", "/admin/password-resets/confirm", {"token": reset_token(ratna), "password": "topeng malangan tua"})

    assert outcome(ratna.email, "topeng malangan tua", address="192.0.2.1") == "Ticket"


# Step-up


def test_weighty_things_need_proof_within_the_last_ten_minutes(ratna, clock):
    ratna.logs_in()
    assert ratna.asks("POST", "/admin/me/totp").status == 200
    clock.pass_(minutes=11)
    assert ratna.asks("POST", "/admin/me/totp").code == "step_up_needed"

    proof = {"kind": "totp", "code": ratna.code()}
    alone = ratna.asks("POST", "/admin/me/step-up", {"proof": proof})
    proven = ratna.asks("POST", "/admin/me/step-up", {"proof": proof, "password": PASSWORD})
    replayed = ratna.asks("POST", "/admin/me/step-up", {"proof": proof, "password": PASSWORD})

    assert (alone.status, alone.code) == (401, "login_refused")
    assert (proven.status, replayed.status) == (204, 401)
    assert ratna.asks("POST", "/admin/me/totp").status == 200
    clock.pass_(minutes=10)
    assert ratna.asks("POST", "/admin/me/totp").code == "step_up_needed"


def test_a_renewed_app_counts_once_it_is_confirmed_and_replaces_the_recovery_codes(ratna, clock):
    ratna.logs_in()
    clock.pass_(minutes=1)
    setup = ratna.asks("POST", "/admin/me/totp").body
    assert setup["uri"].startswith("otpauth://totp/Laris:")
    assert f"secret={setup['secret']}" in setup["uri"]

    old_still_counts = ratna.proves(ratna.says().body["ticket"]).status
    wrong = ratna.asks("POST", "/admin/me/totp/confirm", {"code": "000000"}).code
    confirmed = ratna.asks("POST", "/admin/me/totp/confirm", {"code": code_at(setup["secret"], clock.at.timestamp())})

    clock.pass_(minutes=1)
    by_old_app = ratna.proves(ratna.says().body["ticket"]).status
    by_old_code = ratna.proves(ratna.says().body["ticket"], {"kind": "recovery", "code": ratna.recovery[0]}).status
    ratna.secret = setup["secret"]
    by_new_app = ratna.proves(ratna.says().body["ticket"]).status
    assert (old_still_counts, wrong) == (200, "code_refused")
    assert len(confirmed.body["codes"]) == 10
    assert (by_old_app, by_old_code, by_new_app) == (401, 401, 200)


def test_new_recovery_codes_make_the_old_ones_worthless(ratna):
    ratna.logs_in()

    codes = ratna.asks("POST", "/admin/me/recovery-codes").body["codes"]

    by_old = ratna.proves(ratna.says().body["ticket"], {"kind": "recovery", "code": ratna.recovery[0]}).status
    by_new = ratna.proves(ratna.says().body["ticket"], {"kind": "recovery", "code": codes[0]}).status
    assert (by_old, by_new) == (401, 200)


# What is left behind


def test_what_is_forgotten_leaves_no_row_and_frees_the_e_mail(ratna):
    from moto.dynamodb.models import dynamodb_backends

    from chalicelib.identity import service as identity
    from tests.kit import cloud

    budi = colleague("owner", "budi@toko-ratna.example", boss=ratna.account)
    budi.logs_in()

    identity.forget_account(budi.account)
    identity.forget_account(budi.account)

    items = dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables["laris-test-identity"].all_items()
    assert budi.account not in str([item.to_json() for item in items])
    assert identity.account_of(identity.Kind.STAFF, budi.email) is None
    assert budi.asks("GET", "/admin/me").status == 401


def test_the_last_owner_is_not_forgotten(ratna):
    from chalicelib.identity import service as identity
    from chalicelib.identity.errors import LastOwner

    with pytest.raises(LastOwner):
        identity.forget_account(ratna.account)

    assert ratna.logs_in().status == 200


def test_no_secret_of_a_log_in_reaches_the_trail(ratna):
    from moto.dynamodb.models import dynamodb_backends

    from tests.kit import cloud

    ratna.says(WRONG)
    token = ratna.logs_in().body["token"]
    items = dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables["laris-test-events"].all_items()

    events = str([item.to_json() for item in items])
    assert f"staff:{ratna.account}" in events
    assert "login_refused" in events
    for hidden in (PASSWORD, WRONG, ratna.secret, ratna.email, token.rpartition("_")[2]):
        assert hidden not in events


def test_the_answers_of_the_doors_are_not_kept_by_anybody(ratna):
    assert api.call("POST", "/admin/login", {"email": ratna.email, "password": WRONG}).headers["Cache-Control"] == (
        "no-store"
    )
