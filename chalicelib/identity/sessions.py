"""Sessions: opaque tokens of 256 bits that last while they are used, and can be ended at any moment.

A token is ``lks_`` (staff) or ``lkc_`` (customers), the account's id and the secret, of which only the SHA-256 is
kept. OWASP ASVS 5.0 chapter 7.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from chalicelib.core import clock, crypto, db, vault
from chalicelib.core.errors import WriteRefused
from chalicelib.core.vault import DataKey
from chalicelib.identity.errors import SessionEnded, SessionNotFound
from chalicelib.identity.models.accounts import Account, AccountRow, AccountState
from chalicelib.identity.models.sessions import Session, SessionRow, Whereabouts

NOTED_EVERY: Final = timedelta(minutes=5)
"""Use is written down no more often than that."""
STEP_UP_LASTS: Final = timedelta(minutes=10)
TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long sessions of a kind last, unused and altogether; ``whose`` begins the ids of who may have them."""

    prefix: str
    whose: str
    idle: timedelta
    absolute: timedelta


STAFF: Final = Lifetime("lks_", "stf", timedelta(minutes=30), timedelta(hours=12))
CUSTOMER: Final = Lifetime("lkc_", "cus", timedelta(days=30), timedelta(days=90))


def start(
    tx: db.Transaction,
    account: str,
    lifetime: Lifetime,
    *,
    key: DataKey | None = None,
    where: Whereabouts | None = None,
) -> tuple[Session, str]:
    """A new session, written in ``tx``, and its token, shown this once. ``where`` it began is sealed under ``key``."""
    secret, now = secrets.token_urlsafe(32), clock.now()
    session = Session(
        id=crypto.digest(secret),
        account=account,
        made_at=now,
        used_at=now,
        ends_at=now + lifetime.absolute,
        stepped_up_at=now,
    )
    SessionRow.add(tx, session, key, where)
    return session, f"{lifetime.prefix}{account}_{secret}"


def of(token: str, lifetime: Lifetime) -> tuple[Session, Account]:
    """The session and account of a token, in one round trip. Raises SessionEnded."""
    account_id, secret = _parts(token, lifetime)
    session, account = db.look(SessionRow.lookup(account_id, crypto.digest(secret)), AccountRow.lookup(account_id))
    if session is None or account is None or account.state is not AccountState.ACTIVE:
        raise SessionEnded()
    now = clock.now()
    if not _lasts(session, account, lifetime, now):
        raise SessionEnded()
    if now - session.used_at >= min(NOTED_EVERY, lifetime.idle):
        with suppress(WriteRefused), db.transaction() as tx:
            SessionRow.use(tx, session, now)
    return session, account


def sessions_of(account_id: str) -> list[tuple[Session, Whereabouts]]:
    """The sessions of an account that last, the one used last first, each with where it began."""
    (account, key), rows = db.look(AccountRow.lookup(account_id), vault.lookup(account_id)), SessionRow.of(account_id)
    if account is None or key is None:
        return []
    lifetime, now = lifetime_of(account_id), clock.now()
    found = [(row.session(), row.opened(key)) for row in rows]
    lasting = [each for each in found if _lasts(each[0], account, lifetime, now)]
    return sorted(lasting, key=lambda each: each[0].used_at, reverse=True)


def end_session(account: str, id_: str) -> None:
    """End one session, at once. Raises SessionNotFound."""
    with db.transaction() as tx:
        SessionRow.end(tx, account, id_, SessionNotFound())


def log_out(account: str, session: str) -> None:
    """End the session that is used to say so."""
    end_session(account, session)


def end_sessions(account_id: str, but: str | None = None) -> None:
    """End all sessions of an account, at once, perhaps all but one. An unknown account has none."""
    for attempt in range(TRIES):
        (account,) = db.look(AccountRow.lookup(account_id))
        if account is None:
            return
        try:
            with db.transaction() as tx:
                AccountRow.change(tx, account, end_sessions=True, kept=but)
            return
        except WriteRefused:
            db.back_off(attempt)
    raise WriteRefused()


def lifetime_of(account: str) -> Lifetime:
    """How long an account's sessions last."""
    return STAFF if account.startswith("stf_") else CUSTOMER


def is_stepped_up(session: Session) -> bool:
    """True if its owner has proven themselves a short while ago."""
    return clock.now() - session.stepped_up_at < STEP_UP_LASTS


def _lasts(session: Session, account: Account, lifetime: Lifetime, now: datetime) -> bool:
    is_young = now < session.ends_at and now - session.used_at < lifetime.idle
    return is_young and not account.has_ended(session.id, session.made_at)


def _parts(token: str, lifetime: Lifetime) -> tuple[str, str]:
    """``lks_stf_01J…_secret`` → account id, secret. Raises SessionEnded for anything else, such as a customer's session
    under the prefix of the staff's.
    """
    if not token.startswith(lifetime.prefix):
        raise SessionEnded()
    kind, _, rest = token.removeprefix(lifetime.prefix).partition("_")
    id_, _, secret = rest.partition("_")
    if kind != lifetime.whose or not (id_ and secret):
        raise SessionEnded()
    return f"{kind}_{id_}", secret
