"""ministack: AWS on one machine, whose Lambda runs each copy of a function as a process that can be killed."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import urllib3

from tests.kit.cloud import ACCOUNT, REGION
from tests.kit.running import free_ports

PATIENCE: Final = 60.0
FAREWELL: Final = 15.0
ROLE: Final = "ministack-lambda-"
"""How the folder of a function's process begins; the function's name follows, and a random end."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One copy of a function."""

    pid: int
    function: str

    def kill(self) -> None:
        """End it in the middle of whatever it does; one that has ended already is no matter."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            return


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running ministack of our own."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def client(self, service: str) -> Any:
        """A client of it."""
        import botocore.session
        from botocore.config import Config

        session = botocore.session.Session()
        session.set_credentials(ACCOUNT, "local")
        config = Config(read_timeout=120, retries={"mode": "standard", "total_max_attempts": 1})
        return session.create_client(service, region_name=REGION, endpoint_url=self.url, config=config)

    def workers(self, function: str = "") -> list[Worker]:
        """The copies that run at the moment, of one function or of all: children of this process of ours alone."""
        listed = subprocess.run(
            ["ps", "-axwwo", "pid=,ppid=,command="], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        lines = [line.split(None, 2) for line in listed if ROLE in line]
        found = [
            Worker(int(pid), command.partition(ROLE)[2].partition("/")[0].rpartition("-")[0])
            for pid, parent, command in lines
            if int(parent) == self.process.pid
        ]
        return [worker for worker in found if function in ("", worker.function)]

    def last_words(self, length: int = 6_000) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-length:]


@contextmanager
def started(venv: Path, folder: Path, more: Mapping[str, str]) -> Iterator[Emulator]:
    """An emulator on a free port that keeps everything in ``folder``; its functions find ``more`` around them."""
    port = free_ports()
    emulator = Emulator(f"http://127.0.0.1:{port}", _start(venv, folder, port, more), folder / "ministack.log")
    try:
        _wait(emulator)
        yield emulator
    finally:
        _stop(emulator)


def _start(venv: Path, folder: Path, port: int, more: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Nothing of our own environment reaches it, above all not the path to the checkout: what is not in the zip, or
    in Lambda's runtime, shall be missed."""
    (folder / "tmp").mkdir()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent.sock",
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",  # its DynamoDB has no address of its own for each account
        "LAMBDA_ACCOUNT_CONCURRENCY": "200",  # by default it follows from the memory of the machine
        "LAMBDA_WARM_TTL_SECONDS": "900",
        **more,
    }
    command = [str(venv / "bin" / "python"), str(Path(__file__).with_name("launch.py"))]
    with (folder / "ministack.log").open("wb") as log:
        return subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )


def _wait(emulator: Emulator) -> None:
    deadline = time.monotonic() + PATIENCE
    http = urllib3.PoolManager(retries=False)
    while emulator.process.poll() is None and time.monotonic() < deadline:
        try:
            if http.request("GET", f"{emulator.url}/_ministack/health", timeout=5).status == 200:
                return
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
    raise AssertionError(f"ministack did not start: {emulator.last_words()}")


def _stop(emulator: Emulator) -> None:
    for worker in emulator.workers():
        worker.kill()
    emulator.process.terminate()
    try:
        emulator.process.wait(timeout=FAREWELL)
    except subprocess.TimeoutExpired:
        emulator.process.kill()
        emulator.process.wait()
