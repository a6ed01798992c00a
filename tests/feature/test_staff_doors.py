"""Who works here: invited, taken on, given another role, switched off; and the first owner."""

import threading
from collections import Counter

import pytest

from chalicelib.identity.errors import LastOwner
from tests.kit import people as kit
from tests.kit.api import as_staff, call
from tests.kit.logins import PASSWORD, caller, code_at, colleague, joined, letters, owner, send

BUDI = {"email": "Budi@Toko-Ratna.example", "name": "Budi Santoso", "role": "support"}


@pytest.fixture
def ratna(aws):
    """The owner, logged in."""
    made = owner()
    assert made.logs_in().status == 200
    return made


@pytest.fixture
def clara(ratna):
    """A second owner, logged in."""
    made = colleague("owner", "clara@toko-ratna.example", "Clara Wijaya", boss=ratna.account)
    assert made.logs_in().status == 200
    return made


def invited(ratna, **asked):
    """The answer to an invitation, and the token that the letter has."""
    answer = ratna.asks("POST", "/admin/staff", {**BUDI, **asked})
    return answer, letters(answer.body["id"])[-1][1]["link"].partition("#")[2]


def kept(table="identity"):
    """All that stands in a table, as text."""
    from moto.dynamodb.models import dynamodb_backends

    from tests.kit import cloud

    items = dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables[f"laris-test-{table}"].all_items()
    return str([item.to_json() for item in items])


def owners():
    from chalicelib.core import db
    from chalicelib.identity.models.people import OwnersRow

    return db.look(OwnersRow.lookup())[0]


# Joining


def test_somebody_is_invited_chooses_a_password_sets_up_an_app_and_logs_in(ratna, clock):
    answer, token = invited(ratna)
    assert (answer.status, answer.headers["Location"]) == (201, f"/admin/staff/{answer.body['id']}")
    assert (answer.body["email"], answer.body["state"]) == ("budi@toko-ratna.example", "invited")

    setup = send("POST", "/admin/invitations/accept", {"token": token, "password": PASSWORD})
    before = send("POST", "/admin/login", {"email": BUDI["email"], "password": PASSWORD})
    code = code_at(setup.body["secret"], clock.at.timestamp())
    confirmed = send("POST", "/admin/invitations/confirm", {"token": token, "code": code})

    assert (setup.status, before.status, confirmed.status) == (200, 401, 200)
    assert len(confirmed.body["codes"]) == 10
    clock.pass_(minutes=1)
    ticket = send("POST", "/admin/login", {"email": BUDI["email"], "password": PASSWORD}).body["ticket"]
    proof = {"kind": "totp", "code": code_at(setup.body["secret"], clock.at.timestamp())}
    session = send("POST", "/admin/login/second-factor", {"ticket": ticket, "proof": proof})
    me = call("GET", "/admin/me", headers={"Authorization": f"Bearer {session.body['token']}"}).body
    assert (me["name"], me["role"]) == ("Budi Santoso", "support")


def test_the_letter_says_the_role_and_where_to_accept(ratna):
    answer, token = invited(ratna)

    ((template, facts),) = letters(answer.body["id"])
    assert template == "staff_invitation"
    assert facts["role"] == "support"
    assert facts["link"] == f"http://localhost:8000/invitation#{token}"


def test_an_invitation_is_used_once_and_lasts_seven_days(ratna, clock):
    _, token = invited(ratna)
    budi = joined(BUDI["email"], token)
    again = send("POST", "/admin/invitations/accept", {"token": token, "password": "topeng malangan tua"})
    _, late = invited(ratna, email="dian@toko-ratna.example")
    clock.pass_(days=7)

    assert (again.status, again.code) == (401, "link_ended")
    assert budi.says().status == 200
    assert send("POST", "/admin/invitations/accept", {"token": late, "password": PASSWORD}).code == "link_ended"


def test_until_it_is_confirmed_an_invitation_can_be_accepted_again(ratna, clock):
    _, token = invited(ratna)
    first = send("POST", "/admin/invitations/accept", {"token": token, "password": PASSWORD}).body["secret"]
    second = send("POST", "/admin/invitations/accept", {"token": token, "password": PASSWORD}).body["secret"]
    now = clock.at.timestamp()

    by_first = send("POST", "/admin/invitations/confirm", {"token": token, "code": code_at(first, now)})
    by_second = send("POST", "/admin/invitations/confirm", {"token": token, "code": code_at(second, now)})

    assert (by_first.code, by_second.status) == ("code_refused", 200)


def test_nothing_is_confirmed_before_a_password_was_chosen(ratna):
    answer, token = invited(ratna)

    refused = send("POST", "/admin/invitations/confirm", {"token": token, "code": "123456"})

    assert (refused.status, refused.code) == (409, "no_second_factor")
    assert ratna.asks("GET", f"/admin/staff/{answer.body['id']}").body["state"] == "invited"


def test_an_invited_persons_password_is_held_to_the_rules(ratna):
    _, token = invited(ratna)

    answers = [
        send("POST", "/admin/invitations/accept", {"token": token, "password": password})
        for password in ("pendek", "password123", "santoso 8841 xqz")
    ]

    assert [answer.status for answer in answers] == [422] * 3
    assert {answer.body["errors"][0]["pointer"] for answer in answers} == {"/password"}


def test_who_has_not_accepted_is_invited_anew_and_who_has_is_not(ratna):
    first, token = invited(ratna)
    second, newer = invited(ratna, role="analyst", name="Budi S.")
    assert (second.status, second.body["id"]) == (201, first.body["id"])
    assert (second.body["role"], second.body["name"]) == ("analyst", "Budi S.")
    assert newer != token
    joined(BUDI["email"], newer)

    third = ratna.asks("POST", "/admin/staff", BUDI)

    assert (third.status, third.code) == (409, "email_taken")
    assert send("POST", "/admin/invitations/accept", {"token": token, "password": PASSWORD}).code == "link_ended"


def test_two_invitations_of_one_e_mail_at_once_make_one_account(ratna):
    from chalicelib.core.errors import LarisError
    from chalicelib.identity import people

    boss, gate, found = caller(ratna.account), threading.Barrier(3), []

    def invite():
        gate.wait()
        try:
            found.append(people.invite(BUDI["email"], BUDI["name"], BUDI["role"], boss).id)
        except LarisError as refusal:
            found.append(refusal.code)

    threads = [threading.Thread(target=invite) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    made = {each for each in found if each.startswith("stf_")}
    assert len(made) == 1
    assert set(found) - made <= {"email_taken", "write_refused"}
    assert len(ratna.asks("GET", "/admin/staff").body["items"]) == 2


# Who may


def test_nobody_gives_a_role_that_can_do_more_than_theirs(ratna, clock):
    from chalicelib.identity import rolebook
    from chalicelib.identity.roles import Role

    boss = caller(ratna.account)
    rolebook.put(Role("personnel", frozenset({"staff:read", "staff:write", "catalog:read"})), boss)
    dian = colleague("personnel", "dian@toko-ratna.example", "Dian", boss=ratna.account)
    dian.logs_in()
    budi = colleague("support", "budi@toko-ratna.example", boss=ratna.account)

    answers = [
        dian.asks("POST", "/admin/staff", {**BUDI, "email": "eka@toko-ratna.example", "role": "owner"}),
        dian.asks("PATCH", f"/admin/staff/{budi.account}", {"role": "personnel"}),
        dian.asks("PATCH", f"/admin/staff/{ratna.account}", {"role": "personnel"}),
        dian.asks("PATCH", f"/admin/staff/{dian.account}", {"role": "owner"}),
        dian.asks("POST", f"/admin/staff/{ratna.account}/invitations"),
    ]

    assert [(answer.status, answer.code) for answer in answers] == [(403, "beyond_own_scopes")] * 5
    assert {each["role"] for each in ratna.asks("GET", "/admin/staff").body["items"]} == {
        "owner",
        "personnel",
        "support",
    }
    assert owners() == 1


def test_inviting_and_changing_need_fresh_proof_and_a_person(ratna, clock):
    clock.pass_(minutes=11)

    stale = ratna.asks("POST", "/admin/staff", BUDI)
    by_key = call("POST", "/admin/staff", BUDI, headers=as_staff())
    by_manager = call("POST", "/admin/staff", BUDI, headers=kit.session("manager"))

    assert (stale.status, stale.code) == (403, "step_up_needed")
    assert by_key.status == 403
    assert (by_manager.status, by_manager.code) == (403, "scope_missing")
    assert len(ratna.asks("GET", "/admin/staff").body["items"]) == 1


def test_an_unknown_role_is_refused(ratna):
    answer = ratna.asks("POST", "/admin/staff", {**BUDI, "role": "raja"})

    assert (answer.status, answer.code) == (404, "role_not_found")
    assert len(ratna.asks("GET", "/admin/staff").body["items"]) == 1


# Changes


def test_another_role_counts_at_once(ratna):
    budi = colleague("support", "budi@toko-ratna.example", boss=ratna.account)
    budi.logs_in()
    assert budi.asks("GET", "/admin/orders").status == 200

    answer = ratna.asks("PATCH", f"/admin/staff/{budi.account}", {"role": "analyst"})

    assert (answer.status, answer.body["role"]) == (200, "analyst")
    assert budi.asks("GET", "/admin/orders").code == "scope_missing"


def test_who_is_switched_off_is_out_at_once_and_can_be_let_in_again(ratna, clock):
    budi = colleague("support", "budi@toko-ratna.example", boss=ratna.account)
    budi.logs_in()
    before = budi.headers
    ticket = budi.says().body["ticket"]

    off = ratna.asks("PATCH", f"/admin/staff/{budi.account}", {"state": "disabled"})
    clock.pass_(seconds=30)

    assert off.body["state"] == "disabled"
    assert call("GET", "/admin/me", headers=before).code == "session_ended"
    assert budi.says().status == 401
    assert budi.proves(ticket).code == "ticket_ended"
    on = ratna.asks("PATCH", f"/admin/staff/{budi.account}", {"state": "active"})
    assert on.body["state"] == "active"
    assert call("GET", "/admin/me", headers=before).code == "session_ended", "old sessions stay ended"
    assert budi.logs_in().status == 200


def test_an_invitation_dies_with_the_invited_ones_being_switched_off(ratna):
    answer, token = invited(ratna)

    ratna.asks("PATCH", f"/admin/staff/{answer.body['id']}", {"state": "disabled"})
    refused = send("POST", "/admin/invitations/accept", {"token": token, "password": PASSWORD})
    on = ratna.asks("PATCH", f"/admin/staff/{answer.body['id']}", {"state": "active"})

    assert refused.code == "link_ended"
    assert on.body["state"] == "invited", "active is only who has a second factor"


def test_who_lost_their_second_factor_joins_anew(ratna, clock):
    budi = colleague("support", "budi@toko-ratna.example", boss=ratna.account)
    budi.logs_in()

    answer = ratna.asks("POST", f"/admin/staff/{budi.account}/invitations")

    assert (answer.status, answer.body["state"]) == (202, "invited")
    assert budi.asks("GET", "/admin/me").code == "session_ended"
    assert budi.says().status == 401
    again = joined(budi.email, letters(budi.account)[-1][1]["link"].partition("#")[2])
    assert again.account == budi.account
    assert again.proves(again.says().body["ticket"], {"kind": "recovery", "code": budi.recovery[0]}).status == 401
    assert again.logs_in().status == 200


def test_staff_are_listed_in_pages_and_found_by_id(ratna):
    for number in range(3):
        invited(ratna, email=f"orang{number}@toko-ratna.example", name=f"Orang {number}")

    first = ratna.asks("GET", "/admin/staff?limit=2").body
    rest = ratna.asks("GET", f"/admin/staff?limit=2&cursor={first['next_cursor']}").body

    names = [each["name"] for each in [*first["items"], *rest["items"]]]
    assert names == ["Ratna Dewi", "Orang 0", "Orang 1", "Orang 2"]
    assert rest["next_cursor"] is None
    assert ratna.asks("GET", "/admin/staff/stf_NOBODY").code == "staff_not_found"


# Owners


@pytest.mark.parametrize("asked", [{"role": "manager"}, {"state": "disabled"}])
def test_the_last_owner_stays_one(ratna, asked):
    refused = ratna.asks("PATCH", f"/admin/staff/{ratna.account}", asked)

    assert (refused.status, refused.code) == (409, "last_owner")
    member = ratna.asks("GET", f"/admin/staff/{ratna.account}").body
    assert (member["role"], member["state"]) == ("owner", "active")
    assert ratna.asks("POST", f"/admin/staff/{ratna.account}/invitations").code == "last_owner"
    assert owners() == 1


def test_an_owner_who_was_only_invited_does_not_count(ratna):
    invited(ratna, role="owner")

    assert ratna.asks("PATCH", f"/admin/staff/{ratna.account}", {"role": "manager"}).code == "last_owner"


def test_with_two_owners_one_may_go_and_come_back(ratna, clara):
    assert owners() == 2

    gone = clara.asks("PATCH", f"/admin/staff/{ratna.account}", {"state": "disabled"})
    last = clara.asks("PATCH", f"/admin/staff/{clara.account}", {"role": "manager"})
    back = clara.asks("PATCH", f"/admin/staff/{ratna.account}", {"state": "active"})

    assert (gone.status, last.code, back.status) == (200, "last_owner", 200)
    assert owners() == 2


def test_two_owners_who_step_down_at_once_leave_one(ratna, clara):
    from chalicelib.identity import people

    gate, found = threading.Barrier(2), []

    def step_down(who):
        gate.wait()
        try:
            people.change(who, caller(who), role="manager")
            found.append("done")
        except LastOwner:
            found.append("last_owner")

    threads = [threading.Thread(target=step_down, args=(each.account,)) for each in (ratna, clara)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    roles = Counter(people.get(account).role for account in (ratna.account, clara.account))
    assert sorted(found) == ["done", "last_owner"]
    assert roles == {"owner": 1, "manager": 1}
    assert owners() == 1


def test_the_condition_alone_keeps_the_last_owner(ratna, clara):
    """Both transactions were made ready before either was sent."""
    from chalicelib.core import db
    from chalicelib.identity.models.people import OwnersRow

    first, second = db.Transaction(), db.Transaction()
    for tx in (first, second):
        OwnersRow.go(tx, LastOwner())
    first.commit()

    with pytest.raises(LastOwner):
        second.commit()

    assert owners() == 1


def test_the_first_owner_joins_by_a_link_that_the_operator_prints(aws, capsys):
    from infra.owner import main

    assert main(["ratna@toko-ratna.example", "Ratna Dewi"]) == 0
    link = capsys.readouterr().out.strip()
    ratna = joined("ratna@toko-ratna.example", link.partition("#")[2])

    assert link.startswith("http://localhost:8000/invitation#stf_")
    assert ratna.logs_in().status == 200
    assert ratna.asks("GET", "/admin/me").body["role"] == "owner"


def test_the_link_can_be_printed_again_until_somebody_is_owner(aws, capsys):
    from infra.owner import main

    codes = [main(["ratna@toko-ratna.example", "Ratna Dewi"]) for _ in range(2)]
    _, second = capsys.readouterr().out.split()
    joined("ratna@toko-ratna.example", second.partition("#")[2])
    refused = main(["lain@toko-ratna.example", "Orang Lain"])

    assert (codes, refused) == ([0, 0], 1)
    assert "has an active owner" in capsys.readouterr().err
    assert owners() == 1


@pytest.mark.parametrize("arguments", [[], ["ratna"], ["ratna@toko.example"], ["ratna@toko.example", " "]])
def test_the_operator_is_told_what_to_say(aws, capsys, arguments):
    from infra.owner import main

    assert main(arguments) == 2
    assert "make owner EMAIL=" in capsys.readouterr().err


# What is kept


def test_no_name_e_mail_or_address_of_staff_is_kept_in_the_clear(ratna):
    invited(ratna)

    for personal in ("ratna", "dewi", "budi", "santoso"):
        assert personal not in "".join(map(kept, ("identity", "notices", "limits", "events"))).casefold()
    for where in ("127.0.0.1", "mozilla"):
        assert where not in "".join(map(kept, ("identity", "notices", "limits"))).casefold()


def test_the_trail_says_what_changed_and_hides_who_they_are(ratna):
    budi = colleague("support", "budi@toko-ratna.example", boss=ratna.account)

    ratna.asks("PATCH", f"/admin/staff/{budi.account}", {"role": "analyst", "name": "Budi Baru"})

    events = kept("events")
    assert f"staff:{budi.account}" in events
    assert "PATCH /admin/staff/{staff_id}" in events
    assert "Budi Baru" not in events
