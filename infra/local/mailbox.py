"""The mail that moto's SES takes, kept whole, and SES's own word on what became of it.

moto keeps the HTML alone and delivers nothing. Here every letter is kept as it was sent, and its delivery is reported
to the topic that the configuration set names. As at SES's mailbox simulator, letters to ``bounce@…`` bounce and those
to ``complaint@…`` are complained about.
"""

import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

MOST_KEPT: Final = 2_000
ON_THE_WAY: Final = 1.0
"""Seconds that a letter travels."""

Report = Callable[[dict[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter as it was sent."""

    id: str
    at: datetime
    sender: str
    to: tuple[str, ...]
    subject: str
    text: str
    html: str
    headers: dict[str, str]
    tags: dict[str, list[str]]


class Mailbox:
    """Keeps what SES took, the newest last. ``report`` publishes an event of SES's, after ``on_the_way`` seconds."""

    def __init__(self, report: Report, *, on_the_way: float = ON_THE_WAY) -> None:
        self._mails: deque[Mail] = deque(maxlen=MOST_KEPT)
        self._report = report
        self._on_the_way = on_the_way

    def mails(self) -> list[Mail]:
        """All letters, oldest first."""
        return list(self._mails)

    def install(self) -> None:
        """Keep every letter that moto in this process takes from now on."""
        from moto.sesv2.responses import SESV2Response

        send = SESV2Response.send_email
        mailbox = self

        def send_and_keep(response: SESV2Response) -> str:
            answer = send(response)
            mailbox.keep(json.loads(answer)["MessageId"], json.loads(response.body))
            return answer

        setattr(SESV2Response, "send_email", send_and_keep)  # noqa: B010 - its type is that of a bound method

    def keep(self, message_id: str, asked: dict[str, Any]) -> None:
        """Keep a letter and report what becomes of it."""
        mail = _read(message_id, asked)
        self._mails.append(mail)
        timer = threading.Timer(self._on_the_way, self.tell, (mail, _ending(mail)))
        timer.daemon = True
        timer.start()

    def tell(self, mail: Mail, kind: str) -> None:
        """Report a Delivery, Bounce or Complaint of ``mail``."""
        self._report(event(mail, kind))


def event(mail: Mail, kind: str) -> dict[str, Any]:
    """What SES says of a letter: https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html"""
    people = [{"emailAddress": each} for each in mail.to]
    endings: dict[str, dict[str, Any]] = {
        "Delivery": {"delivery": {"recipients": list(mail.to), "smtpResponse": "250 2.6.0 Message received"}},
        "Bounce": {
            "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": people},
        },
        "Complaint": {"complaint": {"complainedRecipients": people, "complaintFeedbackType": "abuse"}},
    }
    described = {"messageId": mail.id, "destination": list(mail.to), "tags": mail.tags, "source": mail.sender}
    return {"eventType": kind, "mail": {**described, "timestamp": mail.at.isoformat()}, **endings[kind]}


def _ending(mail: Mail) -> str:
    local = mail.to[0].partition("@")[0].casefold()
    return {"bounce": "Bounce", "complaint": "Complaint"}.get(local, "Delivery")


def _read(message_id: str, asked: dict[str, Any]) -> Mail:
    simple = asked["Content"]["Simple"]
    body = simple["Body"]
    return Mail(
        id=message_id,
        at=datetime.now(UTC),
        sender=asked["FromEmailAddress"],
        to=tuple(asked["Destination"]["ToAddresses"]),
        subject=simple["Subject"]["Data"],
        text=body.get("Text", {}).get("Data", ""),
        html=body.get("Html", {}).get("Data", ""),
        headers={header["Name"]: header["Value"] for header in simple.get("Headers", [])},
        tags={tag["Name"]: [tag["Value"]] for tag in asked.get("EmailTags", [])},
    )
