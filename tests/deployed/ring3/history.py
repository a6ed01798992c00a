"""A history as Jepsen keeps it: what buyers were told, held against what the shop and the bank have in their books.

https://jepsen.io/consistency: an operation that was acknowledged has happened; of one that was not, nobody knows; no
operation happens twice.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

ONCE: Final = (
    "order.placed",
    "stock.held",
    "payment.started",
    "payment.captured",
    "order.confirmed",
    "stock.allocated",
)
EXPLAINED: Final = frozenset({"pending", "confirmed", "expired", "cancelled"})


@dataclass(frozen=True, slots=True)
class Story:
    """A buyer's own: the order they were told of, if any, every answer that told of it, and whether they paid."""

    email: str
    order_id: str | None
    answers: tuple[bytes, ...] = ()
    has_paid: bool = False


def violations(
    stories: Sequence[Story], orders: Mapping[str, Mapping[str, Any]], book: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Everything in which the ``orders`` of the shop and the ``book`` of the bank differ from what buyers were told."""
    settled = Counter(_order(line) for line in book if line["settled_at"])
    return [
        *_acknowledged(stories, orders),
        *_doubled(stories, orders),
        *_charged(stories, orders, settled),
        *(fault for order in orders.values() for fault in _unexplained(order, settled[order["id"]])),
    ]


def _acknowledged(stories: Sequence[Story], orders: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    for story in stories:
        if story.order_id is None:
            continue
        order = orders.get(story.order_id)
        if order is None:
            yield f"{story.order_id} was acknowledged and is not there"
        elif order["contact"]["email"] != story.email:
            yield f"{story.order_id} is somebody else's"
        if len(set(story.answers)) > 1:
            yield f"{story.order_id} was told of in {len(set(story.answers))} ways"


def _doubled(stories: Sequence[Story], orders: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    """Whoever ordered once has one order, or none if nobody told them of it."""
    of = Counter(order["contact"]["email"] for order in orders.values())
    known = {story.email for story in stories}
    yield from (f"{email} ordered once and has {count} orders" for email, count in of.items() if count > 1)
    yield from (f"{email} has an order and never came" for email in of if email not in known)


def _charged(
    stories: Sequence[Story], orders: Mapping[str, Mapping[str, Any]], settled: Mapping[str, int]
) -> Iterable[str]:
    paid = {story.order_id for story in stories if story.has_paid}
    for order_id, times in settled.items():
        if order_id not in orders:
            yield f"{order_id} was paid for and is not there"
        if order_id not in paid:
            yield f"{order_id} was charged and nobody paid"
        if times > 1:
            yield f"{order_id} was charged {times} times"
    yield from (f"{order_id} was paid for and the bank does not know" for order_id in paid if order_id not in settled)


def _unexplained(order: Mapping[str, Any], settled: int) -> Iterable[str]:
    told = Counter(entry["type"] for entry in order["timeline"])
    yield from (f"{order['id']} had {type_} {told[type_]} times" for type_ in ONCE if told[type_] > 1)
    if order["state"] not in EXPLAINED:
        yield f"{order['id']} is {order['state']}"
    if settled and (order["state"], order["payment_status"]) != ("confirmed", "paid"):
        yield f"{order['id']} was paid for and is {order['state']}, {order['payment_status']}"
    if settled and (missing := set(ONCE) - told.keys()):
        yield f"{order['id']} was paid for and never had {', '.join(sorted(missing))}"
    if not settled and order["payment_status"] != "unpaid":
        yield f"{order['id']} is {order['payment_status']} and nobody paid"


def _order(line: Mapping[str, Any]) -> str:
    return str(line["reference"]).rpartition("-")[0]
