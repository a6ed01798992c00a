"""The outbox of the local system: every e-mail and WhatsApp message it sent, to read and to follow the links of.

GET  /                              a page, the newest first
GET  /messages[?to=siti@…]          the same for scripts
POST /messages/{id}/{bounce|complaint|delivery}   what SES would report of an e-mail
"""

import re
import threading
from collections.abc import Iterator
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs, quote

from infra.local.mailbox import Mailbox
from infra.local.simulators.pages import frame
from infra.local.simulators.server import HTML, Answer, Request, Server
from infra.local.simulators.whatsapp import WhatsAppSimulator

LINK: Final = re.compile(r"https?://[^\s<>\"']+")
REPORTS: Final = {"bounce": "Bounce", "complaint": "Complaint", "delivery": "Delivery"}
LABELS: Final = {"bounce": "Pantulkan · bounce", "complaint": "Keluhkan · complain"}
EMPTY: Final = "<p>Belum ada surat. · No letters yet.</p>"


class Outbox:
    """Shows what ``mailbox`` and ``whatsapp`` took, on ``port``; 0 takes a free one."""

    def __init__(self, mailbox: Mailbox, whatsapp: WhatsAppSimulator, *, port: int = 0) -> None:
        self._mailbox, self._whatsapp = mailbox, whatsapp
        self._port = port
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def whatsapp_url(self) -> str:
        """Where WhatsApp listens."""
        return self._whatsapp.url

    def start(self) -> None:
        """Listen, on a thread of its own; WhatsApp too."""
        self._whatsapp.start()
        self._server = Server(self._port, self._respond)
        self._port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._whatsapp.stop()

    def messages(self, to: str | None = None) -> list[dict[str, Any]]:
        """All that was sent, newest first; to one address or number where given."""
        found = [each for each in self._all() if to in (None, each["to"])]
        return sorted(found, key=lambda each: str(each["at"]))[::-1]

    def _all(self) -> Iterator[dict[str, Any]]:
        for mail in self._mailbox.mails():
            yield {
                "id": mail.id,
                "channel": "email",
                "at": mail.at.isoformat(timespec="microseconds"),
                "to": mail.to[0],
                "subject": mail.subject,
                "template": next(iter(mail.tags.get("template", [])), None),
                "text": mail.text,
                "html": mail.html,
                "links": LINK.findall(mail.text),
            }
        for message in self._whatsapp.messages():
            text = "\n".join(message.parameters)
            yield {
                "id": message.id,
                "channel": "whatsapp",
                "at": message.at.isoformat(timespec="microseconds"),
                "to": message.to,
                "subject": f"{message.template} ({message.language})",
                "template": message.template,
                "text": text,
                "html": "",
                "links": LINK.findall(text),
            }

    def _respond(self, request: Request) -> Answer:
        match (request.method, *request.parts):
            case ("GET",):
                return Answer.text(200, _page(self.messages()), HTML)
            case ("GET", "messages"):
                query = parse_qs(request.path.partition("?")[2])
                return Answer.json(200, {"messages": self.messages(next(iter(query.get("to", [])), None))})
            case ("POST", "messages", id_, action) if action in REPORTS:
                return self._report(id_, REPORTS[action])
        return Answer.json(404, {"error": "There is no such thing."})

    def _report(self, id_: str, kind: str) -> Answer:
        for mail in self._mailbox.mails():
            if mail.id == id_:
                self._mailbox.tell(mail, kind)
                return Answer.json(200, {"reported": kind})
        return Answer.json(404, {"error": "There is no such e-mail."})


def _page(messages: list[dict[str, Any]]) -> str:
    return frame("Kotak keluar · outbox", "".join(_card(each) for each in messages) or EMPTY)


def _card(message: dict[str, Any]) -> str:
    path = f"/messages/{quote(message['id'], safe='')}"
    buttons = ""
    if message["channel"] == "email":
        buttons = "".join(
            f'<button data-path="{escape(path)}/{action}" data-body="">{label}</button>'
            for action, label in LABELS.items()
        )
    return (
        f"<details><summary><b>{escape(message['subject'])}</b> → {escape(message['to'])} "
        f"<small>{escape(message['channel'])} · {escape(message['at'])}</small></summary>"
        f"{_content(message)}<p>{buttons}</p></details>"
    )


def _content(message: dict[str, Any]) -> str:
    """A letter's page may run nothing and load nothing; its links open beside it."""
    if not message["html"]:
        text = LINK.sub(lambda found: f'<a href="{found[0]}" target="_blank">{found[0]}</a>', escape(message["text"]))
        return f"<pre>{text}</pre>"
    page = message["html"].replace("<head>", '<head><base target="_blank">', 1)
    return (
        '<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer" loading="lazy" '
        f'style="width:100%;height:30rem;border:1px solid #8884;border-radius:.4rem" srcdoc="{escape(page)}"></iframe>'
    )
