"""Where exports and erasures stand, and the steps in which a customer is forgotten."""

from enum import StrEnum
from typing import Final


class ExportState(StrEnum):
    """ASKED: being gathered. READY: may be fetched for seven days."""

    ASKED = "asked"
    READY = "ready"


class ErasureState(StrEnum):
    """WAITING: an order is under way, or a legal hold stands. RUNNING: some steps are done. DONE: the key is gone."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


class Step(StrEnum):
    """What is done to forget somebody; each can be repeated without harm."""

    LETTER = "letter"
    """The last letter is queued: it says that the wish is being carried out."""
    LOGIN = "login"
    PROFILE = "profile"
    """From here on nothing new can be ordered for them."""
    CARTS = "carts"
    PAYMENTS = "payments"
    ORDERS = "orders"
    EXPORTS = "exports"
    NOTICES = "notices"
    """Waits until the last letter is out."""
    KEY = "key"
    """The last: what was sealed is unreadable from here on, backups included."""


STEPS: Final = tuple(Step)
"""In this order: who cannot log in makes nothing new, and the key goes last."""
