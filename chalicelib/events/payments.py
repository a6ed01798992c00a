"""What the till says. Every fact carries the order's standing after it, so that a listener need not ask back."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Standing:
    """An order's payments, folded: ``version`` grows with every change, so an older standing can be told.

    ``granted`` are the refunds promised so far, whether they have been paid out (``refunded``) or not.
    """

    status: str
    captured: int
    refunded: int
    charged_back: int
    granted: int
    net: int
    payable: int
    currency: str
    version: int


@dataclass(frozen=True, slots=True)
class PaymentStarted:
    """A gateway was asked for money and said how the buyer pays."""

    TYPE: ClassVar[str] = "payment.started"
    KEY: ClassVar[str] = "order_id"

    order_id: str
    payment_id: str
    gateway: str
    method: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class _Recorded:
    order_id: str
    gateway: str
    transaction_id: str
    kind: str
    amount: int
    currency: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class PaymentAuthorized(_Recorded):
    """Money is reserved at the buyer's bank."""

    TYPE: ClassVar[str] = "payment.authorized"
    KEY: ClassVar[str] = "order_id"


@dataclass(frozen=True, slots=True)
class PaymentChallenged(_Recorded):
    """The gateway's fraud desk wants a look before the money counts."""

    TYPE: ClassVar[str] = "payment.challenged"
    KEY: ClassVar[str] = "order_id"


@dataclass(frozen=True, slots=True)
class PaymentCaptured(_Recorded):
    """Money came in."""

    TYPE: ClassVar[str] = "payment.captured"
    KEY: ClassVar[str] = "order_id"


@dataclass(frozen=True, slots=True)
class PaymentFailed(_Recorded):
    """A try ended without money: denied, cancelled, expired or failed."""

    TYPE: ClassVar[str] = "payment.failed"
    KEY: ClassVar[str] = "order_id"


@dataclass(frozen=True, slots=True)
class PaymentReversed(_Recorded):
    """Money that had come in was taken back by the bank: a reversal or a chargeback."""

    TYPE: ClassVar[str] = "payment.reversed"
    KEY: ClassVar[str] = "order_id"


@dataclass(frozen=True, slots=True)
class PaymentRefunded(_Recorded):
    """A refund was asked for, paid, failed or came back; ``kind`` says which."""

    TYPE: ClassVar[str] = "payment.refunded"
    KEY: ClassVar[str] = "order_id"


@dataclass(frozen=True, slots=True)
class PaymentFlagged:
    """A message about money that does not fit: it was kept, nothing was changed, somebody has to look."""

    TYPE: ClassVar[str] = "payment.flagged"
    KEY: ClassVar[str] = "order_id"

    order_id: str
    reason: str
    gateway: str
    message: str


@dataclass(frozen=True, slots=True)
class RefundGranted:
    """Money is owed back to the buyer; it has not moved yet."""

    TYPE: ClassVar[str] = "refund.granted"
    KEY: ClassVar[str] = "order_id"

    order_id: str
    refund_id: str
    amount: int
    currency: str
    reason: str
