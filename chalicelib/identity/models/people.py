"""Staff as people: who works here, and how many owners there are."""

from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, db
from chalicelib.core.errors import LarisError
from chalicelib.core.vault import DataKey, SealedAttribute
from chalicelib.identity.models.accounts import TABLE

LIST = "STAFF"


class StaffRow(db.Row):
    """pk = "STAFF", sk = account id: name and e-mail, sealed under the account's key; all staff are one list."""

    class Meta:
        table_name = TABLE

    person = SealedAttribute()
    invited_at = UnicodeAttribute()
    invited_by = UnicodeAttribute()

    @classmethod
    def lookup(cls, account: str) -> "db.Lookup[StaffRow | None]":
        """Reads one."""
        return db.Lookup(((cls, LIST, account),), lambda rows: rows[0])

    @classmethod
    def add(cls, tx: db.Transaction, key: DataKey, person: dict[str, str], invited_by: str) -> None:
        """Write somebody new."""
        row = cls(pk=LIST, sk=key.subject, invited_at=clock.stamp(clock.now()), invited_by=invited_by)
        row.person = key.seal(row.place, person)
        tx.put(row)

    @classmethod
    def rename(cls, tx: db.Transaction, key: DataKey, person: dict[str, str]) -> None:
        """Replace name and e-mail."""
        row = cls(LIST, key.subject)
        tx.update(row, [cls.person.set(key.seal(row.place, person))], condition=cls.pk.exists())

    @classmethod
    def page(cls, *, limit: int, cursor: str | None) -> "db.Page[StaffRow]":
        """All staff, in the order in which they were invited."""
        return db.page(cls, LIST, limit=limit, cursor=cursor)

    @classmethod
    def forget(cls, account: str) -> None:
        """Take somebody off the list. Repeating is harmless."""
        with db.transaction() as tx:
            tx.delete(cls(LIST, account), condition=cls.pk.exists() | cls.pk.does_not_exist())

    def opened(self, key: DataKey) -> dict[str, Any]:
        """Name and e-mail."""
        return dict(key.open(self.place, self.person, dict[str, str]))

    @property
    def place(self) -> str:
        """Where the sealed person stands."""
        return f"{TABLE}|{self.pk}|{self.sk}|person"


class OwnersRow(db.Row):
    """pk = sk = "OWNERS": how many active owners there are, so that the last one cannot go."""

    class Meta:
        table_name = TABLE

    owners = NumberAttribute()

    @classmethod
    def lookup(cls) -> "db.Lookup[int]":
        """Reads the number."""
        return db.Lookup(((cls, "OWNERS", "OWNERS"),), lambda rows: int(rows[0].owners) if rows[0] else 0)

    @classmethod
    def come(cls, tx: db.Transaction) -> None:
        """Count one more; the first one makes the row."""
        tx.update(
            cls("OWNERS", "OWNERS"),
            [cls.owners.add(1)],
            condition=cls.pk.does_not_exist() | (cls.owners >= 0),
        )

    @classmethod
    def go(cls, tx: db.Transaction, refusal: LarisError) -> None:
        """Count one fewer; refused if nobody would be left."""
        tx.update(cls("OWNERS", "OWNERS"), [cls.owners.add(-1)], condition=cls.owners >= 2, refusal=refusal)
