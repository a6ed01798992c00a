"""How categories are stored: all in one partition, with a row whose version every change of the tree moves.

That row makes changes of the tree follow one another, so that two moves, each fine alone, cannot make a ring.
"""

from dataclasses import dataclass
from typing import Final

import msgspec
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.catalog.rules.categories import Category, Tree
from chalicelib.core import db
from chalicelib.core.config import settings
from chalicelib.core.texts import LocalText

ALL: Final = "CATEGORIES"
TREE: Final = "TREE"


@dataclass(frozen=True, slots=True)
class _About:
    slug: str
    name: LocalText
    parent_id: str | None
    position: int


_about: Final = msgspec.json.Decoder(_About)


class CategoryRow(db.Row):
    """pk = "CATEGORIES", sk = category id, or "TREE" for the version of them all, which has no ``about``."""

    class Meta:
        table_name = settings.table("catalog")

    about = UnicodeAttribute(null=True)
    version = NumberAttribute()

    @classmethod
    def tree(cls) -> Tree:
        """All categories."""
        rows = {row.sk: row for row in db.rows(cls, ALL)}
        version = int(rows.pop(TREE).version) if rows else 0
        return Tree(version, {id_: row.category() for id_, row in rows.items()})

    @classmethod
    def lookup_version(cls) -> "db.Lookup[int]":
        """Reads the tree's version."""
        return db.Lookup(((cls, ALL, TREE),), lambda rows: int(rows[0].version) if rows[0] else 0)

    @classmethod
    def page(cls, *, limit: int, cursor: str | None) -> "db.Page[Category]":
        """Categories by id, and so by age."""
        found = db.page(cls, ALL, cls.sk.startswith("cat_"), limit=limit, cursor=cursor)
        return db.Page([row.category() for row in found.items], found.next_cursor)

    @classmethod
    def write(cls, tx: db.Transaction, tree: Tree, category: Category) -> None:
        """Put ``category`` into the stored tree, if that is still ``tree``. Refused with WriteRefused."""
        version = CategoryRow(ALL, TREE, version=tree.version + 1)
        tx.put(version, condition=cls.version == tree.version if tree.version else cls.pk.does_not_exist())
        about = _About(category.slug, category.name, category.parent_id, category.position)
        row = cls(ALL, category.id, about=msgspec.json.encode(about).decode(), version=category.version)
        is_new = category.version == 1
        tx.put(row, condition=cls.pk.does_not_exist() if is_new else cls.version == category.version - 1)

    def category(self) -> Category:
        """The row as a value."""
        about = _about.decode(self.about or "")
        return Category(self.sk, about.slug, about.name, about.parent_id, about.position, int(self.version))
