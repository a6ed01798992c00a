"""WhatsApp's Cloud API, played: takes template messages and posts signed statuses about them.

    POST /{number}/messages            sent, delivered and read follow, as to a person who looks at the phone
    GET  /_sim/messages                everything that was taken, oldest first
    GET, POST /_sim/behaviour          ``controls.Behaviour``

A number that ends in 0000 is not on WhatsApp: the message is taken and then fails (131026); one that ends in 0001 is
refused at once. From memory only: the texts of the errors.
"""

import hmac
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from infra.local.simulators.base import real_time
from infra.local.simulators.controls import Behaviour, Refused
from infra.local.simulators.delivery import Deliveries, Notification, Retries
from infra.local.simulators.server import Answer, Request, Server

RETRIES: Final = Retries(by_status={}, otherwise=5, waits=(1, 5, 30, 300, 3_600))
LANGUAGES: Final = frozenset({"id", "en"})
NOT_THERE: Final = {"code": 131026, "title": "Message undeliverable", "message": "Message undeliverable"}


@dataclass(frozen=True, slots=True)
class Message:
    """A template message that was taken."""

    id: str
    at: datetime
    to: str
    template: str
    language: str
    parameters: tuple[str, ...]
    callback: str


class NotTaken(Exception):
    """An answer with an error, as Meta words them."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class WhatsAppSimulator:
    """The business number's side of WhatsApp. ``webhook_url`` None keeps it silent; ``port`` 0 takes a free one;
    statuses come after ``delay`` seconds."""

    def __init__(
        self,
        token: str,
        app_secret: str,
        webhook_url: str | None = None,
        *,
        port: int = 0,
        delay: float = 0,
        retry_scale: float = 0.001,
        now: Callable[[], datetime] = real_time,
    ) -> None:
        self._token, self._secret, self.webhook_url = token, app_secret, webhook_url
        self._now = now
        self._port, self._delay = port, delay
        self._lock = threading.Lock()
        self._messages: list[Message] = []
        self._deliveries = Deliveries(RETRIES, retry_scale, seed=0)
        self._server: Server | None = None
        self.behaviour = Behaviour()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listen and report, on threads of its own."""
        self._server = Server(self._port, self._respond)
        self._port = int(self._server.server_address[1])
        self._deliveries.start()
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._deliveries.stop()

    def messages(self) -> list[Message]:
        """What was taken, oldest first."""
        with self._lock:
            return list(self._messages)

    def drain(self, seconds: float = 5) -> bool:
        """Wait until every status has arrived or was given up; whether it came to that in time."""
        return self._deliveries.drain(seconds)

    def status(self, message: Message, status: str, error: Mapping[str, Any] | None = None) -> None:
        """Report that ``message`` has come so far."""
        if self.webhook_url:
            self._deliveries.send(self.signed(message, status, error), self.webhook_url, self._delay)

    def signed(self, message: Message, status: str, error: Mapping[str, Any] | None = None) -> Notification:
        """A status as it goes over the line."""
        about: dict[str, Any] = {
            "id": message.id,
            "status": status,
            "timestamp": str(int(self._now().timestamp())),
            "recipient_id": message.to,
            "biz_opaque_callback_data": message.callback,
        }
        if error:
            about["errors"] = [error]
        value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": "1"}, "statuses": [about]}
        entry = [{"id": "1", "changes": [{"field": "messages", "value": value}]}]
        raw = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
        signature = hmac.new(self._secret.encode(), raw, "sha256").hexdigest()
        return Notification(message.id, raw, {"X-Hub-Signature-256": f"sha256={signature}"})

    def _respond(self, request: Request) -> Answer:
        try:
            if request.parts[:1] == ("_sim",):
                return self._control(request)
            if self.behaviour.down:
                raise NotTaken(503, 131016, "Service unavailable")
            answer = self._take(request)
        except Refused as refused:
            return Answer.json(refused.status, refused.body)
        except NotTaken as refusal:
            error = {"message": f"(#{refusal.code}) {refusal.message}", "type": "OAuthException", "code": refusal.code}
            return Answer.json(refusal.status, {"error": {**error, "fbtrace_id": "A1"}})
        with self._lock:
            return replace(answer, is_lost=self.behaviour.loses_this())

    def _control(self, request: Request) -> Answer:
        match (request.method, *request.parts[1:]):
            case ("GET", "messages"):
                return Answer.json(200, {"messages": [_line(each) for each in self.messages()]})
            case ("GET", "behaviour"):
                return Answer.json(200, self.behaviour.shown())
            case ("POST", "behaviour"):
                self.behaviour.change(request.raw)
                return Answer.json(200, self.behaviour.shown())
        raise Refused(404, "There is no such control.")

    def _take(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self._token}":
            raise NotTaken(401, 190, "Invalid OAuth access token")
        if request.method != "POST" or request.parts[1:] != ("messages",):
            raise NotTaken(400, 100, "Unsupported post request")
        message = self._read(request.raw)
        with self._lock:
            self._messages.append(message)
        if message.to.endswith("0000"):
            self.status(message, "failed", NOT_THERE)
        else:
            for status in ("sent", "delivered", "read"):
                self.status(message, status)
        contacts = [{"input": message.to, "wa_id": message.to}]
        accepted = [{"id": message.id, "message_status": "accepted"}]
        return Answer.json(200, {"messaging_product": "whatsapp", "contacts": contacts, "messages": accepted})

    def _read(self, raw: bytes) -> Message:
        try:
            body = json.loads(raw)
            template = body["template"]
            components = template.get("components", [])
            parameters = tuple(str(each["text"]) for part in components for each in part["parameters"])
            to, language = str(body["to"]), str(template["language"]["code"])
            kind = (body["messaging_product"], body["type"])
        except (ValueError, KeyError, TypeError):
            raise NotTaken(400, 100, "Invalid parameter") from None
        if kind != ("whatsapp", "template") or not to.isdecimal():
            raise NotTaken(400, 100, "Invalid parameter")
        if language not in LANGUAGES:
            raise NotTaken(404, 132001, "Template name does not exist in the translation")
        if any("\n" in each or "\t" in each or "    " in each or not each for each in parameters):
            raise NotTaken(400, 132018, "There is an issue with the parameters in your template")
        if to.endswith("0001"):
            raise NotTaken(400, 131026, "Message undeliverable")
        with self._lock:
            id_ = f"wamid.{len(self._messages) + 1:08d}"
        return Message(
            id_, self._now(), to, str(template["name"]), language, parameters,
            str(body.get("biz_opaque_callback_data", "")),
        )  # fmt: skip


def _line(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "at": message.at.isoformat(timespec="seconds"),
        "to": message.to,
        "template": message.template,
        "language": message.language,
        "parameters": list(message.parameters),
    }
