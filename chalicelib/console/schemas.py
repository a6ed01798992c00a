"""What staff see and ask of letters."""

from typing import Annotated

import msgspec

from chalicelib.core import clock
from chalicelib.core.personal import PERSONAL
from chalicelib.core.texts import LocalText
from chalicelib.notices import service as notices
from chalicelib.notices.service import ChannelName, Language, Shown, State, Template, Why


class ListNotices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which letters: of a person (`cus_…`, `stf_…`) and of a state, where given."""

    subject: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{3}_[0-9A-Za-z]{1,40}$")] | None = None
    state: State | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class NoticeView(msgspec.Struct, frozen=True):
    """A letter as it stands. `to` is masked, and null once it has been erased; `reason` says why it did not go."""

    id: str
    state: State
    template: str
    language: str
    purpose: str
    subject: str
    to: Annotated[str, PERSONAL] | None
    channel: ChannelName | None
    round: int
    attempts: int
    reason: str | None
    requested_at: str
    changed_at: str

    @classmethod
    def of(cls, shown: Shown) -> "NoticeView":
        """From the desk's view."""
        noted = shown.noted
        return cls(
            id=noted.id,
            state=noted.state,
            template=noted.template,
            language=noted.language,
            purpose=noted.purpose,
            subject=noted.subject,
            to=shown.to,
            channel=noted.channel,
            round=noted.round,
            attempts=noted.attempts,
            reason=noted.reason,
            requested_at=clock.stamp(noted.requested_at),
            changed_at=clock.stamp(noted.changed_at),
        )


class NoticeList(msgspec.Struct, frozen=True):
    """Letters, newest first, and where the list goes on."""

    items: list[NoticeView]
    next_cursor: str | None


class TemplateView(msgspec.Struct, frozen=True):
    """A kind of letter: its subject line in both languages, the facts it needs, the ways it may go."""

    name: str
    subject: LocalText
    facts: list[str]
    channels: list[ChannelName]
    is_marketing: bool

    @classmethod
    def of(cls, template: Template) -> "TemplateView":
        """From the table of templates."""
        name = template.name
        subject = LocalText(notices.subject_of(name, "id"), notices.subject_of(name, "en"))
        return cls(name, subject, list(template.facts), list(template.channels), template.is_marketing)


class TemplateList(msgspec.Struct, frozen=True):
    """Every kind of letter there is."""

    items: list[TemplateView]


class PreviewTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which language."""

    language: Language = "id"


class LiftBlock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address to send to again."""

    email: Annotated[str, msgspec.Meta(min_length=3, max_length=320), PERSONAL]


class BlockLifted(msgspec.Struct, frozen=True):
    """What had kept letters from the address; null if nothing had."""

    was_blocked_by: Why | None
