"""Decisions about letters: which there are, what they need, which way they go, what may stand in an address."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal

from chalicelib.core import ids
from chalicelib.core.config import settings
from chalicelib.notices.channels.port import ChannelName
from chalicelib.notices.states import State

Language = Literal["id", "en"]

TRANSACTIONAL: Final = "transactional"
"""The purpose of letters that belong to something the person did; every other purpose is marketing."""

UNSUBSCRIBE: Final = "unsubscribe_link"
"""The fact that every marketing letter needs."""

LONGEST_NAME: Final = 60
ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
MONTHS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "id": (
            "Januari", "Februari", "Maret", "April", "Mei", "Juni",
            "Juli", "Agustus", "September", "Oktober", "November", "Desember",
        ),
        "en": (
            "January", "February", "March", "April", "May", "June",
            "July", "August", "September", "October", "November", "December",
        ),
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who gets a letter. ``subject`` (cus_…, stf_…) names the key that it is sealed under."""

    subject: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """A letter to send. The same ``key`` means the same letter, which is sent once.

    ``purpose`` is named in marketing alone: the purpose that the person consented to.
    """

    template: str
    to: Recipient
    facts: Mapping[str, str]
    language: Language
    key: str
    purpose: str = TRANSACTIONAL


@dataclass(frozen=True, slots=True)
class Noted:
    """A letter as it stands on the books, without who it goes to and what it says."""

    id: str
    state: State
    template: str
    language: Language
    purpose: str
    subject: str
    channels: tuple[ChannelName, ...]
    channel: ChannelName | None
    round: int
    unsure: int
    attempts: int
    message_id: str | None
    reason: str | None
    requested_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Report:
    """What a partner says became of a letter. ``address`` is there where the address itself is the reason; ``is_soft``
    says that it may work again."""

    notice_id: str | None
    message_id: str
    state: State | None
    address: str | None = None
    is_soft: bool = False
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of letter: the facts it needs, in order, and the ways it may go, the preferred first."""

    name: str
    facts: tuple[str, ...]
    channels: tuple[ChannelName, ...] = (ChannelName.EMAIL,)
    is_marketing: bool = False


WHATSAPP_FIRST: Final = (ChannelName.WHATSAPP, ChannelName.EMAIL)

TEMPLATES: Final[Mapping[str, Template]] = MappingProxyType(
    {
        template.name: template
        for template in (
            Template("staff_invitation", ("role", "link", "expires")),
            Template("staff_password_reset", ("link", "expires")),
            Template("staff_new_device", ("at", "device")),
            Template("customer_verify", ("link", "expires")),
            Template("customer_exists", ("link",)),
            Template("customer_password_reset", ("link", "expires")),
            Template("customer_export_ready", ("link", "expires")),
            Template("customer_erased", ()),
            Template("order_placed", ("number", "total", "expires", "link"), WHATSAPP_FIRST),
            Template("order_confirmed", ("number", "total", "link"), WHATSAPP_FIRST),
            Template("breach_notice", ("what", "happened", "remedy", "contact")),
            Template("news", ("headline", "message", "link", UNSUBSCRIBE), WHATSAPP_FIRST, is_marketing=True),
        )
    }
)


def id_of(key: str) -> str:
    """The id of the notice with this key: always the same, and it does not tell the key."""
    number = int.from_bytes(hashlib.sha256(f"notice:{key}".encode()).digest()[:17]) >> 6
    return "ntc_" + "".join(ids.ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def ways(template: Template, to: Recipient) -> tuple[ChannelName, ...]:
    """The ways a letter can go to somebody, the preferred first; none if they cannot be reached."""
    reached = {ChannelName.EMAIL: to.email, ChannelName.WHATSAPP: to.phone}
    return tuple(channel for channel in template.channels if reached[channel])


def is_for_staff(noted: Noted) -> bool:
    """True for a letter without which staff cannot work: invitations, resets, warnings of log-ins."""
    return noted.template.startswith("staff_")


def missing(template: Template, notice: Notice) -> list[str]:
    """What a letter lacks before it can be written. A link that leads nowhere on the web is none."""
    lacking = [name for name in template.facts if name not in notice.facts]
    links = [name for name in template.facts if name.endswith("link") and name in notice.facts]
    lacking += [name for name in links if not notice.facts[name].startswith(("https://", "http://"))]
    if template.is_marketing == (notice.purpose == TRANSACTIONAL):
        lacking.append("purpose")
    return lacking


def normal_address(email: str) -> str:
    """An address as it is compared: its parts case-folded, whatever their form."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


def header_address(email: str) -> str | None:
    """An address as it may stand in a header, its domain in ASCII; None for one that may not stand there."""
    local, at, domain = email.strip().rpartition("@")
    try:
        written = f"{local}{at}{domain.encode('idna').decode()}"
    except UnicodeError:
        return None
    return written if ADDRESS.fullmatch(written) else None


def phone_digits(phone: str) -> str | None:
    """A number as WhatsApp wants it: digits with the country's code, Indonesia's where none is given."""
    digits = re.sub(r"[\s().-]", "", phone)
    if digits.startswith("0"):
        digits = f"62{digits[1:]}"
    digits = digits.removeprefix("+")
    return digits if re.fullmatch(r"[1-9][0-9]{7,14}", digits) else None


def greeting(name: str | None, language: Language) -> str:
    """How a letter begins. What looks like more than a name is left out: anybody can call themselves anything."""
    hello = "Halo" if language == "id" else "Hello"
    plain = " ".join((name or "").split())
    if not plain or len(plain) > LONGEST_NAME or re.search(r"[/<>@:\\]|www\.|\.[a-z]{2}", plain.casefold()):
        return f"{hello},"
    return f"{hello} {plain},"


def when(at: datetime, language: Language) -> str:
    """An instant as people write it, in the shop's zone: "24 November 2026 10.00 WIB"."""
    local = at.astimezone(settings.zone)
    separator = "." if language == "id" else ":"
    clock = f"{local.hour:02d}{separator}{local.minute:02d}"
    return f"{local.day} {MONTHS[language][local.month - 1]} {local.year} {clock} {local.tzname()}"
