"""The source of Laris as the rules see it: modules with their text and syntax tree, and the doors of the app."""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SHARED = {"core", "events"}


@dataclass(frozen=True)
class Source:
    """One module."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def department(self) -> str | None:
        """The department it belongs to, None for what is shared."""
        parts = self.name.split(".")
        is_shared = parts[0] != "chalicelib" or len(parts) < 2 or parts[1] in SHARED
        return None if is_shared else parts[1]

    def at(self, node: ast.AST) -> str:
        """Where ``node`` stands, for a message."""
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"

    def nodes(self) -> Iterator[ast.AST]:
        """Every node of the tree."""
        return ast.walk(self.tree)

    def imports(self) -> Iterator[tuple[str, ast.AST]]:
        """Every imported module or name, dotted, with where it is imported."""
        for node in self.nodes():
            if isinstance(node, ast.Import):
                yield from ((alias.name, node) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((f"{node.module}.{alias.name}", node) for alias in node.names)


@cache
def sources(folder: str) -> tuple[Source, ...]:
    """The modules under ``folder`` of the project; ``app.py`` belongs to chalicelib."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    if folder == "chalicelib":
        paths.append(ROOT / "app.py")
    return tuple(_source(path) for path in paths)


def _source(path: Path) -> Source:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    text = path.read_text(encoding="utf-8")
    return Source(name, path, text, ast.parse(text))


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for such an expression, else the empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else f".{node.attr}"
    return ""


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines a function takes, without its decorators."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


@cache
def routes() -> dict[tuple[str, str], Any]:
    """The app's routes: the view that each method and path leads to. Preflights are none of ours to describe."""
    from app import app

    return {
        (method, path): entry.view_function
        for path, methods in app.routes.items()
        for method, entry in methods.items()
        if method != "OPTIONS"
    }


@cache
def doors() -> dict[tuple[str, str], Any]:
    """The doors behind the app's routes, by method and path; tests may have mounted others elsewhere."""
    from chalicelib.core.api import MOUNTED

    views = {view.__wrapped__ for view in routes().values() if hasattr(view, "__wrapped__")}
    return {
        (door.method, api.full_path(door)): door
        for api in MOUNTED
        for door in api.doors
        if door.view in views and sys.modules.get(door.view.__module__) is not None
    }
