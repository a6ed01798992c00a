"""API keys for tests: one that may do everything a key can do, put into the table when it is asked for."""

from datetime import timedelta
from functools import cache

from tests.kit import cloud

SECRET = "a-secret-of-the-tests"


def everything() -> str:
    """The token of a key with all scopes; it is written again after the tables were emptied."""
    from moto.dynamodb.models import dynamodb_backends

    token, table, item = _made()
    stored = dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables[table]
    if item["pk"]["S"] not in stored.items:
        stored.put_item(item)
    return token


@cache
def _made() -> tuple[str, str, dict[str, dict[str, str]]]:
    from chalicelib.core import clock, crypto
    from chalicelib.identity.models.keys import KeyKind, KeyRow
    from chalicelib.identity.roles import SCOPES

    row = KeyRow(
        pk="KEY#TESTTESTTESTTEST",
        sk="KEY",
        kind=KeyKind.INTEGRATION,
        digest=crypto.digest(SECRET),
        name="tests",
        scopes=sorted(SCOPES),
        made_at=clock.stamp(clock.now()),
        made_by="tests",
        used_at=clock.stamp(clock.now() + timedelta(days=3650)),  # so that no test meets the hourly note of its use
    )
    return f"lk_sec_TESTTESTTESTTEST_{SECRET}", KeyRow.Meta.table_name, row.serialize()


def item() -> tuple[str, dict[str, dict[str, str]]]:
    """The table and item of the key that may do everything, for a DynamoDB that is not moto's."""
    return _made()[1:]


def made() -> str:
    """The token of such a key, made by the use case: for tables that are not in this process."""
    from chalicelib.identity import service as identity

    scopes = frozenset(identity.SCOPES)
    return identity.make_key(identity.KeyKind.INTEGRATION, "tests", scopes, expires_at=None, made_by="tests")[1]
