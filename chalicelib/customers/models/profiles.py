"""Profiles, and whose an e-mail address is."""

import zlib
from collections.abc import Sequence
from typing import Final

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.core import clock, cursors, db
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError, WriteRefused
from chalicelib.core.vault import SealedAttribute
from chalicelib.customers.errors import BuyerChanged, CustomerNotFound
from chalicelib.customers.rules import Customer, Language, ProfileState

TABLE = settings.table("customers")
SHARDS: Final = 4
LIST: Final = "customers"


class ByTime(GlobalSecondaryIndex["ProfileRow"]):
    """All profiles of a shard, by id and so by time: for what goes through all of them."""

    class Meta:
        index_name = "by_time"
        projection = KeysOnlyProjection()

    list_shard = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class ByPhone(GlobalSecondaryIndex["ProfileRow"]):
    """Who has a phone, by its blind index."""

    class Meta:
        index_name = "by_phone"
        projection = KeysOnlyProjection()

    phone_index = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class ProfileRow(db.Row):
    """pk = customer id, sk = "PROFILE"; ``personal`` is a Person under the customer's own key."""

    class Meta:
        table_name = TABLE

    state = UnicodeAttribute()
    personal = SealedAttribute(null=True)
    email_index = UnicodeAttribute(null=True)
    phone_index = UnicodeAttribute(null=True)
    language = UnicodeAttribute()
    claims: JSONAttribute = JSONAttribute()
    created_at = UnicodeAttribute()
    version = NumberAttribute()
    list_shard = UnicodeAttribute()

    by_time = ByTime()
    by_phone = ByPhone()

    @classmethod
    def lookup(cls, customer_id: str) -> "db.Lookup[Customer | None]":
        """Reads one profile."""
        return db.Lookup(((cls, customer_id, "PROFILE"),), lambda rows: rows[0].customer() if rows[0] else None)

    @classmethod
    def add(cls, tx: db.Transaction, customer: Customer) -> None:
        """Write a new profile."""
        row = cls(
            pk=customer.id,
            sk="PROFILE",
            state=customer.state,
            personal=customer.sealed,
            email_index=customer.email_index,
            phone_index=customer.phone_index,
            language=customer.language,
            claims=list(customer.claims),
            created_at=clock.stamp(customer.created_at),
            version=customer.version,
            list_shard=str(zlib.crc32(customer.id.encode()) % SHARDS),
        )
        tx.put(row)

    @classmethod
    def after(cls, customer_id: str, limit: int) -> list[Customer]:
        """Profiles with ids after this one, oldest first, erased ones too."""
        rows = [
            row
            for shard in range(SHARDS)
            for row in db.rows(cls, str(shard), cls.pk > customer_id, index=cls.by_time, limit=limit)
        ]
        ids = sorted(row.pk for row in rows)[:limit]
        return db.look(cls._lookup_all(ids))[0]

    @classmethod
    def page(cls, *, limit: int, cursor: str | None) -> "db.Page[Customer]":
        """All profiles, newest first, erased ones too."""
        highest = cursors.open_(LIST, cursor) if cursor else "cus_~"
        rows = [
            row
            for shard in range(SHARDS)
            for row in db.rows(cls, str(shard), cls.pk < highest, index=cls.by_time, newest_first=True, limit=limit + 1)
        ]
        ids = sorted((row.pk for row in rows), reverse=True)
        (customers,) = db.look(cls._lookup_all(ids[:limit]))
        return db.Page(customers, cursors.seal(LIST, ids[limit - 1]) if len(ids) > limit else None)

    @classmethod
    def with_phone(cls, indexes: Sequence[str], limit: int) -> list[Customer]:
        """Who has a phone, by any of the indexes under which it may stand."""
        rows = [row for index in indexes for row in db.rows(cls, index, index=cls.by_phone, limit=limit)]
        return db.look(cls._lookup_all(list(dict.fromkeys(row.pk for row in rows))[:limit]))[0]

    @classmethod
    def _lookup_all(cls, ids: Sequence[str]) -> "db.Lookup[list[Customer]]":
        keys = tuple((cls, each, "PROFILE") for each in ids)
        return db.Lookup(keys, lambda found: [row.customer() for row in found if row])

    @classmethod
    def change(cls, tx: db.Transaction, before: Customer, after: Customer) -> None:
        """Write ``after`` if the profile is still as in ``before``. Refused with WriteRefused, CustomerNotFound."""
        actions: list[Action] = [
            cls.state.set(after.state),
            cls.personal.set(after.sealed) if after.sealed else cls.personal.remove(),
            cls.email_index.set(after.email_index) if after.email_index else cls.email_index.remove(),
            cls.phone_index.set(after.phone_index) if after.phone_index else cls.phone_index.remove(),
            cls.language.set(after.language),
            cls.claims.set(list(after.claims)),
            cls.version.set(before.version + 1),
        ]
        tx.update(cls(before.id, "PROFILE"), actions, condition=cls.version == before.version, refusal=_refused)

    @classmethod
    def guard(cls, tx: db.Transaction, customer_id: str) -> None:
        """Go on only if the customer has not been erased. Refused with BuyerChanged."""
        there = cls.state.is_in(*sorted(set(ProfileState) - {ProfileState.ERASED}))
        tx.check(cls(customer_id, "PROFILE"), condition=there, refusal=BuyerChanged())

    def customer(self) -> Customer:
        """The row as a value."""
        language: Language = "en" if self.language == "en" else "id"
        return Customer(
            id=self.pk,
            state=ProfileState(self.state),
            sealed=self.personal,
            email_index=self.email_index,
            phone_index=self.phone_index,
            language=language,
            created_at=clock.instant(self.created_at),
            version=int(self.version),
            claims=tuple(self.claims),
        )


class EmailRow(db.Row):
    """pk = "EMAIL#" and the address' blind index, sk = "EMAIL": whose orders under that address are.

    A guest's, or an active customer's: who has not proven an address gets none of the orders made with it.
    """

    class Meta:
        table_name = TABLE

    customer_id = UnicodeAttribute()

    @classmethod
    def lookup(cls, indexes: Sequence[str]) -> "db.Lookup[EmailRow | None]":
        """Reads whose an address is, by any of the indexes under which it may stand."""
        keys = tuple((cls, f"EMAIL#{each}", "EMAIL") for each in indexes)
        return db.Lookup(keys, lambda rows: next(filter(None, rows), None))

    @classmethod
    def take(cls, tx: db.Transaction, index: str, customer_id: str) -> None:
        """Give a free address to a customer. Refused with BuyerChanged."""
        tx.put(cls(pk=f"EMAIL#{index}", sk="EMAIL", customer_id=customer_id), refusal=BuyerChanged())

    @classmethod
    def pass_on(cls, tx: db.Transaction, index: str, before: str, after: str) -> None:
        """Give an address of ``before`` to ``after``. Refused with WriteRefused if it is no longer theirs."""
        tx.update(cls(f"EMAIL#{index}", "EMAIL"), [cls.customer_id.set(after)], condition=cls.customer_id == before)

    @classmethod
    def free(cls, tx: db.Transaction, index: str, customer_id: str) -> None:
        """Let the address be nobody's. Refused with WriteRefused if it is not the customer's."""
        tx.delete(cls(f"EMAIL#{index}", "EMAIL"), condition=cls.customer_id == customer_id)

    @property
    def index(self) -> str:
        """The blind index under which it stands."""
        return self.pk.removeprefix("EMAIL#")


class SealedRow(db.Row):
    """What else stands sealed under a customer's id: addresses, and what waits for an address to be proven."""

    class Meta:
        table_name = TABLE

    @classmethod
    def forget(cls, tx: db.Transaction, customer_id: str) -> None:
        """Take it all away. The ledger of consents stays: it proves what was allowed, and tells nobody's name."""
        for row in db.rows(cls, customer_id):
            if row.sk.startswith(("ADDRESSES", "REGISTRATION", "NEWEMAIL")):
                tx.delete(cls(customer_id, row.sk), condition=cls.pk.exists())


def place(customer_id: str) -> str:
    """Where a profile's sealed text stands."""
    return f"{TABLE}|{customer_id}|PROFILE|personal"


def _refused(row: ProfileRow | None) -> LarisError:
    return WriteRefused() if row else CustomerNotFound()
