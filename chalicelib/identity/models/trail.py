"""The audit trail: a day's records and their head under the day. Nothing here ever expires."""

from collections.abc import Sequence

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import db
from chalicelib.core.config import settings
from chalicelib.identity.chain import Head, Link

PREFIX = "ENTRY#"
OPEN_DAYS = "AUDIT#OPEN"


class LinkRow(db.Row):
    """pk = "AUDIT#" and the day, sk = "ENTRY#" and the entry's id; ``entry`` is the entry as canonical JSON."""

    class Meta:
        table_name = settings.table("identity")

    seq = NumberAttribute()
    prev_hash = UnicodeAttribute()
    hash = UnicodeAttribute()
    entry = UnicodeAttribute()

    @classmethod
    def lookup(cls, day: str, id_: str) -> "db.Lookup[Link | None]":
        """Reads one record."""
        return db.Lookup(((cls, f"AUDIT#{day}", f"{PREFIX}{id_}"),), lambda rows: rows[0].link() if rows[0] else None)

    @classmethod
    def add(cls, tx: db.Transaction, day: str, link: Link) -> None:
        """Write a record; refused with WriteRefused if the entry has one."""
        row = cls(
            pk=f"AUDIT#{day}",
            sk=f"{PREFIX}{link.id}",
            seq=link.seq,
            prev_hash=link.before,
            hash=link.hash,
            entry=link.entry,
        )
        tx.put(row)

    @classmethod
    def all_of(cls, day: str) -> list[Link]:
        """Every record of a day."""
        return [row.link() for row in db.rows(cls, f"AUDIT#{day}", cls.sk.startswith(PREFIX))]

    @classmethod
    def page(cls, day: str, *, limit: int, cursor: str | None) -> db.Page[Link]:
        """The records of a day, oldest first."""
        found = db.page(cls, f"AUDIT#{day}", cls.sk.startswith(PREFIX), limit=limit, cursor=cursor)
        return db.Page([row.link() for row in found.items], found.next_cursor)

    def link(self) -> Link:
        """The row as a value."""
        return Link(self.sk.removeprefix(PREFIX), int(self.seq), self.prev_hash, self.hash, self.entry)


class HeadRow(db.Row):
    """pk = "AUDIT#" and the day, sk = "HEAD": how far the chain goes, and how far its head was put away."""

    class Meta:
        table_name = settings.table("identity")

    seq = NumberAttribute()
    hash = UnicodeAttribute()
    kept_seq = NumberAttribute(default=0)

    @classmethod
    def lookup(cls, day: str) -> "db.Lookup[HeadRow | None]":
        """Reads the head of a day."""
        return db.Lookup(((cls, f"AUDIT#{day}", "HEAD"),), lambda rows: rows[0])

    @classmethod
    def move(cls, tx: db.Transaction, day: str, before: "HeadRow | None", link: Link) -> None:
        """Let the chain end with ``link``; refused with WriteRefused if it no longer ends as ``before`` says."""
        row = cls(f"AUDIT#{day}", "HEAD")
        if before is None:
            tx.put(cls(row.pk, row.sk, seq=link.seq, hash=link.hash))
            return
        actions = [cls.seq.set(link.seq), cls.hash.set(link.hash)]
        tx.update(row, actions, condition=(cls.seq == before.seq) & (cls.hash == before.hash))

    @classmethod
    def keep(cls, tx: db.Transaction, day: str, head: Head) -> None:
        """Note that just this head was put away; refused with WriteRefused if the chain went on."""
        row = cls(f"AUDIT#{day}", "HEAD")
        tx.update(row, [cls.kept_seq.set(head.seq)], condition=(cls.seq == head.seq) & (cls.hash == head.hash))

    @property
    def is_kept(self) -> bool:
        """True if the head was put away as it is."""
        return int(self.kept_seq) == int(self.seq)

    def head(self) -> Head:
        """The row as a value."""
        return Head(int(self.seq), self.hash)


class OpenDayRow(db.Row):
    """pk = "AUDIT#OPEN", sk = a day whose head is still to be put away, or to be put away again."""

    class Meta:
        table_name = settings.table("identity")

    @classmethod
    def note(cls, tx: db.Transaction, day: str) -> None:
        """Say that the day's head is to be put away."""
        tx.put(cls(OPEN_DAYS, day), condition=cls.pk.exists() | cls.pk.does_not_exist())

    @classmethod
    def forget(cls, tx: db.Transaction, day: str) -> None:
        """Say that it was."""
        tx.delete(cls(OPEN_DAYS, day), condition=cls.pk.exists() | cls.pk.does_not_exist())

    @classmethod
    def before(cls, day: str) -> Sequence[str]:
        """The open days before ``day``, the oldest first."""
        return [row.sk for row in db.rows(cls, OPEN_DAYS, cls.sk < day)]
