"""The way that is measured, step by step: a list, a page, and an order with two lines until it is confirmed."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from infra.local.pumps import Pumps
from tests.kit import calls, journey, keys
from tests.kit.journey import Bank, Buyer, sku

CHECKOUT = "checkout"
LIST = "list of 24"
PAGE = "product page"
NOTICES = 2
"""Midtrans reports a virtual account twice: pending, then settled."""

Span = Callable[[str], AbstractContextManager[object]]


def whole_order(bank: Bank, pumps: Pumps, span: Span) -> str:
    """One paid order, its id; each request runs within ``span(name)``, the workers are run by ``pumps``."""
    buyer = Buyer()
    for name, step in _steps(buyer, bank):
        with span(name):
            step()
        pumps.drain()
    if pumps.failures:
        raise AssertionError(f"workers failed: {pumps.failures}")
    state = buyer.looks_at_the_order().body["state"]
    if state != "confirmed":
        raise AssertionError(f"the order is {state}, not confirmed")
    return buyer.order_id


def recorded_order() -> dict[str, list[calls.Log]]:
    """What each step of one paid order, and each run of a worker for it, asks of AWS and of the partner.

    Over the emulated cloud of this process, which must be empty. It is the second order: by then secrets and the
    addresses of queues are known.
    """
    from app import app
    from chalicelib.core import aws

    logs: defaultdict[str, list[calls.Log]] = defaultdict(list)
    under_way: list[calls.Log] = []

    @contextmanager
    def span(name: str) -> Iterator[None]:
        with calls.recorded() as log:
            under_way.append(log)
            yield
            logs[name].append(under_way.pop())

    class Recording(Pumps):
        def invoke(self, source: Any, event: dict[str, Any]) -> bool:
            with span(f"worker {source.name}"):
                return super().invoke(source, event)

    def partner_asked(what: str) -> None:
        if under_way:
            under_way[-1].mark(what)

    with journey.midtrans(partner_asked) as bank:
        pumps = Recording(app, sqs=aws.client("sqs"), streams=aws.client("dynamodbstreams"))
        pumps.skip_stream()
        journey.stock_the_shelf(keys.everything())
        pumps.drain()
        whole_order(bank, pumps, span)
        logs.clear()
        whole_order(bank, pumps, span)
    return dict(logs)


def _steps(buyer: Buyer, bank: Bank) -> Iterator[tuple[str, Callable[[], object]]]:
    yield LIST, buyer.looks_at_the_shelf
    yield PAGE, lambda: buyer.opens_a_page(3)
    yield "cart", buyer.takes_a_cart
    yield "first line", lambda: buyer.puts(sku(3))
    yield "second line", lambda: buyer.puts(sku(7, "L"), 2)
    yield "quotes", buyer.asks_for_quotes
    yield CHECKOUT, buyer.orders
    (pending,) = bank.notices(buyer.reference, 1)
    yield "notice: pending", lambda: bank.notifies(pending)
    bank.pays(buyer.reference)
    settled = bank.notices(buyer.reference, NOTICES)[-1]
    yield "notice: settled", lambda: bank.notifies(settled)
    yield "order", buyer.looks_at_the_order
