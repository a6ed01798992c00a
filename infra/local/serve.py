"""Our code of the local system: the API and all workers, against the emulated cloud. Restarted when a file changes."""

import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, Final

from app import app
from chalicelib.core import aws
from chalicelib.core.config import settings
from infra.local import guard
from infra.local.demo.pictures import picture_of
from infra.local.gateway import Gateway
from infra.local.pumps import Pumps
from infra.local.server import Server

IDLE: Final = 0.25
BUSY: Final = 0.01


def main() -> None:
    """Serve until told to stop; pump queues, stream and schedules once a byte comes over our standard input."""
    guard.install(stage=settings.stage, region=settings.region, account=settings.account)
    server = Server(int(os.environ["PORT"]), Gateway(app), picture_of)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    threading.Thread(target=_follow_parent, args=(server,), daemon=True).start()
    server.serve_forever(poll_interval=0.1)
    server.finish()


def _follow_parent(server: Server) -> None:
    """Our standard input ends when the process that started us does, in whatever way it ended."""
    if os.read(sys.stdin.fileno(), 1):
        _start_pumps()
        while os.read(sys.stdin.fileno(), 4096):
            pass
    server.shutdown()


def _start_pumps() -> None:
    pumps = Pumps(app, sqs=aws.client("sqs"), streams=aws.client("dynamodbstreams"))
    for work in pumps.works():
        threading.Thread(target=_forever, args=(pumps, work), daemon=True).start()
    for name, expression in pumps.schedules.items():
        threading.Thread(target=_on_schedule, args=(pumps, name, expression), daemon=True).start()


def _forever(pumps: Pumps, work: Callable[[], int]) -> None:
    wait = BUSY
    while True:
        try:
            wait = BUSY if work() else min(IDLE, wait * 1.5)
        except Exception:  # noqa: BLE001 - a pump that stops would look like lost messages
            traceback.print_exc(file=sys.stderr)
            wait = IDLE
        _report(pumps)
        time.sleep(wait)


def _on_schedule(pumps: Pumps, name: str, expression: str) -> None:
    while True:
        time.sleep(_seconds(expression))
        pumps.run_schedule(name)
        _report(pumps)


def _report(pumps: Pumps) -> None:
    while pumps.failures:
        name, error = pumps.failures.pop()
        print(f"{name} failed and will be given its message again: {error!r}", file=sys.stderr)


def _seconds(expression: str) -> float:
    """``rate(5 minutes)`` in seconds; a cron is run once an hour here, at no particular minute."""
    if not expression.startswith("rate("):
        return 3600
    number, unit = expression.removeprefix("rate(").removesuffix(")").split()
    seconds: dict[str, Any] = {"minute": 60, "hour": 3600, "day": 86400}
    return float(number) * float(seconds[unit.rstrip("s")])


if __name__ == "__main__":
    main()
