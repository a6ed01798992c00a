"""The Midtrans simulator with a merchant and a tester at it, and a place where its notifications arrive."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import urllib3

from infra.local.simulators.midtrans import MidtransSimulator
from tests.kit.partner import Listener, Said

KEY = "SB-Mid-server-abc123cde456"
BASIC = "Basic U0ItTWlkLXNlcnZlci1hYmMxMjNjZGU0NTY6"
REFERENCE = "ord_01JDC0000000000000000000ZZ-1"
KEMEJA = {"id": "K", "price": 75_000, "quantity": 2, "name": "Kemeja"}


class Merchant:
    """The simulator as a merchant and a tester reach it."""

    def __init__(self, simulator, sink, time):
        self.simulator, self.sink, self.time = simulator, sink, time
        self._pool = urllib3.PoolManager(retries=False)

    def ask(self, method, path, body=None, **headers):
        sent = {"Authorization": BASIC, "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        answer = self._pool.request(method, self.simulator.url + path, body=raw, headers=sent)
        kind = answer.headers["Content-Type"]
        return answer.status, json.loads(answer.data) if kind == "application/json" else answer.data.decode()

    def charge(self, method="bank_transfer", amount=150_000, order_id=REFERENCE, options=None, more=None, **headers):
        options = {"bank": "bca"} if method == "bank_transfer" and options is None else options
        body = {"payment_type": method, "transaction_details": {"order_id": order_id, "gross_amount": amount}}
        body |= {method: options} if options is not None else {}
        return self.ask("POST", "/v2/charge", body | (more or {}), **headers)[1]

    def snap(self, order_id=REFERENCE, amount=150_000, more=None, **headers):
        body = {"transaction_details": {"order_id": order_id, "gross_amount": amount}}
        return self.ask("POST", "/snap/v1/transactions", body | (more or {}), **headers)

    def do(self, what, body=None, key=REFERENCE):
        return self.ask("POST", f"/v2/{key}/{what}", body or {})[1]

    def status(self, key=REFERENCE):
        return self.ask("GET", f"/v2/{key}/status")[1]

    def sim(self, action, reference=REFERENCE, **wish):
        return self.ask("POST", f"/_sim/transactions/{reference}/{action}", wish or None, Authorization="")

    def behave(self, **manners):
        return self.ask("POST", "/_sim/behaviour", manners, Authorization="")

    def told(self):
        """Every notification that arrived, once all have."""
        assert self.simulator.drain()
        return [asked.body for asked in self.sink.asked]

    def statuses(self):
        return [note["transaction_status"] for note in self.told()]

    def close(self):
        """Hang up."""
        self._pool.clear()


class Time:
    """A clock that stands still until told otherwise."""

    def __init__(self):
        self.at = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)

    def now(self):
        return self.at

    def pass_(self, **time):
        self.at += timedelta(**time)


@contextmanager
def playing(notify_url=None, **how) -> Iterator[MidtransSimulator]:
    simulator = MidtransSimulator(KEY, notify_url, **how)
    simulator.start()
    try:
        yield simulator
    finally:
        simulator.stop()


@contextmanager
def listening(respond=lambda _: Said(200, {})) -> Iterator[Listener]:
    sink = Listener(respond)
    with sink.running():
        yield sink


@contextmanager
def asking(simulator, sink=None, time=None) -> Iterator[Merchant]:
    """A merchant of ``simulator``."""
    made = Merchant(simulator, sink, time)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def merchant() -> Iterator[Merchant]:
    """A merchant whose notifications arrive, with a clock that stands still."""
    time = Time()
    with (
        listening() as sink,
        playing(f"{sink.url}/hook", now=time.now, retry_scale=0.00001) as simulator,
        asking(simulator, sink, time) as made,
    ):
        yield made
