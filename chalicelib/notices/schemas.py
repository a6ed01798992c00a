"""What comes in from the partners that carry letters, and over the queues."""

from collections.abc import Iterator
from typing import Annotated

import msgspec

from chalicelib.core.personal import PERSONAL, SECRET
from chalicelib.notices.rules import Report
from chalicelib.notices.states import State

STATES = {"sent": None, "delivered": State.DELIVERED, "read": State.DELIVERED, "failed": State.FAILED}


class Challenge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """WhatsApp asks whether this address is ours."""

    mode: Annotated[str, msgspec.Meta(max_length=40)] = msgspec.field(name="hub.mode", default="")
    challenge: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{0,200}$")] = msgspec.field(
        name="hub.challenge", default=""
    )
    verify_token: Annotated[str, msgspec.Meta(max_length=200), SECRET] = msgspec.field(
        name="hub.verify_token", default=""
    )


class TakenReport(msgspec.Struct, frozen=True):
    """The message is kept and will be acted upon."""

    status: str = "ok"


class Mail(msgspec.Struct, frozen=True, rename="camel"):
    """The letter that SES speaks of."""

    message_id: str
    tags: dict[str, list[str]] = {}


class Bounced(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody whom a letter did not reach, or who complained of it."""

    email_address: Annotated[str, PERSONAL]


class Bounce(msgspec.Struct, frozen=True, rename="camel"):
    """Why a letter came back."""

    bounce_type: str
    bounce_sub_type: str = ""
    bounced_recipients: list[Bounced] = []


class Complaint(msgspec.Struct, frozen=True, rename="camel"):
    """Somebody marked a letter as spam, or said that it is none."""

    complained_recipients: list[Bounced] = []
    complaint_feedback_type: str | None = None


class MailDelivery(msgspec.Struct, frozen=True):
    """Whom a letter reached."""

    recipients: list[Annotated[str, PERSONAL]] = []


class WhatsAppStatus(msgspec.Struct, frozen=True):
    """What WhatsApp said became of a message."""

    notice_id: str
    message_id: str
    status: str
    code: int | None = None


class Feedback(msgspec.Struct, frozen=True, rename="camel"):
    """A message of the queue ``notices-feedback``: an SES event as its topic sends it, or a status of WhatsApp's."""

    event_type: str = ""
    mail: Mail | None = None
    bounce: Bounce | None = None
    complaint: Complaint | None = None
    delivery: MailDelivery | None = None
    whatsapp: WhatsAppStatus | None = None

    def reports(self) -> Iterator[Report]:
        """What it says, one report a person; nothing for events that tell us nothing."""
        if self.whatsapp is not None:
            said = self.whatsapp
            reason = f"whatsapp_{said.code}" if said.code is not None else None
            yield Report(said.notice_id, said.message_id, STATES.get(said.status), reason=reason)
        elif self.mail is not None:
            yield from self._by_mail(self.mail)

    def _by_mail(self, mail: Mail) -> Iterator[Report]:
        notice_id = next(iter(mail.tags.get("notice", [])), None)
        if self.bounce is not None:
            is_soft = self.bounce.bounce_type != "Permanent"
            reason = f"{self.bounce.bounce_type}_{self.bounce.bounce_sub_type}".lower()
            for one in self.bounce.bounced_recipients:
                yield Report(notice_id, mail.message_id, State.BOUNCED, one.email_address, is_soft, reason)
        elif self.complaint is not None and self.complaint.complaint_feedback_type != "not-spam":
            for one in self.complaint.complained_recipients:
                yield Report(notice_id, mail.message_id, State.COMPLAINED, one.email_address)
        elif self.delivery is not None:
            for address in self.delivery.recipients:
                yield Report(notice_id, mail.message_id, State.DELIVERED, address)
        elif self.event_type == "Reject":
            yield Report(notice_id, mail.message_id, State.FAILED, reason="ses_reject")
