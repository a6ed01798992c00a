"""What a letter is to those who carry it, and what they have in common."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ChannelName(StrEnum):
    """The ways a letter can go."""

    EMAIL = "email"
    WHATSAPP = "whatsapp"


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter, written and addressed. ``parameters`` are the facts in the template's order, for partners who keep
    the templates themselves; ``unsubscribe_link`` is there in marketing alone.
    """

    notice_id: str
    template: str
    language: str
    to: str
    subject: str
    text: str
    html: str
    parameters: tuple[str, ...]
    unsubscribe_link: str | None = None


class Channel(Protocol):
    """A partner that carries letters."""

    @property
    def is_ready(self) -> bool:
        """True if a sender is configured."""

    def send(self, letter: Letter) -> str:
        """Hand it over; the partner's id of it.

        Raises LetterRefused if it will never be taken; TooMany or Upstream if it was not taken this time;
        UpstreamTimeout if no answer came, so that it is not known.
        """
