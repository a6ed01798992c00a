"""WhatsApp by Meta's Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api): template messages alone.

A business may begin a conversation only with a template that Meta has approved; ours are kept there under our names,
their parameters in the order of our facts. ``biz_opaque_callback_data`` comes back with every status, so a status finds
its notice. From memory only, to be tried first with a test number: which error codes are for good.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.core import client, crypto, secrets
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError, Malformed, TooMany, UpstreamTimeout
from chalicelib.notices.channels.port import Letter
from chalicelib.notices.errors import BadFeedbackSignature, LetterRefused, SenderRefused

TOO_MANY: Final = frozenset({4, 80007, 130429, 131048, 131056})
OURS_TO_MEND: Final = frozenset({0, 3, 10, 190, 368, 131005, 131031, 131042, 133010, 133015})
"""A token, a number or an account that is not in order: nothing that another letter could help."""
UNKNOWN: Final = frozenset({1, 2, 131000, 131016})
"""Meta says that something went wrong, not what became of the message."""
LONGEST_PARAMETER: Final = 1000
STATUSES: Final = frozenset({"sent", "delivered", "read", "failed"})


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a message: sent, delivered, read or failed."""

    notice_id: str
    message_id: str
    status: str
    code: int | None


class WhatsApp:
    """The adapter. Its secrets are looked up at each use: ``whatsapp-token``, for webhooks ``whatsapp-app-secret``."""

    def __init__(self, api_url: str = settings.whatsapp_api_url, number: str = settings.whatsapp_number) -> None:
        self._api_url, self._number = api_url, number

    @property
    def is_ready(self) -> bool:
        """True if a number and its token are set."""
        return bool(self._number and secrets.get("whatsapp-token"))

    def send(self, letter: Letter) -> str:
        """Hand it over; the id that WhatsApp gives it. Raises as ``Channel.send`` says."""
        answer = client.call(
            "POST",
            f"{self._api_url}/{self._number}/messages",
            headers={"Authorization": f"Bearer {secrets.get('whatsapp-token')}", "Content-Type": "application/json"},
            body=_message(letter),
            repeatable=False,
        )
        if answer.status >= 400:
            raise _meaning(answer.status, answer.body)
        try:
            return str(answer.body["messages"][0]["id"])
        except (KeyError, IndexError, TypeError):
            raise UpstreamTimeout("WhatsApp's answer names no message.", partner="whatsapp") from None


def read_webhook(raw: bytes, headers: Mapping[str, str]) -> list[Status]:
    """The statuses that WhatsApp posts of letters of ours. Raises BadFeedbackSignature, Malformed.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started: HMAC-SHA256 of the raw body under the
    app's secret.
    """
    secret = secrets.get("whatsapp-app-secret")
    expected = "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    if not secret or not crypto.matches(headers.get("x-hub-signature-256", ""), expected):
        raise BadFeedbackSignature()
    try:
        return list(_statuses(client.read_object(raw)))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Malformed("The body is no message of WhatsApp's.") from None


def check_challenge(mode: str, token: str) -> None:
    """Whether it is WhatsApp that asks if this address is ours. Raises BadFeedbackSignature."""
    secret = secrets.get("whatsapp-verify-token")
    if mode != "subscribe" or not secret or not crypto.matches(token, secret):
        raise BadFeedbackSignature()


def _statuses(body: Mapping[str, Any]) -> Iterator[Status]:
    values = [change["value"] for entry in body["entry"] for change in entry["changes"]]
    for value in values:
        for said in value.get("statuses", []):
            notice_id = said.get("biz_opaque_callback_data")
            if isinstance(notice_id, str) and said["status"] in STATUSES:
                code = next((error.get("code") for error in said.get("errors", [])), None)
                yield Status(notice_id, str(said["id"]), said["status"], code if isinstance(code, int) else None)


def _message(letter: Letter) -> dict[str, Any]:
    template: dict[str, Any] = {"name": letter.template, "language": {"code": letter.language}}
    if letter.parameters:
        parameters = [{"type": "text", "text": _flat(each)} for each in letter.parameters]
        template["components"] = [{"type": "body", "parameters": parameters}]
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": letter.to,
        "type": "template",
        "template": template,
        "biz_opaque_callback_data": letter.notice_id,
    }


def _flat(text: str) -> str:
    """A parameter as WhatsApp takes it: on one line, with no runs of spaces, and not empty."""
    return " ".join(text.split())[:LONGEST_PARAMETER] or "-"


def _meaning(status: int, body: Mapping[str, Any]) -> LarisError:
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if status == 429 or code in TOO_MANY:
        return TooMany(partner="whatsapp")
    if code in UNKNOWN:
        return UpstreamTimeout(partner="whatsapp", partner_code=code)
    if status in {401, 403} or code in OURS_TO_MEND or (isinstance(code, int) and 200 <= code < 300):
        return SenderRefused(partner="whatsapp", partner_code=code)
    return LetterRefused(reason=f"whatsapp_{code or status}")
