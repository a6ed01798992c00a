"""Fixtures of the contract tests."""

import dataclasses

import pytest

from chalicelib.core import secrets
from chalicelib.payments.gateways.midtrans import Midtrans
from tests.kit.cloud import SECRETS
from tests.kit.partner import Scripted


def pytest_collection_modifyitems(items):
    """Give every operation's test an id of its own, which Schemathesis does not do."""
    for item in items:
        if hasattr(item, "operation_label"):
            item._id = dataclasses.replace(item.id, params=item.operation_label)


@pytest.fixture
def partner(aws):
    server = Scripted()
    with server.running():
        yield server


@pytest.fixture
def midtrans(partner):
    return Midtrans(partner.url, f"{partner.url}/snap/v1", patience=5)


@pytest.fixture
def secret(aws):
    """Set a secret for one test; the empty text takes it away."""
    from chalicelib.core import aws as ours
    from chalicelib.core.config import settings

    ssm, touched = ours.client("ssm"), set()

    def put(name: str, value: str) -> None:
        touched.add(name)
        if value:
            ssm.put_parameter(Name=settings.secret(name), Value=value, Type="SecureString", Overwrite=True)
        else:
            ssm.delete_parameter(Name=settings.secret(name))
        secrets.forget()

    yield put
    for name in touched:
        if name in SECRETS:
            put(name, SECRETS[name])
        else:
            put(name, "")
