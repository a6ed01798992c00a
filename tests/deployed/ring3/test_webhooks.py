"""What a bank, or somebody who would like to be one, may post: the failures of an inbound webhook, over real HTTP."""

import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from tests.deployed.ring3.buyers import Buyer
from tests.deployed.ring3.system import PATIENCE, Deployed, eventually
from tests.kit.midtrans import SERVER_KEY, notification

SEED = 20261124
CASES = 150
WRONG_KEY = "SB-Mid-server-somebody-else"
BIG = 256 * 1024 + 1
NOT_OURS = "ord_01KAV3Z5W8Q2M7N4T6Y9BCDEFG-1"


@dataclass
class Line:
    """The door for Midtrans' notifications, and an order that waits for its money."""

    shop: Deployed
    buyer: Buyer

    def posts(self, raw: bytes) -> int:
        """The status that the door answers."""
        headers = {"Content-Type": "application/json", "User-Agent": "Veritrans"}
        url = f"{self.shop.url}/webhooks/payments/midtrans"
        return urllib3.request("POST", url, body=raw, headers=headers, timeout=30, retries=False).status

    def notice(self, **instead: Any) -> bytes:
        """A notification that the order is paid, well signed unless said otherwise."""
        total = self.order()["totals"]["total"]["amount"]
        return notification(**{"order_id": self.buyer.reference, "gross_amount": f"{total}.00", **instead})

    def order(self) -> dict[str, Any]:
        """The order as it stands."""
        return self.shop.order(self.buyer.order_id)

    def kept(self) -> int:
        """How many messages of partners are kept."""
        return sum(row["pk"].startswith("HOOK#") for row in self.shop.rows("payments"))


@pytest.fixture
def line(deployed: Deployed) -> Line:
    made = Line(deployed, Buyer(deployed, deployed.skus[4]).buys())
    assert deployed.midtrans.drain(PATIENCE)
    return made


def unsigned(line: Line) -> bytes:
    body = json.loads(line.notice())
    del body["signature_key"]
    return json.dumps(body).encode()


FORGED: dict[str, Callable[[Line], bytes]] = {
    "no signature": unsigned,
    "an empty signature": lambda line: line.notice(signature_key=""),
    "signed with another key": lambda line: line.notice(key=WRONG_KEY),
    "signed with an empty key": lambda line: line.notice(key=""),
    "another amount under a true signature": lambda line: moved(line, gross_amount="1.00"),
    "another order under a true signature": lambda line: moved(line, order_id=NOT_OURS),
    "another status under a true signature": lambda line: moved(line, status_code="201"),
}


def moved(line: Line, **instead: str | int) -> bytes:
    return json.dumps(json.loads(line.notice()) | instead).encode()


MALFORMED: dict[str, Callable[[Line], bytes]] = {
    "nothing": lambda _: b"",
    "no JSON": lambda _: b"{",
    "a list": lambda line: b"[" + line.notice() + b"]",
    "no number": lambda line: line.notice().replace(b'"200"', b"NaN", 1),
    "a name twice": lambda line: line.notice().replace(b"{", b'{"order_id":"' + NOT_OURS.encode() + b'",', 1),
    "a number for a text": lambda line: moved(line, order_id=7),
    "ten thousand levels": lambda _: b"[" * 10_000 + b"]" * 10_000,
    "another encoding": lambda line: line.notice().decode().encode("utf-16"),
}


@pytest.mark.parametrize("what", FORGED)
def test_what_is_forged_is_refused_and_leaves_no_trace(line, what):
    kept = line.kept()

    assert line.posts(FORGED[what](line)) == 401

    assert line.kept() == kept
    assert line.order()["payment_status"] == "unpaid"


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_malformed_is_refused_and_leaves_no_trace(line, what):
    kept = line.kept()

    assert line.posts(MALFORMED[what](line)) == 400

    assert line.kept() == kept


@pytest.mark.parametrize("size", [BIG, 1024 * 1024])
def test_what_is_too_large_is_refused_before_it_is_read(line, size):
    kept = line.kept()

    assert line.posts(line.notice(padding="x" * size)) == 413

    assert line.kept() == kept


def test_a_signed_lie_changes_nothing_for_the_bank_itself_is_asked(line):
    lies = [line.notice(), line.notice(currency="USD"), line.notice(gross_amount="1.00")]

    assert [line.posts(lie) for lie in lies] == [200, 200, 200]

    line.shop.settles()
    order = line.order()
    assert (order["state"], order["payment_status"]) == ("pending", "unpaid")


def test_what_is_said_of_an_order_that_is_not_ours_waits_and_is_seen(line):
    assert line.posts(line.notice(order_id=NOT_OURS)) == 200

    def is_parked() -> bool:
        parked = line.shop.staff("GET", "/admin/payments/messages?state=parked&limit=100")["items"]
        return any(NOT_OURS in message["references"] for message in parked)

    assert eventually(is_parked)


def test_the_same_facts_in_any_order_and_number_end_the_same(line):
    before = json.loads(line.notice(status_code="201", transaction_status="pending"))
    line.buyer.pays(duplicates=0, shuffle=False)
    after = json.loads(line.notice(new_field={"of": "tomorrow"}))
    told = [json.dumps(body).encode() for body in (before, after, after | {"transaction_status": "unheard of"})]
    messages = [raw for turn in itertools.permutations(told) for raw in turn]

    assert {line.posts(raw) for raw in messages} == {200}

    assert eventually(lambda: "stock.allocated" in line.shop.timeline(line.buyer.order_id))
    line.shop.settles()
    types = line.shop.timeline(line.buyer.order_id)
    once = ("payment.captured", "order.confirmed", "stock.allocated")
    assert [types.count(type_) for type_ in once] == [1, 1, 1]
    assert line.order()["payment_status"] == "paid"


@pytest.mark.parametrize(("more", "status", "state"), [(-1, "partially_paid", "pending"), (1, "overpaid", "confirmed")])
def test_another_amount_than_was_asked_for_is_kept_as_what_it_is(line, more, status, state):
    total = line.order()["totals"]["total"]["amount"]

    line.buyer.pays(amount=total + more)

    assert eventually(lambda: line.order()["payment_status"] == status), line.order()["payment_status"]
    assert eventually(lambda: line.order()["state"] == state), line.order()["state"]


def test_no_mutation_of_a_true_notification_breaks_the_door_or_moves_another_order(line):
    chance = random.Random(SEED)
    raw, before, statuses = line.notice(), line.order(), set[int]()
    signed = {name: json.loads(raw)[name] for name in ("order_id", "status_code", "gross_amount", "signature_key")}

    for mutant in mutants(raw, chance):
        status = line.posts(mutant)
        statuses.add(status)
        assert status in {200, 400, 401}, mutant
        assert status != 200 or as_text(mutant).items() >= signed.items(), mutant

    line.shop.settles()
    assert statuses >= {400, 401}
    assert line.order() == before


def as_text(raw: bytes) -> dict[str, Any]:
    """As the function gets it: API Gateway hands JSON over as text, and puts a mark for what is none."""
    return dict(json.loads(raw.decode(errors="replace")))


def mutants(raw: bytes, chance: random.Random) -> Iterator[bytes]:
    """Bits flipped, pieces cut out, doubled and swapped."""
    for _ in range(CASES):
        start, end = sorted(chance.sample(range(len(raw)), 2))
        kind = chance.randrange(4)
        if kind == 0:
            yield raw[:start] + bytes([raw[start] ^ (1 << chance.randrange(8))]) + raw[start + 1 :]
        elif kind == 1:
            yield raw[:start] + raw[end:]
        elif kind == 2:
            yield raw[:end] + raw[start:]
        else:
            yield raw[end:] + raw[start:end] + raw[:start]


def test_the_key_of_these_tests_is_the_one_the_stage_knows(line):
    """Else every notification would be refused, and the tests of refusals would say nothing."""
    assert line.posts(line.notice(key=SERVER_KEY)) == 200
