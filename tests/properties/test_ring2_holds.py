"""DynamoDB Local accepts what holds send, from the first to the sweep: one of their own tests for each way."""
# ruff: noqa: F401

from tests.feature.test_holds import (
    goods,
    test_a_hold_goes_from_available_to_reserved_to_allocated_and_back,
    test_a_hold_is_swept_a_day_after_it_ended_and_not_before,
    test_a_hold_of_more_than_there_is_names_the_sku_and_changes_nothing,
    test_a_hold_that_the_books_contradict_is_left_for_somebody_to_look_at,
    test_a_hold_where_there_never_was_stock_is_out_of_stock,
    test_a_released_hold_can_be_taken_anew_with_other_lines,
    test_an_owner_holds_once,
    test_forty_lines_leave_room_for_the_order,
    test_levels_and_holds_and_locations_are_read_together,
    test_stock_can_be_promised_without_a_hold_before,
    test_the_index_of_due_holds_has_only_what_is_held,
    test_the_shop_shows_what_is_available_at_active_locations,
)
from tests.properties.ring2.cloud import aws, dynamodb_local, pumps
