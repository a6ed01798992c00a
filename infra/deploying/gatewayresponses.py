"""What API Gateway answers by itself, said as our API says it: the same problem documents, the same headers."""

import json
from dataclasses import dataclass
from typing import Final

from chalicelib.core.api import LARGEST_BODY, problem
from chalicelib.core.errors import (
    Forbidden,
    LarisError,
    Malformed,
    NotFound,
    TooLarge,
    TooMany,
    Unanswered,
    Unauthenticated,
    Unexpected,
    UnsupportedMedia,
)

ANSWERS: Final[dict[str, LarisError]] = {
    "ACCESS_DENIED": Forbidden(),
    "API_CONFIGURATION_ERROR": Unexpected(),
    "BAD_REQUEST_BODY": Malformed(),
    "BAD_REQUEST_PARAMETERS": Malformed(),
    "DEFAULT_4XX": Malformed(),
    "DEFAULT_5XX": Unexpected(),
    "EXPIRED_TOKEN": Forbidden(),
    "INTEGRATION_FAILURE": Unanswered(),
    "INTEGRATION_TIMEOUT": Unanswered(),
    "INVALID_API_KEY": Forbidden(),
    "INVALID_SIGNATURE": Forbidden(),
    "MISSING_AUTHENTICATION_TOKEN": NotFound(),  # it says so to whoever asks for an address that there is not
    "QUOTA_EXCEEDED": TooMany(),
    "REQUEST_TOO_LARGE": TooLarge(largest=LARGEST_BODY),
    "RESOURCE_NOT_FOUND": NotFound(),
    "THROTTLED": TooMany(),
    "UNAUTHORIZED": Unauthenticated(),
    "UNSUPPORTED_MEDIA_TYPE": UnsupportedMedia(),
    "WAF_FILTERED": Forbidden(),
}
REQUEST_ID: Final = "$context.requestId"
LOG_FORMAT: Final = json.dumps(
    {
        "request_id": "$context.requestId",
        "at": "$context.requestTime",
        "ip": "$context.identity.sourceIp",
        "method": "$context.httpMethod",
        "route": "$context.resourcePath",
        "status": "$context.status",
        "bytes": "$context.responseLength",
        "milliseconds": "$context.responseLatency",
        "integration_status": "$context.integrationStatus",
        "error": "$context.error.responseType",
        "firewall": "$context.wafResponseCode",
    },
    separators=(",", ":"),
)
"""One line a request: whence it came, since floods and searches for holes show nowhere else, but the route as declared,
for what is asked for may name a person. The log is encrypted under a key of ours."""
QUOTED: Final = "'"
"""What a value must not hold: API Gateway takes values between such quotes, and tells of no way to write one inside."""
SANDBOX: Final = {"Content-Security-Policy": "sandbox"}
"""As strict as ours for a document that loads nothing, and without quotes."""
JSON: Final = "application/json"
"""The one media type that these templates go by; what is sent is named by the header."""


@dataclass(frozen=True, slots=True)
class GatewayResponse:
    """One answer of API Gateway's own."""

    kind: str
    status: str
    headers: dict[str, str]
    body: str

    @property
    def parameters(self) -> dict[str, str]:
        """The headers as API Gateway takes them."""
        return {f"gatewayresponse.header.{name}": value for name, value in self.quoted.items()}

    @property
    def quoted(self) -> dict[str, str]:
        """The headers with their values as texts. Raises ValueError for one that cannot be said."""
        if wrong := [name for name, value in self.headers.items() if QUOTED in value]:
            raise ValueError(f"API Gateway takes no quotes in {', '.join(wrong)}.")
        return {name: f"{QUOTED}{value}{QUOTED}" for name, value in self.headers.items()}

    @property
    def templates(self) -> dict[str, str]:
        """The body as API Gateway takes it."""
        return {JSON: self.body}


def gateway_responses() -> list[GatewayResponse]:
    """All of them, by name."""
    made = []
    for kind, error in sorted(ANSWERS.items()):
        answer = problem(error, REQUEST_ID)
        headers = {name: str(value) for name, value in answer.headers.items()} | SANDBOX
        made.append(GatewayResponse(kind, str(answer.status_code), headers, str(answer.body)))
    return made


def for_template() -> dict[str, object]:
    """The same, as an AWS::Serverless::Api takes them."""
    return {
        response.kind: {
            "StatusCode": int(response.status),
            "ResponseParameters": {"Headers": response.quoted},
            "ResponseTemplates": response.templates,
        }
        for response in gateway_responses()
    }
