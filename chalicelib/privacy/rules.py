"""Pure decisions of the privacy desk: what is under way, how long things are kept, and the clock of a breach."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from chalicelib.core import clock
from chalicelib.core.config import settings
from chalicelib.orders.service import Order
from chalicelib.privacy.states import ErasureState, ExportState, Step

EXPORTS_LAST: Final = timedelta(days=7)
LETTER_WAITS: Final = timedelta(days=1)
"""A last letter that has not gone out by then will not."""
FULFILLED_WITHIN: Final = timedelta(days=30)
"""A confirmed order that is older no longer keeps its buyer from being forgotten."""
NOTIFY_WITHIN: Final = timedelta(hours=3 * 24)
"""UU PDP No. 27/2022 art. 46: 3 x 24 hours to the subjects and the agency; GDPR art. 33: 72 hours to the authority."""
OPEN_STATES: Final = frozenset({"pending", "on_hold"})
ENDED_FULFILMENTS: Final = frozenset({"fulfilled", "delivered"})


def is_under_way(order: Order, now: datetime) -> bool:
    """True if the order still needs its buyer: not paid, on hold, or confirmed lately and not handed over."""
    if order.state in OPEN_STATES:
        return True
    is_to_be_sent = order.state == "confirmed" and order.fulfilment_status not in ENDED_FULFILMENTS
    return is_to_be_sent and now - order.placed_at < FULFILLED_WITHIN


def under_way(orders: Iterable[Order], now: datetime) -> list[str]:
    """The ids of the orders that still need their buyer."""
    return [order.id for order in orders if is_under_way(order, now)]


@dataclass(frozen=True, slots=True)
class Export:
    """A copy of all that is kept of a customer, or the wish for one."""

    id: str
    customer_id: str
    state: ExportState
    language: str
    asked_at: datetime
    ready_at: datetime | None
    expires_at: datetime

    @property
    def object_key(self) -> str:
        """Where the file stands in the bucket."""
        return f"{self.customer_id}/{self.id}"


@dataclass(frozen=True, slots=True)
class Erasure:
    """The wish to forget a customer, and how far it has come."""

    customer_id: str
    state: ErasureState
    asked_at: datetime
    begun_at: datetime | None
    done: tuple[Step, ...]
    subjects: tuple[str, ...]
    """The profiles that go: the customer's own, and those of their time as a guest."""
    waits_for: tuple[str, ...]
    """The orders under way."""
    certificate_id: str | None
    version: int


class Doing(StrEnum):
    """What becomes of data whose time is over. The storage deletes by itself what it was told to expire."""

    EXPIRES = "expires"
    ERASED = "erased"
    ANONYMISED = "anonymised"


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a class of data is kept, and what then becomes of it."""

    data: str
    keeps: str
    doing: Doing
    days: int


UNVERIFIED: Final = Retention("accounts whose e-mail was never verified", "30 days", Doing.ERASED, 30)
CARTS: Final = Retention("idle carts", "30 days", Doing.EXPIRES, 30)
WEBHOOKS: Final = Retention("bodies of partners' webhooks", "90 days", Doing.EXPIRES, 90)
NOTICES: Final = Retention("recipients and contents of notices", "180 days", Doing.ERASED, 180)
EXPORTS: Final = Retention("exports", "7 days", Doing.EXPIRES, EXPORTS_LAST.days)
GUESTS: Final = Retention("profiles of guests, once no order says who they are", "24 months", Doing.ANONYMISED, 731)


def orders_kept(years: int) -> Retention:
    """How long an order's contact and address are kept: as long as the business may need to prove the sale."""
    keeps = f"{years} years after the end of the order's year"
    return Retention("contact and address of orders", keeps, Doing.ANONYMISED, years * 366)


def policy(years: int) -> tuple[Retention, ...]:
    """The whole policy, ``years`` being the setting for orders."""
    return UNVERIFIED, CARTS, WEBHOOKS, NOTICES, EXPORTS, GUESTS, orders_kept(years)


def due(retention: Retention, now: datetime) -> datetime:
    """What is older than this has been kept long enough."""
    return now - timedelta(days=retention.days)


def orders_due(now: datetime, years: int) -> datetime:
    """Orders placed before this have been kept for ``years`` full years after their own."""
    year = clock.business_date(now).year - years
    return datetime(year, 1, 1, tzinfo=settings.zone)


@dataclass(frozen=True, slots=True)
class Deadline:
    """By when agency and subjects must know of a breach."""

    at: datetime
    remaining: timedelta
    is_overdue: bool


def deadline(discovered_at: datetime, now: datetime) -> Deadline:
    """The clock of a breach: it runs from when it was discovered."""
    at = discovered_at + NOTIFY_WITHIN
    return Deadline(at, max(at - now, timedelta()), is_overdue=now > at)


class Affected(StrEnum):
    """Whom a breach affects."""

    ALL = "all"
    ORDERED_BETWEEN = "ordered_between"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class Reach:
    """Which customers: all, who ordered from ``start`` until before the day after ``end``, or the ``named``."""

    kind: Affected
    start: date | None = None
    end: date | None = None
    named: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Breach:
    """An entry of the register of breaches."""

    id: str
    what: str
    remedy: str
    data_classes: tuple[str, ...]
    discovered_at: datetime
    occurred_from: datetime
    occurred_to: datetime
    recorded_at: datetime
    reach: Reach
    affected: int | None
    """How many customers; None while they are being found out."""
    position: str | None
    """Where the finding out, or the telling, goes on."""
    notice_ordered_at: datetime | None
    notified: int
    notified_at: datetime | None
