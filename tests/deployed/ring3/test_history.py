"""The check of histories finds what it is to find; no emulator is needed for that."""

import pytest

from tests.deployed.ring3.history import ONCE, Story, violations

SITI = Story("siti@example.com", "ord_1", (b"told",), has_paid=True)
BUDI = Story("budi@example.com", "ord_2", (b"told", b"told"))
HURRIED = Story("hurried@example.com", None)


def order(id_="ord_1", email="siti@example.com", state="confirmed", payment="paid", timeline=ONCE):
    entries = [{"type": type_} for type_ in timeline]
    return {"id": id_, "contact": {"email": email}, "state": state, "payment_status": payment, "timeline": entries}


def unpaid(id_="ord_2", email="budi@example.com"):
    return order(id_, email, "pending", "unpaid", ONCE[:3])


def line(id_="ord_1", settled="2026-11-24"):
    return {"reference": f"{id_}-1", "settled_at": settled}


def found(orders, book, stories=(SITI, BUDI, HURRIED)):
    return violations(stories, {each["id"]: each for each in orders}, book)


def test_a_history_without_fault_has_no_violation():
    lost = unpaid("ord_3", "hurried@example.com")

    assert found([order(), unpaid(), lost], [line(), line("ord_2", None), line("ord_3", None)]) == []


@pytest.mark.parametrize(
    ("orders", "book", "fault"),
    [
        ([unpaid()], [line()], "ord_1 was acknowledged and is not there"),
        ([order(email="eve@example.com"), unpaid()], [line()], "ord_1 is somebody else's"),
        ([order(), unpaid(), unpaid("ord_3")], [line()], "budi@example.com ordered once and has 2 orders"),
        ([order(), unpaid(), unpaid("ord_3", "eve@example.com")], [line()], "eve@example.com has an order and never"),
        ([order(), unpaid()], [line(), line()], "ord_1 was charged 2 times"),
        ([order(), unpaid()], [line(), line("ord_2")], "ord_2 was charged and nobody paid"),
        ([order(), unpaid()], [], "ord_1 was paid for and the bank does not know"),
        ([order(state="pending", payment="unpaid"), unpaid()], [line()], "ord_1 was paid for and is pending, unpaid"),
        ([order(timeline=ONCE[:-1]), unpaid()], [line()], "ord_1 was paid for and never had stock.allocated"),
        ([order(timeline=(*ONCE, "payment.captured")), unpaid()], [line()], "ord_1 had payment.captured 2 times"),
        ([order(), unpaid() | {"payment_status": "paid"}], [line()], "ord_2 is paid and nobody paid"),
        ([order(state="on_hold"), unpaid()], [line()], "ord_1 is on_hold"),
    ],
)
def test_each_fault_is_found(orders, book, fault):
    assert any(each.startswith(fault) for each in found(orders, book))


def test_another_answer_to_the_same_key_is_found():
    told_twice = Story("siti@example.com", "ord_1", (b"told", b"told otherwise"), has_paid=True)

    assert found([order(), unpaid()], [line()], (told_twice, BUDI)) == ["ord_1 was told of in 2 ways"]
