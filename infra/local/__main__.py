"""`make run`: the whole system on one machine. This process is the cloud and the partners; our code is its child.

The child is started anew when a file of ours changes, so the shop keeps its state through that; it forgets all when
this process ends.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import urllib3

from infra.local import emulators, env
from infra.local.env import ROOT

WATCHED: Final = (
    "app.py",
    "chalicelib",
    "infra/local/demo",
    "infra/local/gateway.py",
    "infra/local/pumps.py",
    "infra/local/serve.py",
    "infra/local/server.py",
)
PATIENCE: Final = 30.0
CATCH_UP: Final = 3.0
"""Seconds that the shop may still be closed while the storefront learns what is in stock."""
WHATSAPP_SECRETS: Final = ("whatsapp-token", "whatsapp-app-secret", "whatsapp-verify-token")
RELOAD: Final = "LARIS_LOCAL_RELOAD"
"""Set to 0, changes of files are not looked for."""


class Stopped(Exception):
    """Somebody wants an end of it."""


def main() -> None:
    """Start everything, say where it is, and keep it until Ctrl-C."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    port = int(os.environ.get("PORT") or 8000)
    _must_be_free(port, port + 1, port + 2)
    with ExitStack() as ends:
        ends.callback(_ignore_signals)
        try:
            api = _open(port, ends)
            _say_hello(api, time.monotonic() - began)
            _watch(api)
        except Stopped:
            print("\nStopping …", flush=True)
        finally:
            _ignore_signals()


class Api:
    """Our code in a process of its own, at ``url``; there is one such process at a time."""

    def __init__(self, port: int, environment: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._environment = {**os.environ, **environment, "PORT": str(port)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def has_died(self) -> bool:
        """True if it ended by itself."""
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        """Start it and wait until it answers. Raises SystemExit if it does not."""
        # A session of its own, so that Ctrl-C reaches this process alone, which then ends the child in order; the
        # child ends too when its standard input does, however this process came to its end.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.local.serve"],
            env=self._environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )
        self._wait()

    def pump(self) -> None:
        """Let it begin with queues, stream and schedules; before that it answers requests alone."""
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(b"\n")
            self._process.stdin.flush()

    def stop(self) -> None:
        """End it; what it was doing for somebody is done first, unless that takes more than five seconds."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()

    def _wait(self) -> None:
        http = urllib3.PoolManager(retries=False)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.has_died:
                raise SystemExit("the API did not start")
            with suppress(urllib3.exceptions.HTTPError):
                http.request("GET", f"{self.url}/store/categories", timeout=5)
                return
            time.sleep(0.05)
        raise SystemExit(f"the API did not answer in {PATIENCE:.0f} s")


def _stop(*_: object) -> None:
    raise Stopped


def _ignore_signals() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _must_be_free(*ports: int) -> None:
    """Before anything is touched: another Laris that runs on these ports shall keep running."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise SystemExit(f"Port {port} is taken. Name another: make run PORT=8010") from None


def _open(port: int, ends: ExitStack) -> Api:
    """Start all there is, in order; ``ends`` learns how to end it."""
    server_key = f"SB-Mid-server-{secrets.token_urlsafe(18)}"
    whatsapp = {name: secrets.token_urlsafe(24) for name in WHATSAPP_SECRETS}
    cloud, endpoint = emulators.start_cloud()
    ends.callback(cloud.stop)
    midtrans = emulators.start_midtrans(server_key, f"http://127.0.0.1:{port}/webhooks/payments/midtrans", port + 1)
    ends.callback(midtrans.stop)
    outbox = emulators.start_outbox(endpoint, f"http://127.0.0.1:{port}/webhooks/notices/whatsapp", port + 2, whatsapp)
    ends.callback(outbox.stop)
    arn = emulators.fill_cloud(endpoint, {"midtrans-server-key": server_key, **whatsapp})
    environment = emulators.environment(endpoint, midtrans.url, outbox.whatsapp_url)
    environment["LARIS_CONSOLE_URL"] = f"http://localhost:{port}"
    api = Api(port, {**environment, "LARIS_EVENTS_STREAM_ARN": arn})
    ends.callback(api.stop)
    api.start()
    owner, admin_key = emulators.take_on_owner(api.url, environment)
    _load_shop(api, admin_key)
    ends.callback(env.remove)
    env.write(
        BASE_URL=api.url,
        OWNER_EMAIL=owner.email,
        OWNER_PASSWORD=owner.password,
        OWNER_TOTP_SECRET=owner.totp_secret,
        ADMIN_KEY=admin_key,
        MIDTRANS_SIM_URL=midtrans.url,
        OUTBOX_URL=outbox.url,
        AWS_ENDPOINT_URL=endpoint,
    )
    return api


def _load_shop(api: Api, admin_key: str) -> None:
    """Fill the shop, and only then let the work behind the scenes begin: the two would slow each other down."""
    from infra.local.demo.load import load

    loaded = load(api.url, admin_key, pictures_url=f"{api.url}/pictures", progress=_progress)
    api.pump()
    deadline = time.monotonic() + CATCH_UP
    while _shown(api.url, admin_key) < loaded.units:
        if time.monotonic() > deadline:
            _progress("the storefront still shows some things as sold out; it learns of the stock in a moment")
            return
        time.sleep(0.25)


def _progress(line: str) -> None:
    print(f"  {line}", flush=True)


def _shown(base_url: str, admin_key: str) -> int:
    """How many units storefronts show as available: what the warehouse has told the catalogue so far."""
    headers = {"Authorization": f"Bearer {admin_key}"}
    answer = urllib3.request("GET", f"{base_url}/admin/products?limit=100", headers=headers)
    return sum(sum(product["available"].values()) for product in answer.json()["items"])


def _say_hello(api: Api, seconds: float) -> None:
    values = env.read() or {}
    print(
        f"""
Laris is open ({seconds:.1f} s).
  API        {api.url}/store/products
  Reference  {api.url}/docs
  Midtrans   {values["MIDTRANS_SIM_URL"]}   (simulator: see payments, pay them, refuse them)
  Outbox     {values["OUTBOX_URL"]}   (every e-mail and WhatsApp message)
  Keys       {env.file()}

  make demo  walks a whole purchase.   Ctrl-C stops everything.
""",
        flush=True,
    )


def _watch(api: Api) -> None:
    """Start the API anew whenever a watched file changes; one that died waits for such a change."""
    seen, told = _stamps(), False
    while True:
        time.sleep(0.5)
        if api.has_died and not told:
            print("The API has ended. It starts again when a file changes.", flush=True)
            told = True
        now = _stamps()
        if now == seen or os.environ.get(RELOAD) == "0":
            continue
        print("Files changed: starting again …", flush=True)
        seen, told = now, False
        api.stop()
        with suppress(SystemExit):
            api.start()
            api.pump()
            print("Ready.", flush=True)


def _stamps() -> dict[Path, float]:
    files = [path for name in WATCHED for path in [ROOT / name, *(ROOT / name).rglob("*.py")]]
    return {path: path.stat().st_mtime for path in files if path.is_file()}


if __name__ == "__main__":
    main()
