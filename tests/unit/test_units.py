"""What DynamoDB bills: the examples are AWS's own, from the pages named in ``tests.kit.units``."""

import pytest

from tests.kit import units

ORDERS = "laris-test-orders"


def item(**attributes: str) -> dict[str, dict[str, str]]:
    return {name: {"S": text} for name, text in attributes.items()}


ORDER = item(pk="ord_1", sk="ORDER", list_shard="all#1", state_shard="pending#1", due_shard="1", expires_at="2026")


@pytest.mark.parametrize(
    ("value", "bytes_"),
    [
        ({"S": "Rp"}, 2),
        ({"S": "é"}, 2),
        ({"N": "0"}, 1),
        ({"N": "123400"}, 3),
        ({"N": "-12345"}, 5),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"B": "aGVsbG8="}, 5),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"S": "c"}]}, 8),
        ({"M": {"ab": {"S": "c"}}}, 7),
        ({"SS": ["ab", "c"]}, 3),
    ],
)
def test_an_attribute_weighs_its_name_and_its_value(value, bytes_):
    assert units.size({"name": value}) == 4 + bytes_


def test_a_get_is_rounded_up_to_4_kb_per_item_and_halved_if_it_may_be_stale():
    sizes = [1536, 6656]

    assert units.read_units(sizes, consistent=True, one_by_one=True) == 3
    assert units.read_units(sizes, consistent=False, one_by_one=True) == 1.5


def test_a_query_is_rounded_up_over_all_that_it_read():
    assert units.read_units([1536, 6656], consistent=True, one_by_one=False) == 2
    assert units.read_units([], consistent=True, one_by_one=False) == 1


def test_a_write_counts_the_larger_of_before_and_after_and_twice_in_a_transaction():
    small, large = item(pk="a"), item(pk="a", text="x" * 1024)

    assert units.write_units(small, large, in_transaction=False) == 2
    assert units.write_units(large, small, in_transaction=False) == 2
    assert units.write_units(None, small, in_transaction=True) == 2
    assert units.write_units(None, None, in_transaction=True) == 2


def test_a_new_item_is_written_to_every_index_that_it_has_the_keys_of():
    without_due = {name: value for name, value in ORDER.items() if name != "due_shard"}

    assert units.index_units(ORDERS, None, ORDER) == 3
    assert units.index_units(ORDERS, None, without_due) == 2


def test_a_changed_index_key_costs_two_writes_a_removed_one_costs_one_and_no_change_costs_none():
    confirmed = {**ORDER, "state_shard": {"S": "confirmed#1"}}
    no_longer_due = {name: value for name, value in ORDER.items() if name != "due_shard"}
    other = {**ORDER, "note": {"S": "an attribute that no index holds"}}

    assert units.index_units(ORDERS, ORDER, confirmed) == 2
    assert units.index_units(ORDERS, ORDER, no_longer_due) == 1
    assert units.index_units(ORDERS, ORDER, other) == 0


def test_storage_counts_100_bytes_more_for_the_item_and_each_of_its_index_entries():
    lone = item(pk="NUMBER#1", sk="NUMBER")

    assert units.stored(ORDERS, lone) == units.size(lone) + 100
    assert units.stored(ORDERS, None) == 0
