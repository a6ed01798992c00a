"""What the cold start of each function pays for, beside that of a bare function of Chalice and PynamoDB.

Counted, not timed, so it is the same on every machine: the modules that stand loaded, and the source that has to be
compiled, since a Chalice zip carries no bytecode for it. `make bench` prints the milliseconds.
"""

from typing import NamedTuple

import pytest

from infra.deploying.functions import Function, functions
from tests.architecture.fresh import heavy_among, load_of, loaded_by

BARE = "import chalice.app, pynamodb.models"


class Budget(NamedTuple):
    """How many times as much as bare a function may load."""

    modules: float
    compiled: float


BUDGETS = {
    "api": Budget(1.85, 1.65),
    "catalog-on-product": Budget(1.32, 1.29),
    "console-watch": Budget(1.65, 1.52),
    "events-relay": Budget(1.27, 1.27),
    "identity-keep-heads": Budget(1.29, 1.28),
    "identity-on-audit": Budget(1.29, 1.28),
    "inventory-on-stock": Budget(1.36, 1.32),
    "inventory-sweep-holds": Budget(1.36, 1.32),
    "notices-on-feedback": Budget(1.35, 1.31),
    "notices-send-letters": Budget(1.35, 1.31),
    "orders-expire-unpaid": Budget(1.65, 1.52),
    "orders-on-order": Budget(1.65, 1.52),
    "orders-on-payment": Budget(1.65, 1.52),
    "payments-on-order-ended": Budget(1.35, 1.33),
    "payments-on-webhook": Budget(1.35, 1.33),
    "payments-retry-parked": Budget(1.35, 1.33),
    "privacy-apply-retention": Budget(1.69, 1.55),
    "privacy-carry-out": Budget(1.69, 1.55),
    "privacy-on-request": Budget(1.69, 1.55),
}
"""Raise one only with the reason in the commit: a thousandth of compiled source is about a millisecond of waiting."""

LAZY = {"chalicelib.core.openapi", "chalicelib.payments.gateways.midtrans", "chalicelib.payments.gateways.transfer"}


def entering(function: Function) -> str:
    """The import by which Lambda enters a function."""
    return f"import {function.handler.rpartition('.')[0]}"


def test_every_function_has_a_budget_and_no_other_has():
    assert {function.name for function in functions()} == BUDGETS.keys()


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.name)
def test_a_function_stays_within_its_budget(function):
    bare, own, budget = load_of(BARE), load_of(entering(function)), BUDGETS[function.name]

    modules, compiled = own.modules / bare.modules, own.compiled / bare.compiled

    is_within = modules <= budget.modules and compiled <= budget.compiled
    assert is_within, (
        f"{function.name} loads {own.modules} modules ({modules:.3f} x bare, {budget.modules} allowed) and compiles"
        f" {own.compiled:,} bytes ({compiled:.3f} x bare, {budget.compiled} allowed). See what is new with"
        f" `python -X importtime -c '{entering(function)}'` and import it where it is used."
    )


@pytest.mark.parametrize("function", functions(), ids=lambda function: function.name)
def test_no_budget_is_looser_than_a_tenth(function):
    bare, own, budget = load_of(BARE), load_of(entering(function)), BUDGETS[function.name]

    assert budget.modules <= 1.1 * own.modules / bare.modules
    assert budget.compiled <= 1.1 * own.compiled / bare.compiled


def test_the_api_loads_nothing_heavy():
    assert heavy_among(loaded_by("import app")) == set()


def test_the_api_loads_no_partner_and_makes_no_description():
    assert loaded_by("import app") & LAZY == set()


def test_of_chalice_only_the_part_that_runs_is_loaded():
    """Its packager copies chalice/__init__.py and chalice/app.py alone."""
    chalice = {module for module in loaded_by("import app") if module.split(".")[0] == "chalice"}

    assert chalice <= {"chalice", "chalice.app"}


def test_nothing_is_fetched_or_made_at_import():
    """No botocore client exists after the import: none was made."""
    modules = loaded_by(
        "import app; from chalicelib.core import aws, db; assert not aws._clients; "
        "assert db.client.cache_info().currsize == 0"
    )

    assert "chalicelib.core.db" in modules
