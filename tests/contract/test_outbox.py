"""The local outbox: shows every letter as it was sent, and says of it what SES would."""

import json
from dataclasses import replace

import pytest
import urllib3

from infra.local.mailbox import Mailbox
from infra.local.outbox import Outbox
from infra.local.simulators.whatsapp import WhatsAppSimulator

ASKED = {
    "FromEmailAddress": "Toko Laris <halo@toko.example>",
    "Destination": {"ToAddresses": ["siti@example.com"]},
    "Content": {
        "Simple": {
            "Subject": {"Data": "Konfirmasi <b>alamat</b>"},
            "Body": {
                "Text": {"Data": "Konfirmasi:\nhttps://toko.example/v?token=abc\n"},
                "Html": {"Data": '<html><head></head><body><script>alert(1)</script>"</body></html>'},
            },
            "Headers": [{"Name": "List-Unsubscribe", "Value": "<https://toko.example>"}],
        }
    },
    "EmailTags": [{"Name": "notice", "Value": "ntc_1"}, {"Name": "template", "Value": "customer_verify"}],
}


@pytest.fixture
def told():
    return []


@pytest.fixture
def mailbox(told):
    return Mailbox(told.append, on_the_way=3600)


@pytest.fixture
def outbox(mailbox):
    shown = Outbox(mailbox, WhatsAppSimulator("token", "secret"))
    shown.start()
    yield shown
    shown.stop()


def get(outbox, path):
    return urllib3.request("GET", f"{outbox.url}{path}", retries=False)


def test_scripts_find_a_letter_by_whom_it_went_to_and_its_links(outbox, mailbox):
    mailbox.keep("m1", ASKED)
    mailbox.keep("m2", {**ASKED, "Destination": {"ToAddresses": ["budi@example.com"]}})

    everything = get(outbox, "/messages").json()["messages"]
    (letter,) = get(outbox, "/messages?to=siti%40example.com").json()["messages"]

    assert [each["id"] for each in everything] == ["m2", "m1"]
    assert letter["links"] == ["https://toko.example/v?token=abc"]
    assert (letter["channel"], letter["template"]) == ("email", "customer_verify")


def test_whatsapp_messages_are_shown_too(outbox):
    parameters = [{"type": "text", "text": "https://toko.example/o/1"}]
    template = {"name": "order_placed", "language": {"code": "id"}, "components": [{"parameters": parameters}]}
    message = {"messaging_product": "whatsapp", "type": "template", "to": "62812", "template": template}
    urllib3.request(
        "POST",
        f"{outbox.whatsapp_url}/1/messages",
        headers={"Authorization": "Bearer token"},
        body=json.dumps(message),
        retries=False,
    )

    (shown,) = outbox.messages("62812")

    assert (shown["channel"], shown["template"]) == ("whatsapp", "order_placed")
    assert shown["links"] == ["https://toko.example/o/1"]
    assert 'href="https://toko.example/o/1"' in get(outbox, "/").data.decode()


def test_the_page_runs_nothing_of_a_letter(outbox, mailbox):
    mailbox.keep("m1", ASKED)

    page = get(outbox, "/").data.decode()

    assert "<script>alert(1)" not in page
    assert "Konfirmasi &lt;b&gt;alamat&lt;/b&gt;" in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    assert "allow-scripts" not in page
    assert "allow-same-origin" not in page


@pytest.mark.parametrize(
    ("action", "kind"), [("bounce", "Bounce"), ("complaint", "Complaint"), ("delivery", "Delivery")]
)
def test_a_letter_can_be_made_to_come_back(outbox, mailbox, told, action, kind):
    mailbox.keep("m1", ASKED)

    answer = urllib3.request("POST", f"{outbox.url}/messages/m1/{action}", retries=False)

    assert answer.status == 200
    assert told[0]["eventType"] == kind
    assert told[0]["mail"]["tags"]["notice"] == ["ntc_1"]
    assert urllib3.request("POST", f"{outbox.url}/messages/no/{action}", retries=False).status == 404


def test_what_it_tells_is_read_as_ses_tells_it(mailbox, told):
    import msgspec

    from chalicelib.notices.schemas import Feedback
    from chalicelib.notices.states import State

    mailbox.keep("m1", ASKED)
    (mail,) = mailbox.mails()
    for kind in ("Bounce", "Complaint", "Delivery"):
        mailbox.tell(replace(mail, id="m1"), kind)

    reports = [report for event in told for report in msgspec.convert(event, Feedback).reports()]

    assert [report.state for report in reports] == [State.BOUNCED, State.COMPLAINED, State.DELIVERED]
    assert {(report.notice_id, report.message_id, report.address) for report in reports} == {
        ("ntc_1", "m1", "siti@example.com")
    }
