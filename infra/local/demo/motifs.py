"""Indonesian textile motifs as SVG patterns: batik, lurik, tenun, weaving and a few plain prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Dyes:
    """The three colours a motif is dyed with: the ground, the figure and a spare one."""

    ground: str
    figure: str
    spare: str


def motif(name: str, pattern_id: str, dyes: Dyes) -> str:
    """The ``<pattern>`` element called ``pattern_id``. Raises KeyError for an unknown motif."""
    width, height, angle, draw = MOTIFS[name]
    return (
        f'<pattern id="{pattern_id}" width="{width}" height="{height}" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate({angle})"><rect width="{width}" height="{height}" fill="{dyes.ground}"/>'
        f"{draw(dyes)}</pattern>"
    )


def _kawung(dyes: Dyes) -> str:
    """Four palm fruits around a point, and the point's echo where four tiles meet."""
    fruits = "".join(
        f'<g transform="rotate({angle} 32 32)" fill="{dyes.ground}">'
        f'<ellipse cx="32" cy="12" rx="11" ry="17" fill="{dyes.figure}"/>'
        f'<ellipse cx="32" cy="12" rx="6.5" ry="12" fill="none" stroke="{dyes.ground}" stroke-width="1.6"/>'
        '<circle cx="32" cy="8" r="2"/><circle cx="32" cy="16" r="2"/></g>'
        for angle in (0, 90, 180, 270)
    )
    return fruits + f'<path d="M32 27 L37 32 L32 37 L27 32 Z" fill="{dyes.spare}"/>'


def _parang(dyes: Dyes) -> str:
    """Rows of the leaning blade, parted by a row of mlinjon diamonds; the pattern is turned by 45 degrees."""
    blade = "M4 46 C4 26 22 34 20 18 C19 10 12 10 12 16 C12 4 32 2 32 18 C32 38 14 30 14 46 Z"
    return (
        f'<g fill="{dyes.figure}"><path d="{blade}"/><path d="{blade}" transform="translate(0 -46)"/></g>'
        f'<path d="M9 40 C12 30 25 32 26 20" fill="none" stroke="{dyes.ground}" stroke-width="2"/>'
        f'<path d="M38 0 V46 M54 0 V46" stroke="{dyes.figure}" stroke-width="2"/>'
        f'<path d="M46 3 L51 11.5 L46 20 L41 11.5 Z M46 26 L51 34.5 L46 43 L41 34.5 Z" fill="{dyes.spare}"/>'
    )


def _truntum(dyes: Dyes) -> str:
    """Small stars scattered on a dark night, the love that grows again."""
    rays = "".join(
        f'<ellipse cx="17" cy="8" rx="2.6" ry="7" transform="rotate({angle} 17 17)"/>' for angle in range(0, 360, 45)
    )
    star = f'<g fill="{dyes.figure}">{rays}</g><circle cx="17" cy="17" r="3.4" fill="{dyes.spare}"/>'
    specks = "".join(
        f'<circle cx="{x}" cy="{y}" r="1.9" fill="{dyes.figure}"/>'
        for x, y in ((47, 5), (59, 17), (47, 29), (35, 17), (5, 47), (17, 35), (29, 47), (17, 59))
    )
    return f'{star}<g transform="translate(30 30)">{star}</g>{specks}'


def _mega_mendung(dyes: Dyes) -> str:
    """Cirebon's rain clouds: one outline inside the other, each paler."""
    cloud = "M12 66 C-4 50 14 32 30 40 C32 18 66 14 72 34 C90 22 114 38 104 56 C122 56 124 72 110 74 H22 Z"
    ring = "".join(
        f'<path d="{cloud}" transform="translate({60 - 60 * scale} {52 - 52 * scale}) scale({scale})" fill="{colour}"/>'
        for scale, colour in (
            (1, dyes.figure),
            (0.84, dyes.ground),
            (0.68, dyes.figure),
            (0.5, dyes.spare),
            (0.3, dyes.ground),
        )
    )
    second = f'<g transform="translate(64 64)">{ring}</g><g transform="translate(-76 64)">{ring}</g>'
    return f'<g transform="translate(4 -10)">{ring}</g>{second}'


def _lurik(dyes: Dyes) -> str:
    stripes = (
        (2, 6, dyes.figure),
        (12, 2, dyes.spare),
        (18, 2, dyes.figure),
        (24, 9, dyes.figure),
        (37, 2, dyes.spare),
    )
    return "".join(
        f'<rect x="{x}" width="{width}" height="40" fill="{colour}" fill-opacity=".85"/>'
        for x, width, colour in stripes
    )


def _kotak(dyes: Dyes) -> str:
    return (
        f'<g fill="{dyes.figure}" fill-opacity=".5">'
        '<rect width="30" height="64"/><rect width="64" height="30"/></g>'
        f'<path d="M47 0 V64 M0 47 H64" stroke="{dyes.spare}" stroke-width="3"/>'
        f'<path d="M15 0 V64 M0 15 H64" stroke="{dyes.ground}" stroke-width="2" stroke-opacity=".7"/>'
    )


def _ikat(dyes: Dyes) -> str:
    """Stepped diamonds between zigzag borders, with the soft teeth of tied yarn."""
    return (
        f'<path d="M40 12 L72 48 L40 84 L8 48 Z" fill="{dyes.figure}"/>'
        f'<path d="M40 26 L60 48 L40 70 L20 48 Z" fill="{dyes.ground}"/>'
        f'<path d="M40 36 L51 48 L40 60 L29 48 Z" fill="{dyes.spare}"/>'
        f'<path d="M0 34 L12 48 L0 62 M80 34 L68 48 L80 62" fill="none"'
        f' stroke="{dyes.spare}" stroke-width="5"/>'
        f'<path d="M0 6 L10 -3 L20 6 L30 -3 L40 6 L50 -3 L60 6 L70 -3 L80 6'
        f' M0 90 L10 99 L20 90 L30 99 L40 90 L50 99 L60 90 L70 99 L80 90" fill="none"'
        f' stroke="{dyes.figure}" stroke-width="5"/>'
    )


def _tenun(dyes: Dyes) -> str:
    return (
        f'<path d="M0 4 H40 V9 H0 Z M0 51 H40 V56 H0 Z" fill="{dyes.spare}"/>'
        f'<path d="M20 14 L34 30 L20 46 L6 30 Z" fill="none" stroke="{dyes.figure}" stroke-width="4"/>'
        f'<path d="M20 24 L26 30 L20 36 L14 30 Z M0 24 L6 30 L0 36 Z M40 24 L34 30 L40 36 Z"'
        f' fill="{dyes.figure}"/>'
    )


def _anyaman(dyes: Dyes) -> str:
    """Strips over and under, each with its own shadow."""
    across = "".join(f'<rect x="{x}" y="{y}" width="20" height="16" rx="4"/>' for x, y in ((1, 3), (23, 25)))
    down = "".join(f'<rect x="{x}" y="{y}" width="16" height="20" rx="4"/>' for x, y in ((25, 1), (3, 23)))
    return f'<g fill="{dyes.figure}">{across}</g><g fill="{dyes.spare}">{down}</g>'


def _bunga(dyes: Dyes) -> str:
    flower = "".join(
        f'<circle cx="20" cy="11" r="6.5" fill="{dyes.figure}" transform="rotate({angle} 20 20)"/>'
        for angle in range(0, 360, 72)
    )
    flower += f'<circle cx="20" cy="20" r="5" fill="{dyes.spare}"/>'
    leaf = f'<path d="M54 6 q14 4 12 18 q-14 -2 -12 -18 Z" fill="{dyes.spare}" fill-opacity=".7"/>'
    second = f'<g transform="translate(36 36)">{flower}</g><g transform="translate(-46 40)">{leaf}</g>'
    return flower + leaf + second


def _blirik(dyes: Dyes) -> str:
    """Enamel specks, as on the mugs of old coffee stalls."""
    blots = (
        (10, 12, 8),
        (38, 8, 5),
        (60, 24, 9),
        (26, 36, 6),
        (48, 48, 7),
        (10, 56, 6),
        (34, 66, 4),
        (66, 62, 5),
    )
    specks = (
        (24, 20, 3),
        (48, 26, 3),
        (8, 34, 3),
        (58, 40, 3),
        (24, 54, 3),
        (52, 66, 3),
        (66, 8, 2),
        (40, 38, 2),
    )
    drops = "".join(f'<ellipse cx="{x}" cy="{y}" rx="{r}" ry="{r - 1}"/>' for x, y, r in blots + specks)
    return f'<g fill="{dyes.figure}">{drops}</g>'


MOTIFS: Final[dict[str, tuple[int, int, int, Callable[[Dyes], str]]]] = {
    "kawung": (64, 64, 45, _kawung),
    "parang": (60, 46, 45, _parang),
    "truntum": (64, 64, 0, _truntum),
    "mega-mendung": (140, 128, 0, _mega_mendung),
    "lurik": (44, 40, 0, _lurik),
    "kotak": (64, 64, 0, _kotak),
    "ikat": (80, 96, 0, _ikat),
    "tenun": (40, 60, 0, _tenun),
    "anyaman": (44, 44, 0, _anyaman),
    "bunga": (72, 72, 0, _bunga),
    "blirik": (74, 74, 0, _blirik),
}
