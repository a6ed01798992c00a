"""Letters from being asked for to what became of them: sealed, sent once, by the right way, and no more than wanted."""

import json
from itertools import permutations

import pytest

from chalicelib.core import aws as ours
from chalicelib.core import db, outbox, vault
from chalicelib.core.config import settings
from chalicelib.core.errors import InProgress, TooMany, UpstreamTimeout, WriteRefused
from chalicelib.notices import channels, feedback
from chalicelib.notices import service as notices
from chalicelib.notices.channels.port import ChannelName
from chalicelib.notices.errors import LetterIncomplete, LetterRefused, NotResendable, SenderRefused
from chalicelib.notices.models.notices import NoticeRow
from chalicelib.notices.rules import Report, id_of
from chalicelib.notices.service import Notice, Recipient, State
from tests.kit import api, cloud, letters
from tests.kit.letters import Carrier

SITI = "cus_01KBSN3M40A8XJ2Q7VTE5R9WCD"
ADDRESS = "siti@example.com"
PHONE = "0812-3456-7890"
PLACED = {"number": "LRS-1", "total": "Rp150.000", "expires": "besok", "link": "https://toko.example/o/1"}
NEWS = {
    "headline": "Batik baru",
    "message": "Sudah tersedia.",
    "link": "https://toko.example/baru",
    "unsubscribe_link": "https://toko.example/berhenti",
}


@pytest.fixture
def key(aws):
    with db.transaction() as tx:
        return vault.make(tx, SITI)


@pytest.fixture
def mail():
    carrier = Carrier()
    with channels.use(ChannelName.EMAIL, carrier):
        yield carrier


@pytest.fixture
def whatsapp():
    carrier = Carrier("wamid")
    with channels.use(ChannelName.WHATSAPP, carrier):
        yield carrier


def notice(template="customer_exists", facts=None, *, phone=None, email=ADDRESS, number="k1", **said):
    facts = facts or {"link": "https://toko.example/masuk"}
    return Notice(template, Recipient(SITI, "Siti", email, phone), facts, "id", number, **said)


def send(key, asked=None):
    with db.transaction() as tx:
        return notices.send(tx, asked or notice(), key)


def deliver(notice_id, round_=1):
    notices.deliver(notice_id, round_)


def state_of(notice_id):
    noted = notices.get(notice_id).noted
    return noted.state, noted.reason


def sent(key, carrier, number="k1"):
    """A letter that has been sent; its id and the partner's."""
    notice_id = send(key, notice(number=number))
    deliver(notice_id)
    return notice_id, notices.get(notice_id).noted.message_id


def test_a_letter_goes_out_after_the_transaction_that_asked_for_it(key, pumps):
    notice_id = send(key)

    pumps.drain()

    (mail,) = letters.sent()
    assert (mail.to, mail.subject) == (ADDRESS, "Anda sudah punya akun di Toko Laris")
    assert mail.links == ["https://toko.example/masuk"]
    assert state_of(notice_id) == (State.SENT, None)
    assert pumps.failures == []


def test_asked_for_twice_it_is_one_letter_and_the_rest_of_the_transaction_happens(key, pumps):
    first = send(key)
    with db.transaction() as tx:
        other = vault.make(tx, "cus_OTHER")
        again = notices.send(tx, notice(facts={"link": "https://toko.example/lain"}), key)

    pumps.drain()

    assert again == first == id_of("k1")
    assert vault.key("cus_OTHER") == other
    assert [mail.links for mail in letters.sent()] == [["https://toko.example/masuk"]]


def test_a_key_of_another_persons_letter_is_refused(key):
    send(key)

    with pytest.raises(WriteRefused), db.transaction() as tx:
        stranger = vault.make(tx, "cus_OTHER")
        asked = Notice("customer_exists", Recipient("cus_OTHER"), {"link": "https://toko.example"}, "id", "k1")
        notices.send(tx, asked, stranger)

    assert [each.subject for each in notices.notices_of(SITI)] == [SITI]


def test_said_twice_it_is_sent_once(key, mail):
    notice_id = send(key)

    deliver(notice_id)
    deliver(notice_id)

    assert len(mail.taken) == 1


@pytest.mark.parametrize(
    "asked",
    [
        notice(facts={"other": "x"}),
        notice(facts={"link": "javascript:alert(1)"}),
        notice("news", NEWS),
        notice(purpose="newsletter"),
        notice("no_such_template"),
    ],
    ids=["a fact", "a web address", "a purpose", "no marketing", "a template"],
)
def test_a_letter_that_lacks_something_is_not_taken(key, asked):
    with pytest.raises(LetterIncomplete), db.transaction() as tx:
        notices.send(tx, asked, key)

    assert notices.notices_of(SITI) == []
    assert outbox.history(id_of("k1")) == []


def test_nothing_personal_stands_in_the_tables_readable(key, pumps):
    send(key, notice("order_placed", PLACED, phone=PHONE))
    pumps.drain()

    stored = everything_stored()

    assert "NOTICE" in stored
    for personal in (ADDRESS, "Siti", PHONE, "toko.example/o/1", "LRS-1", "Rp150.000"):
        assert personal not in stored


def everything_stored():
    from moto.dynamodb.models import dynamodb_backends

    tables = dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables.values()
    names = {settings.table(name) for name in ("notices", "events", "sendings")}
    rows = [str(row.to_json()) for table in tables if table.name in names for row in table.all_items()]
    return "\n".join(rows)


def test_a_sealed_letter_cannot_be_moved_to_another_notice(key):
    first, second = send(key, notice(number="k1")), send(key, notice(number="k2"))
    rows = NoticeRow.look([first, second])
    rows[0].facts = rows[1].facts

    with pytest.raises(Exception, match="unreadable"):
        rows[0].opened(key)


def test_who_is_erased_gets_no_letter_any_more(key, mail):
    notice_id = send(key)
    with db.transaction() as tx:
        vault.destroy(tx, SITI)

    deliver(notice_id)

    assert state_of(notice_id) == (State.CANCELLED, "erased")
    assert mail.taken == []
    assert notices.get(notice_id).to is None


def test_without_a_sender_letters_are_kept_back_and_nothing_fails(key, mail):
    mail.is_ready = False
    notice_id = send(key)

    deliver(notice_id)

    assert state_of(notice_id) == (State.SUPPRESSED, "no_sender")


@pytest.mark.parametrize(
    "address", ["siti", "a@b", "a b@example.com", "a@example.com\r\nBcc: x@evil.example", "a@example.com,b@example.com"]
)
def test_an_address_that_may_stand_in_no_header_gets_nothing(key, mail, address):
    notice_id = send(key, notice(email=address))

    deliver(notice_id)

    assert state_of(notice_id) == (State.SUPPRESSED, "bad_address")
    assert mail.taken == []


@pytest.mark.parametrize("busy", [TooMany(), SenderRefused()])
def test_a_busy_partner_gets_it_again(key, mail, busy):
    notice_id = send(key)
    mail.fails(busy)

    with pytest.raises(type(busy)):
        deliver(notice_id)

    assert state_of(notice_id) == (State.QUEUED, "partner_busy")
    deliver(notice_id)
    assert state_of(notice_id) == (State.SENT, None)


def test_a_partner_that_refuses_for_good_is_not_asked_again(key, mail):
    notice_id = send(key)
    mail.fails(LetterRefused(reason="ses_MessageRejected"))

    deliver(notice_id)
    deliver(notice_id)

    assert state_of(notice_id) == (State.FAILED, "ses_MessageRejected")
    assert mail.taken == []


def test_lost_answers_make_at_most_one_duplicate(key, mail):
    notice_id = send(key)
    mail.fails(*[UpstreamTimeout()] * 5, loses=True)

    for _ in range(2):
        with pytest.raises(UpstreamTimeout):
            deliver(notice_id)
    deliver(notice_id)
    deliver(notice_id)

    assert len(mail.taken) == 2
    assert state_of(notice_id) == (State.FAILED, "no_answer")


def test_a_busy_partner_in_between_does_not_make_lost_answers_forgotten(key, mail):
    notice_id = send(key)
    lost, busy = UpstreamTimeout(), TooMany()
    mail.fails(lost, loses=True)
    with pytest.raises(UpstreamTimeout):
        deliver(notice_id)
    mail.fails(busy)
    with pytest.raises(TooMany):
        deliver(notice_id)
    mail.fails(lost, loses=True)
    with pytest.raises(UpstreamTimeout):
        deliver(notice_id)

    deliver(notice_id)

    assert len(mail.taken) == 2
    assert state_of(notice_id) == (State.FAILED, "no_answer")


def test_a_letter_lost_once_arrives_on_the_second_try(key, mail):
    notice_id = send(key)
    mail.fails(UpstreamTimeout())

    with pytest.raises(UpstreamTimeout):
        deliver(notice_id)
    deliver(notice_id)

    assert len(mail.taken) == 1
    assert state_of(notice_id) == (State.SENT, None)


def test_what_the_partner_said_is_known_even_if_we_could_not_note_it(key, mail):
    notice_id, message_id = sent(key, mail)
    noted = notices.get(notice_id).noted
    row = NoticeRow(notice_id, "NOTICE")
    with db.transaction() as tx:
        forgotten = [NoticeRow.state.set(State.SENDING), NoticeRow.message_id.remove()]
        tx.update(row, forgotten, condition=NoticeRow.state == noted.state)

    deliver(notice_id)

    assert len(mail.taken) == 1
    assert notices.get(notice_id).noted.message_id == message_id


def test_two_workers_never_hand_over_the_same_letter_at_once(key, mail):
    notice_id = send(key)
    meanwhile = []

    class Slow(Carrier):
        def send(self, letter):
            with pytest.raises(InProgress):
                deliver(notice_id)
            meanwhile.append(letter)
            return "msg-slow"

    with channels.use(ChannelName.EMAIL, Slow()):
        deliver(notice_id)

    assert len(meanwhile) == 1
    assert state_of(notice_id) == (State.SENT, None)


def test_whatsapp_goes_first_where_the_letter_may_and_there_is_a_number(key, mail, whatsapp):
    notice_id = send(key, notice("order_placed", PLACED, phone=PHONE))

    deliver(notice_id)

    (letter,) = whatsapp.taken
    assert (letter.to, letter.parameters) == ("6281234567890", tuple(PLACED.values()))
    assert mail.taken == []
    assert notices.get(notice_id).noted.channel is ChannelName.WHATSAPP


def test_letters_about_accounts_go_by_mail_alone(key, mail, whatsapp):
    deliver(send(key, notice(phone=PHONE)))

    assert (len(mail.taken), len(whatsapp.taken)) == (1, 0)


def test_what_whatsapp_refuses_goes_by_mail(key, mail, whatsapp):
    whatsapp.fails(LetterRefused(reason="whatsapp_131026"))
    notice_id = send(key, notice("order_placed", PLACED, phone=PHONE))

    deliver(notice_id)

    assert len(mail.taken) == 1
    assert notices.get(notice_id).noted.channel is ChannelName.EMAIL


def test_what_whatsapp_could_not_deliver_goes_by_mail_once(key, mail, whatsapp, pumps):
    notice_id = send(key, notice("order_placed", PLACED, phone=PHONE))
    pumps.drain()
    failed = Report(notice_id, "wamid-1", State.FAILED, reason="whatsapp_131026")

    for _ in range(3):
        feedback.note(failed)
        pumps.drain()

    assert (len(whatsapp.taken), len(mail.taken)) == (1, 1)
    assert state_of(notice_id) == (State.SENT, None)


# Marketing


def test_withdrawn_consent_stops_what_is_queued_and_what_is_on_its_way_here(key, mail, clock):
    queued = send(key, notice("news", NEWS, purpose="newsletter", number="k1"))
    other = send(key, notice("news", NEWS, purpose="reminders", number="k2"))

    notices.stop(SITI, "newsletter")

    assert state_of(queued) == (State.CANCELLED, "consent_withdrawn")
    deliver(queued)
    deliver(other)
    assert len(mail.taken) == 1


def test_a_letter_whose_consent_was_withdrawn_in_the_same_moment_is_not_sent(key, mail):
    notice_id = send(key, notice("news", NEWS, purpose="newsletter"))
    with db.transaction() as tx:
        notices.forbid(tx, SITI, "newsletter")

    deliver(notice_id)

    assert state_of(notice_id) == (State.CANCELLED, "consent_withdrawn")
    assert mail.taken == []


def test_consent_given_again_lets_new_letters_through(key, mail):
    notices.stop(SITI, "newsletter")
    notice_id = send(key, notice("news", NEWS, purpose="newsletter"))

    deliver(notice_id)

    assert state_of(notice_id) == (State.SENT, None)
    assert mail.taken[0].unsubscribe_link == NEWS["unsubscribe_link"]


def test_the_withdrawal_is_heard_from_the_customers_desk(key, pumps, mail):
    from chalicelib.events.customers import ConsentWithdrawn

    mail.fails(*[TooMany()] * 9)
    notice_id = send(key, notice("news", NEWS, purpose="newsletter"))
    pumps.drain()
    with db.transaction() as tx:
        outbox.publish(tx, ConsentWithdrawn(SITI, "cns_1", "newsletter", "v1"))

    pumps.drain()

    assert state_of(notice_id) == (State.CANCELLED, "consent_withdrawn")


# What became of them


def ses_event(kind, notice_id, message_id, **said):
    about = {"messageId": message_id, "tags": {"notice": [notice_id], "ses:from-domain": ["toko.example"]}}
    return {"eventType": kind, "mail": {**about, "destination": [ADDRESS]}, **said}


def bounce(notice_id, message_id, kind="Permanent"):
    people = [{"emailAddress": ADDRESS, "action": "failed", "status": "5.1.1"}]
    about = {"bounceType": kind, "bounceSubType": "General", "bouncedRecipients": people}
    return ses_event("Bounce", notice_id, message_id, bounce=about)


def soft(notice_id, message_id):
    return bounce(notice_id, message_id, "Transient")


def complaint(notice_id, message_id, **said):
    return ses_event(
        "Complaint", notice_id, message_id, complaint={"complainedRecipients": [{"emailAddress": ADDRESS}], **said}
    )


def delivery(notice_id, message_id):
    return ses_event("Delivery", notice_id, message_id, delivery={"recipients": [ADDRESS], "smtpResponse": "250 ok"})


def tell(pumps, *events):
    """As SES does: to the topic that its configuration set names."""
    topic = f"arn:aws:sns:{cloud.REGION}:{cloud.ACCOUNT}:laris-{cloud.STAGE}-mail-feedback"
    for event in events:
        ours.client("sns").publish(TopicArn=topic, Message=json.dumps(event))
    pumps.drain()


def test_a_bounced_address_gets_no_more_letters_until_it_is_lifted(key, pumps, mail):
    first = sent(key, mail)

    tell(pumps, bounce(*first))

    second = send(key, notice(number="k2", email="  SITI@Example.com "))
    deliver(second)
    assert state_of(first[0]) == (State.BOUNCED, "permanent_general")
    assert state_of(second) == (State.SUPPRESSED, "blocked_bounce")
    assert notices.lift_block(ADDRESS) is notices.Why.BOUNCE
    third = send(key, notice(number="k3"))
    deliver(third)
    assert state_of(third) == (State.SENT, None)


def test_a_complaint_blocks_the_address_too(key, pumps, mail):
    first = sent(key, mail)

    tell(pumps, complaint(*first))

    second = send(key, notice(number="k2"))
    deliver(second)
    assert state_of(first[0]) == (State.COMPLAINED, None)
    assert state_of(second) == (State.SUPPRESSED, "blocked_complaint")


def test_who_says_it_is_no_spam_is_not_blocked(key, pumps, mail):
    first = sent(key, mail)

    tell(pumps, complaint(*first, complaintFeedbackType="not-spam"))

    assert state_of(first[0]) == (State.SENT, None)
    assert notices.lift_block(ADDRESS) is None


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_order_of_reports_and_their_number_do_not_matter(key, pumps, mail, order):
    first = sent(key, mail)
    said = [delivery(*first), bounce(*first), complaint(*first)]

    tell(pumps, *(said[each] for each in order), *reversed(said))

    assert state_of(first[0])[0] is State.COMPLAINED
    assert notices.lift_block(ADDRESS) in {notices.Why.BOUNCE, notices.Why.COMPLAINT}


def test_soft_bounces_block_an_address_only_when_they_go_on(key, pumps, mail):
    for number in range(4):
        letter = sent(key, mail, number=f"k{number}")
        tell(pumps, *[soft(*letter)] * 3)
    fifth = sent(key, mail, number="k5")
    assert state_of(fifth[0]) == (State.SENT, None)

    tell(pumps, soft(*fifth))

    sixth = send(key, notice(number="k6"))
    deliver(sixth)
    assert state_of(sixth) == (State.SUPPRESSED, "blocked_soft_bounces")


def test_a_delivery_lets_soft_bounces_be_forgotten(key, pumps, mail):
    for number in range(8):
        letter = sent(key, mail, number=f"k{number}")
        tell(pumps, delivery(*letter) if number == 4 else soft(*letter))

    assert state_of(sent(key, mail, number="k9")[0]) == (State.SENT, None)


def test_a_report_that_is_quicker_than_our_own_note_comes_again(key, mail):
    notice_id = send(key)
    mail.fails(UpstreamTimeout())
    with pytest.raises(UpstreamTimeout):
        deliver(notice_id)

    with pytest.raises(WriteRefused):
        feedback.note(Report(notice_id, "msg-1", State.DELIVERED))

    assert state_of(notice_id)[0] is State.SENDING


def test_reports_about_strangers_and_earlier_rounds_change_nothing(key, pumps, mail):
    notice_id, _ = sent(key, mail)

    tell(pumps, delivery("ntc_NOSUCH", "x"), delivery(notice_id, "of-another-round"))

    assert state_of(notice_id) == (State.SENT, None)
    assert pumps.failures == []


# Sending again, and forgetting


def resend(notice_id, number="r1"):
    headers = {**api.as_staff(), "Idempotency-Key": number}
    return api.call("POST", f"/admin/notices/{notice_id}/resend", headers=headers)


def test_staff_send_a_letter_again_once_for_each_key(key, pumps, mail):
    notice_id = send(key)
    pumps.drain()

    answers = [resend(notice_id), resend(notice_id)]
    pumps.drain()

    assert [answer.status for answer in answers] == [200, 200]
    assert (answers[0].body["state"], answers[0].body["round"]) == ("queued", 2)
    assert answers[0].text == answers[1].text
    assert len(mail.taken) == 2
    assert state_of(notice_id) == (State.SENT, None)


def test_a_cancelled_or_erased_letter_is_not_sent_again(key, mail):
    notice_id = send(key)
    notices.forget(SITI)
    deliver(notice_id)

    answer = resend(notice_id)

    assert (answer.status, answer.code) == (409, NotResendable.code)
    assert state_of(notice_id) == (State.CANCELLED, "erased")


def test_what_is_forgotten_leaves_only_that_there_was_a_letter(key, mail):
    notice_id, _ = sent(key, mail)
    waiting = send(key, notice(number="k2"))
    assert notices.has_unsent(SITI)

    notices.forget(SITI)

    deliver(waiting)
    assert len(mail.taken) == 1
    assert not notices.has_unsent(SITI)
    assert [row.opened(key) for row in NoticeRow.look([notice_id, waiting])] == [None, None]
    exported = [(each["template"], each["channel"], each["state"]) for each in notices.export(SITI)]
    assert exported == [("customer_exists", "email", "sent"), ("customer_exists", None, "cancelled")]


def test_old_letters_lose_what_they_said(key, mail, clock):
    old, _ = sent(key, mail)
    clock.pass_(days=180)
    young, _ = sent(key, mail, number="k2")

    erased = [notices.erase_old(clock.now().replace(hour=0)) for _ in range(2)]

    assert erased == [1, 0]
    assert [row.opened(key) is None for row in NoticeRow.look([old, young])] == [True, False]


# The desk


def look(path):
    return api.call("GET", f"/admin/{path}", headers=api.as_staff())


def test_staff_see_letters_newest_first_and_whom_they_went_to_only_masked(key, mail):
    sent_id, _ = sent(key, mail)
    mail.fails(LetterRefused(reason="ses_MessageRejected"))
    failed_id, _ = sent(key, mail, number="k2")

    assert [each["id"] for each in look(f"notices?subject={SITI}").body["items"]] == [failed_id, sent_id]
    assert [each["id"] for each in look("notices?state=failed").body["items"]] == [failed_id]
    one = look(f"notices/{sent_id}").body
    assert (one["to"], one["state"], one["template"]) == ("s•••@e•••", "sent", "customer_exists")
    assert look("notices/ntc_NOSUCH").code == "notice_not_found"


def test_the_list_goes_on_at_its_cursor(key, mail):
    ids = [send(key, notice(number=f"k{number}")) for number in range(5)]

    first = look("notices?limit=3").body
    second = look(f"notices?limit=3&cursor={first['next_cursor']}").body

    assert [each["id"] for each in first["items"] + second["items"]] == ids[::-1]
    assert second["next_cursor"] is None


def test_staff_see_every_template_as_a_page_that_loads_and_runs_nothing(aws):
    names = [each["name"] for each in look("notice-templates").body["items"]]

    pages = [look(f"notice-templates/{name}/preview?language={each}") for name in names for each in ("id", "en")]

    assert set(names) == set(notices.TEMPLATES)
    assert {page.status for page in pages} == {200}
    assert all("default-src 'none'" in page.headers["Content-Security-Policy"] for page in pages)
    assert look("notice-templates/nothing/preview").code == "template_not_found"


def test_staff_lift_a_block(key, pumps, mail):
    tell(pumps, bounce(*sent(key, mail)))
    lift = {"email": ADDRESS}

    answers = [api.call("POST", "/admin/notice-suppressions/lift", lift, headers=api.as_staff()) for _ in range(2)]

    assert [answer.body for answer in answers] == [{"was_blocked_by": "bounce"}, {"was_blocked_by": None}]
    assert state_of(sent(key, mail, number="k2")[0]) == (State.SENT, None)
