"""Accounts: staff and customers' log-ins, one item each under the account's id."""

from dataclasses import dataclass
from enum import StrEnum

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import db
from chalicelib.core.config import settings


class AccountState(StrEnum):
    """INVITED: has not accepted yet. ACTIVE: may log in. DISABLED: may not."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Account:
    """Who somebody is to us. ``role`` is None for customers."""

    id: str
    state: AccountState
    role: str | None
    version: int


class AccountRow(db.Row):
    """pk = account id, sk = "ACCOUNT"."""

    class Meta:
        table_name = settings.table("identity")

    state = UnicodeAttribute()
    role = UnicodeAttribute(null=True)
    version = NumberAttribute()

    @classmethod
    def lookup(cls, account: str) -> "db.Lookup[Account | None]":
        """Reads one account."""
        return db.Lookup(((cls, account, "ACCOUNT"),), lambda rows: rows[0].account() if rows[0] else None)

    def account(self) -> Account:
        """The row as a value."""
        return Account(self.pk, AccountState(self.state), self.role, int(self.version))
