"""Text that a customer reads, in Indonesian and English."""

from typing import Annotated

import msgspec

Text = Annotated[str, msgspec.Meta(max_length=10_000)]


class LocalText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text in Indonesian (``id``), and in English (``en``) where there is one."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=10_000)]
    en: Text | None = None

    def to(self, language: str) -> str:
        """The text in ``language``; Indonesian where it is not there."""
        return self.en if language == "en" and self.en else self.id
