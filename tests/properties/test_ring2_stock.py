"""Ring 2: goods come in, are counted, set aside, held and sold in threads; the counters are what the movements say."""

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from chalicelib.core import clock as time
from chalicelib.core import ids
from chalicelib.core.escrow import HoldMoved
from chalicelib.inventory import service as inventory
from tests.kit import stock
from tests.properties.ring2 import books
from tests.properties.ring2.cloud import aws, clock, dynamodb_local  # noqa: F401
from tests.properties.ring2.crowd import at_once, insisting

SKU = "KEMEJA-M"
AT_FIRST = 60
HANDS = 8
TIMES = 4


@pytest.fixture
def told(aws):  # noqa: F811
    """What the doors said; there is one SKU at one place."""
    stock.open_locations("jkt")
    stock.sell(SKU)
    stock.receive("jkt", KEMEJA_M=AT_FIRST)
    return Counter()


def test_counters_moved_by_many_at_once_are_the_sum_of_the_movements(told):
    hands = [receives, loses, sets_aside, sells, changes_mind]

    at_once([partial(hand, told) for hand in hands for _ in range(HANDS)])

    books.check_stock(SKU)
    made = HANDS * TIMES
    assert stock.level() == (AT_FIRST + 5 * made - made, AT_FIRST + 5 * made - 3 * made, 0, made, made)
    assert set(told) <= {(201, None), (409, "stale_stock"), (409, "write_refused")}
    assert told[201, None] == 3 * made
    print(f"\n{5 * made} moves at once: {dict(told)}")


def test_a_count_told_by_many_at_once_is_taken_once(told):
    counted = {"sku": SKU, "location": "jkt", "reason": "counted", "quantity": AT_FIRST + 10}
    ask = partial(stock.ask, "POST", "/adjustments", {**counted, "expected_on_hand": AT_FIRST})

    endings = [got[-1] for got in at_once([partial(insisting, partial(ask, ids.chance(20))) for _ in range(12)])]

    assert Counter(answer.code for answer in endings) == {None: 1, "stale_stock": 11}
    assert stock.level() == (AT_FIRST + 10, AT_FIRST + 10, 0, 0, 0)
    books.check_stock(SKU)


def test_a_hold_ended_by_many_at_once_ends_once(told):
    owners = [held() for _ in range(6)]
    holds = [stock.held(owner) for owner in owners]
    ends = [inventory.consume, inventory.release] * 3

    ended = at_once([partial(ends_it, end, hold) for hold in holds for end in ends])

    assert ended.count(True) == len(owners)
    assert {stock.held(owner).version for owner in owners} == {2}
    books.check_stock(SKU)


def ends_it(end, hold):
    try:
        stock.write(end, hold)
    except HoldMoved:
        return False
    return True


def receives(told):
    for _ in range(TIMES):
        lines = [{"sku": SKU, "quantity": 5}]
        body = {"location": "jkt", "document": "SJ-2", "lines": lines}
        answers = insisting(partial(stock.ask, "POST", "/receipts", body, ids.chance(20)))
        told.update((answer.status, answer.code) for answer in answers)


def loses(told):
    adjusts(told, reason="lost", delta=-1)


def sets_aside(told):
    adjusts(told, reason="damaged", delta=1)


def adjusts(told, **what):
    """Read, correct by what was read, and read again if it was no longer so."""
    for _ in range(TIMES):
        done = False
        while not done:
            (place,) = stock.ask("GET", f"/{SKU}").body["locations"]
            body = {"sku": SKU, "location": "jkt", "expected_version": place["version"], **what}
            answers = insisting(partial(stock.ask, "POST", "/adjustments", body, ids.chance(20)))
            told.update((answer.status, answer.code) for answer in answers)
            done = answers[-1].status == 201


def sells(told):
    for _ in range(TIMES):
        owner = held()
        stock.write(inventory.consume, stock.held(owner))


def changes_mind(told):
    for _ in range(TIMES):
        owner = held()
        stock.write(inventory.release, stock.held(owner))


def held():
    owner = ids.new("ord")
    stock.write(inventory.hold, owner, [stock.line(1)], expires_at=time.now() + timedelta(hours=2))
    return owner


def test_movements_come_page_by_page_newest_first(told):
    for _ in range(4):
        held()

    pages = list(movements())

    assert [len(page) for page in pages] == [2, 2, 1]
    seen = [movement["kind"] for page in pages for movement in page]
    assert seen == ["held"] * 4 + ["received"]


def movements():
    cursor = ""
    while True:
        page = stock.ask("GET", f"/{SKU}/movements?limit=2&cursor={cursor}").body
        yield page["items"]
        cursor = page["next_cursor"]
        if not cursor:
            return
