"""What every cold start of the API pays for. Counted in modules: the same on every machine, unlike time."""

from tests.architecture.fresh import heavy_among, loaded_by

BUDGET = 640
"""Modules after importing the API, the standard library's included. Raise it only with the reason in the commit."""

LAZY = {"chalicelib.core.openapi", "chalicelib.payments.gateways.midtrans", "chalicelib.payments.gateways.transfer"}


def test_the_api_loads_nothing_heavy():
    assert heavy_among(loaded_by("import app")) == set()


def test_the_api_loads_no_partner_and_makes_no_description():
    assert loaded_by("import app") & LAZY == set()


def test_the_api_stays_within_its_budget():
    assert len(loaded_by("import app")) <= BUDGET


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
