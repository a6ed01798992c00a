"""The SES adapter: what it asks for, what no letter can make it ask for, and what each refusal means."""

from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from chalicelib.core import aws as ours
from chalicelib.core.errors import TooMany, UpstreamTimeout
from chalicelib.notices.channels.port import Letter
from chalicelib.notices.channels.ses import Ses
from chalicelib.notices.errors import LetterRefused, SenderRefused
from tests.kit import letters

LETTER = Letter(
    notice_id="ntc_01KBSN3M40A8XJ2Q7VTE5R9WCD",
    template="customer_verify",
    language="id",
    to="siti@example.com",
    subject="Konfirmasi alamat email Anda",
    text="Halo Siti,\n",
    html="<p>Halo Siti,</p>",
    parameters=(),
)


@contextmanager
def asked():
    """The parameters of each call to SES inside."""
    calls = []

    def note(params, **_):
        calls.append(params)

    events = ours.client("sesv2", repeats=False).meta.events
    events.register("provide-client-params.sesv2.SendEmail", note)
    try:
        yield calls
    finally:
        events.unregister("provide-client-params.sesv2.SendEmail", note)


@contextmanager
def answering(answer):
    """SES answers like this; how often it was asked."""
    tries = []

    def respond(request, **_):
        tries.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    events = ours.client("sesv2", repeats=False).meta.events
    events.register_first("before-send.sesv2.SendEmail", respond)
    try:
        yield tries
    finally:
        events.unregister("before-send.sesv2.SendEmail", respond)


class Body:
    """The body of an answer, read as botocore reads it."""

    def __init__(self, content):
        self.content = content

    def stream(self, **_):
        yield self.content


def error(status, code):
    return AWSResponse("https://email", status, {"x-amzn-errortype": code}, Body(b'{"message":"no"}'))


def test_a_letter_goes_in_text_and_html_under_the_configuration_that_reports(aws):
    with asked() as calls:
        message_id = Ses().send(LETTER)

    assert message_id
    assert calls == [
        {
            "FromEmailAddress": "Toko Laris <halo@toko.example>",
            "Destination": {"ToAddresses": ["siti@example.com"]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": "Konfirmasi alamat email Anda", "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": "Halo Siti,\n", "Charset": "UTF-8"},
                        "Html": {"Data": "<p>Halo Siti,</p>", "Charset": "UTF-8"},
                    },
                }
            },
            "EmailTags": [
                {"Name": "notice", "Value": LETTER.notice_id},
                {"Name": "template", "Value": "customer_verify"},
            ],
            "ConfigurationSetName": "laris-test",
        }
    ]
    assert [mail.to for mail in letters.sent()] == ["siti@example.com"]


def test_marketing_can_be_unsubscribed_from_with_one_click(aws):
    with asked() as calls:
        Ses().send(replace(LETTER, unsubscribe_link="https://toko.example/berhenti"))

    assert calls[0]["Content"]["Simple"]["Headers"] == [
        {"Name": "List-Unsubscribe", "Value": "<https://toko.example/berhenti>"},
    ]


@pytest.mark.parametrize("line_break", ["\r\n", "\n", "\r", "\x00", "\x85", "\u2028"])
@pytest.mark.parametrize("field", ["subject", "to", "unsubscribe_link"])
def test_no_field_can_begin_another_header(aws, field, line_break):
    evil: Any = {field: f"a@example.com{line_break}Bcc: victim@example.com"}
    letter = replace(LETTER, **evil)

    with pytest.raises(LetterRefused) as raised:
        Ses().send(letter)

    assert raised.value.facts["reason"] == "header_injection"
    assert letters.sent() == []


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (error(400, "MessageRejected"), LetterRefused),
        (error(400, "BadRequestException"), LetterRefused),
        (error(429, "TooManyRequestsException"), TooMany),
        (error(400, "LimitExceededException"), TooMany),
        (error(400, "SendingPausedException"), SenderRefused),
        (error(400, "AccountSuspendedException"), SenderRefused),
        (error(400, "MailFromDomainNotVerifiedException"), SenderRefused),
        (error(404, "NotFoundException"), SenderRefused),
        (error(500, "InternalFailure"), UpstreamTimeout),
        (ReadTimeoutError(endpoint_url="https://email"), UpstreamTimeout),
        (ConnectTimeoutError(endpoint_url="https://email"), SenderRefused),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else type(each).__name__,
)
def test_every_refusal_says_whether_a_repeat_helps_and_none_is_repeated_unasked(aws, answer, meaning):
    with answering(answer) as tries, pytest.raises(meaning) as raised:
        Ses().send(LETTER)

    assert type(raised.value) is meaning
    assert len(tries) == 1


def test_it_is_ready_once_it_has_a_sender(aws):
    assert Ses().is_ready
    assert not Ses("").is_ready
