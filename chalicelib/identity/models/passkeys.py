"""Passkeys and the challenges that ask for them, under their owner's account."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, db
from chalicelib.core.config import settings
from chalicelib.identity.errors import PasskeyNotFound, PasskeyRefused, PasskeyTaken

PREFIX: Final = "PASSKEY#"


@dataclass(frozen=True, slots=True)
class Passkey:
    """A credential of an authenticator. ``id`` is the digest of what the authenticator calls it."""

    id: str
    data: str
    """The attested credential data (WebAuthn 6.5.1) as URL-safe text: model, credential id, public key."""
    model: str
    """The AAGUID: which make of authenticator it is in."""
    counter: int
    is_synced: bool
    made_at: datetime
    used_at: datetime | None


class PasskeyRow(db.Row):
    """pk = account id, sk = "PASSKEY#" and the passkey's id."""

    class Meta:
        table_name = settings.table("identity")

    data = UnicodeAttribute()
    model = UnicodeAttribute()
    counter = NumberAttribute()
    is_synced = BooleanAttribute()
    made_at = UnicodeAttribute()
    used_at = UnicodeAttribute(null=True)

    @classmethod
    def lookup(cls, account: str, id_: str) -> "db.Lookup[Passkey | None]":
        """Reads one of an account's passkeys."""
        return db.Lookup(((cls, account, f"{PREFIX}{id_}"),), lambda rows: rows[0].passkey() if rows[0] else None)

    @classmethod
    def of(cls, account: str) -> list[Passkey]:
        """All passkeys of an account, the oldest first."""
        rows = db.rows(cls, account, cls.sk.startswith(PREFIX))
        return sorted((row.passkey() for row in rows), key=lambda passkey: passkey.made_at)

    @classmethod
    def add(cls, tx: db.Transaction, account: str, passkey: Passkey) -> None:
        """Write a new passkey; refused with PasskeyTaken."""
        row = cls(
            pk=account,
            sk=f"{PREFIX}{passkey.id}",
            data=passkey.data,
            model=passkey.model,
            counter=passkey.counter,
            is_synced=passkey.is_synced,
            made_at=clock.stamp(passkey.made_at),
        )
        tx.put(row, refusal=PasskeyTaken())

    @classmethod
    def use(cls, tx: db.Transaction, account: str, id_: str, counter: int, at: datetime) -> None:
        """Count a use; refused with PasskeyRefused if the counter went back, as that of a copy does.

        Authenticators that do not count say 0 each time.
        """
        grows = (cls.counter < counter) if counter else (cls.counter == 0)
        actions = [cls.counter.set(counter), cls.used_at.set(clock.stamp(at))]
        tx.update(cls(account, f"{PREFIX}{id_}"), actions, condition=grows, refusal=PasskeyRefused())

    @classmethod
    def drop(cls, tx: db.Transaction, account: str, id_: str) -> None:
        """Take it away; refused with PasskeyNotFound."""
        tx.delete(cls(account, f"{PREFIX}{id_}"), condition=cls.pk.exists(), refusal=PasskeyNotFound())

    def passkey(self) -> Passkey:
        """The row as a value."""
        return Passkey(
            id=self.sk.removeprefix(PREFIX),
            data=self.data,
            model=self.model,
            counter=int(self.counter),
            is_synced=self.is_synced,
            made_at=clock.instant(self.made_at),
            used_at=clock.instant(self.used_at) if self.used_at else None,
        )


class ChallengeRow(db.Row):
    """pk = account id, sk = "CHALLENGE#", what for, and the challenge: there until it is answered or too old."""

    class Meta:
        table_name = settings.table("identity")

    ends_at = UnicodeAttribute()
    expires = NumberAttribute()

    @classmethod
    def add(cls, tx: db.Transaction, account: str, purpose: str, challenge: str, ends_at: datetime) -> None:
        """Write a new challenge."""
        sk = f"CHALLENGE#{purpose}#{challenge}"
        tx.put(cls(pk=account, sk=sk, ends_at=clock.stamp(ends_at), expires=int(ends_at.timestamp())))

    @classmethod
    def use_up(cls, tx: db.Transaction, account: str, purpose: str, challenge: str) -> None:
        """Take it away, so that it is answered once; refused with PasskeyRefused if it is gone or too old."""
        row = cls(account, f"CHALLENGE#{purpose}#{challenge}")
        tx.delete(row, condition=cls.ends_at > clock.stamp(clock.now()), refusal=PasskeyRefused())
