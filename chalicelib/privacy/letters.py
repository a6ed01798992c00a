"""The notice of a breach to the agency, as text: what UU PDP art. 46 (2) and GDPR art. 33 (3) want said."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from chalicelib.core.config import settings
from chalicelib.privacy.rules import Breach, deadline


@dataclass(frozen=True, slots=True)
class Words:
    """The fixed words of the notice in one language."""

    title: str
    controller: str
    number: str
    what: str
    when: str
    found: str
    data: str
    subjects: str
    unknown: str
    remedy: str
    told: str
    not_told: str
    due: str
    late: str


INDONESIAN: Final = Words(
    title="PEMBERITAHUAN KEGAGALAN PELINDUNGAN DATA PRIBADI (UU No. 27 Tahun 2022, Pasal 46)",
    controller="Pengendali data pribadi",
    number="Nomor register",
    what="Apa yang terjadi dan bagaimana",
    when="Waktu kejadian",
    found="Diketahui pada",
    data="Data pribadi yang terungkap",
    subjects="Jumlah subjek data yang terdampak",
    unknown="sedang dihitung",
    remedy="Upaya penanganan dan pemulihan",
    told="Subjek data diberi tahu pada",
    not_told="belum",
    due="Batas waktu pemberitahuan (3 x 24 jam)",
    late="lewat batas waktu",
)
ENGLISH: Final = Words(
    title="NOTIFICATION OF A PERSONAL DATA BREACH (Law No. 27 of 2022 art. 46; GDPR art. 33)",
    controller="Controller",
    number="Register number",
    what="What happened and how",
    when="When it happened",
    found="Discovered at",
    data="Personal data disclosed",
    subjects="Number of data subjects affected",
    unknown="being counted",
    remedy="Measures taken and recovery",
    told="Data subjects notified at",
    not_told="not yet",
    due="To be notified by (3 x 24 hours)",
    late="overdue",
)
WORDS: Final = {"id": INDONESIAN, "en": ENGLISH}


def agency_notice(breach: Breach, now: datetime, language: str) -> str:
    """The notice to the agency in ``language`` ("id" or "en"), with the facts as they are known now."""
    words, limit = WORDS[language], deadline(breach.discovered_at, now)
    told = breach.notified_at or breach.notice_ordered_at
    facts = {
        words.controller: f"{settings.shop_name} ({settings.mail_from or settings.store_url})",
        words.number: breach.id,
        words.what: breach.what,
        words.when: f"{local(breach.occurred_from)} - {local(breach.occurred_to)}",
        words.found: local(breach.discovered_at),
        words.data: ", ".join(breach.data_classes),
        words.subjects: words.unknown if breach.affected is None else str(breach.affected),
        words.remedy: breach.remedy,
        words.told: local(told) if told else words.not_told,
        words.due: local(limit.at) + (f" ({words.late})" if limit.is_overdue and told is None else ""),
    }
    return "\n".join([words.title, "", *(f"{name}: {text}" for name, text in facts.items())])


def subject_facts(breach: Breach) -> dict[str, str]:
    """What the letter to each subject says of the breach: the data, when and how, the remedy, whom to ask."""
    return {
        "what": ", ".join(breach.data_classes),
        "happened": f"{local(breach.occurred_from)} - {local(breach.occurred_to)}. {breach.what}",
        "remedy": breach.remedy,
        "contact": settings.mail_from or settings.store_url,
    }


def local(at: datetime) -> str:
    """An instant in the shop's zone, with its offset: 2026-11-24 10:00 +07:00."""
    return at.astimezone(settings.zone).isoformat(" ", "minutes")
