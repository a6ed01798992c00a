"""The door of the tax table."""

from datetime import date

from chalicelib.core.config import settings
from chalicelib.taxes import rules
from chalicelib.taxes.rules import NO_TAX, Taxed, TaxRate, add_exclusive, split_inclusive

__all__ = ["TaxRate", "Taxed", "add_exclusive", "rate_on", "split_inclusive"]


def rate_on(day: date, tax_class: str) -> TaxRate:
    """The rate at the tax point ``day``; none for a seller who is not registered for PPN. Raises UnknownTaxClass."""
    if not settings.tax_registered:
        return NO_TAX
    return rules.rate_on(day, tax_class)
