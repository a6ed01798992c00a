"""What staff do with payments."""

from chalicelib.core.api import Api
from chalicelib.core.idempotency import Claim
from chalicelib.identity.service import staff
from chalicelib.payments import inbound, transfers
from chalicelib.payments.errors import (
    MutationUsed,
    NotManual,
    PaymentClosed,
    PaymentNotFound,
    WrongTransferAmount,
)
from chalicelib.payments.schemas import (
    ListMessages,
    MessageList,
    MessageView,
    PaymentDetail,
    RejectTransfer,
    VerifyTransfer,
)
from chalicelib.payments.states import MessageState

api = Api(__name__)


@api.get("/messages", access=staff("payments:read"), query=ListMessages, answers={200: MessageList})
def list_messages(query: ListMessages) -> MessageList:
    """Partners' messages that fit no payment: those that wait, or those put aside for somebody to look at."""
    page = inbound.page(MessageState(query.state), limit=query.limit, cursor=query.cursor)
    return MessageList([MessageView.of(message) for message in page.items], page.next_cursor)


@api.get("/{payment_id}", access=staff("payments:read"), answers={200: PaymentDetail}, refusals=(PaymentNotFound,))
def get_payment(payment_id: str) -> PaymentDetail:
    """A payment, what is known of it, and the proof of a transfer where the buyer sent one."""
    return _detail(payment_id)


@api.post(
    "/{payment_id}/verify",
    access=staff("payments:write"),
    body=VerifyTransfer,
    answers={200: PaymentDetail},
    idempotent=True,
    refusals=(PaymentNotFound, NotManual, PaymentClosed, MutationUsed, WrongTransferAmount),
)
def verify_transfer(payment_id: str, asked: VerifyTransfer, claim: Claim) -> PaymentDetail:
    """Say that the money of a manual transfer came, by the line of the bank's statement that shows it."""
    transfers.verify(payment_id, asked.line(), claim, accept_difference=asked.accept_difference)
    return _detail(payment_id)


@api.post(
    "/{payment_id}/reject",
    access=staff("payments:write"),
    body=RejectTransfer,
    answers={200: PaymentDetail},
    idempotent=True,
    refusals=(PaymentNotFound, NotManual, PaymentClosed),
)
def reject_transfer(payment_id: str, asked: RejectTransfer, claim: Claim) -> PaymentDetail:
    """Say that the money of a manual transfer did not come; the buyer may pay in another way."""
    transfers.reject(payment_id, asked.reason, claim)
    return _detail(payment_id)


def _detail(payment_id: str) -> PaymentDetail:
    attempt, facts = transfers.get(payment_id)
    return PaymentDetail.of(attempt, facts, transfers.proof_url(attempt))
