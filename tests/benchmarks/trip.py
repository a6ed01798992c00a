"""The way that is measured, step by step: a list, a page, and an order with two lines until it is confirmed."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Protocol

from tests.benchmarks.recording import Recorder
from tests.kit import calls, journey, keys
from tests.kit.journey import Bank, Buyer, sku

CHECKOUT = "checkout"
LIST = "list of 24"
PAGE = "product page"
CART = ("cart", "first line", "second line")
NOTICES = 2
"""Midtrans reports a virtual account twice: pending, then settled."""

Span = Callable[[str], AbstractContextManager[object]]


class Drained(Protocol):
    """What carries the work of a step to its end."""

    failures: list[tuple[str, Exception]]

    def drain(self) -> None:
        """All of it."""


def whole_order(bank: Bank, pumps: Drained, span: Span) -> str:
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
    recorder = Recorder()
    with journey.midtrans(recorder.partner_asked) as bank:
        open_shop(recorder)
        whole_order(bank, recorder.pumps, recorder.span)
        recorder.taken()
        whole_order(bank, recorder.pumps, recorder.span)
    return {name: [run.log for run in runs] for name, runs in recorder.taken().items()}


def open_shop(recorder: Recorder) -> None:
    """Fill the shelf of an empty shop."""
    recorder.pumps.skip_stream()
    journey.stock_the_shelf(keys.everything())
    recorder.drain()


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
