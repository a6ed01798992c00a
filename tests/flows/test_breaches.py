"""The register of breaches: its clock, whom a breach affects, and that everybody is told once."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chalicelib.core import clock as time
from chalicelib.core.errors import Unanswered
from chalicelib.customers import service as customers
from chalicelib.customers.service import Person
from chalicelib.privacy import breaches
from chalicelib.privacy.rules import NOTIFY_WITHIN, deadline
from tests.kit import faults, letters, privacy
from tests.kit.customers import items, registers, verifies

FOUND = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)


@pytest.fixture
def officer(shop) -> privacy.Officer:
    return privacy.officer()


def breach(**instead: Any) -> dict[str, Any]:
    return {
        "what": "Salinan cadangan terbaca tanpa izin.",
        "remedy": "Akses ditutup, kunci diganti.",
        "data_classes": ["nama", "alamat e-mail"],
        "discovered_at": FOUND.isoformat(),
        "occurred_from": (FOUND - timedelta(days=2)).isoformat(),
        "occurred_to": (FOUND - timedelta(days=1)).isoformat(),
        "affected": {"kind": "all"},
        **instead,
    }


def record(officer: privacy.Officer, **instead: Any) -> str:
    answer = officer.asks("POST", "/admin/privacy/breaches", breach(**instead))
    assert answer.status == 201, answer.text
    return str(answer.body["id"])


def shown(officer: privacy.Officer, breach_id: str) -> dict[str, Any]:
    return dict(officer.asks("GET", f"/admin/privacy/breaches/{breach_id}").body)


def people(count: int) -> list[str]:
    """So many customers with addresses of their own; their ids."""
    found = []
    for number in range(count):
        found.append(registers(Person(f"Orang {number}", f"orang{number}@example.com", None)))
        verifies(found[-1])
    return found


def guest(shop, number: int) -> str:
    contact = {"name": f"Tamu {number}", "email": f"tamu{number}@example.com", "phone": "081234567890"}
    shop.places(("KEMEJA-M", 1), contact=contact)
    return str(customers.id_of(contact["email"]))


def test_the_clock_runs_for_three_times_twenty_four_hours_from_the_discovery():
    fresh = deadline(FOUND, FOUND + timedelta(hours=1))
    late = deadline(FOUND, FOUND + timedelta(hours=72, seconds=1))

    assert (fresh.at, fresh.remaining, fresh.is_overdue) == (FOUND + NOTIFY_WITHIN, timedelta(hours=71), False)
    assert (late.remaining, late.is_overdue) == (timedelta(), True)


def test_the_register_shows_the_clock(clock, shop, officer):
    breach_id = record(officer)

    before = shown(officer, breach_id)["clock"]
    clock.pass_(days=4)
    after = privacy.officer().asks("GET", "/admin/privacy/breaches").body["items"][0]["clock"]

    assert before["deadline"] == time.stamp(FOUND + timedelta(hours=72))
    assert 69 * 3600 < before["remaining_seconds"] <= 70 * 3600
    assert (before["is_overdue"], after["is_overdue"], after["remaining_seconds"]) == (False, True, 0)


def test_everybody_is_found_however_many_they_are(shop, officer):
    everybody = people(60)

    breach_id = record(officer)
    early = shown(officer, breach_id)["affected"]
    shop.drain()

    assert early is None
    assert shown(officer, breach_id)["affected"] == 60
    assert found(breach_id) == sorted(everybody)


def found(breach_id: str) -> list[str]:
    return sorted(item["sk"]["S"].removeprefix("SUBJECT#") for item in items("privacy") if item["pk"]["S"] == breach_id)


def test_only_who_ordered_in_those_days_is_found(clock, shop, officer):
    shop.sells("KEMEJA-M", 10)
    clock.pass_(days=-3)
    guest(shop, 1)
    clock.pass_(days=1)
    affected = [guest(shop, 2), guest(shop, 3), guest(shop, 2)]
    clock.pass_(days=1)
    guest(shop, 4)
    clock.pass_(days=1)

    days = {"kind": "ordered_between", "start": "2026-11-22", "end": "2026-11-22"}
    breach_id = record(officer, affected=days)
    shop.drain()

    assert found(breach_id) == sorted(set(affected))
    assert shown(officer, breach_id)["affected"] == 2


def test_of_those_named_only_customers_are_found(shop, officer):
    first, second, _ = people(3)
    stranger = "cus_" + "0" * 26

    breach_id = record(officer, affected={"kind": "named", "customers": [second, stranger, first, first]})
    shop.drain()

    assert found(breach_id) == [first, second]


def test_the_search_goes_on_where_it_crashed(shop, officer):
    everybody = people(60)
    breach_id = record(officer)

    with (
        faults.on_dynamodb("TransactWriteItems", [_pass, *[faults.request_lost] * 3]),
        pytest.raises(Unanswered),
    ):
        breaches.find_subjects(breach_id)
    assert len(found(breach_id)) == 50
    shop.runs("privacy-carry-out")

    assert found(breach_id) == sorted(everybody)
    assert shown(officer, breach_id)["affected"] == 60


def _pass(request: Any, send: Any) -> Any:
    return None


def test_everybody_affected_gets_one_letter_however_often_it_is_asked_for(shop, officer):
    people(55)
    breach_id = record(officer)
    shop.drain()

    first = officer.asks("POST", f"/admin/privacy/breaches/{breach_id}/notify")
    again = officer.asks("POST", f"/admin/privacy/breaches/{breach_id}/notify")
    shop.drain()
    breaches.tell(breach_id)
    shop.runs("privacy-carry-out")
    shop.drain()

    after = shown(officer, breach_id)
    assert (first.status, again.status) == (200, 200)
    assert after["notified"] == 55
    assert after["notified_at"] is not None
    assert sorted(mail.to for mail in letters.sent()) == sorted(f"orang{number}@example.com" for number in range(55))
    assert "alamat e-mail" in letters.sent()[0].html


def test_who_was_erased_meanwhile_gets_none(shop, officer):
    first, _ = people(2)
    breach_id = record(officer)
    shop.drain()
    customers.anonymise(first)

    officer.asks("POST", f"/admin/privacy/breaches/{breach_id}/notify")
    shop.drain()

    assert [mail.to for mail in letters.sent()] == ["orang1@example.com"]
    assert shown(officer, breach_id)["notified"] == 1


def test_nobody_is_told_before_all_are_found(officer):
    people(1)
    breach_id = record(officer)

    early = officer.asks("POST", f"/admin/privacy/breaches/{breach_id}/notify")

    assert (early.status, early.code) == (409, "breach_not_counted")
    assert letters.sent() == []


def test_the_notice_to_the_agency_says_what_the_law_wants_in_both_languages(shop, officer):
    people(3)
    breach_id = record(officer)
    shop.drain()

    notice = shown(officer, breach_id)["notice"]

    for text in notice.values():
        for fact in (breach_id, breach()["what"], breach()["remedy"], "nama, alamat e-mail", "2026-11-24 08:00+07:00"):
            assert fact in text
        assert ": 3\n" in text
    assert "3 x 24 jam" in notice["id"]
    assert "3 x 24 hours" in notice["en"]


def test_what_is_known_of_a_breach_must_make_sense(officer):
    later = (FOUND + timedelta(days=9)).isoformat()
    wrong: dict[str, dict[str, Any]] = {
        "/discovered_at": {"discovered_at": later},
        "/occurred_to": {"occurred_from": FOUND.isoformat()},
        "/affected/end": {"affected": {"kind": "ordered_between", "start": "2026-11-22", "end": "2026-11-21"}},
    }

    for pointer, instead in wrong.items():
        answer = officer.asks("POST", "/admin/privacy/breaches", breach(**instead))
        assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, pointer)
    assert officer.asks("GET", "/admin/privacy/breaches").body["items"] == []


def test_the_register_is_for_people_who_have_just_proven_themselves(clock, shop):
    support, manager = privacy.officer("support"), privacy.officer("manager")

    assert support.asks("GET", "/admin/privacy/breaches").code == "scope_missing"
    assert support.asks("POST", "/admin/privacy/breaches", breach()).code == "scope_missing"
    clock.pass_(minutes=11)
    assert manager.asks("POST", "/admin/privacy/breaches", breach()).code == "step_up_needed"
    assert items("privacy") == []


def test_what_is_done_with_the_register_goes_into_the_audit_trail(shop, officer):
    breach_id = record(officer)

    entries = [item for item in items("events") if item["type"]["S"] == "audit.recorded"]
    (entry,) = [each for each in map(_data, entries) if each["action"] == "POST /admin/privacy/breaches"]
    assert [change["subject"] for change in entry["changes"]] == [f"breach:{breach_id}"]


def _data(item: dict[str, Any]) -> dict[str, Any]:
    return dict(json.loads(item["data"]["S"]))
