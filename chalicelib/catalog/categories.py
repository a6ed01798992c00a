"""The category tree: making and moving categories."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from chalicelib.catalog.models.categories import CategoryRow
from chalicelib.catalog.rules.categories import Category, Tree
from chalicelib.catalog.rules.products import SLUG_PATTERN
from chalicelib.core import audit, db, ids, outbox
from chalicelib.core.errors import Invalid, WriteRefused
from chalicelib.core.log import logger
from chalicelib.core.texts import LocalText
from chalicelib.events.catalog import CategoryChanged

TRIES: Final = 6


def create(name: LocalText, slug: str, *, parent_id: str | None, position: int) -> Category:
    """A new category. Raises SlugTaken, CategoryTooDeep, TooManyCategories, Invalid."""
    category = Category(ids.new("cat"), slug, name, parent_id, position, version=1)
    return _write(lambda _: category)


def change(category_id: str, version: int, changes: Mapping[str, Any]) -> Category:
    """Change the named fields of a category that is still at ``version``; its products' listings follow.

    Raises CategoryNotFound, StaleVersion, SlugTaken, CategoryCycle, CategoryTooDeep, Invalid.
    """

    def edited(tree: Tree) -> Category:
        before = tree.current(category_id, version)
        after = replace(before, **changes)
        return before if after == before else replace(after, version=version + 1)

    return _write(edited)


def named(given: str) -> Category:
    """The category with this id or slug. Raises CategoryNotFound."""
    return CategoryRow.tree().find(given)


def _write(decide: Callable[[Tree], Category]) -> Category:
    """Put what ``decide`` makes of the tree into it; again if the tree changed meanwhile."""
    for _ in range(TRIES):
        tree = CategoryRow.tree()
        category = decide(tree)
        if tree.categories.get(category.id) == category:
            return category
        _check(tree, category)
        audit.change(f"category:{category.id}", before=tree.categories.get(category.id), after=category)
        try:
            with db.transaction() as tx:
                CategoryRow.write(tx, tree, category)
                outbox.publish(tx, CategoryChanged(category.id, category.version))
        except WriteRefused:
            continue
        logger.info("category written", category_id=category.id, version=category.version)
        return category
    raise WriteRefused()


def _check(tree: Tree, category: Category) -> None:
    if not re.fullmatch(SLUG_PATTERN, category.slug):
        raise Invalid.field("/slug", "a slug is words of a-z and 0-9 with hyphens between")
    tree.with_(category)
