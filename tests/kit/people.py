"""People for tests: staff with a role and a session, written straight into the table."""

from chalicelib.core import db, ids
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


def employ(role: str) -> str:
    """The account id of a new member of staff with ``role``, who stands on the list of staff too."""
    from chalicelib.core import vault
    from chalicelib.identity.models.people import StaffRow

    account = member(role)
    with db.transaction() as tx:
        key = vault.make(tx, account)
        StaffRow.add(tx, key, {"name": "Budi", "email": "budi@example.com"}, "tests")
    return account
