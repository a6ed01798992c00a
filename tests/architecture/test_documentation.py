"""Each department's docstring names the events it says and listens to, and no others."""

import ast
import inspect
import re
from importlib import import_module

import pytest

from tests.architecture import workers
from tests.architecture.source import sources

SAID_BY_CORE = {"audit.recorded"}
"""The audit trail's pen is in the doors that all departments have."""


def departments() -> list[str]:
    return sorted({source.department for source in sources("chalicelib") if source.department})


def docstring(department: str) -> str:
    return " ".join((inspect.getdoc(import_module(f"chalicelib.{department}")) or "").split())


def named(text: str) -> set[str]:
    """The event types in ``text``, where ``.confirmed`` follows ``order.placed`` and ``payment.*`` names them all."""
    found, subject = set(), ""
    for word in re.split(r"[\s,;:()`]+", text):
        event = re.fullmatch(r"([a-z_]*)\.([a-z_]+|\*)", word.rstrip("."))
        if event:
            subject = event[1] or subject
            found.add(f"{subject}.{event[2]}")
    return found


def matches(type_: str, names: set[str]) -> bool:
    return type_ in names or f"{type_.partition('.')[0]}.*" in names


def said_by(department: str) -> set[str]:
    """The events that the department's code makes."""
    by_class = {event.__name__: type_ for type_, event in workers.event_types().items()}
    return {
        by_class[name]
        for source in sources("chalicelib")
        if source.department == department and not source.name.endswith(".workers")
        for name in event_names(source.tree)
        if name in by_class
    }


def event_names(tree: ast.Module) -> set[str]:
    """The names from ``chalicelib.events`` that a module uses beyond importing them."""
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chalicelib.events.")
        for alias in node.names
    }
    return imported & {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def heard_by(department: str) -> set[str]:
    """The events that the department's workers take."""
    return {
        type_
        for source in workers.consumers()
        if source.handler_string.split(".")[1] == department
        for type_ in workers.types_read_by(source)
    }


@pytest.mark.parametrize("department", departments())
def test_a_department_names_the_events_it_says_and_listens_to(department):
    names = named(docstring(department))
    facts = said_by(department) | heard_by(department)

    assert {fact for fact in facts if not matches(fact, names)} == set()


@pytest.mark.parametrize("department", departments())
def test_a_department_names_no_events_that_it_has_nothing_to_do_with(department):
    facts = said_by(department) | heard_by(department)
    subjects = {type_.partition(".")[0] for type_ in workers.event_types()}
    names = {name for name in named(docstring(department)) if name.partition(".")[0] in subjects}

    assert {name for name in names if name not in facts and not _covers(name, facts)} == set()


def _covers(name: str, facts: set[str]) -> bool:
    return name.endswith(".*") and any(fact.startswith(name[:-1]) for fact in facts)


def test_every_event_is_said_by_somebody():
    said = set().union(*(said_by(department) for department in departments()))

    assert set(workers.event_types()) == said | SAID_BY_CORE
