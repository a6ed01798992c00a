"""What buyers do about their payments."""

from chalicelib.core.access import holder_of
from chalicelib.core.api import Api
from chalicelib.payments import transfers
from chalicelib.payments.errors import NotManual, PaymentClosed, PaymentNotFound
from chalicelib.payments.schemas import AskForProof, ProofUpload

api = Api(__name__)


@api.post(
    "/{order_id}/payments/{payment_id}/proof",
    access=holder_of("order", "order_id"),
    body=AskForProof,
    answers={200: ProofUpload},
    refusals=(PaymentNotFound, NotManual, PaymentClosed),
)
def ask_for_proof(order_id: str, payment_id: str, asked: AskForProof) -> ProofUpload:
    """Get the form by which a picture of a bank transfer is sent; of several, the last one counts."""
    return ProofUpload.of(transfers.ask_for_proof(order_id, payment_id, asked.content_type))
