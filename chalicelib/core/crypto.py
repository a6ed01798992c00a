"""Keyed digests: signatures for what leaves us and comes back (cursors, access tokens)."""

import base64
import hashlib
import hmac

from chalicelib.core import secrets


class NoSigningKey(RuntimeError):
    """The secret ``signing-key`` is not set, so nothing can be signed: an operator's fault."""


def sign(purpose: str, text: str) -> str:
    """HMAC-SHA256 of ``text`` as URL-safe text; a signature made for one purpose is worthless for another."""
    key = secrets.get("signing-key")
    if not key:
        raise NoSigningKey("the secret signing-key is not set")
    digest = hmac.new(key.encode(), f"{purpose}\n{text}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def matches(given: str, expected: str) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())
