"""Prices and assumptions: data with sources and dates, and the arithmetic of a price."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
HOME: Final = "us-east-1"
"""The region whose prices the book lists; others are named where a source shows them."""


@dataclass(frozen=True, slots=True)
class Price:
    """What ``per`` units of something cost, and how many a month AWS always gives for nothing."""

    name: str
    service: str
    unit: str
    usd: float
    per: float
    free: float
    source: str
    is_elsewhere: bool = False
    """True where it is the asked region's own price, and not the home region's."""

    def of(self, quantity: float) -> float:
        """USD for ``quantity``."""
        return self.usd / self.per * quantity


@dataclass(frozen=True, slots=True)
class Book:
    """A price list of one region at one date."""

    region: str
    read_on: str
    why: str
    idr_per_usd: int
    exchange_source: str
    prices: Mapping[str, Price]

    def usd(self, name: str, quantity: float) -> float:
        """USD for ``quantity`` of what is called ``name``. Raises KeyError for what has no price."""
        return self.prices[name].of(quantity)

    def idr(self, usd: float) -> int:
        """The same in whole rupiah."""
        return round(usd * self.idr_per_usd)


def latest() -> Path:
    """The newest price list."""
    return max(HERE.glob("prices-*.json"))


@cache
def book(region: str = HOME) -> Book:
    """The newest price list for ``region``: its own prices where they are known, else those of the home region."""
    read = json.loads(latest().read_text())
    if read["region"] != HOME:
        raise ValueError(f"{latest().name} is not of {HOME}")
    return Book(
        region=region,
        read_on=read["read_on"],
        why=read["why"],
        idr_per_usd=read["exchange"]["idr_per_usd"],
        exchange_source=read["exchange"]["source"],
        prices={name: _price(name, about, region) for name, about in read["prices"].items()},
    )


def regions() -> list[str]:
    """The regions of which at least one price is known."""
    read = json.loads(latest().read_text())
    named = {region for about in read["prices"].values() for region in about.get("elsewhere", {})}
    return [HOME, *sorted(named)]


def _price(name: str, about: Mapping[str, Any], region: str) -> Price:
    own = about.get("elsewhere", {}).get(region)
    here = own or about
    return Price(
        name=name,
        service=about["service"],
        unit=about["unit"],
        usd=here["usd"],
        per=about["per"],
        free=about.get("free", 0),
        source=here["source"],
        is_elsewhere=own is not None,
    )


@cache
def assumptions() -> dict[str, Any]:
    """What nobody can measure before there is a shop, and how our functions run; by section."""
    read: dict[str, Any] = json.loads((HERE / "assumptions.json").read_text())
    return read


def traffic() -> dict[str, float]:
    """How often each thing happens for one paid order, by the name of its option."""
    return {name: about["value"] for name, about in assumptions()["traffic"].items()}


def platform(name: str) -> float:
    """What is assumed of AWS itself."""
    return float(assumptions()["platform"][name]["value"])
