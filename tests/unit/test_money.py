"""Money: integers, one currency at a time, and splits that lose nothing."""

import msgspec
import pytest

from chalicelib.core.money import CurrencyMismatch, Money, round_half_up, total, zero


def test_a_split_gives_the_odd_rupiah_to_the_largest_remainders():
    shares = Money(100).split([1, 1, 1])

    assert [share.amount for share in shares] == [34, 33, 33]


def test_a_split_follows_the_weights():
    assert [share.amount for share in Money(1000).split([5, 3, 2])] == [500, 300, 200]


def test_a_split_over_no_weight_at_all_is_equal():
    assert [share.amount for share in Money(5).split([0, 0])] == [3, 2]


def test_a_negative_amount_splits_like_a_positive_one():
    assert [share.amount for share in Money(-100).split([1, 1, 1])] == [-34, -33, -33]


@pytest.mark.parametrize("weights", [[], [1, -1]])
def test_weights_that_make_no_sense_are_refused(weights):
    with pytest.raises(ValueError, match=r"nothing to split|negative"):
        Money(10).split(weights)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(5, 10, 1), (4, 10, 0), (15, 10, 2), (-5, 10, -1), (-4, 10, 0), (0, 3, 0), (916_666_67, 100, 916_667)],
)
def test_halves_round_away_from_zero(numerator, denominator, rounded):
    assert round_half_up(numerator, denominator) == rounded


def test_two_currencies_never_meet_in_a_sum():
    with pytest.raises(CurrencyMismatch):
        Money(1, "IDR") + Money(1, "USD")
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "IDR") < Money(1, "USD")


def test_money_compares_and_adds_within_a_currency():
    assert Money(1) < Money(2) <= Money(2)
    assert Money(3) > Money(2) >= Money(2)
    assert Money(3) - Money(1) == Money(1) * 2 == -Money(-2)
    assert total([Money(1), Money(2)]) == Money(3)
    assert not zero()
    assert Money(1)


@pytest.mark.parametrize(
    "wire",
    [
        b'{"amount":1.5}',
        b'{"amount":1.0}',
        b'{"amount":"1"}',
        b'{"amount":true}',
        b'{"amount":1000000000000001}',
        b'{"amount":1,"currency":"rupiah"}',
        b'{"amount":1,"cents":0}',
        b"{}",
    ],
)
def test_what_is_not_money_is_refused_at_the_edge(wire):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(wire, type=Money)


def test_money_keeps_its_shape_on_the_wire():
    assert msgspec.json.encode(Money(150_000)) == b'{"amount":150000,"currency":"IDR"}'
