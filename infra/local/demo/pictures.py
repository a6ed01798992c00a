"""Product pictures of the demo shop, drawn as SVG from a slug, a name and a category.

A picture is a shape (``shapes/*.svg``, a fragment on an 800 x 800 sheet with ``$colour`` places), a palette,
a textile motif and the shop's mark. The same three words always give the same bytes.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from string import Template
from typing import Final
from xml.sax.saxutils import escape

from infra.local.demo.motifs import MOTIFS, Dyes, motif
from infra.local.demo.palettes import INK, PAPER, Palette, lightness, palette, seed, shade
from infra.local.demo.shop import read_shop

SHAPES: Final = Path(__file__).parent / "shapes"

# The first of these words that the slug holds decides, so the narrower word stands before the wider.
SHAPE_BY_WORD: Final = {
    "koko": "koko",
    "pendek": "kemeja-pendek",
    "semar": "kaos-gambar",
    "polo": "polo",
    "pangsi": "pangsi",
    "kebaya": "kebaya",
    "kardigan": "kardigan",
    "outer": "kardigan",
    "daster": "gaun",
    "gaun": "gaun",
    "rok": "rok",
    "bantal": "bantal",
    "sarung": "lipatan",
    "kain": "kain",
    "sajadah": "lipatan",
    "selendang": "pashmina",
    "pashmina": "pashmina",
    "mukena": "mukena",
    "gamis": "gamis",
    "teh": "teh",
    "wedang": "teh",
    "jamu": "botol",
    "kecap": "botol",
    "minyak": "botol",
    "sambal": "toples",
    "madu": "toples",
    "lulur": "toples",
    "nastar": "toples",
    "bumbu": "bumbu",
    "tikar": "tikar",
    "topeng": "topeng",
    "lampu": "lampu",
    "vas": "vas",
    "keranjang": "keranjang",
    "sabun": "sabun",
    "cobek": "cobek",
    "talenan": "talenan",
    "cangkir": "cangkir",
    "wajan": "wajan",
    "blangkon": "blangkon",
    "kalung": "kalung",
    "anting": "anting",
    "ransel": "ransel",
    "tote": "tote",
    "dompet": "dompet",
    "sandal": "sandal",
    "kelom": "kelom",
    "loafer": "loafer",
}
SHAPE_BY_CATEGORY: Final = {
    "pakaian": "kaos",
    "pria": "kemeja",
    "kemeja": "kemeja",
    "kaos": "kaos",
    "celana": "celana",
    "wanita": "blus",
    "batik": "kemeja",
    "muslimah": "hijab",
    "hijab": "hijab",
    "gamis-mukena": "gamis",
    "makanan-minuman": "kemasan",
    "minuman": "kopi",
    "sambal-bumbu": "toples",
    "camilan": "kemasan",
    "kerajinan": "keranjang",
    "perawatan-tubuh": "toples",
    "rumah-tangga": "cangkir",
    "aksesori": "kalung",
    "tas": "tas",
    "sepatu": "sneakers",
}
MOTIF_BY_WORD: Final = {
    **{name: name for name in MOTIFS},
    "mega": "mega-mendung",
    "flanel": "kotak",
    "goyor": "tenun",
    "sogan": "kawung",
    "melati": "bunga",
    "daster": "bunga",
    "kebaya": "bunga",
}
MOTIF_BY_SHAPE: Final = {
    "keranjang": "anyaman",
    "tikar": "anyaman",
    "lampu": "anyaman",
    "tas": "anyaman",
    "cangkir": "blirik",
    "kelom": "bunga",
}
BATIK: Final = ("kawung", "parang", "truntum")
HANGING: Final = frozenset(
    {"kemeja", "kemeja-pendek", "koko", "kaos", "kaos-gambar", "polo"} | {"blus", "gaun", "gamis", "kebaya", "kardigan"}
)
FLAT: Final = HANGING | frozenset(
    {"celana", "pangsi", "rok", "kain", "pashmina", "hijab", "mukena"}
    | {"topeng", "kalung", "anting", "sandal", "kelom", "talenan"}
)


HANGER: Final = (
    '<path d="M400 214 V176 C400 158 424 158 424 138 C424 106 376 106 376 138" fill="none" stroke="#8b8378"'
    ' stroke-width="8" stroke-linecap="round"/>'
    '<path d="M286 236 L400 190 L514 236" fill="none" stroke="#a9743f"'
    ' stroke-width="18" stroke-linecap="round" stroke-linejoin="round"/>'
)


def picture_of(slug: str) -> bytes:
    """The picture of a demo product; any other slug gets what its words suggest, or a gift box."""
    for product in read_shop().products:
        if product["slug"] == slug:
            return picture(slug, product["name"]["id"], product["categories"][0])
    return picture(slug, slug.replace("-", " ").title(), "")


def picture(slug: str, name: str, category: str) -> bytes:
    """An 800 x 800 SVG of the product, in UTF-8; what we have no drawing for comes in a gift box."""
    shape, colours, uid = _shape(slug, category), palette(slug), f"p{seed(slug, 'id'):08x}"
    fabric = _fabric(slug, shape, category)
    drawing = _drawing(shape, colours, uid, is_plain=fabric is None, label=_label(name))
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 800" width="800" height="800" role="img"'
        f" font-family=\"Georgia, 'Times New Roman', serif\"><title>{escape(name)} · Toko Laris</title>"
        f"<defs>{_defs(slug, uid, colours, fabric)}</defs>{_scene(slug, colours, is_flat=shape in FLAT)}"
        f'<g filter="url(#{uid}-shadow)">{HANGER if shape in HANGING else ""}{drawing}</g>'
        f"{_mark(colours)}</svg>\n"
    )
    return svg.encode()


def _drawing(shape: str, colours: Palette, uid: str, *, is_plain: bool, label: tuple[str, str]) -> str:
    return _template(shape).substitute(
        uid=uid,
        main=colours.main,
        dark=colours.dark,
        light=colours.light,
        accent=colours.accent,
        backdrop=colours.backdrop,
        ink=INK,
        fabric=colours.main if is_plain else f"url(#{uid}-fabric)",
        band=f"url(#{uid}-band)",
        label1=escape(label[0]),
        label2=escape(label[1]),
    )


def _shape(slug: str, category: str) -> str:
    words = slug.split("-")
    named = next((shape for word, shape in SHAPE_BY_WORD.items() if word in words), None)
    return named or SHAPE_BY_CATEGORY.get(category, "kotak")


@cache
def _template(shape: str) -> Template:
    return Template((SHAPES / f"{shape}.svg").read_text(encoding="utf-8"))


def _label(name: str) -> tuple[str, str]:
    """The two lines on a package: the first word, and as many of the rest as fit under it."""
    first, *rest = name.split()
    second = ""
    for word in rest:
        if len(second) + 1 + len(word) > 13:
            break
        second = f"{second} {word}".strip()
    return first, second


def _fabric(slug: str, shape: str, category: str) -> str | None:
    """The motif the product itself is made in, or None for plain cloth and other matter."""
    named = next((MOTIF_BY_WORD[word] for word in slug.split("-") if word in MOTIF_BY_WORD), None)
    if named or shape in MOTIF_BY_SHAPE:
        return named or MOTIF_BY_SHAPE[shape]
    return BATIK[seed(slug, "batik") % len(BATIK)] if category == "batik" else None


def _defs(slug: str, uid: str, colours: Palette, fabric: str | None) -> str:
    band = fabric if fabric in BATIK else BATIK[seed(slug, "band") % len(BATIK)]
    patterns = motif(band, f"{uid}-band", Dyes(colours.dark, PAPER, colours.accent))
    if fabric:
        patterns += motif(fabric, f"{uid}-fabric", _dyes(fabric, colours))
    return (
        f'{patterns}<filter id="{uid}-shadow" x="-10%" y="-10%" width="120%" height="125%">'
        '<feGaussianBlur in="SourceAlpha" stdDeviation="12"/><feOffset dy="12"/>'
        '<feComponentTransfer><feFuncA type="linear" slope=".28"/></feComponentTransfer>'
        '<feMerge><feMergeNode/><feMergeNode in="SourceGraphic"/></feMerge></filter>'
    )


def _dyes(fabric: str, colours: Palette) -> Dyes:
    """Batik shows cream on its dye, lace and weaving stay tone on tone, enamel is white with specks."""
    match fabric:
        case "anyaman":
            return Dyes(shade(colours.main, -0.3), colours.main, shade(colours.main, 0.09))
        case "blirik":
            return Dyes("#f6f4ea", colours.main, colours.dark)
        case "bunga":
            return Dyes(colours.main, colours.light, colours.accent)
        case "lurik" | "kotak":
            return Dyes(colours.main, colours.dark, colours.accent)
    return Dyes(colours.main, shade(colours.accent, 0.2) if lightness(colours.accent) < 0.7 else PAPER, colours.accent)


def _scene(slug: str, colours: Palette, *, is_flat: bool) -> str:
    """The wall with one large quiet figure and, for what stands, a table top."""
    figures = (
        '<circle cx="400" cy="400" r="306"/>',
        '<path d="M120 800 V380 A280 280 0 0 1 680 380 V800 Z"/>',
        '<path d="M400 84 C600 60 760 230 716 420 S640 716 420 716 S90 600 92 410 S220 106 400 84 Z"/>',
        '<rect x="104" y="104" width="592" height="592" rx="150" transform="rotate(8 400 400)"/>',
    )
    figure = figures[seed(slug, "figure") % len(figures)]
    table = (
        "" if is_flat else f'<rect y="632" width="800" height="168" fill="{shade(colours.backdrop, -0.08, mute=0.7)}"/>'
    )
    ground = "" if is_flat else f'<ellipse cx="400" cy="660" rx="215" ry="20" fill="{INK}" fill-opacity=".16"/>'
    wall = f'<rect width="800" height="800" fill="{colours.backdrop}"/>'
    return f'{wall}<g fill="{colours.glow}">{figure}</g>{table}{ground}'


def _mark(colours: Palette) -> str:
    """The shop's awning and name in the corner."""
    ink = shade(colours.backdrop, -0.52)
    scallops = "".join(f'<path d="M{x} 0 h11 v10 a5.5 5.5 0 0 1 -11 0 Z"/>' for x in (0, 22, 44))
    return (
        f'<g transform="translate(40 728)" fill="{ink}" fill-opacity=".8">{scallops}<g fill-opacity=".4">'
        '<path d="M11 0 h11 v10 a5.5 5.5 0 0 1 -11 0 Z"/><path d="M33 0 h11 v10 a5.5 5.5 0 0 1 -11 0 Z"/></g>'
        '<path d="M4 18 h47 v16 h-47 Z M22 22 v12 h11 v-12 Z" fill-rule="evenodd"/>'
        '<text x="68" y="28" font-size="26" font-weight="700" letter-spacing="1">Toko Laris</text></g>'
    )
