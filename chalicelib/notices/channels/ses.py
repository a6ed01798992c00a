"""E-mail by SES, API v2 (https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html).

SES has no idempotency key, so the client never repeats by itself: a lost answer is told, and judged by whoever sends.
What becomes of a letter comes back over the configuration set's events, with the tag ``notice``.
"""

from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)

from chalicelib.core import aws
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError, TooMany, UpstreamTimeout
from chalicelib.notices.channels.port import Letter
from chalicelib.notices.errors import LetterRefused, SenderRefused

FOR_GOOD: Final = frozenset({"MessageRejected", "BadRequestException", "InvalidParameterValue"})
TOO_MANY: Final = frozenset({"TooManyRequestsException", "LimitExceededException", "ThrottlingException"})
LONGEST_SUBJECT: Final = 200


class Ses:
    """The adapter. ``sender`` may carry a name: "Toko Laris <halo@toko.example>"."""

    def __init__(self, sender: str = settings.mail_from) -> None:
        self._sender = sender

    @property
    def is_ready(self) -> bool:
        """True if letters have a sender."""
        return bool(self._sender)

    def send(self, letter: Letter) -> str:
        """Hand it over; the id that SES gives it. Raises as ``Channel.send`` says."""
        request = {"FromEmailAddress": self._sender, **_request(letter)}
        try:
            answer = aws.client("sesv2", repeats=False).send_email(**request)
        except ClientError as error:
            raise _meaning(error) from error
        except (ConnectTimeoutError, EndpointConnectionError, NoCredentialsError) as error:
            raise SenderRefused(partner="ses") from error
        except BotoCoreError as error:
            raise UpstreamTimeout(partner="ses") from error
        return str(answer["MessageId"])


def _request(letter: Letter) -> dict[str, Any]:
    content: dict[str, Any] = {
        "Subject": _text(_one_line(letter.subject[:LONGEST_SUBJECT])),
        "Body": {"Text": _text(letter.text), "Html": _text(letter.html)},
    }
    if letter.unsubscribe_link:  # RFC 2369; the storefront's page asks once more, so it is no one-click link
        content["Headers"] = [{"Name": "List-Unsubscribe", "Value": f"<{_one_line(letter.unsubscribe_link)}>"}]
    return {
        "Destination": {"ToAddresses": [_one_line(letter.to)]},
        "Content": {"Simple": content},
        "EmailTags": [{"Name": "notice", "Value": letter.notice_id}, {"Name": "template", "Value": letter.template}],
        "ConfigurationSetName": settings.mail_configuration,
    }


def _text(data: str) -> dict[str, str]:
    return {"Data": data, "Charset": "UTF-8"}


def _one_line(field: str) -> str:
    """What may stand in a header. Raises LetterRefused: a line break would begin another header."""
    if not field.isprintable():
        raise LetterRefused(reason="header_injection")
    return field


def _meaning(error: ClientError) -> LarisError:
    code = str(error.response["Error"]["Code"])
    if code in FOR_GOOD:
        return LetterRefused(reason=f"ses_{code}")
    if code in TOO_MANY:
        return TooMany(partner="ses")
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500:
        return UpstreamTimeout(partner="ses")
    return SenderRefused(partner="ses", partner_code=code)
