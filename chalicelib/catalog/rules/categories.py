"""The category tree: what may stand where."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from chalicelib.catalog.errors import (
    CategoryCycle,
    CategoryNotFound,
    CategoryTooDeep,
    SlugTaken,
    StaleVersion,
    TooManyCategories,
)
from chalicelib.core.errors import Invalid
from chalicelib.core.texts import LocalText

MOST_CATEGORIES: Final = 500
DEEPEST: Final = 5
LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of the shop; those of one parent stand in the order of ``position``."""

    id: str
    slug: str
    name: LocalText
    parent_id: str | None
    position: int
    version: int


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category as a product's page shows it."""

    id: str
    slug: str
    name: LocalText


@dataclass(frozen=True, slots=True)
class Tree:
    """All categories by id; ``version`` grows with every change of any."""

    version: int = 0
    categories: Mapping[str, Category] = field(default_factory=dict)

    def find(self, given: str) -> Category:
        """The category with this id or slug. Raises CategoryNotFound."""
        for category in self.categories.values():
            if given in (category.id, category.slug):
                return category
        raise CategoryNotFound(category=given)

    def current(self, category_id: str, version: int) -> Category:
        """The category, if it is still at ``version``. Raises CategoryNotFound, StaleVersion."""
        category = self.categories.get(category_id)
        if category is None:
            raise CategoryNotFound(category=category_id)
        if category.version != version:
            raise StaleVersion(version=category.version)
        return category

    def line(self, category_id: str) -> list[str]:
        """The category and those above it, from below. Raises CategoryCycle."""
        line: list[str] = []
        at: str | None = category_id
        while at is not None and at in self.categories:
            if at in line:
                raise CategoryCycle(category=category_id)
            line.append(at)
            at = self.categories[at].parent_id
        return line

    def shelves(self, category_ids: Iterable[str]) -> tuple[Shelf, ...]:
        """The named categories. Raises Invalid for one that does not exist."""
        found = []
        for position, category_id in enumerate(category_ids):
            category = self.categories.get(category_id)
            if category is None:
                raise Invalid.field(f"/category_ids/{position}", "there is no such category")
            found.append(Shelf(category.id, category.slug, category.name))
        return tuple(found)

    def with_(self, category: Category) -> "Tree":
        """The tree with ``category`` put in or changed, if that may be.

        Raises SlugTaken, CategoryCycle, CategoryTooDeep, TooManyCategories, Invalid for a parent that does not exist.
        """
        others = [each for each in self.categories.values() if each.id != category.id]
        if any(each.slug == category.slug for each in others):
            raise SlugTaken(slug=category.slug)
        if len(others) >= MOST_CATEGORIES:
            raise TooManyCategories(most=MOST_CATEGORIES)
        if max(len(category.name.id), len(category.name.en or "")) > LONGEST_NAME:
            raise Invalid.field("/name", f"at most {LONGEST_NAME} characters")
        if category.parent_id is not None and category.parent_id not in {each.id for each in [*others, category]}:
            raise Invalid.field("/parent_id", "there is no such category")
        tree = replace(self, version=self.version + 1, categories={**self.categories, category.id: category})
        below = [line for line in map(tree.line, tree.categories) if category.id in line]
        if max(len(line) for line in below) > DEEPEST:
            raise CategoryTooDeep(most=DEEPEST)
        return tree
