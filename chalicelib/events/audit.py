"""What was done, or refused, to whom it mattered: one entry of the audit trail, before it is chained."""

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Change:
    """A thing as it was and as it is now; personal data masked. ``before`` is None for something new."""

    subject: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class AuditRecorded:
    """A privileged request that changed something, or was refused: ``outcome`` is done or the code of the refusal."""

    TYPE: ClassVar[str] = "audit.recorded"
    KEY: ClassVar[str] = "entry_id"

    entry_id: str
    at: str
    who: str
    action: str
    """Method and path, as in "POST /admin/orders/{order_id}/cancel"."""
    target: dict[str, str]
    """The path's parameters."""
    source: str
    """The network address, locked."""
    agent: str
    """What the browser calls itself, locked."""
    request_id: str
    outcome: str
    asked: Any
    """The body of the request, personal data masked."""
    changes: tuple[Change, ...]
