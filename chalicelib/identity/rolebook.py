"""The roles there are: the house's own and those in the table, which are read at most twice a minute."""

import re
from datetime import datetime, timedelta
from typing import Final

from chalicelib.core import audit, clock, db
from chalicelib.core.access import Caller
from chalicelib.core.errors import Invalid
from chalicelib.identity.errors import RoleBuiltIn, RoleInUse, RoleNotFound
from chalicelib.identity.models.accounts import AccountRow
from chalicelib.identity.models.people import LIST as STAFF
from chalicelib.identity.models.people import StaffRow
from chalicelib.identity.models.roles import RoleRow
from chalicelib.identity.roles import BUILT_IN, SCOPES, Role, check_granted, check_limit_granted

NAME: Final = re.compile(r"[a-z][a-z0-9_-]{1,39}")
KEPT_FOR: Final = timedelta(seconds=30)
NOBODY: Final = Role("", frozenset())
"""What somebody may do whose role is unknown: nothing."""

_kept: Final[dict[str, tuple[datetime, Role]]] = {}
"""Custom roles, and when each was read."""


def named(name: str | None) -> Role:
    """What somebody with the role ``name`` may do: nothing, if there is none of that name.

    A change of a custom role counts within half a minute everywhere.
    """
    if not name:
        return NOBODY
    if name in BUILT_IN:
        return BUILT_IN[name]
    kept_at, role = _kept.get(name, (None, NOBODY))
    now = clock.now()
    if kept_at is None or not timedelta() <= now - kept_at < KEPT_FOR:
        role = db.look(RoleRow.lookup(name))[0] or NOBODY
        _kept[name] = now, role
    return role


def get(name: str) -> Role:
    """A role as it stands. Raises RoleNotFound."""
    role = BUILT_IN.get(name) or db.look(RoleRow.lookup(name))[0]
    if role is None:
        raise RoleNotFound()
    return role


def every() -> list[Role]:
    """The house's roles, then the shop's own by name."""
    return [*BUILT_IN.values(), *RoleRow.all()]


def put(role: Role, caller: Caller) -> Role:
    """Make or change a custom role.

    Raises Invalid (no such scope, no name for one), RoleBuiltIn, BeyondOwnScopes, BeyondOwnLimit; WriteRefused if it
    was changed at the same moment.
    """
    if role.name in BUILT_IN:
        raise RoleBuiltIn()
    if not NAME.fullmatch(role.name):
        raise Invalid.field("/role", "must be 2 to 40 of a-z, 0-9, - and _, beginning with a letter")
    if strange := role.scopes - SCOPES.keys():
        raise Invalid.field("/scopes", f"no such scope: {', '.join(sorted(strange))}")
    check_granted(role.scopes, caller.scopes)
    check_limit_granted(role.refund_limit, refund_limit(caller))
    (before,) = db.look(RoleRow.lookup(role.name))
    if before is not None:
        check_can_give(role.name, caller)
    audit.change(f"role:{role.name}", before=_facts(before), after=_facts(role))
    with db.transaction() as tx:
        RoleRow.put(tx, role, before)
    _kept.pop(role.name, None)
    return role


def drop(name: str, caller: Caller) -> None:
    """Take a custom role away. Raises RoleNotFound, RoleBuiltIn, RoleInUse, BeyondOwnScopes, BeyondOwnLimit.

    Whoever should get it at the very same moment may do nothing, until they get another one.
    """
    if name in BUILT_IN:
        raise RoleBuiltIn()
    role = get(name)
    check_can_give(name, caller)
    if _is_in_use(name):
        raise RoleInUse()
    audit.change(f"role:{name}", before=_facts(role))
    with db.transaction() as tx:
        RoleRow.drop(tx, name)
    _kept.pop(name, None)


def check_can_give(name: str, caller: Caller) -> None:
    """May ``caller`` give somebody this role? Raises RoleNotFound, BeyondOwnScopes, BeyondOwnLimit."""
    role = get(name)
    check_granted(role.scopes, caller.scopes)
    check_limit_granted(role.refund_limit, refund_limit(caller))


def refund_limit(caller: Caller) -> int | None:
    """How much ``caller`` may refund by themselves: None for any amount, 0 for who is no staff."""
    if caller.account is None:
        return 0
    (account,) = db.look(AccountRow.lookup(caller.account))
    return named(account.role).refund_limit if account else 0


def _is_in_use(name: str) -> bool:
    staff = [row.sk for row in db.rows(StaffRow, STAFF)]
    return any(account.role == name for account in db.look(AccountRow.lookup_all(staff))[0])


def _facts(role: Role | None) -> dict[str, object] | None:
    return {"scopes": sorted(role.scopes), "refund_limit": role.refund_limit} if role else None
