"""Manual bank transfer: the buyer pays into an account of the shop's, and staff say that the money came.

The port fits in part only, by nature: nobody stands behind this gateway who could be asked. Its facts are written
by staff (verify, reject) from the bank's statement, its refunds are paid by hand. What it has to itself is the unique
code: a few rupiah on top, claimed by the payments service per attempt, that tell whose a line of the statement is.
"""

from collections.abc import Mapping

import msgspec

from chalicelib.core.config import settings
from chalicelib.core.errors import Invalid
from chalicelib.core.money import Money
from chalicelib.payments.errors import BadSignature, GatewayRefused, NotRefundable, UnknownMethod
from chalicelib.payments.gateways.port import (
    LARGEST_CODE,
    BankAccount,
    Charge,
    Notice,
    PaymentEvent,
    Refund,
    Started,
    TransferStep,
)


class Transfer:
    """The adapter that asks nobody."""

    methods = frozenset({"bank"})
    methods_by_token: frozenset[str] = frozenset()

    def __init__(self, accounts: str = settings.transfer_accounts) -> None:
        self._accounts = accounts

    def start(self, charge: Charge) -> Started:
        """The amount to transfer: the charge's and the unique code, which ``charge.token`` holds in decimal.

        Refuses a code outside 1 to 999, and to start at all where the shop has named no account.
        """
        if charge.method not in self.methods:
            raise UnknownMethod(methods=sorted(self.methods))
        accounts = msgspec.json.decode(self._accounts, type=tuple[BankAccount, ...])
        if not accounts:
            raise GatewayRefused("The shop has named no account for transfers.")
        code = _unique_code(charge.token)
        amount = charge.amount + Money(code, charge.amount.currency)
        return Started(charge.reference, TransferStep(amount=amount, unique_code=code, accounts=accounts))

    def read_webhook(self, raw: bytes, headers: Mapping[str, str]) -> list[Notice]:  # noqa: ARG002 nobody may write
        """Never a notice: no partner writes here, so whoever does is none."""
        raise BadSignature

    def fetch(self, reference: str) -> list[PaymentEvent]:  # noqa: ARG002 nobody can be asked
        """Nothing: the facts are what staff recorded."""
        return []

    def cancel(self, reference: str) -> None:
        """Nothing to end; money that comes all the same is matched by staff."""

    def refund(self, refund: Refund) -> PaymentEvent:
        """Refused: transfer it back by hand."""
        raise NotRefundable(reference=refund.reference)


def _unique_code(token: str | None) -> int:
    code = int(token) if token and token.isascii() and token.isdecimal() and len(token) <= 3 else 0
    if not 1 <= code <= LARGEST_CODE:
        raise Invalid.field("/payment/token", "The unique code of a transfer is a number from 1 to 999.")
    return code
