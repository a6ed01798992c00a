"""Staff: invited, taken on, given another role, switched off. Their names and e-mails are sealed under their keys."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chalicelib.core import audit, clock, db, ids, vault
from chalicelib.core.access import Caller
from chalicelib.core.config import settings
from chalicelib.core.log import logger
from chalicelib.core.vault import DataKey
from chalicelib.identity import guesses, links, passkeys, passwords, rolebook, totp
from chalicelib.identity.credentials import RESET, check_new_password
from chalicelib.identity.errors import EmailTaken, LastOwner, LinkEnded, NoSecondFactor, OwnerExists, StaffNotFound
from chalicelib.identity.logins import account_of, normal_email, open_login
from chalicelib.identity.models.accounts import Account, AccountRow, AccountState, Kind, LoginRow
from chalicelib.identity.models.factors import TotpRow
from chalicelib.identity.models.people import OwnersRow, StaffRow
from chalicelib.identity.roles import OWNER
from chalicelib.identity.totp import TotpSetup
from chalicelib.notices import service as notices
from chalicelib.notices.service import Notice, Recipient

INVITATION: Final = "invitation"
INVITATION_LASTS: Final = timedelta(days=7)
SETUP: Final = "system:setup"


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who works here, or has been invited to."""

    id: str
    name: str
    email: str
    role: str
    state: AccountState
    invited_at: datetime


def invite(email: str, name: str, role: str, caller: Caller) -> Member:
    """Send somebody a link to join, good for seven days. Who has not accepted yet is invited anew.

    Raises EmailTaken, RoleNotFound, BeyondOwnScopes, BeyondOwnLimit.
    """
    rolebook.check_can_give(role, caller)
    known = account_of(Kind.STAFF, normal_email(email))
    if known is not None:
        rolebook.check_can_give(get(known).role, caller)
    account, _ = _invited(normal_email(email), name, role, by=caller.actor, by_letter=True)
    return get(account)


def first_owner(email: str, name: str) -> str:
    """Where the first owner accepts: a link shown this once, good for seven days. Raises OwnerExists, EmailTaken."""
    if db.look(OwnersRow.lookup())[0]:
        raise OwnerExists()
    _, token = _invited(normal_email(email), name, OWNER, by=SETUP, by_letter=False)
    return _link(token)


def accept(token: str, password: str) -> TotpSetup:
    """Choose a password, and get what an authenticator app needs. Counts once a code of it is confirmed.

    Raises LinkEnded, Invalid at /password.
    """
    account, login, key = _invitee(token)
    check_new_password(login, password)
    setup = totp.setup_for(login.opened(key))
    with db.transaction() as tx:
        LoginRow.set_password(tx, account.id, passwords.hash_password(password))
        totp.begin(tx, key, setup)
    return setup


def confirm(token: str, code: str) -> list[str]:
    """Join, by a code of the app that was set up; the recovery codes, shown this once.

    Raises LinkEnded, NoSecondFactor, CodeRefused, TooMany.
    """
    account, login, _ = _invitee(token)
    if login.password is None:
        raise NoSecondFactor()
    guesses.take_code(account.id)
    audit.change(f"staff:{account.id}", before=_facts(account), after={**_facts(account), "state": AccountState.ACTIVE})
    with db.transaction() as tx:
        links.use_link(tx, INVITATION, token)
        codes = totp.establish(tx, account.id, code)
        AccountRow.change(tx, account, state=AccountState.ACTIVE)
        if account.role == OWNER:
            OwnersRow.come(tx)
    guesses.forgive_codes(account.id)
    logger.info("staff joined", account=account.id)
    return codes


def get(account_id: str) -> Member:
    """Somebody of the staff. Raises StaffNotFound."""
    row, account, key = db.look(StaffRow.lookup(account_id), AccountRow.lookup(account_id), vault.lookup(account_id))
    if row is None or account is None or key is None:
        raise StaffNotFound()
    return _member(row, account, key)


def page(*, limit: int, cursor: str | None) -> db.Page[Member]:
    """Everybody of the staff, in the order in which they were invited."""
    found = StaffRow.page(limit=limit, cursor=cursor)
    listed = [row.sk for row in found.items]
    accounts, keys = db.look(AccountRow.lookup_all(listed), vault.lookup_all(listed))
    by_id = {account.id: account for account in accounts}
    whole = [row for row in found.items if row.sk in by_id and row.sk in keys]
    return db.Page([_member(row, by_id[row.sk], keys[row.sk]) for row in whole], found.next_cursor)


def change(
    account_id: str,
    caller: Caller,
    *,
    name: str | None = None,
    role: str | None = None,
    state: AccountState | None = None,
) -> Member:
    """Give somebody another name, role or state. Disabled, all their sessions end at once.

    Who is made active without ever having accepted is invited again. Raises StaffNotFound, LastOwner, RoleNotFound,
    BeyondOwnScopes and BeyondOwnLimit (of the role they have, or are to have); WriteRefused if somebody else changed
    them meanwhile.
    """
    member, account = get(account_id), _account(account_id)
    for each in {member.role, role or member.role}:
        rolebook.check_can_give(each, caller)
    after = _state_after(account, state)
    audit.change(f"staff:{account_id}", before=_facts(account), after={"role": role or account.role, "state": after})
    with db.transaction() as tx:
        AccountRow.change(tx, account, state=after, role=role, end_sessions=after is AccountState.DISABLED)
        _count_owners(tx, account, after, role or account.role)
        if after is AccountState.DISABLED:
            links.drop_links(tx, INVITATION, account_id)
        if name and name != member.name:
            _rename(tx, member, name)
    logger.info("staff changed", account=account_id, state=after)
    return get(account_id)


def enrol_anew(account_id: str, caller: Caller) -> Member:
    """Have somebody who lost their second factor join anew: all that proved them is worthless, sessions end at once.

    Raises StaffNotFound, LastOwner, BeyondOwnScopes, BeyondOwnLimit.
    """
    member, account, key = get(account_id), _account(account_id), vault.key(account_id)
    if key is None:
        raise StaffNotFound()
    rolebook.check_can_give(member.role, caller)
    state = AccountState.INVITED
    audit.change(f"staff:{account_id}", before=_facts(account), after={"role": account.role, "state": state})
    with db.transaction() as tx:
        AccountRow.change(tx, account, state=state, end_sessions=True)
        _count_owners(tx, account, state, account.role)
        LoginRow.drop_password(tx, account_id)
        totp.drop(tx, account_id)
        links.drop_links(tx, INVITATION, account_id)
        links.drop_links(tx, RESET, account_id)
        token = links.make_link(tx, INVITATION, account_id, INVITATION_LASTS)
        _write_to(tx, key, Recipient(account_id, member.name, member.email), member.role, token)
    for passkey in passkeys.of(account_id):
        passkeys.drop(account_id, passkey.id)
    logger.info("staff enrolled anew", account=account_id)
    return get(account_id)


def _invited(email: str, name: str, role: str, *, by: str, by_letter: bool) -> tuple[str, str]:
    """Who was invited, and the link's token."""
    known = account_of(Kind.STAFF, email)
    account = _account(known) if known else None
    if account is not None and account.state is not AccountState.INVITED:
        raise EmailTaken()
    id_ = account.id if account else ids.new("stf")
    audit.change(f"staff:{id_}", before=_facts(account) if account else None, after={"role": role, "state": "invited"})
    with db.transaction() as tx:
        key = _again(tx, account, email, name, role) if account else _anew(tx, id_, email, name, role, by)
        token = links.make_link(tx, INVITATION, id_, INVITATION_LASTS)
        if by_letter:
            _write_to(tx, key, Recipient(id_, name, email), role, token)
    logger.info("staff invited", account=id_, role=role)
    return id_, token


def _anew(tx: db.Transaction, id_: str, email: str, name: str, role: str, by: str) -> DataKey:
    key = vault.make(tx, id_)
    open_login(tx, id_, Kind.STAFF, email=email, password_hash=None, state=AccountState.INVITED, role=role, key=key)
    StaffRow.add(tx, key, {"name": name, "email": email}, by)
    return key


def _again(tx: db.Transaction, account: Account, email: str, name: str, role: str) -> DataKey:
    key = vault.key(account.id)
    if key is None:
        raise StaffNotFound()
    AccountRow.change(tx, account, role=role)
    StaffRow.rename(tx, key, {"name": name, "email": email})
    links.drop_links(tx, INVITATION, account.id)
    return key


def _write_to(tx: db.Transaction, key: DataKey, to: Recipient, role: str, token: str) -> None:
    facts = {"role": role, "link": _link(token), "expires": notices.when(clock.now() + INVITATION_LASTS, "id")}
    notices.send(tx, Notice("staff_invitation", to, facts, "id", f"invitation:{token}"), key)


def _link(token: str) -> str:
    """A page of the console; what follows # never reaches a server's log."""
    return f"{settings.console_url}/invitation#{token}"


def _invitee(token: str) -> tuple[Account, LoginRow, DataKey]:
    """Whose invitation it is, if they have not accepted yet."""
    id_ = links.peek_link(INVITATION, token)
    account, login, key = db.look(AccountRow.lookup(id_), LoginRow.lookup(id_), vault.lookup(id_))
    if account is None or login is None or key is None or account.state is not AccountState.INVITED:
        raise LinkEnded()
    audit.name(f"staff:{id_}")
    return account, login, key


def _account(account_id: str) -> Account:
    (account,) = db.look(AccountRow.lookup(account_id))
    if account is None:
        raise StaffNotFound()
    return account


def _state_after(account: Account, asked: AccountState | None) -> AccountState:
    """The state that is asked for, as far as it can be: active is only who has a second factor."""
    if asked is not AccountState.ACTIVE:
        return asked or account.state
    has_joined = db.look(TotpRow.lookup(account.id))[0] is not None
    return AccountState.ACTIVE if has_joined else AccountState.INVITED


def _count_owners(tx: db.Transaction, before: Account, state: AccountState, role: str | None) -> None:
    was = before.is_active_owner
    will_be = role == OWNER and state is AccountState.ACTIVE
    if will_be and not was:
        OwnersRow.come(tx)
    if was and not will_be:
        OwnersRow.go(tx, LastOwner())


def _rename(tx: db.Transaction, member: Member, name: str) -> None:
    key = vault.key(member.id)
    if key is not None:
        StaffRow.rename(tx, key, {"name": name, "email": member.email})


def _member(row: StaffRow, account: Account, key: DataKey) -> Member:
    person = row.opened(key)
    return Member(
        id=account.id,
        name=person["name"],
        email=person["email"],
        role=account.role or "",
        state=account.state,
        invited_at=clock.instant(row.invited_at),
    )


def _facts(account: Account) -> dict[str, str | None]:
    return {"role": account.role, "state": account.state}
