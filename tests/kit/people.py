"""People for tests: staff with a role and a session, written straight into the table."""

from chalicelib.core import clock, db, ids
from chalicelib.identity import sessions
from chalicelib.identity.models.accounts import AccountRow, AccountState


def member(role: str | None) -> str:
    """The account id of a new, active member of staff."""
    account = ids.new("stf")
    with db.transaction() as tx:
        tx.put(AccountRow(pk=account, sk="ACCOUNT", state=AccountState.ACTIVE, role=role, version=1))
    return account


def log_in(account: str) -> dict[str, str]:
    """The headers of a new session of ``account``, which has just proven itself."""
    with db.transaction() as tx:
        _, token = sessions.start(tx, account, sessions.STAFF)
    return {"Authorization": f"Bearer {token}"}


def session(role: str | None) -> dict[str, str]:
    """The headers of a new member of staff with ``role``, logged in a moment ago."""
    return log_in(member(role))


def account_of(headers: dict[str, str]) -> str:
    """Whose session the headers show."""
    kind, id_, _ = headers["Authorization"].removeprefix("Bearer lks_").split("_", 2)
    return f"{kind}_{id_}"
