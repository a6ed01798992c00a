"""CPU of our code per request and per whole paid order. The emulators run in another process (``backdrop``), so what is
left is ours with the AWS client and its HTTP: what a Lambda would spend, but for TLS.

Logs and metrics are on as in production and go to a counter of bytes.
"""

import io
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from infra.local.env import ROOT
from tests.benchmarks import backdrop
from tests.benchmarks.tables import table

PEERS = json.loads(Path(__file__).with_name("peers.json").read_text())
WARM_UP = 5


def measure(orders: int = 40) -> dict[str, Any]:
    """Medians in milliseconds, from a fresh process."""
    command = [sys.executable, "-m", "tests.benchmarks.cpu", str(orders)]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def show(figures: dict[str, Any]) -> str:
    """The figures as tables, beside the peers'."""
    spent = figures["ms"]
    rows = [(name, f"{ms:.2f}", f"{figures['runs'][name]:g}") for name, ms in spent.items()]
    rows += [
        ("all requests", f"{figures['requests_ms']:.2f}", ""),
        ("all workers", f"{figures['workers_ms']:.2f}", ""),
        ("whole paid order", f"{figures['order_ms']:.2f}", ""),
    ]
    title = f"CPU ms of our code, median of {figures['orders']} orders (emulators in another process, no TLS)"
    ours = {
        "paid_order": f"{figures['order_ms']:.1f}",
        "list_of_24": f"{spent['list of 24']:.1f}",
        "product_page": f"{spent['product page']:.1f}",
    }
    peers = list(PEERS["paid_order"])
    beside = [(what.replace("_", " "), ms, *(_sum(PEERS[what][peer]) for peer in peers)) for what, ms in ours.items()]
    goal = PEERS["goal_paid_order_ms"]
    verdict = "reached" if figures["order_ms"] <= goal else "missed"
    return "\n".join(
        [
            table(title, ("step", "ms", "runs"), rows),
            table("Beside the peers (theirs: app + worker + database)", ("CPU ms", "Laris", *peers), beside),
            f"Goal: a paid order in {goal} CPU ms, {verdict} at {figures['order_ms']:.1f}.",
        ]
    )


def _sum(peer: dict[str, int]) -> int:
    return sum(ms for part, ms in peer.items() if part != "requests")


class Meter:
    """CPU time by name, over the spans and the workers of one order."""

    def __init__(self) -> None:
        self.ms: defaultdict[str, float] = defaultdict(float)
        self.runs: Counter[str] = Counter()
        self.name = ""

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Requests within count under ``name``."""
        self.name = name
        yield
        self.name = ""

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Count the CPU spent inside."""
        began = time.process_time()
        yield
        self.ms[name] += (time.process_time() - began) * 1000
        self.runs[name] += 1


class _Sink(io.TextIOBase):
    """Counts what is logged."""

    def __init__(self) -> None:
        self.bytes = 0

    def write(self, text: str) -> int:
        self.bytes += len(text.encode())
        return len(text)


def _measured(orders: int) -> dict[str, Any]:
    sys.stdout = sink = _Sink()
    from app import app
    from chalicelib.core import aws
    from infra.local.pumps import Pumps
    from tests.benchmarks import trip
    from tests.kit import api, journey, keys

    meter = Meter()

    class Metered(Pumps):
        def invoke(self, source: Any, event: dict[str, Any]) -> bool:
            with meter.timed(f"worker {source.name}"):
                return super().invoke(source, event)

    gateway = api.gateway()
    answer = gateway.answer

    def metered(*request: Any) -> Any:
        with meter.timed(meter.name or "other"):
            return answer(*request)

    gateway.answer = metered  # type: ignore[assignment, method-assign]
    pumps = Metered(app, sqs=aws.client("sqs"), streams=aws.client("dynamodbstreams"))
    journey.stock_the_shelf(keys.made())
    pumps.drain()
    bank = journey.Bank(os.environ["LARIS_MIDTRANS_API_URL"])
    kept: list[Meter] = []
    for number in range(WARM_UP + orders):
        meter.ms, meter.runs = defaultdict(float), Counter()
        if number == WARM_UP:
            sink.bytes = 0
        trip.whole_order(bank, pumps, meter.span)
        if number >= WARM_UP:
            one = Meter()
            one.ms, one.runs = meter.ms, meter.runs
            kept.append(one)
    return _figures(kept, sink.bytes)


def _figures(kept: list[Meter], logged: int) -> dict[str, Any]:
    names = [name for name in kept[0].ms if name != "other"]
    workers = [name for name in names if name.startswith("worker ")]
    requests = [name for name in names if name not in workers]
    return {
        "orders": len(kept),
        "ms": {name: median(each.ms[name] for each in kept) for name in requests + workers},
        "runs": {name: median(each.runs[name] for each in kept) for name in requests + workers},
        "requests_ms": median(sum(each.ms[name] for name in requests) for each in kept),
        "workers_ms": median(sum(each.ms[name] for name in workers) for each in kept),
        "order_ms": median(sum(each.ms[name] for name in names) for each in kept),
        "log_bytes": round(logged / len(kept)),
    }


def main() -> None:
    """The figures as JSON; in a process of its own, since the environment has to stand before our code is imported."""
    out = sys.stdout
    with backdrop.running() as environment:
        os.environ.update(environment, POWERTOOLS_LOG_LEVEL="INFO", LARIS_METRICS="1")
        figures = _measured(int(sys.argv[1]))
    print(json.dumps(figures), file=out)


if __name__ == "__main__":
    main()
