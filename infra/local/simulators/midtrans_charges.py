"""What a merchant asks Midtrans to charge, checked as Midtrans checks it; and what each method answers.

From memory only: the object of ``echannel``, Snap's ``enabled_payments`` and ``expiry``, the wording of refusals.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from infra.local.simulators.midtrans_deals import Deal

ORDER_ID: Final = re.compile(r"[A-Za-z0-9_~.-]{1,50}")
REFUND_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,50}")
BANKS: Final = ("bca", "bni", "bri", "cimb", "permata")
ACQUIRERS: Final = ("gopay", "airpay shopee")
METHODS: Final = ("bank_transfer", "echannel", "qris", "gopay", "shopeepay", "credit_card")
UNITS: Final = ("second", "minute", "hour", "day")
LARGEST_AMOUNT: Final = 10**12

SNAP_METHODS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    **{f"{bank}_va": ("bank_transfer", {"bank": bank}) for bank in BANKS},
    "echannel": ("echannel", {}),
    "other_qris": ("qris", {}),
    "gopay": ("gopay", {}),
    "shopeepay": ("shopeepay", {}),
    "credit_card": ("credit_card", {"token_id": "snap", "authentication": True}),
}
LIFETIMES: Final[Mapping[str, timedelta]] = {
    "bank_transfer": timedelta(days=1),
    "echannel": timedelta(days=1),
    "qris": timedelta(minutes=15),
    "gopay": timedelta(minutes=15),
    "shopeepay": timedelta(minutes=15),
}


class Declined(Exception):
    """Midtrans says no: ``code`` is the status_code, ``problems`` are the validation messages."""

    def __init__(self, code: int, message: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code, self.message, self.problems = code, message, problems


@dataclass(frozen=True, slots=True)
class Asked:
    """A charge or a Snap page that was asked for. ``options`` is the object named like the payment type."""

    order_id: str
    amount: int
    payment_type: str = ""
    options: Mapping[str, Any] | None = None
    begins: datetime | None = None
    lasts: timedelta | None = None
    methods: tuple[str, ...] = tuple(SNAP_METHODS)
    finish: str = ""


def read_charge(raw: bytes) -> Asked:
    """The charge in a body. Raises Declined 400."""
    body, problems = read_object(raw), _Problems()
    order_id, amount = _order(body, problems)
    payment_type = body.get("payment_type")
    options = body.get(payment_type, {}) if isinstance(payment_type, str) else {}
    if payment_type not in METHODS:
        problems.add("payment_type is not supported")
    elif not isinstance(options, dict):
        problems.add(f"{payment_type} must be an object")
    else:
        _check_options(payment_type, options, problems)
    begins, lasts = _window(body, ("custom_expiry", "order_time", "expiry_duration"), problems)
    problems.raise_any()
    return Asked(order_id, amount, str(payment_type), options, begins, lasts)


def read_snap(raw: bytes) -> Asked:
    """The Snap page in a body. Raises Declined 400."""
    body, problems = read_object(raw), _Problems()
    order_id, amount = _order(body, problems)
    begins, lasts = _window(body, ("expiry", "start_time", "duration"), problems)
    wanted = body.get("enabled_payments") or list(SNAP_METHODS)
    methods = tuple(name for name in SNAP_METHODS if isinstance(wanted, list) and name in wanted)
    if not methods:
        problems.add("enabled_payments names no method that is supported")
    callbacks = body.get("callbacks")
    finish = callbacks.get("finish", "") if isinstance(callbacks, dict) else ""
    problems.raise_any()
    return Asked(order_id, amount, begins=begins, lasts=lasts, methods=methods, finish=str(finish))


def read_object(raw: bytes) -> dict[str, Any]:
    """A body. Raises Declined 400."""
    try:
        body = json.loads(raw) if raw else {}
    except (ValueError, RecursionError) as error:
        raise Declined(400, "The request body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise Declined(400, "The request body must be an object.")
    return body


def open_account(deal: Deal, asked: Asked, base_url: str, numbers: Random) -> None:
    """Give ``deal`` the account number, picture or link by which it is paid."""
    options, number = asked.options or {}, f"{numbers.randrange(10**12):012}"
    match deal.payment_type:
        case "bank_transfer" if options["bank"] == "permata":
            deal.details["permata_va_number"] = options.get("va_number") or f"8778{number}"
        case "bank_transfer":
            account = {"bank": options["bank"], "va_number": options.get("va_number") or f"98801{number}"}
            deal.details["va_numbers"] = [account]
        case "echannel":
            deal.details |= {"biller_code": "70012", "bill_key": number}
        case "qris":
            deal.details["acquirer"] = options.get("acquirer", "gopay")
            deal.steps["qr_string"] = f"SIMULASI-QRIS/{deal.order_id}/{deal.asked}"
        case "credit_card":
            deal.details |= {"masked_card": "48111111-1114", "bank": "bni", "card_type": "credit", "eci": "05"}
            if options.get("authentication"):
                deal.steps["redirect_url"] = f"{base_url}/pay/{deal.transaction_id}"
    if actions := _actions(deal, base_url):
        deal.steps["actions"] = actions


class _Problems:
    """Everything that is wrong with a request, said at once."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, problem: str) -> None:
        self._found.append(problem)

    def raise_any(self) -> None:
        if self._found:
            message = "One or more parameters in the payload is invalid."
            raise Declined(400, message, tuple(self._found))


def _order(body: Mapping[str, Any], problems: _Problems) -> tuple[str, int]:
    """Order id and amount."""
    details = body.get("transaction_details")
    details = details if isinstance(details, dict) else {}
    order_id, amount = details.get("order_id"), details.get("gross_amount")
    if not isinstance(order_id, str) or not ORDER_ID.fullmatch(order_id):
        problems.add("transaction_details.order_id must be 1 to 50 of A-Z a-z 0-9 - _ ~ .")
    if type(amount) is not int or not 1 <= amount <= LARGEST_AMOUNT:
        problems.add("transaction_details.gross_amount must be a whole number of rupiah")
    items = body.get("item_details")
    if items is not None:
        total = _total(items)
        if total is None:
            problems.add("item_details must have id, price, quantity and name, the numbers whole")
        elif total != amount:
            problems.add("transaction_details.gross_amount is not equal to the sum of item_details")
    problems.raise_any()
    return str(order_id), int(amount or 0)


def _total(items: Any) -> int | None:
    if not isinstance(items, list) or not all(_is_item(item) for item in items):
        return None
    return sum(int(item["price"] * item["quantity"]) for item in items)


def _is_item(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and type(item.get("price")) is int
        and type(item.get("quantity")) is int
        and item["quantity"] >= 1
        and isinstance(item.get("name"), str)
        and 1 <= len(item["name"]) <= 50
        and len(str(item.get("id", ""))) <= 50
    )


def _check_options(payment_type: str, options: Mapping[str, Any], problems: _Problems) -> None:
    if payment_type == "bank_transfer":
        if options.get("bank") not in BANKS:
            problems.add("bank_transfer.bank is not supported")
        if not re.fullmatch(r"[0-9]{1,18}", str(options.get("va_number", "0"))):
            problems.add("bank_transfer.va_number must be digits")
    elif payment_type == "qris" and options.get("acquirer", "gopay") not in ACQUIRERS:
        problems.add("qris.acquirer is not supported")
    elif payment_type == "credit_card":
        if not isinstance(options.get("token_id"), str) or not options["token_id"]:
            problems.add("credit_card.token_id is required")
        if "type" in options:
            problems.add("credit_card.type is not played by this simulator")


def _window(
    body: Mapping[str, Any], names: tuple[str, str, str], problems: _Problems
) -> tuple[datetime | None, timedelta | None]:
    """When the time to pay begins (None: now) and how long it is (None: the method's own)."""
    whole, begin_name, duration_name = names
    expiry = body.get(whole)
    if expiry is None:
        return None, None
    try:
        begins = expiry.get(begin_name)
        unit, duration = expiry.get("unit", "minute").removesuffix("s"), expiry[duration_name]
        if unit not in UNITS or type(duration) is not int or duration < 1:
            raise ValueError(unit)
        start = None if begins is None else datetime.strptime(begins, "%Y-%m-%d %H:%M:%S %z")
        return start, timedelta(**{f"{unit}s": duration})
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        problems.add(f"{whole} is invalid")
        return None, None


def _actions(deal: Deal, base_url: str) -> list[dict[str, str]]:
    api, one = f"{base_url}/v2", deal.transaction_id
    picture = f"{api}/{deal.payment_type}/{one}/qr-code"
    deeplink = ("deeplink-redirect", "GET", f"{base_url}/pay/{one}")
    offered: Mapping[str, tuple[tuple[str, str, str], ...]] = {
        "qris": (("generate-qr-code", "GET", picture), ("generate-qr-code-v2", "GET", picture)),
        "gopay": (
            ("generate-qr-code", "GET", picture),
            deeplink,
            ("get-status", "GET", f"{api}/{one}/status"),
            ("cancel", "POST", f"{api}/{one}/cancel"),
        ),
        "shopeepay": (deeplink,),
    }
    chosen = offered.get(deal.payment_type, ())
    return [{"name": name, "method": method, "url": url} for name, method, url in chosen]
