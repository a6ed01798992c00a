"""Custom roles, all under one key, so that one query lists them."""

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, db
from chalicelib.core.config import settings
from chalicelib.identity.errors import RoleNotFound
from chalicelib.identity.roles import Role

ALL = "ROLES"


class RoleRow(db.Row):
    """pk = "ROLES", sk = the role's name. No ``refund_limit`` is no limit."""

    class Meta:
        table_name = settings.table("identity")

    scopes: JSONAttribute = JSONAttribute()
    refund_limit = NumberAttribute(null=True)
    changed_at = UnicodeAttribute()

    @classmethod
    def lookup(cls, name: str) -> "db.Lookup[Role | None]":
        """Reads one."""
        return db.Lookup(((cls, ALL, name),), lambda rows: rows[0].role() if rows[0] else None)

    @classmethod
    def all(cls) -> list[Role]:
        """Every custom role, by name."""
        return [row.role() for row in db.rows(cls, ALL)]

    @classmethod
    def put(cls, tx: db.Transaction, role: Role, before: Role | None) -> None:
        """Write it, if it still is as ``before``; else refused with WriteRefused."""
        row = cls(pk=ALL, sk=role.name, scopes=sorted(role.scopes), changed_at=clock.stamp(clock.now()))
        row.refund_limit = role.refund_limit
        as_read = cls.pk.does_not_exist() if before is None else cls.scopes == sorted(before.scopes)
        tx.put(row, condition=as_read)

    @classmethod
    def drop(cls, tx: db.Transaction, name: str) -> None:
        """Take it away; refused with RoleNotFound."""
        tx.delete(cls(ALL, name), condition=cls.pk.exists(), refusal=RoleNotFound())

    def role(self) -> Role:
        """The row as a value."""
        scopes: list[str] = self.scopes
        limit = self.attribute_values.get("refund_limit")
        return Role(self.sk, frozenset(scopes), None if limit is None else int(limit))
