"""What the partners that carry letters ask and post."""

from collections.abc import Mapping

from chalicelib.core.access import partner_signature
from chalicelib.core.api import Api, Text
from chalicelib.core.errors import Malformed, TooLarge, WriteRefused
from chalicelib.notices import feedback
from chalicelib.notices.errors import BadFeedbackSignature
from chalicelib.notices.schemas import Challenge, TakenReport

PLAIN = "text/plain; charset=utf-8"

api = Api(__name__)


@api.get(
    "/whatsapp",
    access=partner_signature,
    query=Challenge,
    answers={200: PLAIN},
    refusals=(BadFeedbackSignature,),
)
def confirm_address(query: Challenge) -> Text:
    """Tell WhatsApp that this address is ours, by its challenge said back."""
    feedback.check_challenge(query.mode, query.verify_token)
    return Text(query.challenge, PLAIN)


@api.post(
    "/whatsapp",
    access=partner_signature,
    answers={200: TakenReport},
    refusals=(BadFeedbackSignature, Malformed, TooLarge, WriteRefused),
    media=("*/*",),
)
def receive_statuses(raw: bytes, headers: Mapping[str, str]) -> TakenReport:
    """Take what WhatsApp says became of messages.

    It is verified as WhatsApp signs, queued and answered at once. Sent again, it does nothing more.
    """
    feedback.receive_whatsapp(raw, headers)
    return TakenReport()
