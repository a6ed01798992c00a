"""Passwords set, changed and reset; accounts switched on and off, and forgotten."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from chalicelib.core import audit, clock, db, vault
from chalicelib.core.access import Visit
from chalicelib.core.config import settings
from chalicelib.core.limits import Spent
from chalicelib.core.log import logger
from chalicelib.core.vault import DataKey, KeysUnavailable
from chalicelib.identity import guesses, links, passwords, sessions
from chalicelib.identity.errors import LastOwner, LinkEnded, LoginRefused, SessionEnded
from chalicelib.identity.logins import account_of, normal_email
from chalicelib.identity.models import accounts
from chalicelib.identity.models.accounts import AccountRow, AccountState, Kind, LoginRow
from chalicelib.identity.models.factors import TotpRow
from chalicelib.identity.models.people import OwnersRow, StaffRow
from chalicelib.notices import service as notices
from chalicelib.notices.service import Notice, Recipient

ANSWERED_AFTER: Final = timedelta(milliseconds=600)
"""Asking for a reset takes this long, whether there is somebody to write to or not."""
RESET: Final = "password-reset"
RESET_LASTS: Final = timedelta(hours=1)
TEMPLATES: Final = {Kind.STAFF: "staff_password_reset", Kind.CUSTOMER: "customer_password_reset"}


def set_password(account: str, password: str, *, end_others: bool = True, but: str | None = None) -> None:
    """Replace a password, ending sessions (all, or all ``but`` one) and links to reset it in the same moment.

    A second factor stays as it is. Raises Invalid at /password, LinkEnded if there is no such log-in.
    """
    with db.transaction() as tx:
        replace_password(tx, account, password, end_others=end_others, but=but)
        links.drop_all(tx, account)


def replace_password(
    tx: db.Transaction, account_id: str, password: str, *, end_others: bool = True, but: str | None = None
) -> None:
    """``set_password`` within ``tx``, leaving links alone."""
    account, login = db.look(AccountRow.lookup(account_id), LoginRow.lookup(account_id))
    if account is None or login is None:
        raise LinkEnded()
    check_new_password(login, password)
    audit.change(f"{login.kind}:{account_id}", after={"password": "replaced"})
    LoginRow.set_password(tx, account_id, passwords.hash_password(password))
    AccountRow.change(tx, account, end_sessions=end_others, kept=but)


def check_new_password(login: LoginRow, password: str) -> None:
    """Raises Invalid at /password if the owner of ``login`` may not have it."""
    has_second_factor = login.kind == Kind.STAFF or db.look(TotpRow.lookup(login.pk))[0] is not None
    passwords.check_password(password, context=_context(login), has_second_factor=has_second_factor)


def change_password(account: str, session: str, *, current: str, password: str) -> None:
    """Replace one's own password, ending all other sessions. Raises LoginRefused, Invalid at /password, TooMany."""
    guesses.take_again(account)
    (login,) = db.look(LoginRow.lookup(account))
    if login is None:
        raise SessionEnded()
    if not passwords.is_right(current, login.password):
        raise LoginRefused()
    set_password(account, password, but=session)
    guesses.forgive_again(account)


def prove_password(account: str, password: str) -> None:
    """Go on only if it is the account's password. Raises LoginRefused, TooMany."""
    (login,) = db.look(LoginRow.lookup(account))
    prove_hashed(account, password, login.password if login else None)


def prove_hashed(account: str, password: str, hashed: str | None) -> None:
    """Go on only if ``hashed`` was made of this password. Raises LoginRefused, TooMany."""
    guesses.take_again(account)
    if not passwords.is_right(password, hashed):
        raise LoginRefused()
    guesses.forgive_again(account)


def change_email(tx: db.Transaction, account_id: str, email: str, key: DataKey, *, used: str) -> None:
    """Let an account log in with another e-mail, which its owner has proven by a link for the purpose ``used``.

    Log-ins under way have to begin anew, and all other links are worthless.

    Refused with EmailTaken, and with WriteRefused if the log-in was changed meanwhile. Raises LinkEnded if there is
    no such log-in.
    """
    (login,) = db.look(LoginRow.lookup(account_id))
    if login is None:
        raise LinkEnded()
    audit.change(f"{login.kind}:{account_id}", after={"email": "replaced"})
    login.change_email(tx, key, normal_email(email))
    links.drop_all(tx, account_id, but=used)


def ask_for_reset(kind: Kind, email: str, visit: Visit) -> None:
    """Send a link to set a new password, if there is somebody with this e-mail who may log in.

    Whether there is does not show: not in the answer, nor in how long it takes. Three letters an hour at most; more
    are silently not sent. Raises TooMany for an address that asks too much.
    """
    done_at = clock.now() + ANSWERED_AFTER
    guesses.take_visit(visit.source)
    try:
        guesses.take_letter(kind, normal_email(email))
        _send_reset(kind, account_of(kind, email))
    except (Spent, KeysUnavailable) as error:
        logger.warning("reset not sent", code=error.code)
    clock.sleep(max(timedelta(), done_at - clock.now()).total_seconds())


def reset_password(kind: Kind, token: str, password: str) -> None:
    """Set a new password by a link, ending all sessions. The second factor is still asked for at the next log-in.

    Raises LinkEnded, Invalid at /password.
    """
    account = links.peek_link(RESET, token)
    found, login, key = db.look(AccountRow.lookup(account), LoginRow.lookup(account), vault.lookup(account))
    if found is None or login is None or key is None or login.kind != kind or found.state is AccountState.DISABLED:
        raise LinkEnded()
    audit.name(f"{kind}:{account}")
    with db.transaction() as tx:
        links.use_link(tx, RESET, token)
        links.drop_all(tx, account, but=RESET)
        replace_password(tx, account, password)
    guesses.forgive_account(kind, login.opened(key))
    guesses.let_codes_be_tried(account)
    logger.info("password reset", account=account)


def forget_account(account_id: str) -> None:
    """Delete every row of an account: log-in, e-mail, sessions, second factors, devices, links. Harmless to repeat.

    Raises LastOwner.
    """
    (found,) = db.look(AccountRow.lookup(account_id))
    if found is not None and found.is_active_owner:
        with db.transaction() as tx:
            AccountRow.change(tx, found, state=AccountState.DISABLED, end_sessions=True)
            OwnersRow.go(tx, LastOwner())
    accounts.forget(account_id)
    StaffRow.forget(account_id)


def export(account_id: str) -> dict[str, Any]:
    """How somebody logs in, and where they have, as they may have it; nothing for who has no log-in."""
    login, key = db.look(LoginRow.lookup(account_id), vault.lookup(account_id))
    if login is None or key is None:
        return {}
    lasting = [
        {"made_at": clock.stamp(session.made_at), "used_at": clock.stamp(session.used_at), **asdict(where)}
        for session, where in sessions.sessions_of(account_id)
    ]
    return {"email": login.opened(key), "sessions": lasting}


def _send_reset(kind: Kind, account_id: str | None) -> None:
    if account_id is None:
        return
    found, login, key = db.look(AccountRow.lookup(account_id), LoginRow.lookup(account_id), vault.lookup(account_id))
    if found is None or login is None or key is None or found.state is not AccountState.ACTIVE:
        return
    with db.transaction() as tx:
        token = links.make_link(tx, RESET, account_id, RESET_LASTS)
        page = settings.console_url if kind is Kind.STAFF else settings.store_url
        facts = {"link": f"{page}/reset-password#{token}", "expires": notices.when(clock.now() + RESET_LASTS, "id")}
        to = Recipient(account_id, None, login.opened(key))
        notices.send(tx, Notice(TEMPLATES[kind], to, facts, "id", f"reset:{token}"), key)


def _context(login: LoginRow) -> Iterator[str]:
    """What a guesser may know of somebody."""
    key, row = db.look(vault.lookup(login.pk), StaffRow.lookup(login.pk))
    if key is None:
        return
    yield login.opened(key)
    if row is not None:
        yield row.opened(key)["name"]
