"""Every kind of letter, in both languages: whole, safe, and with just the facts that its table names."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from string import Template as Pattern

import pytest

from chalicelib.notices import letters, rules
from chalicelib.notices.channels.port import ChannelName
from chalicelib.notices.rules import TEMPLATES, UNSUBSCRIBE, Noted, Recipient, greeting, header_address, id_of, when
from chalicelib.notices.states import MAY_FOLLOW, State

LANGUAGES = ("id", "en")
EACH = [pytest.param(name, language, id=f"{name}.{language}") for name in TEMPLATES for language in LANGUAGES]
AT = datetime(2026, 11, 24, 3, 5, tzinfo=UTC)
NOTED = Noted(
    id="ntc_1",
    state=State.QUEUED,
    template="customer_exists",
    language="id",
    purpose="transactional",
    subject="cus_1",
    channels=(ChannelName.EMAIL,),
    channel=None,
    round=1,
    unsure=0,
    attempts=0,
    message_id=None,
    reason=None,
    requested_at=AT,
    changed_at=AT,
)
SITI = Recipient("cus_1", "Siti", "siti@example.com")


def facts_of(name, **other):
    return {fact: letters.SAMPLES[fact] for fact in TEMPLATES[name].facts} | other


def written(name="customer_exists", language="id", to=SITI, **other):
    noted = replace(NOTED, template=name, language=language)
    return letters.write(noted, to, facts_of(name, **other), "siti@example.com")


@pytest.mark.parametrize(("name", "language"), EACH)
def test_a_template_names_just_the_facts_of_its_table(name, language):
    expected = set(TEMPLATES[name].facts) - {UNSUBSCRIBE}

    assert letters.facts_named_in(name, language) == expected


@pytest.mark.parametrize(("name", "language"), EACH)
def test_a_letter_that_lacks_a_fact_is_not_written(name, language):
    for fact in TEMPLATES[name].facts:
        facts = facts_of(name)
        del facts[fact]

        with pytest.raises(KeyError):
            letters.write(replace(NOTED, template=name, language=language), SITI, facts, "siti@example.com")


@pytest.mark.parametrize(("name", "language"), EACH)
def test_a_letter_says_the_same_in_text_and_in_html(name, language):
    letter = written(name, language)

    assert letter.subject
    assert "\n" not in letter.subject
    assert len(letter.subject) <= 100
    for fact in facts_of(name).values():
        assert fact in letter.subject + letter.text
        assert fact in letter.html
    for part in (letter.subject, letter.text, letter.html):
        assert not re.search(r"\$[a-z{]", part), "nothing is left to be filled in"
    assert f'<html lang="{language}">' in letter.html


@pytest.mark.parametrize(("name", "language"), EACH)
def test_no_fact_can_become_markup_or_a_template(name, language):
    evil = '<script>alert("$link")</script>$shop'
    facts = {fact: evil for fact in TEMPLATES[name].facts if not fact.endswith("link")}

    letter = written(name, language, Recipient("cus_1", "<b>Siti</b>"), **facts)

    assert "<script" not in letter.html
    assert "<b>" not in letter.html
    assert all(evil in letter.text for _ in facts)


def test_a_link_cannot_leave_its_attribute():
    letter = written(link='https://toko.example/"onclick="x')

    assert 'href="https://toko.example/&quot;onclick=&quot;x"' in letter.html


def test_every_file_belongs_to_a_template():
    files = {path.name for path in letters.FOLDER.iterdir()}

    assert files == {f"{name}.{language}.txt" for name in TEMPLATES for language in LANGUAGES} | {"layout.html"}


def test_both_languages_differ_and_say_who_writes():
    for name in TEMPLATES:
        indonesian, english = written(name, "id"), written(name, "en")

        assert indonesian.text != english.text
        assert "Toko Laris" in indonesian.text
        assert "Toko Laris" in english.text


def test_marketing_alone_can_be_unsubscribed_from():
    marketing = {name for name in TEMPLATES if written(name).unsubscribe_link}

    assert marketing == {name for name, template in TEMPLATES.items() if template.is_marketing} == {"news"}
    assert letters.SAMPLES[UNSUBSCRIBE] in written("news").html


def test_links_of_accounts_never_go_by_whatsapp():
    secret = {name for name in TEMPLATES if name.startswith(("staff_", "customer_"))}

    assert {TEMPLATES[name].channels for name in secret} == {(ChannelName.EMAIL,)}


def test_the_layout_asks_for_nothing_else():
    layout = Pattern((letters.FOLDER / "layout.html").read_text())

    assert set(layout.get_identifiers()) == {"language", "subject", "shop", "content", "footer"}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Siti Rahayu", "Halo Siti Rahayu,"),
        ("  Siti\r\nRahayu ", "Halo Siti Rahayu,"),
        (None, "Halo,"),
        ("", "Halo,"),
        ("Menang! http://evil.example", "Halo,"),
        ("evil.com", "Halo,"),
        ("klik www.evil", "Halo,"),
        ("x" * 61, "Halo,"),
    ],
)
def test_a_greeting_has_a_name_and_nothing_that_only_looks_like_one(name, said):
    assert greeting(name, "id") == said


@pytest.mark.parametrize(
    ("email", "written"),
    [
        (" siti@example.com ", "siti@example.com"),
        ("siti@tokobatik.id", "siti@tokobatik.id"),
        ("siti@bücher.example", "siti@xn--bcher-kva.example"),
        ("siti@example.com\nBcc: x@evil.example", None),
        ("siti\r@example.com", None),
        ("Siti <siti@example.com>", None),
        ("a@example.com,b@example.com", None),
        ("sïti@example.com", None),
        ("siti@localhost", None),
        ("@example.com", None),
        ("siti", None),
    ],
)
def test_only_a_plain_address_may_stand_in_a_header(email, written):
    assert header_address(email) == written


@pytest.mark.parametrize(
    ("phone", "digits"),
    [
        ("0812-3456-7890", "6281234567890"),
        ("+62 812 3456 7890", "6281234567890"),
        ("6281234567890", "6281234567890"),
        ("+1 (415) 555-0100", "14155550100"),
        ("12", None),
        ("0812x", None),
    ],
)
def test_a_number_is_written_as_whatsapp_wants_it(phone, digits):
    assert rules.phone_digits(phone) == digits


def test_a_time_is_written_as_people_do():
    assert when(AT, "id") == "24 November 2026 10.05 WIB"
    assert when(AT, "en") == "24 November 2026 10:05 WIB"


def test_the_id_of_a_notice_follows_from_its_key_and_does_not_tell_it():
    assert id_of("order_placed:ord_1") == id_of("order_placed:ord_1") != id_of("order_placed:ord_2")
    assert re.fullmatch(r"ntc_[0-9A-HJKMNP-TV-Z]{26}", id_of("x"))


def test_no_state_follows_an_end():
    assert set(MAY_FOLLOW) == set(State)
    assert not any(State.CANCELLED in before or State.SUPPRESSED in before for before in MAY_FOLLOW.values())
    assert State.BOUNCED not in MAY_FOLLOW[State.DELIVERED]
