"""Secrets: those that we can make are made once; the others are somebody's to give, and are only asked for."""

import secrets
from typing import Final

from infra.deploying.cloud import missing
from infra.deploying.deployment import Deployment, Refused
from infra.deploying.functions import API, APP, functions
from infra.deploying.stages import how_to_set

MADE: Final = ("signing-key", "index-key")
GIVEN: Final = {
    "midtrans-server-key": "paying by Midtrans",
    "whatsapp-token": "sending by WhatsApp",
    "whatsapp-app-secret": "hearing from WhatsApp",
    "whatsapp-verify-token": "hearing from WhatsApp",
}
"""What is switched off while the secret is not set."""
BYTES: Final = 48


def plan(deployment: Deployment) -> list[str]:
    """Which would be made; the others are noted. Raises Refused where one was lost."""
    standing = _standing(deployment)
    for name, purpose in GIVEN.items():
        if name not in standing:
            deployment.note(f"{name} is not set, so {purpose} is switched off. {_how_to_set(deployment, name)}")
    lost = [name for name in MADE if name not in standing]
    if lost and (_is_running(deployment) or _holds_data(deployment)):
        raise Refused(
            f"{' and '.join(lost)} of the stage {deployment.name} cannot be found. A new one would not open "
            "what the old one closed: restore it, or, if it is gone for good, set one yourself. "
            f"{_how_to_set(deployment, lost[0])}"
        )
    return [f"make the secret {_path(deployment, name)}" for name in lost]


def apply(deployment: Deployment) -> None:
    """Make those that are missing. What stands is never written over, and nothing is shown."""
    ssm = deployment.client("ssm")
    for name in MADE:
        if name not in _standing(deployment):
            ssm.put_parameter(
                Name=_path(deployment, name),
                Type="SecureString",
                Value=secrets.token_urlsafe(BYTES),
                Overwrite=False,
                Tags=[{"Key": "app", "Value": "laris"}, {"Key": "stage", "Value": deployment.name}],
            )


def _standing(deployment: Deployment) -> set[str]:
    """The names of all secrets that are set."""
    path = f"/laris/{deployment.name}"
    listed = deployment.cloud.pages("ssm", "get_parameters_by_path", "Parameters", Path=path, WithDecryption=False)
    return {str(parameter["Name"]).removeprefix(f"{path}/") for parameter in listed}


def _is_running(deployment: Deployment) -> bool:
    api = next(function for function in functions() if function.name == API)
    lambda_, name = deployment.client("lambda"), api.deployed_name(deployment.name)
    return missing(lambda: lambda_.get_function(FunctionName=name), "ResourceNotFoundException") is not None


def _holds_data(deployment: Deployment) -> bool:
    """True where somebody works for the shop: it ran before, and what it keeps was closed with the old secrets."""
    dynamodb, table = deployment.client("dynamodb"), f"{APP}-{deployment.name}-identity"
    found = missing(lambda: dynamodb.scan(TableName=table, Limit=1), "ResourceNotFoundException")
    return bool(found and found["Count"])


def _how_to_set(deployment: Deployment, secret: str) -> str:
    return how_to_set(secret, deployment.name, deployment.cloud.region)


def _path(deployment: Deployment, name: str) -> str:
    return f"/laris/{deployment.name}/{name}"
