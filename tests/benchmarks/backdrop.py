"""The emulated cloud and Midtrans in a process of their own, so that their CPU is not in the measured one.

Prints the environment for our code as a line of JSON, and ends when its standard input does.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from infra.local import emulators
from infra.local.env import ROOT
from tests.kit.cloud import SECRETS
from tests.kit.partner import Said, Scripted


@contextmanager
def running() -> Iterator[dict[str, str]]:
    """Have it while the block runs; gives the environment."""
    command = [sys.executable, "-m", "tests.benchmarks.backdrop"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(timeout=10)


def main() -> None:
    """Serve until nobody needs it."""
    inbox = Scripted()
    inbox.says(Said(200, {}))
    with inbox.running():
        cloud, endpoint = emulators.start_cloud()
        simulator = emulators.start_midtrans(SECRETS["midtrans-server-key"], inbox.url, 0)
        arn = emulators.fill_cloud(endpoint, {"midtrans-server-key": SECRETS["midtrans-server-key"]})
        environment = emulators.environment(endpoint, simulator.url)
        print(json.dumps({**environment, "LARIS_EVENTS_STREAM_ARN": arn}), flush=True)
        sys.stdin.read()
        simulator.stop()
        cloud.stop()


if __name__ == "__main__":
    main()
