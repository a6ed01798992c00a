"""Pages of other origins: which of them may read our answers (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol)."""

from typing import Final

from chalicelib.core.config import settings

ASKED_FROM_ELSEWHERE: Final = {
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key, X-Laris-Device, X-Laris-Key",
    "Access-Control-Expose-Headers": "Idempotent-Replayed, Location, Retry-After, X-Request-Id",
    "Access-Control-Max-Age": "7200",
}


def shared_with(origin: str | None) -> dict[str, str]:
    """The headers that let a page of ``origin`` read an answer: none unless just this origin is on the list."""
    vary = {"Vary": "Origin"} if settings.allowed_origins else {}
    if origin not in settings.allowed_origins:
        return vary
    return {**vary, **ASKED_FROM_ELSEWHERE, "Access-Control-Allow-Origin": str(origin)}
