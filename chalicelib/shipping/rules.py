"""Zones, chargeable weight and flat rates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from chalicelib.core.money import Money

HOME_COUNTRY: Final = "ID"
GRAMS_SPARED: Final = 300
"""JNE, J&T and SiCepat charge the next kilogram only from 300 g above the last."""


@dataclass(frozen=True, slots=True)
class Service:
    """A courier's service: rupiah per kilogram and days on the way, by zone from near to far."""

    id: str
    courier: str
    name: str
    per_kilogram: tuple[int, int, int]
    days: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Option:
    """What a service costs for one basket and address."""

    id: str
    courier: str
    service: str
    price: Money
    days: str


SERVICES: Final[Sequence[Service]] = (
    Service("jne-reg", "JNE", "REG", (10_000, 18_000, 42_000), ("1-2", "2-4", "4-7")),
    Service("jne-yes", "JNE", "YES", (19_000, 33_000, 78_000), ("1", "1", "2")),
    Service("jnt-ez", "J&T", "EZ", (9_500, 17_000, 40_000), ("1-2", "2-4", "4-8")),
    Service("sicepat-halu", "SiCepat", "HALU", (8_000, 14_500, 36_000), ("2-3", "3-6", "6-10")),
)

JAVA: Final = frozenset(
    {
        "banten",
        "dki jakarta",
        "jakarta",
        "jawa barat",
        "jawa tengah",
        "di yogyakarta",
        "daerah istimewa yogyakarta",
        "yogyakarta",
        "jawa timur",
    }
)
NEAR: Final = frozenset({"dki jakarta", "jakarta", "banten", "jawa barat"})


def zone(province: str) -> int:
    """0 around Jakarta, 1 the rest of Java, 2 the other islands."""
    name = " ".join(province.casefold().split())
    if name in NEAR:
        return 0
    return 1 if name in JAVA else 2


def chargeable_kilograms(grams: int) -> int:
    """Whole kilograms as couriers count them, at least one."""
    return max(1, -(-(grams - GRAMS_SPARED) // 1000))


def options(province: str, grams: int, currency: str) -> list[Option]:
    """Every service for a basket of ``grams`` to ``province``, cheapest first."""
    where, kilograms = zone(province), chargeable_kilograms(grams)
    offers = [
        Option(
            id=service.id,
            courier=service.courier,
            service=service.name,
            price=Money(service.per_kilogram[where] * kilograms, currency),
            days=service.days[where],
        )
        for service in SERVICES
    ]
    return sorted(offers, key=lambda option: (option.price.amount, option.id))
