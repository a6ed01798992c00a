"""Money: an integer amount of the smallest unit in circulation, and its currency. No float comes near it.

For rupiah the unit is the whole rupiah (ISO 4217 says two decimals; nobody has them). A partner's other scale is the
business of that partner's adapter.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

import msgspec

from chalicelib.core.config import settings

LARGEST: Final = 10**15

Amount = Annotated[int, msgspec.Meta(ge=-LARGEST, le=LARGEST)]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]


class CurrencyMismatch(ValueError):
    """Two currencies met in one sum: a fault of ours, never a caller's."""


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount of money; ``amount`` in the smallest unit in circulation (whole rupiah for IDR)."""

    amount: Amount
    currency: Currency = settings.currency

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other), self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.amount * times, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.amount < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.amount <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.amount > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.amount >= self._same(other)

    def __bool__(self) -> bool:
        return self.amount != 0

    def fraction(self, numerator: int, denominator: int) -> "Money":
        """This times numerator/denominator, rounded half away from zero to a whole unit."""
        return Money(round_half_up(self.amount * numerator, denominator), self.currency)

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Shares in proportion to ``weights`` (none negative) that sum to exactly this: largest remainder.

        Ties go to the earlier share; if every weight is zero the shares are equal.
        """
        return [Money(share, self.currency) for share in _largest_remainder(self.amount, weights)]

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other.amount


def zero(currency: str = settings.currency) -> Money:
    """No money."""
    return Money(0, currency)


def total(amounts: Iterable[Money], currency: str = settings.currency) -> Money:
    """The sum; no money of ``currency`` when there is nothing to add."""
    return sum(amounts, start=zero(currency))


def round_half_up(numerator: int, denominator: int) -> int:
    """numerator/denominator as a whole number, halves away from zero (commercial rounding)."""
    sign = -1 if numerator < 0 else 1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


def _largest_remainder(amount: int, weights: Sequence[int]) -> list[int]:
    if not weights:
        raise ValueError("nothing to split over")
    if min(weights) < 0:
        raise ValueError("a weight is negative")
    parts = list(weights) if any(weights) else [1] * len(weights)
    whole, sign = sum(parts), -1 if amount < 0 else 1
    shares = [abs(amount) * part // whole for part in parts]
    by_remainder = sorted(range(len(parts)), key=lambda i: (-(abs(amount) * parts[i] % whole), i))
    for i in by_remainder[: abs(amount) - sum(shares)]:
        shares[i] += 1
    return [sign * share for share in shares]
