"""What surrounds our code on one machine: the emulated cloud, filled from the template, and the partners."""

import os
import secrets
from typing import Any, Final

from infra.local.demo import staff
from infra.local.demo.staff import Credentials
from infra.local.demo.telling import Line
from infra.local.env import ROOT

REGION: Final = "ap-southeast-3"
STAGE: Final = "local"
ACCOUNT: Final = "123456789012"
SENDER: Final = "halo@toko.example"


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


def start_outbox(endpoint: str, webhook_url: str, port: int, secrets_of_whatsapp: dict[str, str]) -> Any:
    """The partners that carry letters, and the page on ``port`` that shows what they took."""
    import json

    from infra.local.mailbox import Mailbox
    from infra.local.outbox import Outbox
    from infra.local.simulators.whatsapp import WhatsAppSimulator

    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:laris-{STAGE}-mail-feedback"
    sns = client("sns", endpoint)
    mailbox = Mailbox(lambda event: sns.publish(TopicArn=topic, Message=json.dumps(event)))
    mailbox.install()
    token, app_secret = secrets_of_whatsapp["whatsapp-token"], secrets_of_whatsapp["whatsapp-app-secret"]
    outbox = Outbox(mailbox, WhatsAppSimulator(token, app_secret, webhook_url, delay=1.0), port=port)
    outbox.start()
    return outbox


def environment(endpoint: str, midtrans_url: str, whatsapp_url: str = "") -> dict[str, str]:
    """What our code has to find in its environment, besides this process's own."""
    return {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "LARIS_STAGE": STAGE,
        "LARIS_ACCOUNT": ACCOUNT,
        "LARIS_MAIL_FROM": f"Toko Laris <{SENDER}>",
        "LARIS_WHATSAPP_API_URL": whatsapp_url,
        "LARIS_WHATSAPP_NUMBER": "106540352242922" if whatsapp_url else "",
        "LARIS_MIDTRANS_API_URL": midtrans_url,
        "LARIS_MIDTRANS_SNAP_URL": f"{midtrans_url}/snap/v1",
        "LARIS_TRANSFER_ACCOUNTS": '[{"bank":"BCA","number":"0123456789","holder":"PT Toko Laris Manis"}]',
        "POWERTOOLS_LOG_LEVEL": os.environ.get("POWERTOOLS_LOG_LEVEL", "WARNING"),
        "LARIS_METRICS": "0",
        "PYTHONPATH": str(ROOT),
    }


def fill_cloud(endpoint: str, more: dict[str, str]) -> str:
    """Make what the template defines and put the secrets, ``more`` among them; the ARN of the event log's stream."""
    from infra.local import cloud

    dynamodb, ssm = client("dynamodb", endpoint), client("ssm", endpoint)
    cloud.create_tables(dynamodb, STAGE)
    cloud.create_messaging(client("sns", endpoint), client("sqs", endpoint), STAGE)
    cloud.create_buckets(client("s3", endpoint), STAGE, REGION)
    cloud.create_keys(client("kms", endpoint), STAGE)
    cloud.create_mail(client("sesv2", endpoint), STAGE, sender=SENDER)
    kept = {"signing-key": secrets.token_urlsafe(32), "index-key": secrets.token_urlsafe(32), **more}
    for name, value in kept.items():
        ssm.put_parameter(Name=f"/laris/{STAGE}/{name}", Value=value, Type="SecureString")
    table = dynamodb.describe_table(TableName=f"laris-{STAGE}-events")["Table"]
    return str(table["LatestStreamArn"])


def client(service: str, endpoint: str) -> Any:
    """A client of the emulated cloud."""
    import botocore.session

    session = botocore.session.get_session()
    session.set_credentials("local", "local")
    return session.create_client(service, region_name=REGION, endpoint_url=endpoint)


def take_on_owner(url: str, variables: dict[str, str]) -> tuple[Credentials, str]:
    """The shop's owner, and a key with all scopes that a key may have; ``variables`` are those of ``environment``.

    The link is what `make owner` prints; the rest goes over the API at ``url``.
    """
    os.environ.update(variables)
    from chalicelib.identity import service as identity

    api = Line(url)
    credentials, codes = staff.join(api, identity.first_owner(staff.EMAIL, staff.NAME))
    scopes = sorted(identity.SCOPES.keys() - identity.NOT_FOR_KEYS)
    return credentials, staff.make_key(api, credentials, codes[0], scopes)
