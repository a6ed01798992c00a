"""The buyer is told that the order is taken and paid for: once each, however often it is said, and never in vain."""

import pytest

from chalicelib.core import db, vault
from chalicelib.orders import letters as order_letters
from tests.kit import letters
from tests.kit.shop import CONTACT

TO = CONTACT["email"]


@pytest.fixture
def placed(shop):
    shop.sells("KEMEJA-M", 3)
    return shop.places(("KEMEJA-M", 1))


def subjects():
    return [mail.subject for mail in letters.sent(TO)]


def test_an_order_that_is_placed_and_paid_is_told_of_twice(shop, placed):
    number = placed["order"]["number"]

    shop.drain()
    shop.pays(placed["payment"]["reference"])
    shop.drain()

    assert subjects() == [f"Pesanan {number} kami terima", f"Pembayaran pesanan {number} diterima"]


def test_the_letter_leads_to_the_order_with_the_key_to_it(shop, placed):
    shop.drain()

    (mail,) = letters.sent(TO)

    assert mail.links == [f"http://localhost:3000/orders/{placed['order']['id']}#{placed['access_token']}"]


def test_what_is_said_twice_is_told_once(shop, placed):
    shop.drain()

    order_letters.tell_placed(placed["order"]["id"])
    shop.drain()

    assert len(subjects()) == 1


def test_an_order_that_was_called_off_before_is_not_told_of(shop, placed):
    shop.staff("POST", f"/admin/orders/{placed['order']['id']}/cancel", {"reason": "batal"})

    shop.drain()

    assert subjects() == []


def test_nobody_is_told_once_they_were_erased(shop, placed):
    order = shop.order(placed["order"]["id"])
    with db.transaction() as tx:
        vault.destroy(tx, order["customer_id"])

    shop.drain()

    assert subjects() == []
