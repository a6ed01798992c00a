"""What surrounds our code on one machine: the emulated cloud, filled from the template, and the partners."""

import os
import secrets
from typing import Any, Final

from infra.local.env import ROOT

REGION: Final = "ap-southeast-3"
STAGE: Final = "local"
ACCOUNT: Final = "123456789012"


def start_cloud() -> tuple[Any, str]:
    """moto's server on a port of its own, its DynamoDB serialised; the server and its address."""
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


def start_midtrans(server_key: str, webhook_url: str, port: int) -> Any:
    """Midtrans' simulator on ``port``, which notifies ``webhook_url``."""
    from infra.local.simulators.midtrans import MidtransSimulator

    simulator = MidtransSimulator(server_key, webhook_url, port=port)
    simulator.start()
    return simulator


def environment(endpoint: str, midtrans_url: str) -> dict[str, str]:
    """What our code has to find in its environment, besides this process's own."""
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "LARIS_STAGE": STAGE,
        "LARIS_TOPIC_ARN": f"arn:aws:sns:{REGION}:{ACCOUNT}:laris-{STAGE}-events",
        "LARIS_MIDTRANS_API_URL": midtrans_url,
        "LARIS_MIDTRANS_SNAP_URL": f"{midtrans_url}/snap/v1",
        "LARIS_TRANSFER_ACCOUNTS": '[{"bank":"BCA","number":"0123456789","holder":"PT Toko Laris Manis"}]',
        "POWERTOOLS_LOG_LEVEL": os.environ.get("POWERTOOLS_LOG_LEVEL", "WARNING"),
        "LARIS_METRICS": "0",
        "PYTHONPATH": str(ROOT),
    }


def fill_cloud(endpoint: str, server_key: str) -> str:
    """Make what the template defines and put the secrets; the ARN of the event log's stream."""
    import botocore.session

    from infra.local import cloud

    session = botocore.session.get_session()
    session.set_credentials("local", "local")

    def client(service: str) -> Any:
        return session.create_client(service, region_name=REGION, endpoint_url=endpoint)

    dynamodb, ssm = client("dynamodb"), client("ssm")
    cloud.create_tables(dynamodb, STAGE)
    cloud.create_messaging(client("sns"), client("sqs"), STAGE)
    cloud.create_buckets(client("s3"), STAGE, REGION)
    cloud.create_keys(client("kms"), STAGE)
    kept = {
        "signing-key": secrets.token_urlsafe(32),
        "index-key": secrets.token_urlsafe(32),
        "midtrans-server-key": server_key,
    }
    for name, value in kept.items():
        ssm.put_parameter(Name=f"/laris/{STAGE}/{name}", Value=value, Type="SecureString")
    table = dynamodb.describe_table(TableName=f"laris-{STAGE}-events")["Table"]
    return str(table["LatestStreamArn"])


def make_key(variables: dict[str, str]) -> str:
    """An integration's key that may do all that a key can do; ``variables`` are those of ``environment``."""
    os.environ.update(variables)
    from chalicelib.identity import service as identity

    scopes = frozenset(identity.SCOPES) - identity.NOT_FOR_KEYS
    _, token = identity.make_key(identity.KeyKind.INTEGRATION, "local", scopes, expires_at=None, made_by="make run")
    return token
