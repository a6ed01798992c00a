"""The register of breaches: recorded, whom they affect found out, agency and subjects told within 3 x 24 hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chalicelib.core import audit, clock, db, ids, log, outbox
from chalicelib.core.counts import Counts
from chalicelib.core.errors import LarisError
from chalicelib.core.log import logger
from chalicelib.customers import service as customers
from chalicelib.customers.errors import CustomerNotFound
from chalicelib.events.privacy import BreachNoticeOrdered, BreachRecorded
from chalicelib.notices import service as notices
from chalicelib.notices.service import Notice, Recipient
from chalicelib.orders import service as orders
from chalicelib.privacy import letters
from chalicelib.privacy.errors import MoreToDo
from chalicelib.privacy.models.breaches import BreachRow, SubjectRow
from chalicelib.privacy.rules import Affected, Breach, Reach

AT_ONCE: Final = 50
RUNS_AT_MOST: Final = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Incident:
    """What is known of a breach when it is recorded. ``data_classes`` are what got out, in words."""

    what: str
    remedy: str
    data_classes: tuple[str, ...]
    discovered_at: datetime
    occurred_from: datetime
    occurred_to: datetime
    reach: Reach


def record(incident: Incident) -> Breach:
    """Put a breach into the register; whom it affects is found out shortly."""
    now = clock.now()
    breach = Breach(
        id=ids.new("brc", now),
        what=incident.what,
        remedy=incident.remedy,
        data_classes=incident.data_classes,
        discovered_at=incident.discovered_at,
        occurred_from=incident.occurred_from,
        occurred_to=incident.occurred_to,
        recorded_at=now,
        reach=incident.reach,
        affected=None,
        position=None,
        notice_ordered_at=None,
        notified=0,
        notified_at=None,
    )
    audit.change(f"breach:{breach.id}", after={"affects": incident.reach.kind, "discovered_at": incident.discovered_at})
    with db.transaction() as tx:
        BreachRow.add(tx, breach, log.actor.get())
        outbox.publish(tx, BreachRecorded(breach.id))
    logger.warning("breach recorded", breach_id=breach.id)
    return breach


def get(breach_id: str) -> Breach:
    """One breach. Raises BreachNotFound."""
    return db.look(BreachRow.lookup(breach_id))[0]


def page(limit: int, cursor: str | None) -> db.Page[Breach]:
    """The register, newest first."""
    return BreachRow.page(limit, cursor)


def subjects(breach_id: str, after: str | None = None) -> list[str]:
    """Customers whom the breach affects, by id, as far as they have been found; those after one where given."""
    return SubjectRow.after(breach_id, after, AT_ONCE)


def order_notice(breach_id: str) -> Breach:
    """Have everybody told whom the breach affects; asked again, nobody is told twice.

    Raises BreachNotFound, BreachNotCounted.
    """
    breach = get(breach_id)
    if breach.notice_ordered_at is not None:
        return breach
    audit.change(f"breach:{breach_id}", before={"notified": False}, after={"notified": True})
    with db.transaction() as tx:
        BreachRow.order_notice(tx, breach, clock.now())
        outbox.publish(tx, BreachNoticeOrdered(breach_id))
    logger.warning("breach notices ordered", breach_id=breach_id, affected=breach.affected)
    return get(breach_id)


def carry_out_unfinished() -> Counts:
    """Go on with every breach whose subjects are not all found, or not all told."""
    counts = Counts()
    for breach in BreachRow.unfinished():
        try:
            tell(breach.id) if breach.affected is not None else find_subjects(breach.id)
            counts += Counts(seen=1, done=1)
        except LarisError as error:
            logger.warning("breach job stopped", breach_id=breach.id, code=error.code)
            counts += Counts(seen=1, left=1)
        except Exception:  # noqa: BLE001 - one breach's fault must not keep the others
            logger.exception("breach job stopped", breach_id=breach.id)
            counts += Counts(seen=1, left=1)
    return counts


def find_subjects(breach_id: str) -> None:
    """Find out whom the breach affects, from where the last run stopped.

    Raises MoreToDo when its time is over, WriteRefused if another run is at it.
    """
    started = clock.now()
    while (breach := get(breach_id)).affected is None:
        found, position = _next(breach.reach, breach.position)
        with db.transaction() as tx:
            for customer_id in dict.fromkeys(found):
                SubjectRow.note(tx, breach_id, customer_id)
            if position is not None:
                BreachRow.move(tx, breach, position)
            else:
                BreachRow.set_affected(tx, breach, _count(breach_id, found))
        _check_time(started)


def tell(breach_id: str) -> None:
    """Queue a letter to everybody whom the breach affects, once each, from where the last run stopped.

    Raises MoreToDo when its time is over, WriteRefused if another run is at it.
    """
    started = clock.now()
    breach = get(breach_id)
    while breach.notice_ordered_at is not None and breach.notified_at is None:
        found = SubjectRow.after(breach_id, breach.position, AT_ONCE)
        told = sum(_write_to(breach, customer_id) for customer_id in found)
        with db.transaction() as tx:
            BreachRow.count_told(tx, breach, told, found[-1] if len(found) == AT_ONCE else None)
        _check_time(started)
        breach = get(breach_id)


def _next(reach: Reach, position: str | None) -> tuple[list[str], str | None]:
    """Some affected customers from ``position`` on, and where to go on: None at the end."""
    match reach.kind:
        case Affected.ALL:
            everybody = customers.after(position, AT_ONCE)
            found = [each.id for each in everybody if not each.is_erased]
            return found, everybody[-1].id if len(everybody) == AT_ONCE else None
        case Affected.NAMED:
            named = [each for each in sorted(reach.named) if position is None or each > position][:AT_ONCE]
            return [each for each in named if _is_known(each)], named[-1] if len(named) == AT_ONCE else None
        case Affected.ORDERED_BETWEEN:
            return _buyers(reach, position)


def _buyers(reach: Reach, position: str | None) -> tuple[list[str], str | None]:
    if reach.start is None or reach.end is None:
        raise AssertionError("a reach between two days has both")
    start, end = clock.day_bounds(reach.start)[0], clock.day_bounds(reach.end)[1]
    placed = orders.placed_between(start, end, after=position, limit=AT_ONCE)
    return [order.customer_id for order in placed], placed[-1].id if len(placed) == AT_ONCE else None


def _is_known(customer_id: str) -> bool:
    try:
        return not customers.get(customer_id).is_erased
    except CustomerNotFound:
        return False


def _count(breach_id: str, more: Iterable[str]) -> int:
    counted, last = set(more), None
    while some := SubjectRow.after(breach_id, last, AT_ONCE):
        counted.update(some)
        last = some[-1]
    return len(counted)


def _write_to(breach: Breach, customer_id: str) -> bool:
    """Queue the letter to one customer; False for one who was erased meanwhile."""
    try:
        customer, key = customers.read(customer_id)
    except CustomerNotFound:
        return False
    about = customers.person(customer, key)
    to = Recipient(customer.id, about.name, about.email, about.phone)
    facts = letters.subject_facts(breach)
    with db.transaction() as tx:
        notices.send(tx, Notice("breach_notice", to, facts, customer.language, f"{breach.id}:{customer_id}"), key)
    return True


def _check_time(started: datetime) -> None:
    if clock.now() - started > RUNS_AT_MOST:
        raise MoreToDo()
