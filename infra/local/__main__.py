"""`make run`: the whole system on one machine. This process is the cloud and the partners; our code is its child.

The child is started anew when a file of ours changes, so the shop keeps its state through that; it forgets all when
this process ends.
"""

import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import urllib3

ROOT: Final = Path(__file__).parent.parent.parent
ENV_FILE: Final = ROOT / ".local" / "env"
WATCHED: Final = ("app.py", "chalicelib", "infra/local/demo", "infra/local/gateway.py", "infra/local/pumps.py")
REGION: Final = "ap-southeast-3"
STAGE: Final = "local"


class Stopped(Exception):
    """Somebody wants an end of it."""


def main() -> None:
    """Start everything, say where it is, and keep it until Ctrl-C."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    port = int(os.environ.get("PORT") or 8000)
    base_url = f"http://127.0.0.1:{port}"
    admin_key = f"lk_local_{secrets.token_urlsafe(24)}"
    server_key = f"SB-Mid-server-{secrets.token_urlsafe(18)}"
    ENV_FILE.unlink(missing_ok=True)
    cloud = child = midtrans = None
    try:
        cloud, endpoint = _start_cloud()
        midtrans = _start_midtrans(server_key, base_url, port + 1)
        environment = _environment(endpoint, midtrans.url, port)
        arn = _fill_cloud(environment, admin_key, server_key)
        environment |= {"LARIS_EVENTS_STREAM_ARN": arn}
        child = _start_child(environment)
        _wait_for(base_url, child)
        _load_shop(base_url, admin_key)
        _write_env(BASE_URL=base_url, ADMIN_KEY=admin_key, MIDTRANS_SIM_URL=midtrans.url, AWS_ENDPOINT_URL=endpoint)
        _say_hello(base_url, midtrans.url, time.monotonic() - began)
        child = _watch(child, lambda: _start_child(environment), base_url)
    except Stopped:
        print("\nStopping …", flush=True)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end(child)
        if midtrans is not None:
            midtrans.stop()
        if cloud is not None:
            cloud.stop()
        ENV_FILE.unlink(missing_ok=True)


def _stop(*_: object) -> None:
    raise Stopped


def _start_cloud() -> tuple[Any, str]:
    """moto's server on a port of its own, its DynamoDB serialised."""
    import logging

    from moto.server import ThreadedMotoServer

    from infra.local import dynamodb

    os.environ["MOTO_ALLOW_NONEXISTENT_REGION"] = "true"
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    dynamodb.install()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return server, f"http://{host}:{port}"


def _start_midtrans(server_key: str, base_url: str, port: int) -> Any:
    from infra.local.simulators.midtrans import MidtransSimulator

    simulator = MidtransSimulator(server_key, f"{base_url}/webhooks/payments/midtrans", port=port)
    simulator.start()
    return simulator


def _environment(endpoint: str, midtrans_url: str, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "LARIS_STAGE": STAGE,
        "LARIS_TOPIC_ARN": f"arn:aws:sns:{REGION}:123456789012:laris-{STAGE}-events",
        "LARIS_MIDTRANS_API_URL": midtrans_url,
        "LARIS_MIDTRANS_SNAP_URL": f"{midtrans_url}/snap/v1",
        "LARIS_TRANSFER_ACCOUNTS": '[{"bank":"BCA","number":"0123456789","holder":"PT Toko Laris Manis"}]',
        "POWERTOOLS_LOG_LEVEL": os.environ.get("POWERTOOLS_LOG_LEVEL", "WARNING"),
        "LARIS_METRICS": "0",
        "PORT": str(port),
        "PYTHONPATH": str(ROOT),
    }


def _fill_cloud(environment: dict[str, str], admin_key: str, server_key: str) -> str:
    """Make what the template defines and put the secrets; the ARN of the event log's stream."""
    import botocore.session

    from infra.local import cloud

    session = botocore.session.get_session()
    session.set_credentials("local", "local")

    def client(service: str) -> Any:
        return session.create_client(service, region_name=REGION, endpoint_url=environment["AWS_ENDPOINT_URL"])

    dynamodb = client("dynamodb")
    cloud.create_tables(dynamodb, STAGE)
    cloud.create_messaging(client("sns"), client("sqs"), STAGE)
    cloud.create_buckets(client("s3"), STAGE, REGION)
    kept = {
        "signing-key": secrets.token_urlsafe(32),
        "admin-key": admin_key,
        "midtrans-server-key": server_key,
    }
    for name, value in kept.items():
        client("ssm").put_parameter(Name=f"/laris/{STAGE}/{name}", Value=value, Type="SecureString")
    table = dynamodb.describe_table(TableName=f"laris-{STAGE}-events")["Table"]
    return str(table["LatestStreamArn"])


def _start_child(environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "infra.local.serve"], env=environment, cwd=ROOT)


def _wait_for(base_url: str, child: subprocess.Popen[bytes]) -> None:
    http = urllib3.PoolManager(retries=False)
    for _ in range(300):
        if child.poll() is not None:
            raise SystemExit(f"the API did not start (exit {child.returncode})")
        with suppress(urllib3.exceptions.HTTPError):
            http.request("GET", f"{base_url}/store/categories", timeout=1)
            return
        time.sleep(0.1)
    raise SystemExit("the API did not answer in 30 s")


def _load_shop(base_url: str, admin_key: str) -> None:
    from infra.local.demo.load import load

    load(base_url, admin_key, pictures_url=f"{base_url}/pictures", progress=lambda line: print(f"  {line}"))


def _write_env(**values: str) -> None:
    ENV_FILE.parent.mkdir(exist_ok=True)
    ENV_FILE.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    ENV_FILE.chmod(0o600)


def _say_hello(base_url: str, midtrans_url: str, seconds: float) -> None:
    print(
        f"""
Laris is open ({seconds:.1f} s).
  API        {base_url}/store/products
  Reference  {base_url}/docs
  Midtrans   {midtrans_url}   (simulator: see payments, pay them, refuse them)
  Keys       {ENV_FILE.relative_to(ROOT)}

  make demo  walks a whole purchase.   Ctrl-C stops everything.
""",
        flush=True,
    )


def _watch(
    child: subprocess.Popen[bytes], start: Callable[[], subprocess.Popen[bytes]], base_url: str
) -> subprocess.Popen[bytes]:
    """Start the child anew when a watched file changes, or after it died and a file changed."""
    seen = _stamps()
    while True:
        time.sleep(0.5)
        now = _stamps()
        if now == seen:
            continue
        print("Files changed: starting again …", flush=True)
        seen = now
        _end(child)
        child = start()
        with suppress(SystemExit):
            _wait_for(base_url, child)
            print("Ready.", flush=True)


def _stamps() -> dict[Path, float]:
    files = [path for name in WATCHED for path in [ROOT / name, *(ROOT / name).rglob("*.py")]]
    return {path: path.stat().st_mtime for path in files if path.is_file()}


def _end(child: subprocess.Popen[bytes] | None) -> None:
    if child is None or child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


if __name__ == "__main__":
    main()
