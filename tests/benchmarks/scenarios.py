"""The use cases whose cost is recorded: the paid order, and what else is often done.

Each is a scenario of steps and of the workers' runs that follow from them. Keys of personal data are forgotten before
each run, as if each met a fresh copy of its function: what KMS is asked is the most there can be.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from tests.benchmarks import trip
from tests.benchmarks.recording import Recorder, Run
from tests.kit import accounts, api, cloud, journey, logins
from tests.kit.journey import Bank, Buyer, sku
from tests.kit.shop import Shop

Runs = dict[str, list[Run]]

BEGAN = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
TOO_LATE = timedelta(minutes=61)
ORDERS_LISTED = 10
"""How many orders stand on the list that staff look at."""


class Standing:
    """A clock that moves by a millisecond at each look, and as far as it is told."""

    def __init__(self) -> None:
        self.at = BEGAN

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def recorded() -> dict[str, Runs]:
    """The runs of each scenario, by step. Over the emulated cloud of this process, which must be empty."""
    from chalicelib.core import clock, vault

    recorder, standing = Recorder(before=vault.forget), Standing()
    with (
        clock.use(standing.now, standing.sleep),
        journey.midtrans(recorder.partner_asked) as bank,
        recorder.weighing_answers(),
    ):
        trip.open_shop(recorder)
        recorder.taken()
        return {
            **_schedules_with_nothing_to_do(recorder),
            **_buying(recorder, bank, standing),
            **_customers(recorder),
            **_staff(recorder),
        }


def _schedules_with_nothing_to_do(recorder: Recorder) -> dict[str, Runs]:
    names = sorted(recorder.pumps.schedules)
    for name in names:
        recorder.pumps.run_schedule(name)  # fetches secrets and the addresses of queues
    recorder.drain()
    recorder.taken()
    scenarios: dict[str, Runs] = {}
    for name in names:
        recorder.pumps.run_schedule(name)
        recorder.drain()
        scenarios[f"schedule {name}, nothing to do"] = recorder.taken()
    return scenarios


def _buying(recorder: Recorder, bank: Bank, standing: Standing) -> dict[str, Runs]:
    trip.whole_order(bank, recorder.pumps, recorder.span)
    recorder.taken()
    trip.whole_order(bank, recorder.pumps, recorder.span)
    whole = recorder.taken()
    return {
        "list of products": _part(whole, (trip.LIST,)),
        "product page": _part(whole, (trip.PAGE,)),
        "cart of two lines": _part(whole, trip.CART),
        "paid order": _part(whole, whole.keys() - {trip.LIST, trip.PAGE, *trip.CART}),
        "order that nobody pays": _unpaid(recorder, bank, standing),
        "letter's fate": _fate_of_a_letter(recorder),
    }


def _unpaid(recorder: Recorder, bank: Bank, standing: Standing) -> Runs:
    buyer = Buyer()
    buyer.fills_a_cart(3)
    recorder.drain()
    recorder.taken()
    with recorder.span(trip.CHECKOUT):
        buyer.orders()
    recorder.drain()
    (pending,) = bank.notices(buyer.reference, 1)
    with recorder.span("notice: pending"):
        bank.notifies(pending)
    recorder.drain()
    standing.at += TOO_LATE
    recorder.pumps.run_schedule("orders-expire-unpaid")
    recorder.drain()
    runs = recorder.taken()
    if (state := buyer.looks_at_the_order().body["state"]) != "expired":
        raise AssertionError(f"the order is {state}, not expired")
    return runs


def _fate_of_a_letter(recorder: Recorder) -> Runs:
    """SES says that a letter has arrived."""
    from chalicelib.core import aws

    item = next(item for item in _stored("notices") if item["state"]["S"] == "sent")
    about = {
        "messageId": item["message_id"]["S"],
        "tags": {"notice": [item["pk"]["S"]], "ses:from-domain": ["toko.example"]},
        "destination": [journey.CONTACT["email"]],
    }
    delivery = {"recipients": [journey.CONTACT["email"]], "smtpResponse": "250 ok"}
    aws.client("sns").publish(
        TopicArn=f"arn:aws:sns:{cloud.REGION}:{cloud.ACCOUNT}:laris-{cloud.STAGE}-mail-feedback",
        Message=json.dumps({"eventType": "Delivery", "mail": about, "delivery": delivery}),
    )
    recorder.drain()
    return recorder.taken()


def _customers(recorder: Recorder) -> dict[str, Runs]:
    visitor = accounts.Visitor(cast("Shop", recorder))
    visitor.joins()
    recorder.taken()
    other = accounts.Visitor(cast("Shop", recorder), email="dewi@example.com", name="Dewi Lestari")
    with recorder.span("register"):
        assert other.registers().status == 202
    token = other.token()
    with recorder.span("confirm the address"):
        assert other.follows(token).status == 204
    recorder.drain()
    joined = recorder.taken()
    with recorder.span("log in"):
        assert other.logs_in().status == 200
    recorder.drain()
    return {"new account of a customer": joined, "log-in of a customer": recorder.taken()}


def _staff(recorder: Recorder) -> dict[str, Runs]:
    colleague = logins.owner()
    assert colleague.logs_in().status == 200
    _place(ORDERS_LISTED)
    recorder.drain()
    orders = colleague.asks("GET", f"/admin/orders?limit={ORDERS_LISTED}").body["items"]
    product = colleague.asks("GET", "/admin/products?limit=1").body["items"][0]
    recorder.taken()
    return {
        "log-in of staff": _log_in(recorder, colleague),
        "list of orders for staff": _asked(recorder, colleague, "GET", f"/admin/orders?limit={ORDERS_LISTED}"),
        "order for staff": _asked(recorder, colleague, "GET", f"/admin/orders/{orders[0]['id']}"),
        "receipt of four SKUs": _receipt(recorder),
        "new price of a product": _new_price(recorder, colleague, product["id"]),
    }


def _log_in(recorder: Recorder, colleague: logins.Colleague) -> Runs:
    from chalicelib.core import clock

    clock.sleep(30)
    with recorder.span("password"):
        ticket = colleague.says().body["ticket"]
    with recorder.span("second factor"):
        answer = colleague.proves(ticket)
    assert answer.status == 200, answer.text
    recorder.drain()
    return recorder.taken()


def _asked(recorder: Recorder, colleague: logins.Colleague, method: str, path: str, body: Any = None) -> Runs:
    with recorder.span("request"):
        answer = colleague.asks(method, path, body)
    assert answer.status in {200, 201}, answer.text
    recorder.drain()
    return recorder.taken()


def _receipt(recorder: Recorder) -> Runs:
    lines = [{"sku": sku(5, size), "quantity": 10} for size in journey.SIZES]
    receipt = {"location": "jakarta", "document": "PO-cost", "lines": lines}
    with recorder.span("request"):
        answer = api.call("POST", "/admin/stock/receipts", receipt, headers={**api.as_staff(), "Idempotency-Key": "po"})
    assert answer.status == 201, answer.text
    recorder.drain()
    return recorder.taken()


def _new_price(recorder: Recorder, colleague: logins.Colleague, product_id: str) -> Runs:
    product = colleague.asks("GET", f"/admin/products/{product_id}").body
    variants = [{**variant, "price": {"amount": 99_000, "currency": "IDR"}} for variant in product["variants"]]
    change = {"version": product["version"], "variants": variants}
    recorder.drain()
    recorder.taken()
    return _asked(recorder, colleague, "PATCH", f"/admin/products/{product_id}", change)


def _place(count: int) -> None:
    for number in range(count):
        buyer = Buyer()
        buyer.fills_a_cart(number % journey.SHELF)
        buyer.orders()


def _part(runs: Runs, names: Iterable[str]) -> Runs:
    wanted = set(names)
    return {name: each for name, each in runs.items() if name in wanted}


def _stored(table: str) -> list[dict[str, Any]]:
    from moto.dynamodb.models import dynamodb_backends

    stored = dynamodb_backends[cloud.ACCOUNT][cloud.REGION].tables[f"laris-{cloud.STAGE}-{table}"]
    return [item.to_json()["Attributes"] for item in stored.all_items()]
