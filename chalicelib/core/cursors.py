"""Cursors: where a list goes on. Signed and bound to the list they came from, so that none can be forged."""

import base64
import binascii

from chalicelib.core import crypto
from chalicelib.core.errors import Invalid


def seal(scope: str, position: str) -> str:
    """A cursor for ``position`` in the list that ``scope`` describes (its filters and order)."""
    signature = crypto.sign("cursor", f"{scope}\n{position}")[:22]
    return base64.urlsafe_b64encode(f"{signature}{position}".encode()).rstrip(b"=").decode()


def open_(scope: str, cursor: str) -> str:
    """The position in ``cursor``. Raises Invalid if it is not one that ``seal`` made for this list."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise _refused() from None
    signature, position = text[:22], text[22:]
    if not crypto.matches(signature, crypto.sign("cursor", f"{scope}\n{position}")[:22]):
        raise _refused()
    return position


def _refused() -> Invalid:
    return Invalid.field("/cursor", "not a cursor of this list")
