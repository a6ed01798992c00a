"""Money splits and taxes, whatever the numbers."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.money import Money, total
from chalicelib.taxes.rules import RATES, add_exclusive, rate_on, split_inclusive

amounts = st.integers(-(10**12), 10**12).map(Money)
weights = st.lists(st.integers(0, 10**9), min_size=1, max_size=40)


@given(amounts, weights)
def test_a_split_loses_and_makes_nothing(amount, weights):
    assert total(amount.split(weights)) == amount


@given(amounts, weights)
def test_no_share_is_a_whole_unit_from_its_due(amount, weights):
    whole = sum(weights)
    for share, weight in zip(amount.split(weights), weights, strict=True):
        if whole:
            assert abs(share.amount * whole - amount.amount * weight) < whole


@given(st.integers(0, 10**12).map(Money), st.sampled_from(RATES))
def test_net_and_tax_of_an_inclusive_price_are_the_price(gross, rate):
    taxed = split_inclusive(gross, rate)

    assert taxed.gross == gross
    assert taxed.tax.amount >= 0


@given(st.integers(0, 10**12).map(Money), st.sampled_from(RATES))
def test_putting_tax_on_and_taking_it_out_again_gives_the_net(net, rate):
    taxed = add_exclusive(net, rate)

    assert split_inclusive(taxed.gross, rate).net == net


@given(st.dates(date(1985, 4, 1), date(2100, 1, 1)), st.sampled_from(["standard", "luxury", "exempt"]))
def test_every_day_has_exactly_one_rate_of_each_class(day, tax_class):
    in_force = [
        rate
        for rate in RATES
        if rate.tax_class == tax_class and rate.since <= day and (rate.until is None or day < rate.until)
    ]

    assert in_force == [rate_on(day, tax_class)]
