"""What the privacy desk says. Ids only: who somebody is stands in no event."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ExportRequested:
    """Somebody asked for a copy of all that is kept of a customer."""

    TYPE: ClassVar[str] = "export.requested"
    KEY: ClassVar[str] = "export_id"

    export_id: str
    customer_id: str


@dataclass(frozen=True, slots=True)
class ErasureRequested:
    """A customer is to be forgotten as soon as nothing of theirs is under way."""

    TYPE: ClassVar[str] = "erasure.requested"
    KEY: ClassVar[str] = "customer_id"

    customer_id: str


@dataclass(frozen=True, slots=True)
class ErasureCompleted:
    """A customer was forgotten: their key is destroyed. The certificate proves it without saying who."""

    TYPE: ClassVar[str] = "erasure.completed"
    KEY: ClassVar[str] = "certificate_id"

    certificate_id: str


@dataclass(frozen=True, slots=True)
class BreachRecorded:
    """A breach of personal data stands in the register; whom it affects is to be found out."""

    TYPE: ClassVar[str] = "breach.recorded"
    KEY: ClassVar[str] = "breach_id"

    breach_id: str


@dataclass(frozen=True, slots=True)
class BreachNoticeOrdered:
    """Everybody whom a breach affects is to be told."""

    TYPE: ClassVar[str] = "breach.notice_ordered"
    KEY: ClassVar[str] = "breach_id"

    breach_id: str
