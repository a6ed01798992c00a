"""What the console says: nothing about the shop, only that the way of events is open."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class RelayProbed:
    """An event was sent to see how long events take to the topic; nobody listens to it."""

    TYPE: ClassVar[str] = "relay.probed"
    KEY: ClassVar[str] = "probe"

    probe: str
    sent_at: str
