"""Sessions: opaque tokens of 256 bits that last while they are used, and can be ended at any moment.

A token is ``lks_`` (staff) or ``lkc_`` (customers), the account's id and the secret, of which only the SHA-256 is
kept. OWASP ASVS 5.0 chapter 7.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from chalicelib.core import clock, crypto, db
from chalicelib.core.errors import WriteRefused
from chalicelib.identity.errors import SessionEnded
from chalicelib.identity.models.accounts import Account, AccountRow, AccountState
from chalicelib.identity.models.sessions import Session, SessionRow

NOTED_EVERY: Final = timedelta(minutes=5)
"""Use is written down no more often than that."""
STEP_UP_LASTS: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long sessions of a kind last: unused, and altogether."""

    prefix: str
    idle: timedelta
    absolute: timedelta


STAFF: Final = Lifetime("lks_", timedelta(minutes=30), timedelta(hours=12))
CUSTOMER: Final = Lifetime("lkc_", timedelta(days=30), timedelta(days=90))


def start(tx: db.Transaction, account: str, lifetime: Lifetime, where: str | None = None) -> tuple[Session, str]:
    """A new session, written in ``tx``, and its token, shown this once. ``where`` is sealed: address and agent."""
    secret, now = secrets.token_urlsafe(32), clock.now()
    session = Session(
        id=crypto.digest(secret),
        account=account,
        made_at=now,
        used_at=now,
        ends_at=now + lifetime.absolute,
        stepped_up_at=now,
    )
    SessionRow.add(tx, session, where)
    return session, f"{lifetime.prefix}{account}_{secret}"


def of(token: str, lifetime: Lifetime) -> tuple[Session, Account]:
    """The session and account of a token, in one round trip. Raises SessionEnded."""
    account_id, secret = _parts(token, lifetime)
    session, account = db.look(SessionRow.lookup(account_id, crypto.digest(secret)), AccountRow.lookup(account_id))
    if session is None or account is None or account.state is not AccountState.ACTIVE:
        raise SessionEnded()
    now = clock.now()
    if now >= session.ends_at or now - session.used_at >= lifetime.idle:
        raise SessionEnded()
    if now - session.used_at >= min(NOTED_EVERY, lifetime.idle):
        with suppress(WriteRefused), db.transaction() as tx:
            SessionRow.use(tx, session, now)
    return session, account


def is_stepped_up(session: Session) -> bool:
    """True if its owner has proven themselves a short while ago."""
    return clock.now() - session.stepped_up_at < STEP_UP_LASTS


def _parts(token: str, lifetime: Lifetime) -> tuple[str, str]:
    """``lks_stf_01J…_secret`` → account id, secret. Raises SessionEnded for anything else."""
    if not token.startswith(lifetime.prefix):
        raise SessionEnded()
    kind, _, rest = token.removeprefix(lifetime.prefix).partition("_")
    id_, _, secret = rest.partition("_")
    if not (kind and id_ and secret):
        raise SessionEnded()
    return f"{kind}_{id_}", secret
