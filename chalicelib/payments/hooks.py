"""What payment partners post."""

from collections.abc import Mapping

from chalicelib.core.access import partner_signature
from chalicelib.core.api import Api
from chalicelib.core.errors import Malformed, TooLarge
from chalicelib.payments import inbound
from chalicelib.payments.errors import BadSignature, UnknownGateway
from chalicelib.payments.schemas import Taken

api = Api(__name__)


@api.post(
    "/{gateway}",
    access=partner_signature,
    answers={200: Taken},
    refusals=(UnknownGateway, BadSignature, Malformed, TooLarge),
    media=("*/*",),
)
def receive_message(gateway: str, raw: bytes, headers: Mapping[str, str]) -> Taken:
    """Take a partner's message about payments.

    It is verified as that partner signs, kept as it came and answered at once. What it says is a hint: the partner
    itself is asked later. Sent again, it does nothing more.
    """
    inbound.receive(gateway, raw, headers)
    return Taken()
