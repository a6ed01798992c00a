"""Which controls and which refunds make sense for a Midtrans transaction, and why not."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from infra.local.simulators.controls import Refused, Wish
from infra.local.simulators.midtrans_charges import REFUND_KEY, Asked, Declined
from infra.local.simulators.midtrans_deals import (
    ALL_OR_NOTHING,
    CARDS_ONLY,
    GIVING_BACK,
    PAYING,
    REFUNDABLE,
    Deal,
)

CANNOT: Final = "Merchant cannot modify the status of the transaction"
WAS_SETTLED: Final = frozenset({"settlement", "partial_refund", "refund"})
ON_A_PAGE: Final = ("choose", "settle", "capture", "challenge", "deny", "expire")
LEADS_TO: Final = {
    "settle": "settlement",
    "capture": "capture",
    "challenge": "challenge",
    "deny": "deny",
    "expire": "expire",
}


def legal(deal: Deal, actions: Iterable[str]) -> list[str]:
    """The controls that are possible now."""
    if not deal.payment_type:
        return [action for action in actions if action in ("choose", "settle", "deny", "expire")]
    return [action for action in actions if action != "choose" and deal.allows(action)]


def is_repeat(deal: Deal, action: str, wish: Wish) -> bool:
    """Whether it has happened already: then only its notification goes out again."""
    return not wish.force and wish.amount is None and LEADS_TO.get(action) == deal.stage


def check_wish(deal: Deal, action: str, wish: Wish) -> None:
    """Raises Refused: 422 for an amount that cannot be, 409 for the wrong moment or method."""
    if wish.amount is not None:
        _check_amount(deal, action, wish.amount)
    if not deal.payment_type:
        return
    if action == "choose" or wish.method is not None:
        raise Refused(409, "The method is chosen already.", method=deal.payment_type)
    _check_method(deal, action)
    if not (wish.force or deal.allows(action) or is_repeat(deal, action, wish)):
        hint = "A buyer who pays too late: add force." if action in PAYING else "Add force if you mean it."
        raise Refused(409, f"{action} does not follow {deal.stage}. {hint}", now=deal.stage)


def check_page(deal: Deal, asked: Asked, action: str, wish: Wish, now: datetime) -> None:
    """Raises Refused where a Snap page on which nothing was chosen does not allow it."""
    if action not in ON_A_PAGE:
        raise Refused(409, "Nothing was chosen on this page yet.", now="unchosen")
    if deal.due is not None and deal.due <= now and not wish.force:
        raise Refused(409, "The time of this page is over.", now="unchosen")
    method = method_for(asked, action, wish)
    if method not in asked.methods:
        raise Refused(422, "The page does not offer this method.", method=method, methods=asked.methods)
    if action in CARDS_ONLY and method != "credit_card":
        raise Refused(409, f"{action} is for cards.", method=method)


def method_for(asked: Asked, action: str, wish: Wish) -> str:
    """What the buyer picks: as wished, a card where only a card makes sense, else the first that is offered."""
    if wish.method is not None:
        return wish.method
    return "credit_card" if action in CARDS_ONLY else asked.methods[0]


def check_refund(deal: Deal, key: Any, amount: Any) -> None:
    """Raises Declined where Midtrans would not give ``amount`` back under ``key``."""
    if not isinstance(key, str) or not REFUND_KEY.fullmatch(key):
        raise Declined(400, "refund_key must be 1 to 50 of A-Z a-z 0-9 _ -")
    if type(amount) is not int:
        raise Declined(400, "amount must be a whole number of rupiah")
    if any(each.key == key for each in deal.given_back):
        raise Declined(406, "The request could not be completed: refund_key is already used")
    if deal.payment_type not in REFUNDABLE or deal.stage not in WAS_SETTLED:
        raise Declined(412, CANNOT)
    left = deal.amount - deal.returned
    if not 0 < amount <= left or (deal.payment_type in ALL_OR_NOTHING and amount < left):
        raise Declined(414, "Refund amount is invalid")


def _check_method(deal: Deal, action: str) -> None:
    if action in CARDS_ONLY and not deal.is_card:
        raise Refused(409, f"{action} is for cards.", method=deal.payment_type)
    if action == "refund" and deal.payment_type not in REFUNDABLE:
        raise Refused(409, "Midtrans cannot refund this method.", method=deal.payment_type)
    if action in GIVING_BACK and deal.returned >= deal.amount:
        raise Refused(409, "Everything was given back already.", now=deal.stage)


def _check_amount(deal: Deal, action: str, amount: int) -> None:
    if action in ("choose", "deny", "expire"):
        raise Refused(422, f"An amount means nothing to {action}.", fields={"amount": "unknown here"})
    if action in GIVING_BACK:
        left = deal.amount - deal.returned
        if amount > left:
            raise Refused(422, "That is more than is left.", left=left)
        if deal.payment_type in ALL_OR_NOTHING and amount < left:
            raise Refused(422, "This method is refunded in full only.", left=left)
