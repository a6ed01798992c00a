"""What can be one payment's alone: an amount with its unique code while the payment is open, and a line of the bank's
statement for good."""

from datetime import datetime
from typing import Final
from urllib.parse import quote

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, crypto, db, log
from chalicelib.core.config import settings
from chalicelib.core.money import Money
from chalicelib.payments.errors import MutationUsed
from chalicelib.payments.models.attempts import NOTES

CODE: Final = "CODE"
MUTATION: Final = "MUTATION"


class CodeRow(db.Row):
    """pk = "UNIQUE#", currency and amount with the code, sk = "CODE": whose transfer of that amount is."""

    class Meta:
        table_name = settings.table("payments")

    owner = UnicodeAttribute()
    expires_at = UnicodeAttribute()
    expires = NumberAttribute()

    @classmethod
    def claim(cls, tx: db.Transaction, amount: Money, owner: str, until: datetime) -> None:
        """Make ``amount`` the owner's, if it is nobody's or was until now; refused with WriteRefused."""
        row = cls(
            pk=_unique(amount),
            sk=CODE,
            owner=owner,
            expires_at=clock.stamp(until),
            expires=int(until.timestamp()),
        )
        free = cls.pk.does_not_exist() | (cls.expires_at < clock.stamp(clock.now()))
        tx.put(row, condition=free)

    @classmethod
    def release(cls, tx: db.Transaction, amount: Money, owner: str) -> None:
        """Make ``amount`` nobody's again; refused with WriteRefused if it is not the owner's."""
        tx.delete(cls(_unique(amount), CODE), condition=cls.owner == owner)


class MutationRow(db.Row):
    """pk = "MUTATION#" and the line's reference, sk = "MUTATION": whose it is, who said so, and why (locked).

    The payment stands here as ``owner``: under its own name it would enter the index that finds a payment's attempt.
    """

    class Meta:
        table_name = settings.table("payments")

    owner = UnicodeAttribute()
    arrived = NumberAttribute()
    currency = UnicodeAttribute()
    note = UnicodeAttribute(null=True)
    actor = UnicodeAttribute()
    settled_at = UnicodeAttribute()

    @classmethod
    def use(cls, tx: db.Transaction, mutation: str, owner: str, arrived: Money, note: str | None) -> None:
        """Let the line settle the owner's payment and no other. Refused with MutationUsed."""
        place = f"MUTATION#{quote(mutation, safe='')}"
        row = cls(
            pk=place,
            sk=MUTATION,
            owner=owner,
            arrived=arrived.amount,
            currency=arrived.currency,
            note=crypto.lock_text(NOTES, place, note) if note else None,
            actor=log.actor.get(),
            settled_at=clock.stamp(clock.now()),
        )
        tx.put(row, refusal=MutationUsed())

    @classmethod
    def forget_note(cls, tx: db.Transaction, source: str) -> None:
        """Take away the note of the line that a fact names as its source. Refused with WriteRefused."""
        tx.update(cls(source, MUTATION), [cls.note.remove()], condition=cls.pk.exists())


def _unique(amount: Money) -> str:
    return f"UNIQUE#{amount.currency}#{amount.amount}"
