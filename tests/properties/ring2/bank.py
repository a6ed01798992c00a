"""The gateway in memory, made safe for threads: a payment ends once, paid or cancelled, whoever comes first."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.payments import gateways
from chalicelib.payments.gateways.port import Kind, PaymentEvent
from tests.kit.gateways import ENDED, FakeGateway


class SteadyGateway(FakeGateway):
    """As a real one, it decides one thing after the other."""

    def __init__(self) -> None:
        super().__init__()
        self._deciding = threading.RLock()

    def cancel(self, reference: str) -> None:
        with self._deciding:
            super().cancel(reference)

    def fetch(self, reference: str) -> list[PaymentEvent]:
        with self._deciding:
            return super().fetch(reference)

    def is_paid(self, reference: str) -> bool:
        """The buyer pays, unless the payment has ended; whether it is paid now."""
        with self._deciding:
            if not ENDED & {event.kind for event in self.book[reference]}:
                self.happens(reference, Kind.CAPTURED)
            return self.has_money(reference)

    def has_money(self, reference: str) -> bool:
        """Whether the money came in here."""
        return Kind.CAPTURED in {event.kind for event in self.book[reference]}


@pytest.fixture
def bank() -> Iterator[Any]:
    """The shop's gateway called "fake"."""
    steady = SteadyGateway()
    with gateways.use("fake", steady):
        yield steady
