"""What the privacy desk takes and gives."""

from datetime import date, datetime
from typing import Annotated, Any

import msgspec

from chalicelib.core import clock
from chalicelib.core.config import settings
from chalicelib.core.errors import Invalid
from chalicelib.core.personal import PERSONAL
from chalicelib.privacy import letters, rules
from chalicelib.privacy.breaches import Incident
from chalicelib.privacy.inventory import Personal
from chalicelib.privacy.rules import Affected, Breach, Erasure, Export, Reach, Retention
from chalicelib.privacy.states import ErasureState, ExportState, Step

Prose = Annotated[str, msgspec.Meta(min_length=1, max_length=5000)]
DataClass = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
CustomerId = Annotated[str, msgspec.Meta(pattern="^cus_[0-9A-Z]{26}$")]
Things = Annotated[dict[str, Any], PERSONAL]


class ExportView(msgspec.Struct, frozen=True):
    """A copy of all that is kept of a customer: being gathered, or ready to be fetched until ``expires_at``."""

    id: str
    state: ExportState
    asked_at: str
    ready_at: str | None
    expires_at: str

    @classmethod
    def of(cls, export: Export) -> "ExportView":
        """On the wire."""
        ready = clock.stamp(export.ready_at) if export.ready_at else None
        return cls(export.id, export.state, clock.stamp(export.asked_at), ready, clock.stamp(export.expires_at))


class ManifestEntry(msgspec.Struct, frozen=True):
    """A class of personal data, why it is kept, and where in the document it stands (a JSON pointer; * for each)."""

    field: str
    purpose: str
    basis: str
    where: str
    data: str = msgspec.field(name="class")


class ExportDocument(msgspec.Struct, frozen=True):
    """All that is kept of a customer; ``manifest`` says what each part is and why it is kept."""

    format: str
    made_at: str
    customer_id: str
    manifest: list[ManifestEntry]
    profile: Things
    guest_profiles: list[Things]
    addresses: list[Things]
    consents: list[Things]
    orders: list[Things]
    carts: list[Things]
    notices: list[Things]
    log_in: Things
    exports: list[dict[str, str]]


class ErasureView(msgspec.Struct, frozen=True):
    """How far the erasure of a customer has come; ``waits_for`` names the orders under way."""

    state: ErasureState
    asked_at: str
    done: list[Step]
    waits_for: list[str]
    certificate_id: str | None

    @classmethod
    def of(cls, erasure: Erasure) -> "ErasureView":
        """On the wire."""
        return cls(
            state=erasure.state,
            asked_at=clock.stamp(erasure.asked_at),
            done=list(erasure.done),
            waits_for=list(erasure.waits_for),
            certificate_id=erasure.certificate_id,
        )


class SetHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why nothing of a customer may be erased: the case, not the person."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500), PERSONAL]


class HoldView(msgspec.Struct, frozen=True):
    """Whether a legal hold stands."""

    stands: bool


class RetentionView(msgspec.Struct, frozen=True):
    """How long a class of data is kept, and what then becomes of it."""

    data: str
    keeps: str
    doing: rules.Doing

    @classmethod
    def of(cls, retention: Retention) -> "RetentionView":
        """On the wire."""
        return cls(retention.data, retention.keeps, retention.doing)


class InventoryEntry(msgspec.Struct, frozen=True):
    """One stored field that is personal: what, whose and why, how long, how protected, exported and erased."""

    stored_in: str
    field: str
    data: str
    whose: str
    purpose: str
    basis: str
    retention: str
    protection: str
    export: str
    erasure: str

    @classmethod
    def of(cls, entry: Personal) -> "InventoryEntry":
        """On the wire."""
        return cls(
            stored_in=entry.row,
            field=entry.field,
            data=entry.data,
            whose=entry.whose,
            purpose=entry.purpose,
            basis=entry.basis,
            retention=entry.retention,
            protection=entry.protection,
            export=entry.where,
            erasure=entry.erasure,
        )


class ProcessingRecord(msgspec.Struct, frozen=True):
    """The record of processing (GDPR art. 30, UU PDP art. 31): what personal data is kept, and how long."""

    controller: str
    personal: list[InventoryEntry]
    other_fields: int
    retention: list[RetentionView]


class AffectsAll(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="all"):
    """Every customer."""

    def reach(self) -> Reach:
        """For the register."""
        return Reach(Affected.ALL)


class AffectsBuyers(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="ordered_between"):
    """Who ordered from one business day to another, both included."""

    start: date
    end: date

    def reach(self) -> Reach:
        """For the register. Raises Invalid."""
        if self.end < self.start:
            raise Invalid.field("/affected/end", "is before the start")
        return Reach(Affected.ORDERED_BETWEEN, self.start, self.end)


class AffectsNamed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="named"):
    """These customers."""

    customers: Annotated[list[CustomerId], msgspec.Meta(min_length=1, max_length=1000)]

    def reach(self) -> Reach:
        """For the register."""
        return Reach(Affected.NAMED, named=tuple(sorted(set(self.customers))))


class RecordBreach(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is known of a breach: write no names into it. Instants with their zone."""

    what: Prose
    remedy: Prose
    data_classes: Annotated[list[DataClass], msgspec.Meta(min_length=1, max_length=50)]
    discovered_at: Annotated[datetime, msgspec.Meta(tz=True)]
    occurred_from: Annotated[datetime, msgspec.Meta(tz=True)]
    occurred_to: Annotated[datetime, msgspec.Meta(tz=True)]
    affected: AffectsAll | AffectsBuyers | AffectsNamed

    def incident(self) -> Incident:
        """For the register. Raises Invalid."""
        if self.occurred_to < self.occurred_from:
            raise Invalid.field("/occurred_to", "is before it began")
        if self.discovered_at > clock.now():
            raise Invalid.field("/discovered_at", "is yet to come")
        return Incident(
            what=self.what,
            remedy=self.remedy,
            data_classes=tuple(self.data_classes),
            discovered_at=self.discovered_at,
            occurred_from=self.occurred_from,
            occurred_to=self.occurred_to,
            reach=self.affected.reach(),
        )


class BreachClock(msgspec.Struct, frozen=True):
    """The clock of 3 x 24 hours; ``remaining_seconds`` is 0 once it has run out."""

    deadline: str
    remaining_seconds: int
    is_overdue: bool


class BreachSummary(msgspec.Struct, frozen=True):
    """A breach in the register. ``affected`` is null while they are being found out."""

    id: str
    discovered_at: str
    clock: BreachClock
    affected: int | None
    notice_ordered_at: str | None
    notified: int
    notified_at: str | None

    @classmethod
    def of(cls, breach: Breach) -> "BreachSummary":
        """On the wire."""
        return cls(**_summary(breach))


class BreachDetail(BreachSummary, frozen=True, kw_only=True):
    """A breach with all that is known of it; the ``notice`` to the agency in Indonesian (id) and English (en)."""

    what: str
    remedy: str
    data_classes: list[str]
    occurred_from: str
    occurred_to: str
    affects: Affected
    notice: dict[str, str]

    @classmethod
    def of(cls, breach: Breach) -> "BreachDetail":
        """On the wire."""
        now = clock.now()
        return cls(
            **_summary(breach),
            what=breach.what,
            remedy=breach.remedy,
            data_classes=list(breach.data_classes),
            occurred_from=clock.stamp(breach.occurred_from),
            occurred_to=clock.stamp(breach.occurred_to),
            affects=breach.reach.kind,
            notice={language: letters.agency_notice(breach, now, language) for language in letters.WORDS},
        )


class BreachList(msgspec.Struct, frozen=True):
    """A page of the register, newest first."""

    items: list[BreachSummary]
    next_cursor: str | None


class ListBreaches(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which part of the register."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None


def processing_record(personal: list[Personal], others: int) -> ProcessingRecord:
    """The record of processing on the wire."""
    return ProcessingRecord(
        controller=f"{settings.shop_name} ({settings.mail_from or settings.store_url})",
        personal=[InventoryEntry.of(entry) for entry in personal],
        other_fields=others,
        retention=[RetentionView.of(each) for each in rules.policy(settings.order_years)],
    )


def _summary(breach: Breach) -> dict[str, Any]:
    limit = rules.deadline(breach.discovered_at, clock.now())
    return {
        "id": breach.id,
        "discovered_at": clock.stamp(breach.discovered_at),
        "clock": BreachClock(clock.stamp(limit.at), int(limit.remaining.total_seconds()), limit.is_overdue),
        "affected": breach.affected,
        "notice_ordered_at": clock.stamp(breach.notice_ordered_at) if breach.notice_ordered_at else None,
        "notified": breach.notified,
        "notified_at": clock.stamp(breach.notified_at) if breach.notified_at else None,
    }
