"""Flat rates by zone and kilogram."""

import pytest

from chalicelib.core.money import Money
from chalicelib.shipping import service as shipping
from chalicelib.shipping.errors import NotDeliverable, UnknownShippingOption
from chalicelib.shipping.rules import chargeable_kilograms, options, zone


@pytest.mark.parametrize(
    ("grams", "kilograms"), [(0, 1), (1, 1), (1_000, 1), (1_300, 1), (1_301, 2), (2_300, 2), (2_301, 3)]
)
def test_the_next_kilogram_counts_from_300_grams(grams, kilograms):
    assert chargeable_kilograms(grams) == kilograms


@pytest.mark.parametrize(
    ("province", "expected"), [("DKI  Jakarta", 0), ("jawa barat", 0), ("Jawa Timur", 1), ("Papua", 2), ("", 2)]
)
def test_the_zone_follows_from_the_province_however_it_is_written(province, expected):
    assert zone(province) == expected


def test_options_come_cheapest_first():
    offers = options("Jawa Timur", 2_000, "IDR")

    assert [(offer.id, offer.price) for offer in offers] == [
        ("sicepat-halu", Money(29_000)),
        ("jnt-ez", Money(34_000)),
        ("jne-reg", Money(36_000)),
        ("jne-yes", Money(66_000)),
    ]


def test_an_option_is_priced_anew_by_its_id():
    assert shipping.option("jne-reg", "ID", "Papua", 900).price == Money(42_000)


def test_an_option_nobody_offers_is_refused_and_names_those_there_are():
    with pytest.raises(UnknownShippingOption) as refused:
        shipping.option("drone", "ID", "Papua", 900)

    assert refused.value.facts["options"] == ["sicepat-halu", "jnt-ez", "jne-reg", "jne-yes"]


def test_another_country_is_out_of_reach():
    with pytest.raises(NotDeliverable):
        shipping.quotes("SG", "Singapore", 900)
