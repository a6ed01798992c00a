"""Logging in: a password, then for staff always, and for customers who want it, a second factor.

Who does not exist, whose password is wrong and who may not log in get the same answer after the same work.
"""

import secrets
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from chalicelib.core import audit, clock, crypto, db, vault
from chalicelib.core.access import Visit
from chalicelib.core.limits import Spent
from chalicelib.core.log import logger
from chalicelib.core.vault import DataKey
from chalicelib.identity import guesses, passkeys, passwords, proofs, sessions
from chalicelib.identity.errors import CodeRefused, LoginRefused, SessionEnded, TicketEnded
from chalicelib.identity.guesses import Guesser
from chalicelib.identity.models.accounts import Account, AccountRow, AccountState, EmailRow, Kind, LoginRow
from chalicelib.identity.models.factors import DeviceRow, TicketRow, TotpRow
from chalicelib.identity.models.people import StaffRow
from chalicelib.identity.models.sessions import SessionRow, Whereabouts
from chalicelib.identity.proofs import PasskeyProof, Proof
from chalicelib.notices import service as notices
from chalicelib.notices.service import Notice, Recipient

DEVICE_HEADER: Final = "x-laris-device"
DEVICE_LASTS: Final = timedelta(days=180)
LONGEST_AGENT: Final = 200
NOBODY: Final = "nobody"
TICKET: Final = "lkt_"
TICKET_LASTS: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session has begun: ``token`` shows it, ``device`` is shown at the next log-in. Both are told this once."""

    account: str
    token: str
    session: str
    expires_at: datetime
    device: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """The password was right; with this and one of the ``methods`` (totp, recovery, passkey) a session begins."""

    token: str
    expires_at: datetime
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What stands about somebody who wants to log in; all None for who has no account."""

    account: Account | None
    login: LoginRow | None
    totp: TotpRow | None
    device: str | None
    """The digest of the device's token, where the account knows it."""


def normal_email(text: str) -> str:
    """An e-mail in the form in which it is compared."""
    return unicodedata.normalize("NFKC", text.strip()).casefold()


def open_login(
    tx: db.Transaction,
    account: str,
    kind: Kind,
    *,
    email: str,
    password_hash: str | None,
    state: AccountState,
    role: str | None = None,
    key: DataKey,
) -> None:
    """Write a new account and its log-in in ``tx``; refused with EmailTaken, which no stranger may be told."""
    AccountRow.add(tx, account, state, role)
    LoginRow.add(tx, key, kind, normal_email(email), password_hash)


def account_of(kind: Kind, email: str) -> str | None:
    """The account that logs in with this e-mail, None if there is none."""
    return db.look(EmailRow.lookup(kind, normal_email(email)))[0]


def log_in(kind: Kind, email: str, password: str, visit: Visit) -> LoggedIn | Ticket:
    """Begin a session; where there is a second factor, and for staff always, a ticket to it.

    Raises LoginRefused, TooMany (the password was not looked at).
    """
    known, guesser = _counted(kind, normal_email(email), visit)
    is_right = passwords.is_right(password, known.login.password if known.login else None)
    account, login = known.account, known.login
    if account is not None:
        audit.name(f"{kind}:{account.id}")
    if not is_right or account is None or login is None or account.state is not AccountState.ACTIVE:
        raise LoginRefused()
    rehashed = passwords.hash_password(password) if passwords.is_outdated(login.password or "") else None
    if kind is Kind.STAFF or known.totp:
        return _hand_out_ticket(login, known, rehashed)
    with db.transaction() as tx:
        login.stay(tx, LoginRefused(), rehashed=rehashed)
        logged_in = _begin(tx, account.id, known.device, visit, LoginRefused())
    guesses.forgive(guesser)
    logger.info("logged in", account=account.id)
    return logged_in


def finish_login(kind: Kind, ticket: str, proof: Proof, visit: Visit) -> LoggedIn:
    """Begin the session that a ticket is for. A ticket is good for five tries, within five minutes.

    Raises TicketEnded, CodeRefused, TooMany.
    """
    account_id, digest = _ticket_parts(ticket)
    known = _known(account_id, visit)
    (held,) = db.look(TicketRow.lookup(account_id, digest))
    login = known.login
    if held is None or login is None or login.kind != kind or login.changed_at != held.changed_at:
        raise TicketEnded()
    audit.name(f"{kind}:{account_id}")
    _count_try(account_id, digest, known.device)
    with db.transaction() as tx:
        held.use(tx, TicketEnded())
        login.stay(tx, TicketEnded())
        proofs.prove(tx, account_id, proof, challenge=digest, refusal=CodeRefused())
        logged_in = _begin(tx, account_id, known.device, visit, TicketEnded())
        if kind is Kind.STAFF and known.device is None:
            _tell_of_new_device(tx, login, logged_in, visit)
    guesses.forgive_codes(account_id, known.device)
    guesses.forgive(replace(Guesser.at(kind, _email(login), visit.source), device=known.device))
    logger.info("logged in", account=account_id, proof=type(proof).__name__)
    return logged_in


def holder_of_ticket(kind: Kind, ticket: str) -> tuple[str, str]:
    """Whose ticket it is, and what names it in a passkey's challenge. Raises TicketEnded."""
    account, digest = _ticket_parts(ticket)
    held, login = db.look(TicketRow.lookup(account, digest), LoginRow.lookup(account))
    if held is None or login is None or login.kind != kind:
        raise TicketEnded()
    return account, digest


def step_up(account: str, session: str, proof: Proof, password: str | None) -> None:
    """Prove oneself once more, by a passkey, or by the password and a code: lasts ten minutes.

    Raises LoginRefused, CodeRefused, SessionEnded, TooMany.
    """
    guesses.take_again(account)
    login, current = db.look(LoginRow.lookup(account), SessionRow.lookup(account, session))
    if login is None or current is None:
        raise SessionEnded()
    if not isinstance(proof, PasskeyProof) and not passwords.is_right(password or "", login.password):
        raise LoginRefused()
    with db.transaction() as tx:
        proofs.prove(tx, account, proof, challenge=session, refusal=CodeRefused())
        SessionRow.step_up(tx, current, clock.now())
    guesses.forgive_again(account)


def _counted(kind: Kind, email: str, visit: Visit) -> tuple[_Known, Guesser]:
    """Who wants to log in, the guess counted: before anything is read, where no device is shown. Raises TooMany."""
    guesser = Guesser.at(kind, email, visit.source)
    if DEVICE_HEADER not in visit.headers:
        guesses.take_password(guesser)
        return _known(account_of(kind, email), visit), guesser
    known = _known(account_of(kind, email), visit)
    guesser = replace(guesser, device=known.device)
    guesses.take_password(guesser)
    return known, guesser


def _known(account: str | None, visit: Visit) -> _Known:
    """Read in one round trip, which is made for nobody too."""
    shown, id_ = crypto.digest(visit.headers.get(DEVICE_HEADER, "")), account or NOBODY
    found, login, totp, is_known = db.look(
        AccountRow.lookup(id_), LoginRow.lookup(id_), TotpRow.lookup(id_), DeviceRow.lookup(id_, shown)
    )
    return _Known(found, login, totp, shown if is_known else None)


def _hand_out_ticket(login: LoginRow, known: _Known, rehashed: str | None) -> Ticket:
    secret, until = secrets.token_urlsafe(32), clock.now() + TICKET_LASTS
    methods = (*(("totp", "recovery") if known.totp else ()), *(("passkey",) if passkeys.of(login.pk) else ()))
    with db.transaction() as tx:
        login.stay(tx, LoginRefused(), rehashed=rehashed)
        TicketRow.add(tx, login.pk, crypto.digest(secret), until=until, changed_at=login.changed_at)
    return Ticket(f"{TICKET}{login.pk}_{secret}", until, methods)


def _count_try(account: str, ticket: str, device: str | None) -> None:
    try:
        guesses.take_code_of_ticket(ticket)
    except Spent:
        raise TicketEnded() from None
    guesses.take_code(account, device)


def _begin(
    tx: db.Transaction, account: str, device: str | None, visit: Visit, refusal: LoginRefused | TicketEnded
) -> LoggedIn:
    """The session, and the device known from now on; refused if the account was disabled or erased meanwhile."""
    AccountRow.check_active(tx, account, refusal)
    key = vault.key(account)
    if key is None:
        raise refusal
    where = Whereabouts(visit.source, visit.headers.get("user-agent", "")[:LONGEST_AGENT])
    session, token = sessions.start(tx, account, sessions.lifetime_of(account), key=key, where=where)
    shown = visit.headers[DEVICE_HEADER] if device else secrets.token_urlsafe(32)
    DeviceRow.remember(tx, account, crypto.digest(shown), until=clock.now() + DEVICE_LASTS)
    return LoggedIn(account, token, session.id, session.ends_at, shown)


def _email(login: LoginRow) -> str:
    key = vault.key(login.pk)
    return login.opened(key) if key else ""


def _tell_of_new_device(tx: db.Transaction, login: LoginRow, logged_in: LoggedIn, visit: Visit) -> None:
    key, row = db.look(vault.lookup(login.pk), StaffRow.lookup(login.pk))
    if key is None or row is None:
        return
    facts = {
        "at": notices.when(clock.now(), "id"),
        "device": visit.headers.get("user-agent", "")[:LONGEST_AGENT] or "?",
    }
    to = Recipient(login.pk, row.opened(key)["name"], login.opened(key))
    notices.send(tx, Notice("staff_new_device", to, facts, "id", f"device:{logged_in.session}"), key)


def _ticket_parts(ticket: str) -> tuple[str, str]:
    """``lkt_stf_01J…_secret`` → account id, digest. Raises TicketEnded for anything else."""
    kind, _, rest = ticket.removeprefix(TICKET).partition("_")
    id_, _, secret = rest.partition("_")
    if not (ticket.startswith(TICKET) and kind and id_ and secret):
        raise TicketEnded()
    return f"{kind}_{id_}", crypto.digest(secret)
