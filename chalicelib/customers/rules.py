"""Customers as values. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

import msgspec

from chalicelib.core.errors import Invalid

Language = Literal["id", "en"]

LINE: Final = msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")
NAME: Final = msgspec.Meta(min_length=1, max_length=100, pattern=r"\S")
EMAIL: Final = msgspec.Meta(max_length=254, pattern=r"^[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+$")
PHONE: Final = msgspec.Meta(min_length=8, max_length=25, pattern=r"^\+?[0-9 ().-]+$")
INDONESIAN_POSTAL_CODE: Final = re.compile(r"[0-9]{5}", re.ASCII)

FIRST_LANGUAGE: Final[Language] = "id"


class ProfileState(StrEnum):
    """GUEST: ordered without an account. UNVERIFIED: has one, has not proven the address. ACTIVE: has. ERASED: gone."""

    GUEST = "guest"
    UNVERIFIED = "unverified"
    ACTIVE = "active"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is and how they are reached. ``phone`` in E.164, None for one who gave none."""

    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Customer:
    """A profile as it stands; who it is only under the customer's key (``sealed``)."""

    id: str
    state: ProfileState
    sealed: str | None = field(repr=False)
    email_index: str | None
    """The blind index of the address under which orders find this profile; None for one that holds no address."""
    language: Language
    created_at: datetime
    version: int
    phone_index: str | None = None
    """The blind index of the phone; several customers may have the same."""
    claims: tuple[str, ...] = ()
    """Guests whose address this customer has proven to be theirs."""

    @property
    def is_erased(self) -> bool:
        """True if nothing personal is left."""
        return self.state is ProfileState.ERASED

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id under which this customer has ordered."""
        return (self.id, *self.claims)


def with_claim(claims: Iterable[str], claimed: str) -> tuple[str, ...]:
    """``claims`` and ``claimed``, each once."""
    return tuple(dict.fromkeys((*claims, claimed)))


def check_postal_code(country: str, code: str, pointer: str) -> None:
    """Raises Invalid, naming ``pointer``, for an Indonesian postal code without five digits."""
    if country == "ID" and not INDONESIAN_POSTAL_CODE.fullmatch(code):
        raise Invalid.field(pointer, "an Indonesian postal code has five digits")


def phone_number(text: str, pointer: str) -> str:
    """``text`` in E.164, taken for Indonesian where no country is said. Raises Invalid, naming ``pointer``."""
    digits = re.sub(r"[^0-9]", "", text)
    if not text.lstrip().startswith("+"):
        if digits.startswith("0"):
            digits = "62" + digits[1:]
        elif not digits.startswith("62"):
            digits = "62" + digits
    if not 9 <= len(digits) <= 15:
        raise Invalid.field(pointer, "not a phone number")
    return f"+{digits}"
