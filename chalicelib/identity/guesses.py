"""How often somebody may guess. A guess that is refused here is not looked at, right or wrong.

Where an account is guessed at from unknown devices, at most a hundred guesses in a row are looked at (NIST SP 800-63B-4
section 3.2.2); one more a day after that. A device where the account has logged in before has guesses of its own, so
that nobody can lock the owner out; neither can they keep the owner from a new password by letter. Buckets carry blind
indexes and ids, never an e-mail or address, and an unknown e-mail has its own just as a known one.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from chalicelib.core import crypto, limits
from chalicelib.core.limits import Limit
from chalicelib.identity.models.accounts import Kind

BY_ADDRESS: Final = Limit(100, timedelta(seconds=30))
BY_ACCOUNT_AND_ADDRESS: Final = Limit(10, timedelta(minutes=5))
BY_ACCOUNT: Final = Limit(100, timedelta(days=1))
BY_DEVICE: Final = Limit(10, timedelta(hours=1))
CODES: Final = Limit(10, timedelta(minutes=5))
CODES_IN_A_ROW: Final = Limit(100, timedelta(days=1))
CODES_OF_TICKET: Final = Limit(5, timedelta(hours=1))
LETTERS: Final = Limit(3, timedelta(minutes=20))


@dataclass(frozen=True, slots=True)
class Guesser:
    """Who guesses at whose log-in: ``device`` is the digest of a device that the account knows, None for others."""

    kind: Kind
    email_index: str
    source: str
    device: str | None = None

    @classmethod
    def at(cls, kind: Kind, email: str, source: str) -> "Guesser":
        """Somebody at ``source`` who says the account's e-mail is ``email``."""
        return cls(kind, crypto.blind("email", email), crypto.blind("address", source))

    @property
    def account(self) -> str:
        """What names the account in buckets, whether or not there is one."""
        return f"{self.kind}:{self.email_index}"


def take_password(guesser: Guesser) -> None:
    """Count a guess at a password. Raises TooMany."""
    if guesser.device:
        limits.take(f"login-device:{guesser.account}:{guesser.device}", BY_DEVICE)
        return
    limits.take(f"login:{guesser.account}:{guesser.source}", BY_ACCOUNT_AND_ADDRESS)
    limits.take(f"login-from:{guesser.source}", BY_ADDRESS)
    limits.take(f"login:{guesser.account}", BY_ACCOUNT)


def forgive(guesser: Guesser) -> None:
    """After a log-in: what was guessed wrong at this account before counts no more."""
    limits.refill(f"login:{guesser.account}")
    limits.refill(f"login:{guesser.account}:{guesser.source}")
    if guesser.device:
        limits.refill(f"login-device:{guesser.account}:{guesser.device}")


def forgive_account(kind: Kind, email: str) -> None:
    """After a new password by letter: the account may be guessed at afresh."""
    limits.refill(f"login:{kind}:{crypto.blind('email', email)}")


def take_code(account: str, device: str | None = None) -> None:
    """Count a guess at a second factor: a few at once, a hundred in a row. Raises TooMany."""
    limits.take(_codes(account, device), CODES)
    limits.take(f"{_codes(account, device)}:in-a-row", CODES_IN_A_ROW)


def take_code_of_ticket(ticket: str) -> None:
    """Count a guess that a ticket is used for, by the ticket's digest. Raises TooMany."""
    limits.take(f"ticket:{ticket}", CODES_OF_TICKET)


def forgive_codes(account: str, device: str | None = None) -> None:
    """After a right one."""
    limits.refill(_codes(account, device))
    limits.refill(f"{_codes(account, device)}:in-a-row")


def let_codes_be_tried(account: str) -> None:
    """After a new password by letter: a few may be tried at once. The hundred in a row are not given back, since who
    reads the mailbox alone must not get through with time."""
    limits.refill(_codes(account, None))


def take_again(account: str) -> None:
    """Count a guess at the password of somebody who is logged in. Raises TooMany."""
    limits.take(f"again:{account}", BY_DEVICE)


def forgive_again(account: str) -> None:
    """After a right one."""
    limits.refill(f"again:{account}")


def take_letter(kind: Kind, email: str) -> None:
    """Count a letter that anybody can have sent to ``email``. Raises TooMany."""
    limits.take(f"letter:{kind}:{crypto.blind('email', email)}", LETTERS)


def take_visit(source: str) -> None:
    """Count a request of somebody unknown that costs us something. Raises TooMany."""
    limits.take(f"login-from:{crypto.blind('address', source)}", BY_ADDRESS)


def _codes(account: str, device: str | None) -> str:
    return f"code:{account}:{device}" if device else f"code:{account}"
