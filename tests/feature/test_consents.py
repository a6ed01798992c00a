"""Consents: what was said is kept for good, and what counts now is what was said last."""

import pytest

from chalicelib.core import outbox
from chalicelib.core.errors import WriteRefused
from chalicelib.customers import consents
from chalicelib.customers.consents import Choice, Purpose
from tests.kit.accounts import Visitor
from tests.kit.api import as_staff, call
from tests.kit.customers import BUDI, items, member

LETTERS = {"purpose": "marketing_email", "given": True, "text_version": "2026-11"}
MAIL = Purpose.MARKETING_EMAIL
SAID = {"source": "account", "proof": "req_1 digest"}


@pytest.fixture
def siti(aws):
    return member()


def puts(siti, *choices):
    return call("PUT", "/store/me/consents", {"consents": list(choices)}, headers=siti.headers)


def said(entries):
    return [(entry["purpose"], entry["given"], entry["text_version"], entry["source"]) for entry in entries]


def test_the_ledger_shows_what_was_given_and_taken_back_in_order(siti):
    puts(siti, LETTERS)
    puts(siti, {**LETTERS, "given": False})

    answer = call("GET", "/store/me/consents", headers=siti.headers).body

    given, withdrawn = ("marketing_email", True, "2026-11", "account"), ("marketing_email", False, "2026-11", "account")
    assert said(answer["history"]) == [given, withdrawn]
    assert said(answer["current"]) == [withdrawn]
    assert answer["history"][0]["at"] < answer["history"][1]["at"]


def test_what_is_taken_back_counts_at_once(siti):
    puts(siti, LETTERS)
    before = consents.has(siti.id, MAIL)

    puts(siti, {**LETTERS, "given": False})

    assert (before, consents.has(siti.id, MAIL)) == (True, False)


def test_what_nobody_was_asked_about_is_not_allowed(siti):
    assert [consents.has(siti.id, purpose) for purpose in Purpose] == [False] * len(Purpose)


def test_purposes_are_apart(siti):
    puts(siti, LETTERS)

    assert not consents.has(siti.id, Purpose.MARKETING_WHATSAPP)
    assert not consents.has(siti.id, Purpose.ANALYTICS)


def test_saying_the_same_again_writes_nothing_and_another_wording_does(siti):
    puts(siti, LETTERS)
    before = items("customers")

    puts(siti, LETTERS)
    same = items("customers")
    puts(siti, {**LETTERS, "text_version": "2027-01"})

    assert same == before
    assert [entry.text_version for entry in consents.ledger(siti.id)] == ["2026-11", "2027-01"]


def test_each_entry_says_an_event(siti):
    puts(siti, LETTERS)
    puts(siti, {**LETTERS, "given": False})

    facts = [fact for fact in outbox.history(siti.id) if fact.type.startswith("consent.")]

    assert [(fact.type, fact.data["purpose"], fact.actor) for fact in facts] == [
        ("consent.given", "marketing_email", f"customer:{siti.id}"),
        ("consent.withdrawn", "marketing_email", f"customer:{siti.id}"),
    ]


def test_an_entry_is_proven_by_the_request_and_tells_no_address(siti):
    puts(siti, LETTERS)

    (entry,) = consents.ledger(siti.id)

    request, _, source = entry.proof.partition(" ")
    assert request
    assert (len(source), "127.0.0.1" in entry.proof) == (22, False)


def test_withdrawing_what_was_not_given_writes_nothing(siti):
    consents.withdraw(siti.id, MAIL, **SAID)

    assert list(consents.ledger(siti.id)) == []
    assert not consents.has(siti.id, MAIL)


def test_withdrawing_is_written_beside_what_was_given(siti):
    consents.record(siti.id, Choice(MAIL, is_given=True, text_version="1"), **SAID)

    consents.withdraw(siti.id, MAIL, source="unsubscribe", proof="ntc_1")

    last = consents.ledger(siti.id)[-1]
    assert (last.is_given, last.text_version, last.source, last.proof) == (False, "1", "unsubscribe", "ntc_1")


def test_an_entry_for_a_standing_that_is_no_more_is_refused_whole(siti):
    from chalicelib.core import db

    consents.record(siti.id, Choice(MAIL, is_given=True, text_version="1"), **SAID)
    before = items("customers"), items("events")

    with pytest.raises(WriteRefused), db.transaction() as tx:
        consents.add(tx, siti.id, [Choice(MAIL, is_given=False, text_version="1")], {}, **SAID)

    assert (items("customers"), items("events")) == before


def test_a_purpose_named_twice_or_unknown_is_refused(siti):
    answers = [puts(siti, LETTERS, LETTERS), puts(siti, {**LETTERS, "purpose": "selling_it"}), puts(siti)]

    assert [answer.status for answer in answers] == [422, 422, 422]
    assert list(consents.ledger(siti.id)) == []


def test_what_was_consented_to_while_registering_counts_once_the_address_is_proven(shop):
    siti = Visitor(shop)
    siti.registers(consents=[LETTERS, {**LETTERS, "purpose": "analytics", "given": False}])
    before = [item for item in items("customers") if item["sk"]["S"].startswith("CONSENT")]

    siti.follows()
    siti.logs_in()

    answer = siti.does("GET", "/store/me/consents").body
    assert before == []
    assert said(answer["history"]) == [
        ("marketing_email", True, "2026-11", "registration"),
        ("analytics", False, "2026-11", "registration"),
    ]
    id_ = siti.does("GET", "/store/me").body["id"]
    assert (consents.has(id_, MAIL), consents.has(id_, Purpose.ANALYTICS)) == (True, False)


def test_a_link_in_a_letter_takes_its_own_consent_back_without_a_log_in(siti):
    puts(siti, LETTERS, {**LETTERS, "purpose": "analytics"})
    token = consents.token_for(siti.id, MAIL)

    answers = [call("POST", "/store/unsubscribe", {"token": token}) for _ in range(2)]

    assert [answer.status for answer in answers] == [204, 204]
    assert (consents.has(siti.id, MAIL), consents.has(siti.id, Purpose.ANALYTICS)) == (False, True)
    assert [entry.source for entry in consents.ledger(siti.id)] == ["account", "account", "unsubscribe"]


def test_a_link_to_unsubscribe_cannot_be_made_up_or_turned_to_another(siti):
    puts(siti, LETTERS)
    other = member(BUDI)
    signature = consents.token_for(other.id, MAIL).rpartition(".")[2]
    tokens = [
        f"{siti.id}.marketing_email.{signature}",
        consents.token_for(siti.id, MAIL)[:-1],
        consents.token_for(siti.id, Purpose.ANALYTICS).replace("analytics", "marketing_email"),
        "nonsense",
    ]

    answers = [call("POST", "/store/unsubscribe", {"token": token}) for token in tokens]

    assert {(answer.status, answer.code) for answer in answers} == {(404, "unsubscribe_refused")}
    assert consents.has(siti.id, MAIL)


def test_staff_see_what_counts_now(siti):
    puts(siti, LETTERS)

    seen = call("GET", f"/admin/customers/{siti.id}", headers=as_staff()).body

    assert said(seen["consents"]) == [("marketing_email", True, "2026-11", "account")]
