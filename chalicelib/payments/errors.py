"""What the till refuses."""

from chalicelib.core.errors import Conflict, Invalid, NotFound, Unauthenticated, WriteRefused


class UnknownGateway(NotFound):
    """No payment gateway goes by this name."""

    code = "unknown_gateway"


class UnknownMethod(Invalid):
    """The gateway has no such payment method; ``methods`` lists those it has."""

    code = "unknown_payment_method"


class PaymentWayClosed(Conflict):
    """This gateway is not offered to this buyer at the moment; ``message`` says so in both languages. Offer another."""

    code = "payment_way_closed"
    retry_after = 300


class BadSignature(Unauthenticated):
    """The message does not carry the partner's signature, or the partner is switched off."""

    code = "bad_signature"


class GatewayRefused(Conflict):
    """The gateway refuses this payment or refund; ``gateway_status`` is its own code for why."""

    code = "gateway_refused"


class NotRefundable(Conflict):
    """This payment method cannot be refunded through the gateway; transfer the money back by hand."""

    code = "not_refundable"


class PaymentNotFound(NotFound):
    """There is no such payment."""

    code = "payment_not_found"


class PaymentClosed(Conflict):
    """This payment has ended, so it can be neither verified, rejected nor proven any more."""

    code = "payment_closed"


class WrongTransferAmount(Conflict):
    """The amount that arrived is not the amount asked for; nothing was recorded. ``expected`` says what was."""

    code = "wrong_transfer_amount"


class MutationUsed(Conflict):
    """This line of the bank statement has settled another payment already."""

    code = "bank_mutation_used"


class RefundTooLarge(Conflict):
    """More would be given back than was taken."""

    code = "refund_too_large"


class IllegalRefundMove(Conflict):
    """A refund in this ``state`` does not take this ``event``; ``legal`` lists those it takes."""

    code = "illegal_refund_move"


class NotManual(Conflict):
    """This payment goes through a gateway, which says itself what came of it; nobody verifies or rejects it by hand."""

    code = "not_a_manual_payment"


class AlreadyCovered(Conflict):
    """The order is paid for; there is nothing left to pay."""

    code = "already_covered"


class TooManyAttempts(Conflict):
    """This order has been tried to pay too often; ask the shop for help."""

    code = "too_many_payment_attempts"


class MessageUnknown(NotFound):
    """No such message of a partner is kept."""

    code = "message_unknown"


class AlreadySettled(WriteRefused):
    """The partner's message was dealt with meanwhile."""
