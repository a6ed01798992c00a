"""What can go wrong, as types. The only place that knows HTTP numbers.

A department subclasses a kind, sets ``code`` and explains the failure in the class docstring, which is what the API
reference prints for that code. Facts given as keywords become members of the problem document.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Self


class LarisError(Exception):
    """Something Laris refuses or could not do, said so that the caller can act on it."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    retry: ClassVar[bool] = False
    """True if the same message may succeed later: a worker gives it back to its queue."""
    retry_after: ClassVar[int | None] = None
    """Seconds to wait before trying again, where that helps."""

    def __init__(self, detail: str = "", *, retry_after: int | None = None, **facts: Any) -> None:
        self.facts = facts
        self.wait = retry_after or self.retry_after
        self.detail = detail or self.explanation()
        super().__init__(f"{self.code}: {self.detail} {facts or ''}".strip())

    @classmethod
    def explanation(cls) -> str:
        """The class docstring's first line, plain."""
        return (cls.__doc__ or "").strip().splitlines()[0].replace("``", "")


class Malformed(LarisError):
    """The request could not be read."""

    code = "malformed"
    status = 400


class Unauthenticated(LarisError):
    """The caller has not proven who they are."""

    code = "unauthenticated"
    status = 401


class Forbidden(LarisError):
    """The caller may not do this."""

    code = "forbidden"
    status = 403

    who: str | None = None
    """The actor that is refused, where that is known: for the audit trail, never for the answer."""

    def of(self, who: str) -> Self:
        """The same, with who is refused."""
        self.who = who
        return self


class NotFound(LarisError):
    """There is no such thing, or the caller may not know that there is."""

    code = "not_found"
    status = 404


class MethodNotAllowed(LarisError):
    """This address exists, but not with this method."""

    code = "method_not_allowed"
    status = 405


class Conflict(LarisError):
    """The request is well formed but the state of things forbids it."""

    code = "conflict"
    status = 409


class TooLarge(LarisError):
    """The body is larger than this address takes."""

    code = "too_large"
    status = 413


class UnsupportedMedia(LarisError):
    """The body is of a media type that this address does not take; send application/json."""

    code = "unsupported_media_type"
    status = 415


class Invalid(LarisError):
    """A field is missing, unknown or has a value that is not allowed; ``errors`` names each by JSON pointer."""

    code = "invalid"
    status = 422

    @classmethod
    def field(cls, pointer: str, detail: str) -> "Invalid":
        """One invalid field, named by JSON pointer such as ``/lines/0/quantity``."""
        return cls(detail, errors=[{"pointer": pointer, "detail": detail}])


class InProgress(LarisError):
    """The same request, by its Idempotency-Key, is still being carried out; ask again shortly."""

    code = "in_progress"
    status = 409
    retry = True
    retry_after = 2


class WriteRefused(LarisError):
    """Somebody else changed the same thing first; read it again and repeat."""

    code = "write_refused"
    status = 409
    retry = True
    retry_after = 1


class TooMany(LarisError):
    """More requests at once than can be served; wait and repeat."""

    code = "too_many_requests"
    status = 429
    retry = True
    retry_after = 2


class Upstream(LarisError):
    """A partner answered with an error."""

    code = "upstream_error"
    status = 502
    retry = True
    retry_after = 5


class UpstreamTimeout(LarisError):
    """A partner did not answer in time, so what it did is not known; repeat with the same Idempotency-Key."""

    code = "upstream_timeout"
    status = 504
    retry = True
    retry_after = 5


class Unavailable(LarisError):
    """A part of ours that this needs is out of order; nothing was done, repeat later."""

    code = "unavailable"
    status = 503
    retry = True
    retry_after = 5


class Unanswered(Unavailable):
    """A part of ours did not answer in time, so what was done is not known; repeat with the same Idempotency-Key."""

    code = "unanswered"


class Unexpected(LarisError):
    """A fault of ours. It has been logged under ``request_id``; nothing was half done."""

    code = "unexpected"
    status = 500


def every_error(kinds: Sequence[type[LarisError]] = (LarisError,)) -> list[type[LarisError]]:
    """Each concrete error type that is loaded, one per code, in the order of status and code."""
    found: dict[str, type[LarisError]] = {}
    queue = list(kinds)
    while queue:
        kind = queue.pop()
        queue.extend(kind.__subclasses__())
        if "code" in vars(kind) and kind is not LarisError:
            found[kind.code] = kind
    return sorted(found.values(), key=lambda error: (error.status, error.code))
