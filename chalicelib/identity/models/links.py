"""One-time links: what is sent to a mailbox, and proves that who comes with it reads that mailbox."""

from datetime import datetime, timedelta

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, db
from chalicelib.core.errors import LarisError
from chalicelib.identity.models.accounts import TABLE


class LinkRow(db.Row):
    """pk = account id, sk = "LINK#", what for, and the digest of the secret. Used once: by being taken away."""

    class Meta:
        table_name = TABLE

    ends_at = UnicodeAttribute()
    expires = NumberAttribute()

    @classmethod
    def add(cls, tx: db.Transaction, account: str, purpose: str, digest: str, *, until: datetime) -> None:
        """Write a new one."""
        row = cls(
            pk=account,
            sk=_place(purpose, digest),
            ends_at=clock.stamp(until),
            expires=int((until + timedelta(days=1)).timestamp()),
        )
        tx.put(row)

    @classmethod
    def lookup(cls, account: str, purpose: str, digest: str) -> "db.Lookup[bool]":
        """Reads whether it is still good."""
        now = clock.stamp(clock.now())
        keys = ((cls, account, _place(purpose, digest)),)
        return db.Lookup(keys, lambda rows: rows[0] is not None and rows[0].ends_at > now)

    @classmethod
    def use(cls, tx: db.Transaction, account: str, purpose: str, digest: str, *, refusal: LarisError) -> None:
        """Take it away; refused if it is gone or too old."""
        row = cls(account, _place(purpose, digest))
        tx.delete(row, condition=cls.ends_at > clock.stamp(clock.now()), refusal=refusal)

    @classmethod
    def drop_others(cls, tx: db.Transaction, account: str, purpose: str, digest: str | None, most: int) -> None:
        """Take away all others for the same purpose, at most ``most``; gone already is as well."""
        rows = db.rows(cls, account, cls.sk.startswith(_place(purpose, "")), limit=most)
        for row in rows:
            if digest is None or row.sk != _place(purpose, digest):
                tx.delete(cls(account, row.sk), condition=cls.pk.exists() | cls.pk.does_not_exist())

    @classmethod
    def drop_all(cls, tx: db.Transaction, account: str, but: str | None, most: int) -> None:
        """Take away all but those for a purpose, at most ``most``; gone already is as well."""
        for row in db.rows(cls, account, cls.sk.startswith("LINK#"), limit=most):
            if but is None or not row.sk.startswith(_place(but, "")):
                tx.delete(cls(account, row.sk), condition=cls.pk.exists() | cls.pk.does_not_exist())


def _place(purpose: str, digest: str) -> str:
    return f"LINK#{purpose}#{digest}"
