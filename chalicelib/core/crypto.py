"""Keyed digests and locked texts, all from secrets of the house.

Signatures for what leaves us and comes back (cursors, access tokens), blind indexes to find people without storing
who they are, and locked texts for what is kept briefly and belongs to nobody in particular. What belongs to a person
is sealed under the person's own key: see ``vault``.
"""

import base64
import hashlib
import hmac
import os
from typing import Final

from chalicelib.core import secrets
from chalicelib.core.errors import Unexpected

NONCE: Final = 12
INDEX_BYTES: Final = 16
VERSION: Final = "1."


class NoSigningKey(RuntimeError):
    """The secret ``signing-key`` or ``index-key`` is not set, so nothing can be signed: an operator's fault."""


class Unreadable(Unexpected):
    """Something that was locked cannot be opened: it was changed, moved, or locked under a key that is gone."""

    code = "unreadable"


def sign(purpose: str, text: str) -> str:
    """HMAC-SHA256 of ``text`` as URL-safe text; a signature made for one purpose is worthless for another."""
    return _text(_digest(_secret("signing-key"), purpose, text))


def matches(given: str, expected: str) -> bool:
    """Equality in constant time."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def digest(token: str) -> str:
    """What is stored of a random token: enough to know it again, useless to whoever reads it (SHA-256)."""
    return _text(hashlib.sha256(token.encode()).digest())


def blind(kind: str, text: str) -> str:
    """A blind index: the same for the same ``text`` of a ``kind`` such as email, and tells nothing without our key.

    128 bits of HMAC-SHA256 under ``index-key``, a key of its own. Give texts in their normal form.
    """
    return blinds(kind, text)[0]


def blinds(kind: str, text: str) -> list[str]:
    """The indexes under which ``text`` may stand, the one to write first: more than one while keys are rotated.

    The secret ``index-key`` may hold several keys, separated by commas, the newest first.
    """
    keys = _secret("index-key").split(",")
    return [_text(_digest(key, f"index:{kind}", text)[:INDEX_BYTES]) for key in keys]


def encrypt(key: bytes, binding: bytes, plain: bytes) -> bytes:
    """``plain`` under AES-256-GCM, readable only with the same ``binding``."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, binding)


def decrypt(key: bytes, binding: bytes, locked: bytes) -> bytes:
    """What was encrypted. Raises Unreadable if it was changed or moved."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(locked[:NONCE], locked[NONCE:], binding)
    except (InvalidTag, ValueError):
        raise Unreadable() from None


def lock(purpose: str, place: str, plain: bytes) -> bytes:
    """``plain`` under the house's key for ``purpose``, readable only at ``place`` again."""
    return encrypt(_key(purpose), place.encode(), plain)


def unlock(purpose: str, place: str, locked: bytes) -> bytes:
    """What was locked. Raises Unreadable if it was changed or moved."""
    return decrypt(_key(purpose), place.encode(), locked)


def lock_text(purpose: str, place: str, plain: str) -> str:
    """``lock`` for texts."""
    return VERSION + _text(lock(purpose, place, plain.encode()))


def unlock_text(purpose: str, place: str, locked: str) -> str:
    """``unlock`` for texts."""
    return unlock(purpose, place, bytes_of(locked.removeprefix(VERSION))).decode()


def bytes_of(text: str) -> bytes:
    """URL-safe base64 without its padding, as bytes. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def text_of(raw: bytes) -> str:
    """Bytes as URL-safe base64 without its padding."""
    return _text(raw)


def _key(purpose: str) -> bytes:
    return _digest(_secret("signing-key"), f"lock:{purpose}", "")


def _secret(name: str) -> str:
    key = secrets.get(name)
    if not key:
        raise NoSigningKey(f"the secret {name} is not set")
    return key


def _digest(key: str, purpose: str, text: str) -> bytes:
    return hmac.new(key.encode(), f"{purpose}\n{text}".encode(), hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
