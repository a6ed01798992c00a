"""A race by HTTP against a running system: `python -m tests.flows.race` races 100 buyers for 10 units of `make run`."""

import argparse
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import urllib3

from infra.local import env
from tests.kit.journey import ADDRESS, CONTACT

AT_ONCE_BEFORE = 8
PATIENCE = urllib3.Timeout(connect=10, read=120)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a race went: the answers by status and code, the references of those who got an order, the stock after."""

    answers: Counter[tuple[int, str]]
    references: list[str]
    stock: dict[str, Any]
    audit: dict[str, Any]
    seconds: float

    @property
    def is_consistent(self) -> bool:
        """The stock adds up (I1), agrees with its movements (I2) and with the holds (I3)."""
        parts = ("available", "reserved", "allocated", "unavailable")
        sums = sum(self.stock[part] for part in parts) == self.stock["on_hand"]
        return sums and min(self.stock[part] for part in parts) >= 0 and bool(self.audit["is_consistent"])


class Race:
    """Buyers who all want the last units of one SKU at the same moment. ``values`` are those of ``.local/env``."""

    def __init__(self, values: Mapping[str, str], *, buyers: int = 100, units: int = 10) -> None:
        self._base, self._buyers, self._units = values["BASE_URL"], buyers, units
        self._staff = {"Authorization": f"Bearer {values['ADMIN_KEY']}"}
        self._http = urllib3.PoolManager(maxsize=buyers, retries=False, timeout=PATIENCE)
        self.sku = f"RACE-{uuid.uuid4().hex[:8].upper()}"

    def run(self) -> Outcome:
        """Put the goods on the shelf, fill every cart, and let all check out at once."""
        self._stock()
        with ThreadPoolExecutor(AT_ONCE_BEFORE) as helpers:
            carts = list(helpers.map(lambda _: self._cart(), range(self._buyers)))
        start = threading.Barrier(self._buyers + 1)
        with ThreadPoolExecutor(self._buyers) as buyers:
            answers = [buyers.submit(self._check_out, cart, start) for cart in carts]
            start.wait()
            began = time.monotonic()
            answered = [each.result() for each in answers]
        seconds = time.monotonic() - began
        return Outcome(
            Counter((status, body.get("code", "")) for status, body in answered),
            [body["payment"]["reference"] for status, body in answered if status == 201],
            self.stock(),
            self._read(f"/admin/stock/{self.sku}/audit"),
            seconds,
        )

    def stock(self) -> dict[str, Any]:
        """The stock as it stands."""
        return self._read(f"/admin/stock/{self.sku}")

    def order(self, order_id: str) -> dict[str, Any]:
        """An order as it stands."""
        return self._read(f"/admin/orders/{order_id}")

    def _stock(self) -> None:
        self._ask("POST", "/admin/products", _product(self.sku), self._staff, expect=201)
        place = self._read("/admin/stock/locations")["items"][0]["id"]
        receipt = {
            "location": place,
            "document": self.sku,
            "lines": [{"sku": self.sku, "quantity": self._units}],
        }
        headers = {**self._staff, "Idempotency-Key": self.sku}
        self._ask("POST", "/admin/stock/receipts", receipt, headers, expect=201)

    def _cart(self) -> str:
        cart_id = str(self._ask("POST", "/store/carts", expect=201)["id"])
        self._ask("PUT", f"/store/carts/{cart_id}/lines/{self.sku}", {"quantity": 1})
        return cart_id

    def _check_out(self, cart_id: str, start: threading.Barrier) -> tuple[int, dict[str, Any]]:
        wish = {
            "cart_id": cart_id,
            "contact": CONTACT,
            "address": ADDRESS,
            "shipping_option": "jne-reg",
            "payment": {"gateway": "midtrans", "method": "bca_va"},
        }
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        start.wait()
        answer = self._http.request("POST", f"{self._base}/store/checkout", json=wish, headers=headers)
        return answer.status, answer.json()

    def _read(self, path: str) -> dict[str, Any]:
        return self._ask("GET", path, headers=self._staff)

    def _ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, *, expect: int = 200
    ) -> dict[str, Any]:
        answer = self._http.request(method, self._base + path, json=body, headers=headers)
        assert answer.status == expect, f"{method} {path}: {answer.status} {answer.data[:500]!r}"
        told: dict[str, Any] = answer.json()
        return told


def until(is_so: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait until it is so, but no longer than that; whether it came to that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_so():
            return True
        time.sleep(0.2)
    return is_so()


def _product(sku: str) -> dict[str, Any]:
    return {
        "name": {"id": f"Sepatu edisi terbatas {sku}", "en": f"Limited shoes {sku}"},
        "slug": sku.lower(),
        "variants": [
            {"sku": sku, "option_values": [], "price": {"amount": 750_000, "currency": "IDR"}, "weight_grams": 900}
        ],
        "state": "active",
    }


def main() -> None:
    """Race against the system that `make run` started, and print how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buyers", type=int, default=100)
    parser.add_argument("--units", type=int, default=10)
    asked = parser.parse_args()
    values = env.read()
    if values is None:
        raise SystemExit("Laris is not running: start it with `make run` in another terminal.")
    outcome = Race(values, buyers=asked.buyers, units=asked.units).run()
    print(f"{asked.buyers} buyers for {asked.units} units, {outcome.seconds:.1f} s")
    for (status, code), count in sorted(outcome.answers.items()):
        print(f"  {count:4} x {status} {code}")
    print(f"  stock {outcome.stock}\n  {'consistent' if outcome.is_consistent else 'NOT CONSISTENT'}: {outcome.audit}")


if __name__ == "__main__":
    main()
