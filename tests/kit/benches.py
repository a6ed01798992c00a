"""Gateways on the bench: each adapter in front of its partner, ready to be asked."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Any

import urllib3

from chalicelib.core import clock
from chalicelib.core.money import Money
from chalicelib.payments.gateways.midtrans import Midtrans
from chalicelib.payments.gateways.port import Charge, Customer, Gateway, Item, Kind
from chalicelib.payments.gateways.transfer import Transfer
from infra.local.simulators.midtrans import MidtransSimulator
from tests.kit.cloud import SECRETS
from tests.kit.partner import Line, Scripted

PRICE = Money(44000)


@dataclass
class Bench:
    """An adapter ready to be asked, and what its tests need to know of it."""

    gateway: Gateway
    tokens: dict[str, str]
    method: str
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def charge(self, method: str | None = None, **said: Any) -> Charge:
        """A charge nobody has asked before."""
        chosen = method or self.method
        asked = Charge(
            reference=f"ord_01KAV3Z5W8Q2M7N4T6Y9BCDEFG-{next(self.numbers)}",
            amount=PRICE,
            method=chosen,
            items=(
                Item("KEMEJA-M", "Kemeja Flanel", Money(20000), 2),
                Item("shipping", "Ongkos kirim", Money(9000), 1),
                Item("discount", "Potongan", Money(-5000), 1),
            ),
            customer=Customer("Siti Aminah", "siti@example.com", "+6281234567890"),
            expires_at=clock.now() + timedelta(minutes=60),
            token=self.tokens.get(chosen),
        )
        return replace(asked, **said)


@dataclass
class PartnerBench(Bench):
    """A bench with somebody at the other end."""

    line: Line = field(kw_only=True)
    inbox: Scripted = field(kw_only=True)
    controls: str = field(kw_only=True)
    refundable: str = field(kw_only=True)
    unrefundable: str = field(kw_only=True)

    def happens(self, what: str, reference: str, **wish: Any) -> None:
        """What a buyer, a bank or the fraud desk does at the partner."""
        url = f"{self.controls}/_sim/transactions/{reference}/{what}"
        answer = urllib3.request("POST", url, body=json.dumps(wish), headers={"Content-Type": "application/json"})
        assert answer.status < 300, answer.data

    def paid(self, method: str | None = None) -> Charge:
        """A charge that has been paid."""
        charge = self.charge(method)
        self.gateway.start(charge)
        self.happens("settle", charge.reference)
        return charge

    def kinds(self, reference: str) -> list[Kind]:
        """What the partner says has happened, by kind."""
        return [fact.kind for fact in self.gateway.fetch(reference)]

    def posted(self) -> tuple[bytes, dict[str, str]]:
        """The first webhook that the partner has sent."""
        webhook = self.inbox.wait_for(1)[0]
        return webhook.raw, webhook.headers


@contextmanager
def midtrans_bench() -> Iterator[PartnerBench]:
    """The simulator, behind a line that can break."""
    inbox = Scripted()
    with inbox.running():
        simulator = MidtransSimulator(SECRETS["midtrans-server-key"], inbox.url, now=clock.now)
        simulator.start()
        line = Line(simulator.url)
        try:
            with line.running():
                yield PartnerBench(
                    Midtrans(line.url, f"{line.url}/snap/v1", patience=0.5),
                    tokens={"card": "481111-1114-bb5c1f1e"},
                    method="bca_va",
                    line=line,
                    inbox=inbox,
                    controls=simulator.url,
                    refundable="qris",
                    unrefundable="bca_va",
                )
        finally:
            simulator.stop()


@contextmanager
def transfer_bench() -> Iterator[Bench]:
    """Nobody, which is who stands behind a transfer by hand."""
    yield Bench(Transfer(), tokens={"bank": "137"}, method="bank")


PARTNERS: dict[str, Callable[[], AbstractContextManager[PartnerBench]]] = {"midtrans": midtrans_bench}
GATEWAYS: dict[str, Callable[[], AbstractContextManager[Bench]]] = {**PARTNERS, "transfer": transfer_bench}
