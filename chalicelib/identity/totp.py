"""Time-based codes (RFC 6238) and the recovery codes that stand in for them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from chalicelib.core import clock, crypto, db, ids, vault
from chalicelib.core.errors import LarisError
from chalicelib.identity.errors import CodeRefused, NoSecondFactor, SecondFactorNeeded
from chalicelib.identity.models.accounts import Kind, LoginRow
from chalicelib.identity.models.factors import RecoveryRow, TotpRow

ISSUER: Final = "Laris"
SECRET_LENGTH: Final = 32
"""Characters of base 32, 5 bits each: 160 bits, as RFC 4226 wants."""
STEP_SECONDS: Final = 30
WINDOW: Final = (0, -1, 1)
"""Which steps' codes are taken, from the present one: clocks differ, and typing takes time."""
PENDING_FOR: Final = timedelta(hours=1)
RECOVERY_CODES: Final = 10
RECOVERY_LENGTH: Final = 16
"""80 bits: nobody guesses one, so a fast digest is enough."""
MISREAD: Final = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


@dataclass(frozen=True, slots=True)
class TotpSetup:
    """What an authenticator app needs; ``uri`` is what the QR code holds."""

    secret: str
    uri: str


def start_totp(account: str) -> TotpSetup:
    """A new secret, which counts once a code of it was confirmed. Raises NoSecondFactor if there is no such log-in."""
    key, login = _opened(account)
    setup = _new(login.opened(key))
    with db.transaction() as tx:
        begin(tx, key, setup)
    return setup


def begin(tx: db.Transaction, key: vault.DataKey, setup: TotpSetup) -> None:
    """Keep ``setup`` in ``tx`` until it is confirmed."""
    TotpRow.begin(tx, key, setup.secret, until=clock.now() + PENDING_FOR)


def setup_for(email: str) -> TotpSetup:
    """A new secret for somebody, not kept anywhere yet."""
    return _new(email)


def confirm_totp(account: str, code: str) -> list[str]:
    """Make the secret that was started count, and replace the recovery codes: these, shown this once.

    Raises NoSecondFactor, CodeRefused.
    """
    with db.transaction() as tx:
        return establish(tx, account, code)


def establish(tx: db.Transaction, account: str, code: str) -> list[str]:
    """``confirm_totp`` within ``tx``."""
    key, pending = db.look(vault.lookup(account), TotpRow.lookup_pending(account))
    if key is None or pending is None or _has_ended(pending):
        raise NoSecondFactor()
    step = matching_step(pending.opened(key), code)
    if step is None:
        raise CodeRefused()
    pending.establish(tx, key, step)
    return replace_recovery_codes(tx, account)


def replace_recovery_codes(tx: db.Transaction, account: str) -> list[str]:
    """Ten new recovery codes in place of those that are left."""
    codes = [ids.chance(RECOVERY_LENGTH) for _ in range(RECOVERY_CODES)]
    RecoveryRow.replace(tx, account, [crypto.digest(code) for code in codes])
    return ["-".join(code[at : at + 4] for at in range(0, RECOVERY_LENGTH, 4)) for code in codes]


def drop_totp(account: str) -> None:
    """Do without a second factor again. Raises SecondFactorNeeded for staff, NoSecondFactor where there was none."""
    login, row = db.look(LoginRow.lookup(account), TotpRow.lookup(account))
    if login is None or row is None:
        raise NoSecondFactor()
    if login.kind == Kind.STAFF:
        raise SecondFactorNeeded()
    with db.transaction() as tx:
        drop(tx, account)


def drop(tx: db.Transaction, account: str) -> None:
    """Take app and recovery codes away in ``tx``."""
    TotpRow.drop(tx, account)
    RecoveryRow.drop(tx, account)


def renew_recovery_codes(account: str) -> list[str]:
    """Ten new recovery codes in place of those that are left, shown this once."""
    with db.transaction() as tx:
        return replace_recovery_codes(tx, account)


def take(tx: db.Transaction, account: str, code: str, refusal: LarisError) -> None:
    """Use up a code in ``tx``: whatever else is in it happens only if this code was not taken before."""
    key, row = db.look(vault.lookup(account), TotpRow.lookup(account))
    step = matching_step(row.opened(key), code) if key and row else None
    if row is None or step is None or step <= int(row.last_step):
        raise refusal
    row.use(tx, step, refusal)


def take_recovery(tx: db.Transaction, account: str, code: str, refusal: LarisError) -> None:
    """Use up a recovery code in ``tx``; refused if it is none of the account's, or was used before."""
    RecoveryRow.use(tx, account, crypto.digest(code.upper().translate(MISREAD)), refusal)


def recovery_codes_left(account: str) -> int:
    """How many recovery codes are unused."""
    return len(RecoveryRow.of(account))


def matching_step(secret: str, code: str) -> int | None:
    """The step near now whose code this is, None if there is none."""
    from pyotp import HOTP

    codes, now = HOTP(secret), int(clock.now().timestamp()) // STEP_SECONDS
    matching = [now + near for near in WINDOW if crypto.matches(code, codes.at(now + near))]
    return matching[0] if matching else None


def _new(email: str) -> TotpSetup:
    from pyotp import TOTP, random_base32

    secret = random_base32(SECRET_LENGTH)
    return TotpSetup(secret, TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER))


def _opened(account: str) -> tuple[vault.DataKey, LoginRow]:
    key, login = db.look(vault.lookup(account), LoginRow.lookup(account))
    if key is None or login is None:
        raise NoSecondFactor()
    return key, login


def _has_ended(pending: TotpRow) -> bool:
    return int(pending.expires) <= int(clock.now().timestamp())
