"""A customer's copy of all that is kept of them: complete, theirs alone, gone after seven days."""

import json
from typing import Any

import pytest

from chalicelib.core import aws as ours
from chalicelib.core.config import settings
from chalicelib.privacy import exports, inventory
from tests.kit import letters, privacy
from tests.kit.accounts import Visitor

PROFILE = ("name", "email", "phone", "language")


@pytest.fixture
def siti(shop) -> Visitor:
    shop.sells("KEMEJA-M", 10)
    return privacy.regular(shop)


def files() -> dict[str, bytes]:
    bucket = settings.bucket("exports")
    found = ours.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    return {each["Key"]: ours.client("s3").get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in found}


def found_at(document: Any, pointer: str) -> list[Any]:
    """What stands at a JSON pointer, where * stands for each."""
    places = [document]
    for step in pointer.strip("/").split("/"):
        places = [each for place in places for each in (place if step == "*" else [place.get(step)])]
    return [place for place in places if place not in (None, [], {})]


def test_all_that_is_personal_by_the_inventory_stands_in_the_export(siti):
    document = privacy.exported(siti)

    assert document["format"] == exports.FORMAT
    assert {each["where"] for each in document["manifest"]} == {each.where for each in inventory.of_customers()}
    assert [each["where"] for each in document["manifest"] if not found_at(document, each["where"])] == []


def test_the_export_says_what_the_customer_told_us(siti):
    document = privacy.exported(siti)

    assert (document["profile"]["name"], document["profile"]["email"]) == (siti.name, siti.email)
    assert document["addresses"][0]["line1"] == privacy.HOME["line1"]
    assert [(each["purpose"], each["is_given"]) for each in document["consents"]] == [("marketing_email", True)]
    (order,) = document["orders"]
    assert (order["contact"]["email"], order["address"]["city"]) == (siti.email, "Bandung")
    assert [line["sku"] for line in order["lines"]] == ["KEMEJA-M"]
    assert order["payment_status"] == "paid"
    assert [payment["gateway"] for payment in order["payments"]] == ["fake"]
    assert document["carts"][0]["lines"] == [{"sku": "KEMEJA-M", "quantity": 1}]
    assert "customer_verify" in {notice["template"] for notice in document["notices"]}
    assert document["log_in"]["email"] == siti.email
    assert document["log_in"]["sessions"]


def test_orders_made_as_a_guest_are_in_it_once_the_address_is_proven(shop):
    shop.sells("KEMEJA-M", 10)
    contact = {"name": "Siti R.", "email": "siti@example.com", "phone": "081299990000"}
    placed = shop.places(("KEMEJA-M", 1), contact=contact)
    siti = Visitor(shop).joins()

    document = privacy.exported(siti)

    assert [order["id"] for order in document["orders"]] == [placed["order"]["id"]]
    assert [guest["name"] for guest in document["guest_profiles"]] == ["Siti R."]


def test_what_is_exported_can_be_put_in_again(shop, siti):
    first = privacy.exported(siti)
    again = Visitor(shop, email="siti.baru@example.com", name=first["profile"]["name"]).joins(
        phone=first["profile"]["phone"], language=first["profile"]["language"]
    )
    for address in first["addresses"]:
        body = {name: value for name, value in address.items() if name not in ("id", "is_default")}
        assert again.does("POST", "/store/me/addresses", body).status == 201
    choices = [
        {"purpose": each["purpose"], "given": each["is_given"], "text_version": each["text_version"]}
        for each in first["consents"]
    ]
    assert again.does("PUT", "/store/me/consents", {"consents": choices}).status == 200

    second = privacy.exported(again)

    assert [second["profile"][name] for name in PROFILE if name != "email"] == [
        first["profile"][name] for name in PROFILE if name != "email"
    ]
    assert [{**each, "id": ""} for each in second["addresses"]] == [{**each, "id": ""} for each in first["addresses"]]
    assert [(each["purpose"], each["is_given"], each["text_version"]) for each in second["consents"]] == [
        (each["purpose"], each["is_given"], each["text_version"]) for each in first["consents"]
    ]


def test_the_file_tells_nothing_where_it_lies(siti):
    privacy.exported(siti)

    ((_, content),) = files().items()
    assert b"siti" not in content.lower()
    assert b"Braga" not in content


def test_a_letter_says_that_it_is_ready_once_however_often_it_is_gathered(shop, siti):
    export_id = siti.does("POST", "/store/me/exports").body["id"]
    shop.drain()

    exports.gather(privacy.id_of(siti), export_id)
    shop.drain()

    assert [mail.links for mail in letters.sent(siti.email)].count(
        [f"{settings.store_url}/account/exports/{export_id}"]
    ) == 1


def test_nobody_else_gets_it(shop, siti):
    budi = Visitor(shop, email="budi@example.com", name="Budi Santoso").joins()
    export_id = siti.does("POST", "/store/me/exports").body["id"]
    shop.drain()

    others = budi.does("GET", f"/store/me/exports/{export_id}")

    assert (others.status, others.code) == (404, "export_not_found")
    assert siti.name not in others.text
    assert siti.asks("GET", f"/store/me/exports/{export_id}").status == 401


def test_until_it_is_ready_the_answer_says_so(siti):
    export_id = siti.does("POST", "/store/me/exports").body["id"]

    early = siti.does("GET", f"/store/me/exports/{export_id}")

    assert (early.status, early.code) == (409, "export_not_ready")


def test_after_seven_days_it_is_gone(clock, shop, siti):
    export_id = siti.does("POST", "/store/me/exports").body["id"]
    shop.drain()

    clock.pass_(days=7, seconds=1)
    siti.logs_in()

    assert siti.does("GET", f"/store/me/exports/{export_id}").code == "export_not_found"


def test_it_takes_a_log_in_of_a_short_while_ago(clock, siti):
    clock.pass_(minutes=11)

    late = siti.does("POST", "/store/me/exports")

    assert (late.status, late.code) == (403, "login_too_old")
    assert files() == {}


def test_staff_may_ask_for_it_but_not_read_it(clock, shop, siti):
    officer, customer_id = privacy.officer(), privacy.id_of(siti)

    asked = officer.asks("POST", f"/admin/customers/{customer_id}/exports")
    shop.drain()

    shown = officer.asks("GET", f"/admin/customers/{customer_id}/exports/{asked.body['id']}")
    assert (asked.status, shown.body["state"]) == (201, "ready")
    assert siti.email not in json.dumps(shown.body)
    assert siti.does("GET", f"/store/me/exports/{asked.body['id']}").status == 200
    clock.pass_(minutes=11)
    assert officer.asks("POST", f"/admin/customers/{customer_id}/exports").code == "step_up_needed"
