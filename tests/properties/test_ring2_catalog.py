"""DynamoDB Local accepts what the catalogue sends to write, list and search: one of its own tests for each way."""
# ruff: noqa: F401

from tests.feature.test_catalog import (
    test_a_product_is_given_back_as_it_was_posted,
    test_a_slug_and_a_sku_are_given_once,
    test_a_slug_that_was_given_back_can_be_taken,
    test_a_variant_that_is_taken_out_goes_off_the_market_and_its_sku_may_be_used_again,
    test_news_of_stock_is_shown_and_older_news_is_ignored,
    test_ninety_variants_are_a_product_and_ninety_one_are_not,
    test_of_two_edits_at_once_exactly_one_wins,
    test_rows_beside_products_stay_out_of_the_products_indexes,
    test_staff_list_each_product_once_newest_first_within_its_state,
)
from tests.feature.test_listings import (
    clothes,
    test_a_card_says_what_a_shopper_wants_to_know,
    test_a_category_is_given_back_and_changed_by_version,
    test_a_search_keeps_to_its_category,
    test_every_order_pages_through_each_product_once,
    test_lists_and_pages_follow_a_category_that_moves_or_is_renamed,
    test_lists_follow_edits_and_archival,
    test_more_rows_than_one_transaction_holds_are_written_and_removed,
    test_relisting_that_is_overtaken_leaves_no_row_behind,
    test_two_moves_at_once_that_would_make_a_ring_do_not,
    test_words_are_found_by_how_they_begin_in_names_brand_and_skus,
)
from tests.properties.ring2.cloud import aws, dynamodb_local, pumps
