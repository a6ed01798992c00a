"""The WhatsApp adapter against its simulator and against what Meta documents, and the door for what it posts."""

import hashlib
import hmac
import json
from dataclasses import replace

import pytest

from chalicelib.core import aws as ours
from chalicelib.core.config import settings
from chalicelib.core.errors import Malformed, TooMany, Upstream, UpstreamTimeout
from chalicelib.notices.channels import whatsapp
from chalicelib.notices.channels.port import Letter
from chalicelib.notices.channels.whatsapp import Status, WhatsApp
from chalicelib.notices.errors import BadFeedbackSignature, LetterRefused, SenderRefused
from infra.local.simulators.whatsapp import WhatsAppSimulator
from tests.kit import api
from tests.kit.cloud import SECRETS
from tests.kit.partner import SILENCE, Listener, Said, Scripted

NUMBER = "106540352242922"
TOKEN, APP_SECRET = SECRETS["whatsapp-token"], SECRETS["whatsapp-app-secret"]
LETTER = Letter(
    notice_id="ntc_01KBSN3M40A8XJ2Q7VTE5R9WCD",
    template="order_placed",
    language="id",
    to="6281234567890",
    subject="Pesanan LRS-1 kami terima",
    text="",
    html="",
    parameters=("LRS-1", "Rp150.000", "besok\n10.00    WIB", "https://toko.example/o/1"),
)


@pytest.fixture
def partner(aws):
    scripted = Scripted()
    with scripted.running():
        yield scripted


@pytest.fixture
def adapter(partner):
    return WhatsApp(partner.url, NUMBER)


@pytest.fixture
def inbox():
    listener = Listener(lambda _asked: Said(200, {}))
    with listener.running():
        yield listener


@pytest.fixture
def simulator(aws, inbox):
    made = WhatsAppSimulator(TOKEN, APP_SECRET, f"{inbox.url}/webhooks/notices/whatsapp")
    made.start()
    yield made
    made.stop()


def error(code, status=400):
    return Said(status, {"error": {"message": f"(#{code})", "type": "OAuthException", "code": code, "fbtrace_id": "A"}})


def test_a_letter_goes_as_the_template_that_meta_keeps(partner, adapter):
    partner.says(Said(200, {"messaging_product": "whatsapp", "messages": [{"id": "wamid.1"}]}))

    message_id = adapter.send(LETTER)

    (asked,) = partner.asked
    assert message_id == "wamid.1"
    assert (asked.method, asked.path) == ("POST", f"/{NUMBER}/messages")
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "6281234567890",
        "type": "template",
        "template": {
            "name": "order_placed",
            "language": {"code": "id"},
            "components": [
                {
                    "type": "body",
                    "parameters": [
                        {"type": "text", "text": "LRS-1"},
                        {"type": "text", "text": "Rp150.000"},
                        {"type": "text", "text": "besok 10.00 WIB"},
                        {"type": "text", "text": "https://toko.example/o/1"},
                    ],
                }
            ],
        },
        "biz_opaque_callback_data": LETTER.notice_id,
    }


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (error(131026), LetterRefused),
        (error(132000), LetterRefused),
        (error(130429), TooMany),
        (error(0, 429), TooMany),
        (error(190, 401), SenderRefused),
        (error(131031), SenderRefused),
        (error(131016, 503), Upstream),
        (error(131000), UpstreamTimeout),
        (SILENCE, UpstreamTimeout),
        (Said(200, {"messages": []}), UpstreamTimeout),
        (Said(200, raw=b"<html>"), Upstream),
    ],
)
def test_every_refusal_says_whether_a_repeat_helps(partner, adapter, said, meaning):
    partner.says(said)

    with pytest.raises(meaning) as raised:
        adapter.send(LETTER)

    assert type(raised.value) is meaning
    assert len(partner.asked) == 1, "never asked twice unasked"


def test_it_is_ready_once_it_has_a_number_and_a_token(aws):
    assert WhatsApp("http://127.0.0.1:1", NUMBER).is_ready
    assert not WhatsApp("http://127.0.0.1:1", "").is_ready


# Against the simulator


def test_the_simulator_takes_our_letter_and_tells_of_it_as_whatsapp_does(simulator, inbox):
    message_id = WhatsApp(simulator.url, NUMBER).send(LETTER)

    posts = inbox.wait_for(3)
    told = [status for post in posts for status in whatsapp.read_webhook(post.raw, post.headers)]
    assert told == [Status(LETTER.notice_id, message_id, said, None) for said in ("sent", "delivered", "read")]
    (message,) = simulator.messages()
    assert (message.to, message.parameters[2]) == ("6281234567890", "besok 10.00 WIB")


def test_a_number_that_is_not_on_whatsapp_fails_after_it_was_taken(simulator, inbox):
    message_id = WhatsApp(simulator.url, NUMBER).send(replace(LETTER, to="6281234560000"))

    (post,) = inbox.wait_for(1)
    assert whatsapp.read_webhook(post.raw, post.headers) == [Status(LETTER.notice_id, message_id, "failed", 131026)]


def test_the_simulator_refuses_what_meta_would(simulator):
    adapter = WhatsApp(simulator.url, NUMBER)

    for letter in (replace(LETTER, to="6281234560001"), replace(LETTER, language="fr"), replace(LETTER, to="+62")):
        with pytest.raises(LetterRefused):
            adapter.send(letter)
    simulator.behaviour.down = True
    with pytest.raises(Upstream):
        adapter.send(LETTER)
    simulator.behaviour.reset()
    simulator.behaviour.lose_responses = 1
    with pytest.raises(UpstreamTimeout):
        adapter.send(LETTER)

    assert len(simulator.messages()) == 1, "a lost answer is a message all the same"


# The door


def signed(raw, secret=APP_SECRET):
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}


def statuses(*said):
    value = {"messaging_product": "whatsapp", "metadata": {}, "statuses": list(said)}
    changes = [{"field": "messages", "value": value}]
    return json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}).encode()


DELIVERED = {"id": "wamid.1", "status": "delivered", "biz_opaque_callback_data": "ntc_1", "recipient_id": "62812"}


def post(raw, headers):
    return api.call("POST", "/webhooks/notices/whatsapp", raw=raw, headers=headers)


def queued():
    sqs = ours.client("sqs")
    url = sqs.get_queue_url(QueueName=settings.queue("notices-feedback"))["QueueUrl"]
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(each["Body"]) for each in got]


def test_a_signed_status_is_queued_without_the_number_it_went_to(aws):
    raw = statuses(DELIVERED)

    answer = post(raw, signed(raw))

    assert (answer.status, answer.body) == (200, {"status": "ok"})
    said = {"notice_id": "ntc_1", "message_id": "wamid.1", "status": "delivered", "code": None}
    assert queued() == [{"whatsapp": said, "correlation_id": answer.headers["X-Request-Id"]}]


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Hub-Signature-256": "sha256="}, signed(statuses(DELIVERED), "another"), signed(b"another body")],
    ids=["none", "empty", "another secret", "another body"],
)
def test_what_is_not_signed_by_whatsapp_is_refused_and_queued_nowhere(aws, headers):
    answer = post(statuses(DELIVERED), headers)

    assert (answer.status, answer.code) == (401, "bad_notice_signature")
    assert queued() == []


def test_without_a_secret_nothing_is_believed(aws):
    raw = statuses(DELIVERED)
    ours.client("ssm").delete_parameter(Name=settings.secret("whatsapp-app-secret"))

    try:
        assert post(raw, signed(raw, "")).status == 401
    finally:
        name = settings.secret("whatsapp-app-secret")
        ours.client("ssm").put_parameter(Name=name, Value=APP_SECRET, Type="SecureString")


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"entry":1}', b'{"entry":[{"changes":[{"value":{"statuses":[{}]}}]}]}'])
def test_signed_nonsense_is_malformed_or_says_nothing(aws, raw):
    try:
        read = whatsapp.read_webhook(raw, {name.lower(): value for name, value in signed(raw).items()})
    except Malformed:
        read = []

    assert read == []
    assert post(raw, signed(raw)).status in {200, 400}


def test_messages_of_people_and_letters_of_others_are_no_reports(aws):
    raw = statuses({**DELIVERED, "biz_opaque_callback_data": None}, {**DELIVERED, "status": "warning"})

    assert whatsapp.read_webhook(raw, {name.lower(): value for name, value in signed(raw).items()}) == []


def test_the_address_is_confirmed_to_whatsapp_alone(aws):
    path = "/webhooks/notices/whatsapp?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="

    answer = api.call("GET", path + SECRETS["whatsapp-verify-token"])

    assert (answer.status, answer.text) == (200, "1158201444")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert api.call("GET", path + "another").code == BadFeedbackSignature.code
    assert api.call("GET", "/webhooks/notices/whatsapp").code == BadFeedbackSignature.code
