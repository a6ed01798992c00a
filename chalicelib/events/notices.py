"""What the writers of letters say."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class NoticeRequested:
    """A letter is to be sent, or to be sent once more: ``round`` counts how often that was asked for."""

    TYPE: ClassVar[str] = "notice.requested"
    KEY: ClassVar[str] = "notice_id"

    notice_id: str
    round: int
