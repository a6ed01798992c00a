"""Writing letters: a template of paragraphs, once in plain text and once in HTML, every fact escaped.

A template is a text file: its first line is the subject, then paragraphs; ``[Label]($link)`` on its own is a button.
"""

import html
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Template as Pattern
from types import MappingProxyType
from typing import Final

from chalicelib.core.config import settings
from chalicelib.notices.channels.port import Letter
from chalicelib.notices.errors import UnknownTemplate
from chalicelib.notices.rules import TEMPLATES, UNSUBSCRIBE, Language, Noted, Recipient, greeting

FOLDER: Final = Path(__file__).with_name("templates")
BUTTON: Final = re.compile(r"\[(?P<label>[^\]]+)\]\(\$(?P<link>[a-z_]+)\)")
PARAGRAPH: Final = '<p style="margin:0 0 16px">{}</p>'
LINK: Final = (
    '<p style="margin:24px 0"><a href="{}" style="display:inline-block;padding:10px 20px;border-radius:8px;'
    'background:#0f766e;color:#fff;text-decoration:none;font-weight:600">{}</a></p>'
)
FOOTERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "id": "Surat ini dikirim otomatis oleh $shop.",
        "en": "This letter was sent automatically by $shop.",
    }
)
STOPS: Final[Mapping[str, str]] = MappingProxyType({"id": "Berhenti berlangganan", "en": "Unsubscribe"})
SAMPLES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "at": "24 November 2026 10.00 WIB",
        "contact": "privasi@toko.example",
        "device": "Chrome, Windows",
        "expires": "25 November 2026 10.00 WIB",
        "happened": "23 November 2026, salah kirim berkas ekspor",
        "headline": "Koleksi batik baru",
        "link": "https://toko.example/contoh",
        "message": "Koleksi batik tulis terbaru sudah tersedia.",
        "number": "LRS-20261124-7F3K",
        "remedy": "Berkas ditarik dan akses diperketat",
        "role": "manager",
        "total": "Rp150.000",
        "unsubscribe_link": "https://toko.example/berhenti",
        "what": "nama dan alamat pengiriman",
    }
)
"""What previews say."""


def write(noted: Noted, to: Recipient, facts: Mapping[str, str], address: str) -> Letter:
    """The letter of a notice, for ``address``. Raises KeyError if a fact is missing."""
    language: Language = "en" if noted.language == "en" else "id"
    said = {**facts, "shop": settings.shop_name}
    subject, *paragraphs = _pattern(noted.template, language)
    opening = greeting(to.name, language)
    stop = facts[UNSUBSCRIBE] if TEMPLATES[noted.template].is_marketing else None
    title = Pattern(subject).substitute(said)
    return Letter(
        notice_id=noted.id,
        template=noted.template,
        language=language,
        to=address,
        subject=title,
        text=_text(opening, paragraphs, said, language, stop),
        html=_html(title, opening, paragraphs, said, language, stop),
        parameters=tuple(facts[name] for name in TEMPLATES[noted.template].facts),
        unsubscribe_link=stop,
    )


def preview(template: str, language: Language) -> str:
    """A letter of sample facts, as a page. Raises UnknownTemplate."""
    if template not in TEMPLATES:
        raise UnknownTemplate(template=template)
    said = {**SAMPLES, "shop": settings.shop_name}
    subject, *paragraphs = _pattern(template, language)
    stop = SAMPLES[UNSUBSCRIBE] if TEMPLATES[template].is_marketing else None
    opening = greeting("Siti", language)
    return _html(Pattern(subject).substitute(said), opening, paragraphs, said, language, stop)


def subject_of(template: str, language: Language) -> str:
    """The first line of a template, as it is written."""
    return _pattern(template, language)[0]


def facts_named_in(template: str, language: Language) -> set[str]:
    """The facts that a template names."""
    return {name for part in _pattern(template, language) for name in Pattern(part).get_identifiers()} - {"shop"}


def _text(opening: str, paragraphs: list[str], said: Mapping[str, str], language: Language, stop: str | None) -> str:
    parts = [opening]
    for paragraph in paragraphs:
        button = BUTTON.fullmatch(paragraph)
        written = f"{button['label']}:\n${button['link']}" if button else paragraph
        parts.append(Pattern(written).substitute(said))
    parts.append("-- \n" + Pattern(FOOTERS[language]).substitute(said))
    if stop:
        parts.append(f"{STOPS[language]}: {stop}")
    return "\n\n".join(parts) + "\n"


def _html(
    title: str, opening: str, paragraphs: list[str], said: Mapping[str, str], language: Language, stop: str | None
) -> str:
    safe = {name: html.escape(fact) for name, fact in said.items()}
    content = [PARAGRAPH.format(html.escape(opening))]
    for paragraph in paragraphs:
        button = BUTTON.fullmatch(paragraph)
        if button:
            content.append(LINK.format(safe[button["link"]], Pattern(html.escape(button["label"])).substitute(safe)))
        else:
            content.append(PARAGRAPH.format(Pattern(html.escape(paragraph)).substitute(safe).replace("\n", "<br>")))
    footer = Pattern(html.escape(FOOTERS[language])).substitute(safe)
    if stop:
        footer += f' <a href="{html.escape(stop)}">{STOPS[language]}</a>'
    page = {"language": language, "subject": html.escape(title), "shop": safe["shop"]}
    return Pattern(_file("layout.html")).substitute(page, content="\n".join(content), footer=footer)


def _pattern(template: str, language: Language) -> list[str]:
    return [" ".join(part.split()) for part in _file(f"{template}.{language}.txt").strip().split("\n\n")]


@cache
def _file(name: str) -> str:
    return FOLDER.joinpath(name).read_text(encoding="utf-8")
