"""The whole local system, started as `make run` starts it, on ports and in a folder of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.local import env
from infra.local.env import ROOT

PATIENCE = 60.0
FAREWELL = 15.0


@dataclass
class Running:
    """A running system: what ``.local/env`` says of it, and how long it took to be ready."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]
    values: dict[str, str]
    seconds: float

    @property
    def environment(self) -> dict[str, str]:
        """For a command that is to find it, such as `make demo`."""
        return {**os.environ, env.FOLDER: str(self.folder), "PYTHONPATH": str(ROOT)}

    def stop(self) -> int:
        """Ctrl-C; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=FAREWELL)

    def ports(self) -> list[int]:
        """Every port that something of it listens on."""
        addresses = (self.values[name] for name in ("BASE_URL", "MIDTRANS_SIM_URL", "OUTBOX_URL", "AWS_ENDPOINT_URL"))
        return [int(address.rpartition(":")[2]) for address in addresses]


@contextmanager
def running(port: int = 0) -> Iterator[Running]:
    """A system of our own, on ``port`` and the two after it, or on free ones."""
    port = port or free_ports()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        environment = {**os.environ, "PORT": str(port), env.FOLDER: folder, "LARIS_LOCAL_RELOAD": "0"}
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.local"],
            cwd=ROOT,
            env=environment,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if not _is_ready(process, Path(folder, "env")):
                said.seek(0)
                raise AssertionError(f"it did not start: {said.read().decode(errors='replace')[-4000:]}")
            values = _values(Path(folder, "env"))
            yield Running(port, Path(folder), process, values, time.monotonic() - began)
        finally:
            _end(process)


def free_ports() -> int:
    """The first of three free ports that follow each other."""
    while True:
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            with contextlib.suppress(OSError, OverflowError):
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
                return port


def is_listening(port: int) -> bool:
    """Whether anybody answers there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ready(process: subprocess.Popen[bytes], file: Path) -> bool:
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        if file.exists():
            return True
        time.sleep(0.05)
    return False


def _values(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=FAREWELL)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
