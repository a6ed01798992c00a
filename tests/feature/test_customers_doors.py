"""The customers' own doors: who reads the mailbox opens the account, and everybody else learns nothing."""

import pytest

from chalicelib.core import outbox
from chalicelib.customers.service import Person
from tests.kit import accounts, customers, people
from tests.kit.accounts import PASSWORD, Visitor
from tests.kit.api import as_staff, call
from tests.kit.customers import items
from tests.kit.shop import ADDRESS

BUDI = "budi@example.com"
HOME = {
    "label": "Rumah",
    "name": "Siti Rahmawati",
    "phone": "081234567890",
    **ADDRESS,
}


@pytest.fixture
def siti(shop):
    return Visitor(shop)


@pytest.fixture
def budi(shop):
    return Visitor(shop, email=BUDI, name="Budi Santoso", password="kereta api malam ke surabaya")


def audit_entries():
    """What the audit trail is told of doors to customers."""
    rows = [item for item in items("events") if item["type"]["S"] == "audit.recorded"]
    entries = [outbox.history(row["pk"]["S"])[0].data for row in rows]
    return [entry for entry in entries if "/admin/customers" in entry["action"]]


# Opening an account


def test_registering_again_gives_the_same_answer_and_says_so_by_letter_alone(siti, clock):
    first = siti.registers()
    siti.follows()
    clock.pass_(hours=2)

    second = siti.registers(name="Orang Lain")

    assert (first.status, first.body) == (second.status, second.body) == (202, {"next": "read_your_mail"})
    assert {name.lower() for name in first.headers} == {name.lower() for name in second.headers}
    assert len(siti.mail()) == 2
    assert "verify-email#" in siti.mail()[0].links[0]
    assert siti.mail()[1].links[0].endswith("/login")
    assert "Orang Lain" not in siti.mail()[1].html


def test_registering_takes_as_long_whether_the_address_is_known_or_not(siti, budi, clock):
    siti.joins()
    clock.pass_(hours=2)

    times = []
    for who in (siti, budi):
        before = clock.at
        who.registers()
        times.append(clock.at - before)

    assert abs(times[0] - times[1]).total_seconds() < 0.1 * times[0].total_seconds()


def test_nobody_logs_in_before_the_link_is_followed(siti):
    siti.registers()

    refused = siti.says()

    assert (refused.status, refused.code) == (401, "login_refused")
    assert siti.follows().status == 204
    assert siti.says().status == 200


def test_a_link_opens_an_account_once(siti):
    siti.registers()
    token = siti.token()
    siti.follows(token)
    before = items("customers"), items("identity")

    again = siti.follows(token)

    assert (again.status, again.code) == (401, "link_ended")
    assert (items("customers"), items("identity")) == before


def test_a_link_for_another_purpose_opens_nothing(siti, budi):
    siti.joins()
    siti.asks("POST", "/store/password-resets", {"email": siti.email})
    reset = siti.token()

    answers = [
        siti.follows(reset),
        siti.asks("POST", "/store/email-changes/confirm", {"token": reset}),
        siti.follows("cus_01_nonsense"),
        siti.follows("nonsense"),
    ]
    budi.registers()
    taken = budi.asks("POST", "/store/password-resets/confirm", {"token": budi.token(), "password": PASSWORD})

    assert {(answer.status, answer.code) for answer in [*answers, taken]} == {(401, "link_ended")}
    assert siti.says().status == 200


def test_a_link_ends_after_a_day(siti, clock):
    siti.registers()
    token = siti.token()
    clock.pass_(hours=25)

    assert siti.follows(token).code == "link_ended"
    assert siti.says().code == "login_refused"


def test_who_registers_in_anothers_name_has_nothing_when_they_open_their_own(siti, shop):
    thief = Visitor(shop, password="kata sandi pencuri malam")
    thief.registers(name="Pencuri")
    siti.registers()

    siti.follows()

    assert thief.says().code == "login_refused"
    assert siti.logs_in().status == 200
    assert siti.does("GET", "/store/me").body["name"] == "Siti Rahmawati"
    assert siti.follows(siti.mail()[0].links[0].partition("#")[2]).code == "link_ended"
    assert thief.says().code == "login_refused"


def test_letters_to_one_address_are_few_though_the_answer_stays_the_same(siti):
    answers = [siti.registers() for _ in range(6)]

    assert {(answer.status, answer.text) for answer in answers} == {(202, '{"next":"read_your_mail"}')}
    assert len(siti.mail()) == 3


def test_who_registers_too_much_from_one_place_has_to_wait(siti):
    answers = [siti.registers(password="pendek") for _ in range(100)]

    refused = siti.registers()

    assert {answer.status for answer in answers} == {422}
    assert (refused.status, refused.code, int(refused.headers["Retry-After"]) > 0) == (429, "too_many_requests", True)
    assert items("customers") == []


@pytest.mark.parametrize(
    ("about", "pointer"),
    [
        ({"password": "pendek"}, "/password"),
        ({"password": "siti@example.com"}, "/password"),
        ({"email": "nobody"}, "/email"),
        ({"phone": "12345678x"}, "/phone"),
        ({"phone": "(((((((((12"}, "/phone"),
        ({"language": "fr"}, "/language"),
        ({"consents": [{"purpose": "analytics", "given": True, "text_version": "1"}] * 2}, "/consents"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_nothing_is_kept(siti, about, pointer):
    refused = siti.registers(**about)

    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, pointer)
    assert items("customers") == []
    assert siti.mail() == []


@pytest.mark.parametrize("field", ["id", "state", "role", "version", "claims", "email_index", "tenant_id", "points"])
def test_fields_that_are_ours_are_refused(siti, field):
    siti.joins()
    before = items("customers")

    answers = [
        Visitor(siti.shop, email=BUDI).registers(**{field: "x"}),
        siti.does(
            "PATCH", "/store/me", {"version": 2, "name": "A", **({field: 3} if field != "version" else {"x": 1})}
        ),
        siti.does("POST", "/store/me/addresses", {**HOME, field: "x"}),
    ]

    assert {answer.status for answer in answers} == {422}
    assert items("customers") == before


# What a guest did


def test_a_guests_order_is_the_customers_after_verifying_and_not_before(siti, shop):
    shop.sells("KEMEJA-M", 5)
    order = shop.places(("KEMEJA-M", 1))["order"]
    other = Visitor(shop, email=BUDI, password="kereta api malam ke surabaya").joins()

    siti.registers()
    token = siti.token()
    before = shop.order(order["id"])
    siti.follows(token)
    siti.logs_in()

    history = siti.does("GET", "/store/me/orders")
    assert [each["id"] for each in history.body["items"]] == [order["id"]]
    assert siti.does("GET", f"/store/orders/{order['id']}").status == 200
    assert other.does("GET", "/store/me/orders").body["items"] == []
    assert other.does("GET", f"/store/orders/{order['id']}").status == 404
    assert shop.order(order["id"])["totals"] == before["totals"]


def test_history_goes_on_by_cursor(siti, shop):
    shop.sells("KEMEJA-M", 5)
    siti.joins()
    placed = [shop.places(("KEMEJA-M", 1))["order"]["id"] for _ in range(3)]

    first = siti.does("GET", "/store/me/orders?limit=2").body
    second = siti.does("GET", f"/store/me/orders?limit=2&cursor={first['next_cursor']}").body

    assert [each["id"] for each in [*first["items"], *second["items"]]] == placed[::-1]
    assert second["next_cursor"] is None


# Logging in


def test_unknown_wrong_and_unverified_get_the_same_refusal(siti, budi, shop):
    siti.joins()
    budi.registers()

    answers = [
        siti.says("bukan kata sandi yang benar"),
        Visitor(shop, email="nobody@example.com").says(),
        budi.says(),
    ]

    assert {answer.status for answer in answers} == {401}
    assert len({answer.text.replace(answer.body["request_id"], "") for answer in answers}) == 1


def test_a_second_factor_is_asked_for_and_a_recovery_code_stands_in_once(siti):
    siti.joins()
    codes = siti.sets_up_totp()

    ticket = siti.says().body
    first = siti.asks(
        "POST",
        "/store/login/second-factor",
        {"ticket": ticket["ticket"], "proof": {"kind": "recovery", "code": codes[0]}},
    )
    again = siti.asks(
        "POST",
        "/store/login/second-factor",
        {"ticket": siti.says().body["ticket"], "proof": {"kind": "recovery", "code": codes[0]}},
    )

    assert (ticket["token"], ticket["customer_id"]) == (None, None)
    assert first.status == 200
    assert (again.status, again.code) == (401, "code_refused")


def test_logging_out_ends_the_session(siti):
    siti.joins()

    assert siti.does("POST", "/store/logout").status == 204
    assert siti.does("GET", "/store/me").code == "session_ended"


def test_sessions_are_listed_and_ended_by_their_owner_alone(siti, budi):
    siti.joins()
    phone = Visitor(siti.shop)
    phone.logs_in()
    budi.joins()
    listed = siti.does("GET", "/store/me/sessions").body["items"]
    other = next(each["id"] for each in listed if not each["is_this"])

    assert budi.does("DELETE", f"/store/me/sessions/{other}").status == 404
    assert phone.does("GET", "/store/me").status == 200
    assert siti.does("DELETE", f"/store/me/sessions/{other}").status == 204
    assert phone.does("GET", "/store/me").status == 401
    assert [each["is_this"] for each in siti.does("GET", "/store/me/sessions").body["items"]] == [True]


def test_all_other_sessions_are_ended_at_once(siti):
    siti.joins()
    phone = Visitor(siti.shop)
    phone.logs_in()

    assert siti.does("DELETE", "/store/me/sessions").status == 204

    assert phone.does("GET", "/store/me").status == 401
    assert siti.does("GET", "/store/me").status == 200


# Forgotten passwords


def test_a_reset_ends_every_session_and_asks_for_the_second_factor_as_before(siti):
    siti.joins()
    siti.sets_up_totp()
    siti.asks("POST", "/store/password-resets", {"email": siti.email})

    reset = siti.asks("POST", "/store/password-resets/confirm", {"token": siti.token(), "password": "gunung api"})

    assert reset.status == 204
    assert siti.does("GET", "/store/me").status == 401
    assert siti.says().code == "login_refused"
    step = siti.says("gunung api").body
    assert (step["token"], bool(step["ticket"])) == (None, True)


def test_asking_for_a_reset_tells_nobody_who_is_a_customer(siti, shop):
    siti.joins()

    known = siti.asks("POST", "/store/password-resets", {"email": siti.email})
    unknown = siti.asks("POST", "/store/password-resets", {"email": "nobody@example.com"})

    assert (known.status, known.body) == (unknown.status, unknown.body) == (202, {"next": "read_your_mail"})
    assert "nobody@example.com" not in {mail.to for mail in siti.mail("nobody@example.com")}


def test_a_reset_link_works_once(siti):
    siti.joins()
    siti.asks("POST", "/store/password-resets", {"email": siti.email})
    wish = {"token": siti.token(), "password": "sungai panjang berliku jauh"}

    first = siti.asks("POST", "/store/password-resets/confirm", wish)
    again = siti.asks("POST", "/store/password-resets/confirm", {**wish, "password": "kata sandi orang lain lagi"})

    assert (first.status, again.status, again.code) == (204, 401, "link_ended")
    assert siti.says("sungai panjang berliku jauh").status == 200


def test_another_password_needs_the_one_until_now(siti):
    siti.joins()
    wish = {"current": "bukan yang ini sama sekali", "password": "sungai panjang berliku jauh"}

    refused = siti.does("PUT", "/store/me/password", wish)
    changed = siti.does("PUT", "/store/me/password", {**wish, "current": PASSWORD})

    assert (refused.status, refused.code) == (401, "login_refused")
    assert changed.status == 204
    assert siti.does("GET", "/store/me").status == 200
    assert siti.says("sungai panjang berliku jauh").status == 200


def test_a_short_password_cannot_stay_alone_when_the_second_factor_goes(siti):
    siti.joins()
    siti.sets_up_totp()
    siti.does("PUT", "/store/me/password", {"current": PASSWORD, "password": "gunung api"})

    wrong = siti.does("DELETE", "/store/me/totp", {"password": PASSWORD})
    short = siti.does("DELETE", "/store/me/totp", {"password": "gunung api"})

    assert wrong.code == "login_refused"
    assert (short.status, short.body["errors"][0]["pointer"]) == (422, "/password")
    assert siti.says("gunung api").body["ticket"]
    assert siti.does("PUT", "/store/me/password", {"current": "gunung api", "password": PASSWORD}).status == 204
    assert siti.does("DELETE", "/store/me/totp", {"password": PASSWORD}).status == 204
    assert siti.says().body["token"]


# Who they are


def test_what_was_wrong_is_put_right_at_once_and_by_version(siti):
    siti.joins()
    me = siti.does("GET", "/store/me").body
    wish = {"version": me["version"], "name": "Siti R. Hartono", "phone": "0812-9999-0000", "language": "en"}

    changed = siti.does("PATCH", "/store/me", wish)
    stale = siti.does("PATCH", "/store/me", {**wish, "name": "Lain"})

    assert changed.body == {**me, **wish, "phone": "+6281299990000", "version": me["version"] + 1}
    assert (stale.status, stale.code, stale.body["version"]) == (409, "stale_customer", me["version"] + 1)
    assert siti.does("GET", "/store/me").body == changed.body
    assert siti.does("PATCH", "/store/me", {"version": me["version"] + 1, "phone": None}).body["phone"] is None


def test_another_email_counts_once_its_link_is_followed(siti, shop):
    siti.joins()
    new = "siti.baru@example.com"

    asked = siti.does("POST", "/store/me/email", {"email": new})
    before = siti.does("GET", "/store/me").body["email"]
    confirmed = siti.asks("POST", "/store/email-changes/confirm", {"token": siti.token(new)})

    assert (asked.status, before, confirmed.status) == (202, "siti@example.com", 204)
    assert siti.does("GET", "/store/me").body["email"] == new
    assert siti.says().code == "login_refused"
    siti.email = new
    assert siti.logs_in().status == 200
    assert Visitor(shop, password="orang baru dengan alamat lama").joins().does("GET", "/store/me").status == 200


def test_an_email_that_somebody_has_cannot_be_taken(siti, budi):
    siti.joins()
    budi.joins()
    before = items("customers")

    asked = siti.does("POST", "/store/me/email", {"email": budi.email})

    assert (asked.status, asked.body) == (202, {"next": "read_your_mail"})
    assert "change-email" not in budi.mail()[-1].links[0]
    assert items("customers") == before


def test_an_email_that_was_taken_meanwhile_stays_its_owners(siti, budi):
    siti.joins()
    siti.does("POST", "/store/me/email", {"email": budi.email})
    token = siti.token(budi.email)
    budi.joins()

    refused = siti.asks("POST", "/store/email-changes/confirm", {"token": token})

    assert (refused.status, refused.code) == (401, "link_ended")
    assert siti.does("GET", "/store/me").body["email"] == "siti@example.com"
    assert budi.says().status == 200


def test_the_link_to_one_address_does_not_prove_another(siti):
    siti.joins()
    siti.does("POST", "/store/me/email", {"email": "satu@example.com"})
    first = siti.token("satu@example.com")
    siti.does("POST", "/store/me/email", {"email": "dua@example.com"})

    refused = siti.asks("POST", "/store/email-changes/confirm", {"token": first})
    before = siti.does("GET", "/store/me").body["email"]
    siti.asks("POST", "/store/email-changes/confirm", {"token": siti.token("dua@example.com")})

    assert (refused.code, before) == ("link_ended", "siti@example.com")
    assert siti.does("GET", "/store/me").body["email"] == "dua@example.com"


def test_weighty_things_need_a_fresh_log_in(siti, clock):
    siti.joins()
    clock.pass_(minutes=11)

    answers = [
        siti.does("POST", "/store/me/email", {"email": BUDI}),
        siti.does("POST", "/store/me/totp"),
        siti.does("DELETE", "/store/me/totp", {"password": PASSWORD}),
    ]

    assert {answer.status for answer in answers} == {403}
    assert siti.does("GET", "/store/me").status == 200


# Addresses


def test_the_first_address_is_the_default_until_another_is_made_it(siti):
    siti.joins()

    home = siti.does("POST", "/store/me/addresses", HOME)
    office = siti.does("POST", "/store/me/addresses", {**HOME, "label": "Kantor"})
    mothers = siti.does("POST", "/store/me/addresses", {**HOME, "label": "Ibu", "is_default": True})
    listed = siti.does("GET", "/store/me/addresses").body["items"]

    assert (home.status, home.body["is_default"], office.body["is_default"]) == (201, True, False)
    assert home.body["phone"] == "+6281234567890"
    assert [(each["label"], each["is_default"]) for each in listed] == [
        ("Rumah", False),
        ("Kantor", False),
        ("Ibu", True),
    ]
    assert siti.does("DELETE", f"/store/me/addresses/{mothers.body['id']}").status == 204
    assert siti.does("GET", "/store/me/addresses").body["items"][0]["is_default"] is True
    assert siti.does("GET", home.headers["Location"]).body == {**home.body, "is_default": True}


def test_an_address_is_changed_by_the_version_that_was_read(siti):
    siti.joins()
    address = siti.does("POST", "/store/me/addresses", HOME).body
    place = f"/store/me/addresses/{address['id']}"

    changed = siti.does("PUT", place, {**HOME, "city": "Cimahi", "version": 1})
    stale = siti.does("PUT", place, {**HOME, "city": "Jakarta", "version": 1})

    assert (changed.status, changed.body) == (200, {**address, "city": "Cimahi", "version": 2})
    assert (stale.status, stale.code, stale.body["version"]) == (409, "stale_address", 2)
    assert siti.does("GET", place).body["city"] == "Cimahi"


def test_a_book_holds_twenty_addresses(siti):
    siti.joins()
    for _ in range(20):
        assert siti.does("POST", "/store/me/addresses", HOME).status == 201

    refused = siti.does("POST", "/store/me/addresses", HOME)

    assert (refused.status, refused.code, refused.body["most"]) == (409, "address_book_full", 20)
    assert len(siti.does("GET", "/store/me/addresses").body["items"]) == 20


def test_anothers_address_is_not_found_whatever_is_tried(siti, budi):
    siti.joins()
    budi.joins()
    place = f"/store/me/addresses/{siti.does('POST', '/store/me/addresses', HOME).body['id']}"
    before = items("customers")

    answers = [
        budi.does("GET", place),
        budi.does("PUT", place, {**HOME, "version": 1}),
        budi.does("DELETE", place),
    ]

    assert {(answer.status, answer.code) for answer in answers} == {(404, "address_not_found")}
    assert "Braga" not in "".join(answer.text for answer in answers)
    assert items("customers") == before


def test_an_indonesian_postal_code_has_five_digits(siti):
    siti.joins()

    refused = siti.does("POST", "/store/me/addresses", {**HOME, "postal_code": "4011"})

    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/postal_code")
    assert siti.does("GET", "/store/me/addresses").body["items"] == []


# Staff


def test_staff_find_a_customer_by_email_phone_and_id(siti, budi):
    siti.joins(phone="081234567890")
    budi.joins()
    id_ = siti.does("GET", "/store/me").body["id"]

    finds = {
        query: call("GET", f"/admin/customers?{query}", headers=as_staff()).body["items"]
        for query in ("email=SITI@Example.com", "phone=0812-3456-7890", f"id={id_}", "email=nobody@example.com")
    }

    assert {query: [each["id"] for each in found] for query, found in finds.items()} == {
        "email=SITI@Example.com": [id_],
        "phone=0812-3456-7890": [id_],
        f"id={id_}": [id_],
        "email=nobody@example.com": [],
    }
    assert finds[f"id={id_}"][0]["email"] == "s•••@e•••"


def test_staff_page_through_all_customers_newest_first(shop, clock):
    made = []
    for number in range(5):
        clock.pass_(seconds=1)
        made.append(customers.registers(Person(f"Nama {number}", f"n{number}@example.com")))

    first = call("GET", "/admin/customers?limit=3", headers=as_staff()).body
    second = call("GET", f"/admin/customers?limit=3&cursor={first['next_cursor']}", headers=as_staff()).body

    assert [each["id"] for each in [*first["items"], *second["items"]]] == made[::-1]
    assert second["next_cursor"] is None


def test_what_staff_put_right_shows_at_once_and_is_recorded_masked(siti):
    siti.joins()
    me = siti.does("GET", "/store/me").body
    support = people.session("support")

    seen = call("GET", f"/admin/customers/{me['id']}", headers=support)
    wish = {"version": me["version"], "name": "Siti Rahmawati Hartono"}
    changed = call("PATCH", f"/admin/customers/{me['id']}", wish, headers=support)

    assert seen.body["email"] == "siti@example.com"
    assert (changed.status, changed.body["name"]) == (200, "Siti Rahmawati Hartono")
    assert siti.does("GET", "/store/me").body["name"] == "Siti Rahmawati Hartono"
    entries = audit_entries()
    assert {(entry["action"], entry["outcome"]) for entry in entries} == {
        ("GET /admin/customers/{customer_id}", "done"),
        ("PATCH /admin/customers/{customer_id}", "done"),
    }
    assert {entry["target"]["customer_id"] for entry in entries} == {me["id"]}
    assert "Rahmawati" not in str(entries)


def test_staff_without_the_scope_see_and_change_no_customer(siti):
    siti.joins()
    me = siti.does("GET", "/store/me").body
    warehouse, finance = people.session("warehouse"), people.session("finance")
    before = items("customers")

    answers = [
        call("GET", "/admin/customers", headers=warehouse),
        call("GET", f"/admin/customers/{me['id']}", headers=warehouse),
        call("PATCH", f"/admin/customers/{me['id']}", {"version": me["version"], "name": "X"}, headers=finance),
        call("GET", f"/admin/customers/{me['id']}", headers=siti.headers),
    ]

    assert [answer.status for answer in answers[:3]] == [403, 403, 403]
    assert answers[3].status == 401
    assert "Siti" not in "".join(answer.text for answer in answers)
    assert items("customers") == before


def test_the_tables_hold_nothing_that_can_be_read(siti, shop):
    siti.joins(phone="081234567890")
    siti.does("POST", "/store/me/addresses", HOME)
    siti.does("POST", "/store/me/email", {"email": "siti.baru@example.com"})
    Visitor(shop, email="belum@example.com", name="Belum Terbukti").registers()

    stored = str([items(table) for table in ("customers", "identity", "notices", "events", "limits", "keys")])

    words = ("Siti", "Rahmawati", "siti@", "siti.baru", "81234567890", "Braga", "Belum", "belum@", accounts.PASSWORD)
    for word in words:
        assert word not in stored


def test_who_was_erased_has_no_address_and_nothing_waiting(siti):
    siti.joins()
    id_ = siti.does("GET", "/store/me").body["id"]
    siti.does("POST", "/store/me/addresses", HOME)
    siti.does("POST", "/store/me/email", {"email": "siti.baru@example.com"})

    customers.erase(id_)

    left = {item["sk"]["S"] for item in items("customers") if item["pk"]["S"] == id_}
    assert left == {"PROFILE"}
    assert siti.does("GET", "/store/me").status == 404
    assert siti.does("GET", "/store/me/addresses").status == 404
    assert call("GET", f"/admin/customers/{id_}", headers=as_staff()).status == 404


def test_a_strangers_registration_opens_nothing_for_the_stranger(shop):
    """The letter reaches the owner of the address, who follows it; the stranger's password is not theirs to say."""
    owner = Visitor(shop)
    stranger = Visitor(shop, password="kereta api malam ke surabaya", source="203.0.113.9")
    stranger.registers()

    followed = owner.follows()

    assert (followed.status, followed.code) == (401, "login_refused")
    assert stranger.says().status == 401


def test_a_link_to_another_address_is_worthless_once_the_password_was_reset(siti):
    """Who had the session for a while asked for it; the owner has the account back, and keeps it."""
    siti.joins()
    siti.does("POST", "/store/me/email", {"email": "pencuri@example.com"})
    thief = siti.token("pencuri@example.com")
    siti.asks("POST", "/store/password-resets", {"email": siti.email})
    reset = {"token": siti.token(), "password": "kereta api malam ke surabaya"}
    assert siti.asks("POST", "/store/password-resets/confirm", reset).status == 204

    stolen = siti.asks("POST", "/store/email-changes/confirm", {"token": thief})

    assert (stolen.status, stolen.code) == (401, "link_ended")
