"""The colours of a demo picture, chosen by the words of a slug and else by its seed."""

from __future__ import annotations

import colorsys
import hashlib
from dataclasses import dataclass
from typing import Final

INK: Final = "#3a2a20"
PAPER: Final = "#fff6e4"

MAIN_AND_ACCENT: Final = {
    "biru": ("#33648f", "#eaa640"),
    "nila": ("#2c4573", "#e3b25e"),
    "navy": ("#2d3f5f", "#e58a4e"),
    "tosca": ("#2b8580", "#f2b24a"),
    "hijau": ("#3f7d58", "#f0b44c"),
    "zaitun": ("#6f7748", "#d9823f"),
    "sage": ("#8ca585", "#c9694a"),
    "merah": ("#b53a30", "#f3c462"),
    "maroon": ("#7c2a39", "#e6b566"),
    "pink": ("#d38f90", "#7b3f52"),
    "terakota": ("#c3683f", "#2f706b"),
    "jingga": ("#dc8434", "#3f7064"),
    "kuning": ("#dfa536", "#8a4030"),
    "mustard": ("#cf9a34", "#4c5d6b"),
    "lilac": ("#9f8bbb", "#e0a04f"),
    "ungu": ("#6c4d80", "#e9b250"),
    "hitam": ("#3b3936", "#dba84f"),
    "abu": ("#7d8286", "#d98a4a"),
    "putih": ("#faf6ec", "#c08a3e"),
    "krem": ("#dfc69a", "#9a4f33"),
    "khaki": ("#b39a6a", "#6b3f2a"),
    "tan": ("#b77a45", "#e8c98a"),
    "mocca": ("#a5806a", "#f0c48a"),
    "cokelat": ("#764a30", "#e7b868"),
    "espreso": ("#4c3024", "#e2a85c"),
    "soga": ("#7a4824", "#f1d9a2"),
    "bening": ("#e6e9cf", "#4d8a5e"),
    "perak": ("#a9b1b8", "#3f6d8c"),
}

# What a thing is made of colours it as surely as a word for a colour does.
COLOUR_BY_WORD: Final = {
    **{name: name for name in MAIN_AND_ACCENT},
    **dict.fromkeys(("lurik", "sneakers", "kawung"), "nila"),
    **dict.fromkeys(("gayo", "goyor", "bergo"), "hijau"),
    **dict.fromkeys(("toraja", "wedang", "rendang", "daster", "kebaya"), "maroon"),
    **dict.fromkeys(("temanggung", "kecap", "loafer"), "espreso"),
    **dict.fromkeys(("jamu", "nastar", "emping"), "kuning"),
    **dict.fromkeys(("madu", "singkong"), "jingga"),
    **dict.fromkeys(("sambal", "topeng"), "merah"),
    **dict.fromkeys(("gerabah", "vas", "ikat", "tempe"), "terakota"),
    **dict.fromkeys(("rotan", "bambu", "pandan", "purun"), "krem"),
    **dict.fromkeys(("jati", "dompet", "sandal", "ransel"), "tan"),
    **dict.fromkeys(("sogan", "parang", "truntum"), "soga"),
    **dict.fromkeys(("mukena", "polos"), "putih"),
    **dict.fromkeys(("mega", "sajadah"), "biru"),
    **dict.fromkeys(("sabun", "rok", "linen"), "sage"),
    "melati": "tosca",
    "voal": "mocca",
    "cobek": "abu",
    "wajan": "hitam",
    "pashmina": "lilac",
    "kardigan": "mustard",
    "chino": "khaki",
    "minyak": "bening",
    "anting": "perak",
    "lulur": "krem",
}
ANY_COLOUR: Final = (
    "biru",
    "tosca",
    "hijau",
    "maroon",
    "pink",
    "terakota",
    "mustard",
    "sage",
    "ungu",
    "nila",
)
WALLS: Final = ("#f4dfc0", "#dcebe4", "#f6d9cb", "#dfe4f0", "#f5e6bf", "#d9e8ee", "#eadccb", "#e9deec")
DEEPER_WALLS: Final = ("#b4cfc8", "#bccae0", "#b9d3dc", "#cfc0d6", "#c4d2b4")


@dataclass(frozen=True, slots=True)
class Palette:
    """Hex colours: the product's main colour and its shades, an accent, and the wall behind."""

    main: str
    dark: str
    light: str
    accent: str
    backdrop: str
    glow: str


def seed(slug: str, purpose: str) -> int:
    """A number that always is the same for this slug and purpose."""
    return int.from_bytes(hashlib.sha256(f"{purpose}:{slug}".encode()).digest()[:4], "big")


def palette(slug: str) -> Palette:
    """The colours that belong to ``slug``; the first word that names a colour or a material decides."""
    named = [COLOUR_BY_WORD[word] for word in _colours_first(slug) if word in COLOUR_BY_WORD]
    colour = named[0] if named else ANY_COLOUR[seed(slug, "colour") % len(ANY_COLOUR)]
    main, accent = MAIN_AND_ACCENT[colour]
    backdrop = _backdrop(slug, main)
    return Palette(
        main=main,
        dark=shade(main, -0.16 if lightness(main) > 0.3 else -0.09),
        light=shade(main, 0.18 if lightness(main) < 0.8 else 0.03),
        accent=accent,
        backdrop=backdrop,
        glow=shade(backdrop, 0.055),
    )


def shade(colour: str, by: float, *, mute: float = 1) -> str:
    """``colour`` made lighter, or darker when ``by`` is negative; ``mute`` below 1 greys it."""
    hue, light, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    red, green, blue = colorsys.hls_to_rgb(hue, min(0.98, max(0.05, light + by)), saturation * mute)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def lightness(colour: str) -> float:
    return colorsys.rgb_to_hls(*_rgb(colour))[1]


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red / 255, green / 255, blue / 255


def _colours_first(slug: str) -> list[str]:
    return sorted(slug.split("-"), key=lambda word: word not in MAIN_AND_ACCENT)


def _backdrop(slug: str, main: str) -> str:
    """A wall the product stands out from: pale products get a deeper, cooler one."""
    walls = DEEPER_WALLS if lightness(main) > 0.7 else WALLS
    return walls[seed(slug, "backdrop") % len(walls)]
