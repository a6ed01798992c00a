"""PPN as the law has it on a day."""

from datetime import date

import pytest

from chalicelib.core.money import Money
from chalicelib.taxes.errors import UnknownTaxClass
from chalicelib.taxes.rules import add_exclusive, rate_on, split_inclusive


@pytest.mark.parametrize(
    ("day", "tax_class", "tax_on_a_million"),
    [
        (date(2022, 3, 31), "standard", 100_000),
        (date(2022, 4, 1), "standard", 110_000),
        (date(2024, 12, 31), "standard", 110_000),
        (date(2025, 1, 1), "standard", 110_000),
        (date(2025, 1, 1), "luxury", 120_000),
        (date(2026, 11, 24), "exempt", 0),
    ],
)
def test_ppn_on_a_million_rupiah(day, tax_class, tax_on_a_million):
    taxed = add_exclusive(Money(1_000_000), rate_on(day, tax_class))

    assert taxed.tax == Money(tax_on_a_million)


def test_the_base_of_the_worked_example_is_eleven_twelfths():
    rate = rate_on(date(2026, 1, 1), "standard")

    base = Money(1_000_000).fraction(rate.base_numerator, rate.base_denominator)

    assert base == Money(916_667)
    assert rate.percent == 12


def test_tax_is_taken_out_of_an_inclusive_price():
    taxed = split_inclusive(Money(150_000), rate_on(date(2026, 1, 1), "standard"))

    assert (taxed.net, taxed.tax) == (Money(135_135), Money(14_865))


@pytest.mark.parametrize("tax_class", ["", "food"])
def test_an_unknown_class_has_no_rate(tax_class):
    with pytest.raises(UnknownTaxClass):
        rate_on(date(2026, 1, 1), tax_class)


def test_before_there_was_ppn_there_is_no_rate():
    with pytest.raises(UnknownTaxClass):
        rate_on(date(1985, 3, 31), "standard")
