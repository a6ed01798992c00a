"""Rates by day, and the arithmetic of net and tax, in whole units of money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from chalicelib.core.money import Money
from chalicelib.taxes.errors import UnknownTaxClass


@dataclass(frozen=True, slots=True)
class TaxRate:
    """A rate in force from ``since`` until before ``until`` (None: still).

    ``percent`` is the statutory rate; ``base_numerator/base_denominator`` of the price is what it is applied to. PPN of
    12 % on 11/12 of the price is 11 % of the price.
    """

    name: str
    tax_class: str
    since: date
    until: date | None
    percent: int
    base_numerator: int = 1
    base_denominator: int = 1

    @property
    def numerator(self) -> int:
        """Tax over net price is ``numerator / denominator``."""
        return self.percent * self.base_numerator

    @property
    def denominator(self) -> int:
        """See ``numerator``."""
        return 100 * self.base_denominator


@dataclass(frozen=True, slots=True)
class Taxed:
    """A price in its two parts; ``net + tax`` is the gross price, to the unit."""

    net: Money
    tax: Money

    @property
    def gross(self) -> Money:
        """What the buyer pays."""
        return self.net + self.tax


NO_TAX: Final = TaxRate("none", "none", date(1970, 1, 1), None, 0)

RATES: Final[Sequence[TaxRate]] = (
    # UU 8/1983: ten percent, until UU 7/2021 (HPP) raised it on 2022-04-01.
    TaxRate("PPN", "standard", date(1985, 4, 1), date(2022, 4, 1), 10),
    TaxRate("PPN", "standard", date(2022, 4, 1), date(2025, 1, 1), 11),
    # PMK 131/2024: twelve percent, of 11/12 of the price for all but luxury goods.
    TaxRate("PPN", "standard", date(2025, 1, 1), None, 12, 11, 12),
    TaxRate("PPN", "luxury", date(1985, 4, 1), date(2022, 4, 1), 10),
    TaxRate("PPN", "luxury", date(2022, 4, 1), date(2025, 1, 1), 11),
    TaxRate("PPN", "luxury", date(2025, 1, 1), None, 12),
    # Basic necessities and the like, UU 42/2009 article 4A.
    TaxRate("none", "exempt", date(1985, 4, 1), None, 0),
)


def rate_on(day: date, tax_class: str, rates: Sequence[TaxRate] = RATES) -> TaxRate:
    """The rate of ``tax_class`` at the tax point ``day``. Raises UnknownTaxClass."""
    for rate in rates:
        if rate.tax_class == tax_class and rate.since <= day and (rate.until is None or day < rate.until):
            return rate
    raise UnknownTaxClass(tax_class=tax_class, day=day.isoformat())


def split_inclusive(gross: Money, rate: TaxRate) -> Taxed:
    """Take the tax out of a price that holds it: net is rounded half up, the tax is the rest."""
    net = gross.fraction(rate.denominator, rate.denominator + rate.numerator)
    return Taxed(net=net, tax=gross - net)


def add_exclusive(net: Money, rate: TaxRate) -> Taxed:
    """Put the tax on a price that does not hold it, rounded half up."""
    return Taxed(net=net, tax=net.fraction(rate.numerator, rate.denominator))
