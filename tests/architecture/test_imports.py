"""Who imports whom: the contracts of pyproject.toml, and what they cannot say."""

import ast

import grimp
import pytest
from importlinter.cli import lint_imports

from tests.architecture.source import ROOT, SHARED, dotted, sources

DOORS = {"store", "admin", "hooks"}
PURE = {"rules", "states"}
ENTRANCES = {"service", "errors"}
PARTNERS = {"gateways", "couriers", "channels"}

# Modules beyond the agreed names: the part of a service or of the rules that grew too long and was split by subject.
PART_OF: dict[str, dict[str, str]] = {
    "identity": {
        "access": "subject",
        "auditdesk": "admin",
        "auditviews": "schemas",
        "chain": "rules",
        "credentials": "subject",
        "desk": "admin",
        "deskviews": "schemas",
        "guesses": "subject",
        "keys": "subject",
        "links": "subject",
        "logins": "subject",
        "passkeys": "subject",
        "passwords": "subject",
        "people": "subject",
        "proofs": "subject",
        "rolebook": "subject",
        "roles": "rules",
        "sessions": "subject",
        "totp": "subject",
        "trail": "subject",
    },
    "catalog": {"categories": "subject", "listings": "subject"},
    "customers": {
        "addresses": "subject",
        "consents": "subject",
        "desk": "subject",
        "people": "subject",
        "records": "schemas",
        "registration": "subject",
    },
    "console": {
        "letters": "admin",
        "status": "admin",
        "statusviews": "schemas",
        "switches": "admin",
        "switchviews": "schemas",
        "watch": "subject",
    },
    "notices": {"feedback": "subject", "letters": "subject", "sending": "subject"},
    "payments": {
        "attempts": "subject",
        "inbound": "subject",
        "judgement": "rules",
        "ledger": "subject",
        "redaction": "subject",
        "transfers": "subject",
    },
    "privacy": {
        "breaches": "subject",
        "erasure": "subject",
        "exports": "subject",
        "inventory": "rules",
        "letters": "rules",
        "retention": "subject",
    },
    "orders": {
        "desk": "admin",
        "letters": "subject",
        "moves": "subject",
        "refunds": "subject",
        "refundviews": "schemas",
    },
}
VALUES = {"rules", "states", "errors"}
USE_CASES = {"service", "subject"}

# What a file of a department may import of its own department, by the names of both.
OWN = {
    **{door: {*USE_CASES, *VALUES, "models", "schemas"} for door in DOORS},
    "workers": {*USE_CASES, "errors", "schemas"},
    "service": {*VALUES, *PARTNERS, "subject", "models", "schemas"},
    "subject": {*VALUES, *PARTNERS, "subject", "models"},
    "models": {*VALUES, *PARTNERS, "models"},
    "schemas": {*VALUES, *PARTNERS, *USE_CASES},
    "rules": {*VALUES, *PARTNERS},
    "states": {"errors", *PARTNERS},
    "errors": set(),
    "__init__": set(),
    **{partner: {partner, "errors"} for partner in PARTNERS},
}
PURE_CORE = {"clock", "config", "errors", "ids", "money", "texts"}
"""The parts of core that decisions may use: none of them does I/O."""


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("chalicelib", include_external_packages=True, cache_dir=None)


def kind_of(module: str) -> str:
    """What a department's module is, by its name: ``payments.gateways.midtrans`` is gateways."""
    parts = module.split(".")
    if len(parts) < 3:
        return "__init__"
    return PART_OF.get(parts[1], {}).get(parts[2], parts[2])


def department_of(module: str) -> str | None:
    parts = module.split(".")
    return None if len(parts) < 2 or parts[0] != "chalicelib" or parts[1] in SHARED else parts[1]


def imports_between(graph):
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            yield importer, imported


def test_the_contracts_hold(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)

    broken = lint_imports(no_cache=True)

    assert broken == 0, capsys.readouterr().out


def test_every_module_of_a_department_has_one_of_the_agreed_names(graph):
    strangers = [module for module in graph.modules if department_of(module) and kind_of(module) not in OWN]

    assert strangers == []


def test_departments_meet_only_at_service_and_errors(graph):
    trespassing = [
        (importer, imported)
        for importer, imported in imports_between(graph)
        if department_of(importer)
        and department_of(imported)
        and department_of(importer) != department_of(imported)
        and imported.split(".")[2:] not in [[entrance] for entrance in ENTRANCES]
    ]

    assert trespassing == []


def test_within_a_department_imports_go_one_way(graph):
    wrong = [
        (importer, imported)
        for importer, imported in imports_between(graph)
        if department_of(importer)
        and department_of(importer) == department_of(imported)
        and kind_of(imported) not in OWN[kind_of(importer)]
    ]

    assert wrong == []


def test_only_service_and_doors_know_other_departments_use_cases(graph):
    """Rules and schemas may take another department's value types from its service (decision 6), errors nothing."""
    wrong = [
        (importer, imported)
        for importer, imported in imports_between(graph)
        if kind_of(importer) in {"errors", "__init__", "models", "workers", *PARTNERS}
        and department_of(importer)
        and department_of(imported) not in {None, department_of(importer)}
    ]

    assert wrong == []


def test_decisions_take_only_values_and_decisions_from_other_departments():
    """What another department's service defines as a type, or offers from its own rules: never its use cases."""
    wrong = [
        (source.at(node), alias.name)
        for source in sources("chalicelib")
        if source.department and kind_of(source.name) in PURE
        for node in source.nodes()
        if isinstance(node, ast.ImportFrom) and department_of(node.module or "") not in {None, source.department}
        for alias in node.names
        if alias.name not in values_of(node.module or "")
    ]

    assert wrong == []


def values_of(module: str) -> set[str]:
    """The types that a service defines, and the names it offers from its department's values."""
    tree = next(each.tree for each in sources("chalicelib") if each.name == module)
    defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    offered = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and department_of(node.module or "") == department_of(module)
        for alias in node.names
        if kind_of(node.module or "") in {*VALUES, *PARTNERS}
    }
    return defined | offered


def test_decisions_use_only_the_parts_of_core_that_do_no_io(graph):
    wrong = [
        (importer, imported)
        for importer, imported in imports_between(graph)
        if department_of(importer)
        and kind_of(importer) in PURE
        and imported.startswith("chalicelib.core")
        and imported.split(".")[2:3] not in [[part] for part in PURE_CORE]
    ]

    assert wrong == []


def test_only_models_and_the_storage_part_of_core_know_pynamodb(graph):
    storage = {
        f"chalicelib.core.{part}"
        for part in ("db", "escrow", "flags", "idempotency", "limits", "outbox", "runs", "vault")
    }

    users = graph.find_modules_that_directly_import("pynamodb")

    assert {user for user in users if user not in storage and kind_of(user) != "models"} == set()


def test_doors_know_chalice_only_through_core_api(graph):
    users = graph.find_modules_that_directly_import("chalice")

    assert users <= {"chalicelib.core.api", "chalicelib.core.worker"} | {
        module for module in graph.modules if module.endswith(".workers")
    }


def test_doors_never_write():
    """All writes need a transaction, and no door opens one or hands one on."""
    wrong = [
        source.at(node)
        for source in sources("chalicelib")
        if source.department and kind_of(source.name) in DOORS
        for node in source.nodes()
        if isinstance(node, ast.Attribute | ast.Name)
        and dotted(node).rpartition(".")[2] in {"transaction", "Transaction", "outbox", "save", "transact_write_items"}
    ]

    assert wrong == []


def test_what_is_packaged_and_the_tools_import_no_tests():
    wrong = [
        (source.at(node), name)
        for folder in ("chalicelib", "infra")
        for source in sources(folder)
        for name, node in source.imports()
        if name.split(".")[0] == "tests" or (folder == "chalicelib" and name.split(".")[0] == "infra")
    ]

    assert wrong == []
