"""Transactions and reads over DynamoDB, and what becomes of its faults."""

import pytest
from pynamodb.attributes import NumberAttribute

from chalicelib.core import db
from chalicelib.core.config import settings
from chalicelib.core.errors import Conflict, Invalid, TooMany, Unanswered, WriteRefused
from tests.kit import faults


class Jar(db.Row):
    """A jar of sweets."""

    class Meta:
        table_name = settings.table("carts")

    sweets = NumberAttribute()


class NoSweets(Conflict):
    """The jar holds too few."""

    code = "no_sweets"


@pytest.fixture
def jar(aws):
    put("jar", 10)
    return sweets_in


def sweets_in(name="jar"):
    row = db.get(Jar, name, "JAR")
    return int(row.sweets) if row else None


def put(name, sweets):
    with db.transaction() as tx:
        tx.put(Jar(name, "JAR", sweets=sweets))


def take(name, sweets, refusal=None):
    with db.transaction() as tx:
        add_take(tx, name, sweets, refusal)


def add_take(tx, name, sweets, refusal=None):
    tx.update(Jar(name, "JAR"), [Jar.sweets.set(Jar.sweets - sweets)], condition=Jar.sweets >= sweets, refusal=refusal)


def test_a_refused_write_is_the_error_it_was_given(jar):
    with pytest.raises(NoSweets):
        take("jar", 11, NoSweets())

    assert jar() == 10


def test_a_refusal_can_look_at_what_stood_in_the_way(jar):
    with pytest.raises(NoSweets) as refused:
        take("jar", 11, lambda row: NoSweets(left=int(row.sweets)))

    assert refused.value.facts == {"left": 10}


def test_a_refusal_learns_that_there_was_nothing(aws):
    with pytest.raises(NoSweets) as refused:
        take("nowhere", 1, lambda row: NoSweets(row=row))

    assert refused.value.facts == {"row": None}


def test_the_first_refused_write_gives_the_error_and_none_is_done(jar):
    put("other", 1)

    with pytest.raises(WriteRefused), db.transaction() as tx:
        add_take(tx, "jar", 1)
        add_take(tx, "other", 2)
        add_take(tx, "nowhere", 1, NoSweets())

    assert (jar(), jar("other")) == (10, 1)


def test_an_error_in_the_block_sends_nothing(jar):
    with pytest.raises(ZeroDivisionError), db.transaction() as tx:
        add_take(tx, "jar", 1)
        raise ZeroDivisionError

    assert jar() == 10


def test_an_empty_transaction_is_not_sent(aws):
    with faults.on_dynamodb("TransactWriteItems", []) as sent, db.transaction():
        pass

    assert sent == []


def test_two_writes_to_one_item_are_a_fault_of_ours(jar):
    with pytest.raises(ValueError, match="two writes to one item"), db.transaction() as tx:
        add_take(tx, "jar", 1)
        add_take(tx, "jar", 1)


def test_more_than_a_hundred_writes_are_a_fault_of_ours(aws):
    with pytest.raises(ValueError, match="more than 100"), db.transaction() as tx:
        for number in range(101):
            tx.put(Jar(str(number), "JAR", sweets=1))


def test_a_put_must_be_new(jar):
    with pytest.raises(WriteRefused):
        put("jar", 5)

    assert jar() == 10


def test_delete_and_check_keep_their_conditions(jar):
    with pytest.raises(NoSweets), db.transaction() as tx:
        tx.delete(Jar("jar", "JAR"), condition=Jar.sweets == 0, refusal=NoSweets())
    put("other", 1)
    with pytest.raises(NoSweets), db.transaction() as tx:
        tx.check(Jar("jar", "JAR"), condition=Jar.sweets == 0, refusal=NoSweets())
        add_take(tx, "other", 1)

    assert (jar(), jar("other")) == (10, 1)


@pytest.mark.parametrize("code", ["TransactionConflict", "ThrottlingError"])
def test_contention_alone_is_tried_again(jar, code):
    busy = faults.refusal("TransactionCanceledException", [code])

    with faults.on_dynamodb("TransactWriteItems", [busy, busy]) as sent:
        take("jar", 1)

    assert jar() == 9
    assert sent.count("TransactWriteItems") == 3


def test_contention_beside_a_refusal_is_the_refusal(jar):
    mixed = faults.refusal("TransactionCanceledException", ["TransactionConflict", "ConditionalCheckFailed"])

    with (
        faults.on_dynamodb("TransactWriteItems", [mixed]) as sent,
        pytest.raises(NoSweets),
        db.transaction() as tx,
    ):
        add_take(tx, "jar", 1)
        add_take(tx, "other", 1, NoSweets())

    assert sent == ["TransactWriteItems"]


def test_contention_without_end_is_too_many_and_bounded(jar):
    busy = faults.refusal("TransactionCanceledException", ["TransactionConflict"])

    with faults.on_dynamodb("TransactWriteItems", [busy] * 50) as sent, pytest.raises(TooMany):
        take("jar", 1)

    assert len(sent) == db.ATTEMPTS
    assert jar() == 10


def test_a_lost_answer_does_not_take_twice(jar):
    with faults.on_dynamodb("TransactWriteItems", [faults.response_lost]) as sent:
        take("jar", 1)

    assert sent == ["TransactWriteItems"] * 2
    assert jar() == 9


def test_answers_lost_for_good_say_that_the_effect_is_unknown(jar):
    with faults.on_dynamodb("TransactWriteItems", [faults.response_lost] * 3), pytest.raises(Unanswered):
        take("jar", 1)

    assert jar() == 9


def test_throttled_reads_are_too_many(jar):
    busy = faults.refusal("ProvisionedThroughputExceededException")

    with faults.on_dynamodb("BatchGetItem", [busy] * 10), pytest.raises(TooMany):
        db.get(Jar, "jar", "JAR")
    with faults.on_dynamodb("Query", [busy] * 10), pytest.raises(TooMany):
        db.rows(Jar, "jar")


def test_lost_reads_are_unanswered(jar):
    with faults.on_dynamodb("BatchGetItem", [faults.request_lost] * 3), pytest.raises(Unanswered):
        db.get(Jar, "jar", "JAR")
    with faults.on_dynamodb("Query", [faults.request_lost] * 3), pytest.raises(Unanswered):
        db.rows(Jar, "jar")


def test_reads_of_one_table_and_another_travel_together(jar):
    put("other", 3)
    first = db.Lookup(((Jar, "jar", "JAR"), (Jar, "nowhere", "JAR")), lambda rows: [row and row.pk for row in rows])
    second = db.Lookup(((Jar, "other", "JAR"), (Jar, "jar", "JAR")), lambda rows: sum(row.sweets for row in rows))

    with faults.on_dynamodb("BatchGetItem", []) as sent:
        found = db.look(first, second)

    assert found == (["jar", None], 13)
    assert sent == ["BatchGetItem"]


def test_more_than_a_hundred_keys_are_read_in_several_trips(aws):
    for number in range(120):
        put(f"jar{number}", number)
    keys = tuple((Jar, f"jar{number}", "JAR") for number in range(120))

    with faults.on_dynamodb("BatchGetItem", []) as sent:
        (total,) = db.look(db.Lookup(keys, lambda rows: sum(row.sweets for row in rows)))

    assert total == sum(range(120))
    assert len(sent) == 2


def fill(count):
    for number in range(count):
        with db.transaction() as tx:
            tx.put(Jar("shelf", f"{number:03}", sweets=number))


@pytest.mark.parametrize("newest_first", [False, True])
def test_pages_give_each_row_once_in_order(aws, newest_first):
    fill(7)
    seen, cursor = [], None

    while True:
        page = db.page(Jar, "shelf", limit=3, cursor=cursor, newest_first=newest_first)
        seen += [int(row.sweets) for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == sorted(range(7), reverse=newest_first)


def test_a_cursor_is_good_for_its_own_list_alone(aws):
    fill(5)
    cursor = str(db.page(Jar, "shelf", limit=2, cursor=None).next_cursor)

    for wrong in (cursor[:-2] + "xx", "x", "", "ü", cursor + "AAAA"):
        if wrong:
            with pytest.raises(Invalid) as refused:
                db.page(Jar, "shelf", limit=2, cursor=wrong)
            assert refused.value.facts["errors"][0]["pointer"] == "/cursor"
    with pytest.raises(Invalid):
        db.page(Jar, "another shelf", limit=2, cursor=cursor)
    with pytest.raises(Invalid):
        db.page(Jar, "shelf", limit=2, cursor=cursor, newest_first=True)
