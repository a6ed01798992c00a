"""Retention carried out: every day what has been kept long enough goes, class by class, where nothing holds it.

What the storage expires by itself (carts, webhooks, exports) needs nothing here. Each job goes on where the last run
stopped, so that a run is short however many there are; a run too many does no harm.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from chalicelib.core import clock
from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.log import logger
from chalicelib.customers import service as customers
from chalicelib.customers.service import Customer, ProfileState
from chalicelib.notices import service as notices
from chalicelib.orders import service as orders
from chalicelib.payments import service as payments
from chalicelib.privacy import erasure, rules
from chalicelib.privacy.models.customers import ProgressRow

AT_ONCE: Final = 50
RUNS_AT_MOST: Final = timedelta(seconds=12)
"""For each job: what is left comes the next day."""
BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
CUSTOMERS_JOB: Final = "customers"

Part = Callable[[str | None, datetime], tuple[Counts, str | None]]
"""Does a part of a job from a position on; what it did, and where to go on, None at the end."""


def carry_out() -> Counts:
    """Let go of everything that has been kept long enough."""
    now = clock.now()
    # orders first: a guest is let go of once no order says any more who they are
    return _run(erasure.ORDERS_JOB, _some_orders, now) + _run(CUSTOMERS_JOB, _some_customers, now) + _old_notices(now)


def _run(job: str, part: Part, now: datetime) -> Counts:
    counts, position = Counts(), ProgressRow.position_of(job)
    while clock.now() - now < RUNS_AT_MOST:
        done, position = part(position, now)
        counts += done
        if done.seen:
            ProgressRow.note(job, position)
        if position is None or not done.seen:
            break
    return counts


def _some_customers(position: str | None, now: datetime) -> tuple[Counts, str | None]:
    """Accounts never verified are erased, guests who ordered nothing for long lose their name. Then from the start."""
    found = customers.after(position, AT_ONCE)
    done = sum(_look_at(customer, now) for customer in found)
    return Counts(seen=len(found), done=done), found[-1].id if len(found) == AT_ONCE else None


def _look_at(customer: Customer, now: datetime) -> bool:
    if customer.state is ProfileState.UNVERIFIED and customer.created_at < rules.due(rules.UNVERIFIED, now):
        return _let_go_of_account(customer)
    if customer.state is ProfileState.GUEST and customer.created_at < rules.due(rules.GUESTS, now):
        return _let_go_of_guest(customer, now)
    return False


def _let_go_of_account(customer: Customer) -> bool:
    if erasure.is_held(customer.id):
        return False
    erasure.ask(customer.id)
    return True


def _let_go_of_guest(customer: Customer, now: datetime) -> bool:
    """Not one whom a customer has claimed (they hold no address any more), nor while an order says who they are."""
    if customer.email_index is None or erasure.is_held(customer.id):
        return False
    due = rules.due(rules.GUESTS, now)
    last = orders.of_customer([customer.id], limit=1, cursor=None).items
    if any(order.placed_at >= due or order.personal is not None for order in last):
        return False
    customers.anonymise(customer.id)
    logger.info("guest forgotten", customer_id=customer.id)
    return True


def _some_orders(position: str | None, now: datetime) -> tuple[Counts, str | None]:
    """Contact and address of orders go; the position stays, since no older order comes any more."""
    until = rules.orders_due(now, settings.order_years)
    found = orders.placed_between(BEGINNING, until, after=position, limit=AT_ONCE)
    done = 0
    for order in found:
        if not erasure.is_held(order.customer_id):
            payments.redact([order.id])
            orders.anonymise(order.id)
            done += 1
    counts = Counts(seen=len(found), done=done, left=len(found) - done)
    return counts, found[-1].id if found else position


def _old_notices(now: datetime) -> Counts:
    done = notices.erase_old(rules.due(rules.NOTICES, now))
    return Counts(seen=done, done=done)
