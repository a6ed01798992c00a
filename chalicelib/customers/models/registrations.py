"""What waits for somebody to prove an address: a registration, or another e-mail for an account."""

from dataclasses import dataclass
from typing import Any

from chalicelib.core import db
from chalicelib.core.config import settings
from chalicelib.core.vault import DataKey, SealedAttribute


@dataclass(frozen=True, slots=True)
class Wanted:
    """What counts once the address is proven: the password as it was hashed, and what was consented to."""

    password_hash: str
    consents: tuple[tuple[str, bool, str], ...]
    """Purpose, whether it is given, and the wording."""
    proof: str


class RegistrationRow(db.Row):
    """pk = customer id, sk = "REGISTRATION"; ``wanted`` is sealed under the customer's key."""

    class Meta:
        table_name = settings.table("customers")

    wanted = SealedAttribute()

    @classmethod
    def lookup(cls, customer_id: str) -> "db.Lookup[RegistrationRow | None]":
        """Reads one, still sealed."""
        return db.Lookup(((cls, customer_id, "REGISTRATION"),), lambda rows: rows[0])

    @classmethod
    def add(cls, tx: db.Transaction, key: DataKey, wanted: Wanted) -> None:
        """Write a new one."""
        row = cls(pk=key.subject, sk="REGISTRATION")
        row.wanted = key.seal(_place(row, "wanted"), wanted)
        tx.put(row)

    def take(self, tx: db.Transaction) -> None:
        """Take it away: it was fulfilled. Refused with WriteRefused if it is gone."""
        tx.delete(RegistrationRow(self.pk, self.sk), condition=RegistrationRow.pk.exists())

    def opened(self, key: DataKey) -> Wanted:
        """What counts once the address is proven."""
        wanted: Wanted = key.open(_place(self, "wanted"), self.wanted, Wanted)
        return wanted


class NewEmailRow(db.Row):
    """pk = customer id, sk = "NEWEMAIL": another e-mail, unproven, and the digest of the link that was sent there."""

    class Meta:
        table_name = settings.table("customers")

    email = SealedAttribute()

    @classmethod
    def lookup(cls, customer_id: str) -> "db.Lookup[NewEmailRow | None]":
        """Reads one, still sealed."""
        return db.Lookup(((cls, customer_id, "NEWEMAIL"),), lambda rows: rows[0])

    @classmethod
    def put(cls, tx: db.Transaction, key: DataKey, email: str, link: str) -> None:
        """Write one in place of any that waits."""
        row = cls(pk=key.subject, sk="NEWEMAIL")
        row.email = key.seal(_place(row, "email"), (email, link))
        tx.put(row, condition=cls.pk.exists() | cls.pk.does_not_exist())

    def take(self, tx: db.Transaction) -> None:
        """Take it away: it counts now. Refused with WriteRefused if another was put in its place."""
        tx.delete(NewEmailRow(self.pk, self.sk), condition=NewEmailRow.email == self.email)

    def opened(self, key: DataKey) -> tuple[str, str]:
        """The e-mail, and the digest of its link."""
        waiting: tuple[str, str] = key.open(_place(self, "email"), self.email, tuple[str, str])
        return waiting


def _place(row: Any, field: str) -> str:
    return f"{settings.table('customers')}|{row.pk}|{row.sk}|{field}"
