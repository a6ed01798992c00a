"""The emulated AWS of the tests: made once per process from the template, emptied between tests."""

import os
import socket
from functools import cache
from typing import Any

REGION = "ap-southeast-3"
STAGE = "test"
ACCOUNT = "123456789012"

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",  # moto does not know the endpoints that carry the account
    "LARIS_STAGE": STAGE,
    "LARIS_ACCOUNT": ACCOUNT,
    "LARIS_EVENTS_STREAM_ARN": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/laris-{STAGE}-events/stream/latest",
    "LARIS_TRANSFER_ACCOUNTS": '[{"bank":"BCA","number":"1234567890","holder":"PT Toko Laris"}]',
    "LARIS_MAIL_FROM": "Toko Laris <halo@toko.example>",
    "LARIS_METRICS": "0",
    "LARIS_REQUESTS_PER_SECOND": "0",
    "LARIS_ALLOWED_ORIGINS": "https://toko.example,https://admin.toko.example",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}

SECRETS = {
    "signing-key": "a-signing-key-of-the-tests",
    "index-key": "an-index-key-of-the-tests",
    "midtrans-server-key": "SB-Mid-server-abc123cde456",
    "whatsapp-app-secret": "an-app-secret-of-the-tests",
    "whatsapp-token": "a-whatsapp-token-of-the-tests",
    "whatsapp-verify-token": "a-verify-token-of-the-tests",
}


def set_environment() -> None:
    """Before anything of chalicelib is imported."""
    os.environ.update(ENVIRONMENT)
    # Midtrans is wherever a test starts its simulator; while none does, nobody answers and nothing leaves the machine.
    os.environ["LARIS_MIDTRANS_API_URL"] = f"http://127.0.0.1:{_free_port()}"
    os.environ["LARIS_MIDTRANS_SNAP_URL"] = os.environ["LARIS_MIDTRANS_API_URL"] + "/snap/v1"


@cache
def start() -> Any:
    """Start moto in this process and make everything the template defines; functions are held to their policies."""
    import botocore.session
    from moto import mock_aws

    from infra.local import cloud, dynamodb, guard

    guard.install(stage=STAGE, region=REGION, account=ACCOUNT)
    dynamodb.install()
    mock = mock_aws()
    mock.start()
    session = botocore.session.get_session()

    def client(service: str) -> Any:
        return session.create_client(service, region_name=REGION)

    cloud.create_tables(client("dynamodb"), STAGE)
    cloud.create_messaging(client("sns"), client("sqs"), STAGE)
    cloud.create_buckets(client("s3"), STAGE, REGION)
    cloud.create_keys(client("kms"), STAGE)
    cloud.create_mail(client("sesv2"), STAGE, sender="halo@toko.example")
    for name, value in SECRETS.items():
        client("ssm").put_parameter(Name=f"/laris/{STAGE}/{name}", Value=value, Type="SecureString")
    return mock


def wipe() -> None:
    """Empty the tables and queues, leaving them in place."""
    from moto.dynamodb.models import dynamodb_backends
    from moto.s3.models import s3_backends
    from moto.ses.models import ses_backends
    from moto.sqs.models import sqs_backends

    from chalicelib.core import flags
    from infra.local.dynamodb import forget_tokens

    for table in dynamodb_backends[ACCOUNT][REGION].tables.values():
        table.items.clear()
        if shard := table.stream_shard:  # a stream of all earlier tests would be read through by each new pump
            shard.starting_sequence_number += len(shard.items)
            shard.items.clear()
    for queue in sqs_backends[ACCOUNT][REGION].queues.values():
        queue._messages = []
        queue._pending_messages = set()
    ses_backends[ACCOUNT][REGION].sent_messages.clear()
    for bucket in s3_backends[ACCOUNT]["aws"].buckets.values():
        bucket.keys.clear()
    forget_tokens()
    flags.forget()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
