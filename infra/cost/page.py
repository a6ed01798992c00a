"""The bill as a page to look at: what an order costs by volume, what a month is made of, and what stands idle.

One file without scripts and without anything from elsewhere.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from infra.cost.basis import PARTS, Basis
from infra.cost.bill import Bill, month
from infra.cost.show import NOTHING, SMALLEST, volumes

WIDTH: Final = 900
LEFT, RIGHT, TOP, BOTTOM = 80, 90, 20, 40
HEIGHT: Final = 320
FEWEST: Final = 100
MOST: Final = 1_000_000
COLOURS: Final = (
    "#4269d0", "#efb118", "#ff725c", "#6cc5b0", "#3ca951", "#ff8ab7", "#a463f2", "#97bbf5", "#9c6b4e", "#9498a0",
)  # fmt: skip

META: Final = "<meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1e23; --faint: #8a9099; --rule: #d9dde3; --paper: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --faint: #9aa0a6; --rule: #3c4043; --paper: #17191c } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem;
       margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.15rem; margin-top: 2.5rem }
.figures { display: flex; flex-wrap: wrap; gap: 1rem }
.figure { flex: 1 1 12rem; border: 1px solid var(--rule); border-radius: .5rem; padding: .8rem 1rem }
.figure b { display: block; font-size: 1.5rem } .figure span, .note { color: var(--faint); font-size: .9rem }
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif; fill: var(--ink) }
svg .grid { stroke: var(--rule) } svg .faint { fill: var(--faint) }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .6rem; border-bottom: 1px solid var(--rule); text-align: right }
th:first-child, td:first-child { text-align: left } .wide { overflow-x: auto }
.swatch { display: inline-block; width: .8em; height: .8em; border-radius: .2em; margin-right: .4em }
"""


def html(basis: Basis, orders: float) -> str:
    """The page."""
    months = [month(basis, each) for each in volumes(orders)]
    parts = [
        "<h1>What Laris costs at AWS</h1>",
        _headline(basis, orders),
        "<h2>What one paid order costs</h2>",
        _per_order(basis),
        "<p class='note'>All that leads to it is in it: lists and pages that are looked at, carts that are left, orders"
        " that nobody pays. The dashed line is a stage without " + ", ".join(PARTS) + ".</p>",
        "<h2>What a month is made of</h2>",
        _months(basis, months),
        "<h2>What is due without an order</h2>",
        _idle(basis),
        _grounds(basis),
    ]
    head = f"{META}<title>Laris: cost</title><style>{STYLE}</style>"
    return f"<!doctype html><html lang='en'><head>{head}</head><body>{''.join(parts)}</body></html>\n"


def _grounds(basis: Basis) -> str:
    tier = "what is free each month is taken off" if basis.free_tier else "no free tier"
    return (
        f"<p class='note'>Prices of {basis.book.region} read {basis.book.read_on}, IDR {basis.book.idr_per_usd:,} a"
        f" dollar; {tier}, no taxes. Requests, request units, messages, letters and bytes are measured in tests; what"
        " is supposed of a shop's traffic and of AWS stands in infra/cost/assumptions.json.</p>"
    )


def _headline(basis: Basis, orders: float) -> str:
    quiet, asked, busy = (month(basis, each) for each in (0, orders or 10_000, MOST))
    said = [
        (f"{quiet.usd:,.2f} USD", _idr(basis, quiet.usd), "a month in which nobody comes"),
        (f"{asked.usd:,.2f} USD", _idr(basis, asked.usd), f"a month with {asked.orders:,.0f} paid orders"),
        (
            _idr(basis, asked.usd_per_order or 0),
            _idr(basis, busy.usd_per_order or 0),
            f"an order then, and at {MOST:,} a month",
        ),
    ]
    boxes = [f"<div class='figure'><b>{big}</b>{small}<br><span>{what}</span></div>" for big, small, what in said]
    return f"<div class='figures'>{''.join(boxes)}</div>"


def _per_order(basis: Basis) -> str:
    lean = basis
    for part in PARTS:
        lean = lean.less(part)
    numbers = [FEWEST * (MOST / FEWEST) ** (step / 60) for step in range(61)]
    full, less = ([month(each, number).usd / number for number in numbers] for each in (basis, lean))
    top, low = (10**edge for edge in (math.ceil(math.log10(max(full))), math.floor(math.log10(min(less)))))
    marks = [low * 10**power for power in range(round(math.log10(top / low)) + 1)]
    grid = "".join(_mark(_y(mark, low, top), f"{mark:g} USD", _idr(basis, mark)) for mark in marks)
    under = "".join(
        f"<text class='faint' x='{_x(10**power):.0f}' y='{HEIGHT - 14}' text-anchor='middle'>{10**power:,}</text>"
        for power in range(2, 7)
    )
    lines = _line(numbers, less, low, top, "stroke-dasharray='5 5' opacity='.7'") + _line(numbers, full, low, top, "")
    dots = "".join(_dot(basis, number, low, top) for number in (1_000, 10_000, 100_000, MOST))
    return _svg(HEIGHT, "Cost of an order by volume", grid + under + lines + dots)


def _svg(height: int, label: str, content: str) -> str:
    return f"<svg viewBox='0 0 {WIDTH} {height}' role='img' aria-label='{label}'>{content}</svg>"


def _mark(y: float, left: str, right: str) -> str:
    return (
        f"<line class='grid' x1='{LEFT}' x2='{WIDTH - RIGHT}' y1='{y:.1f}' y2='{y:.1f}'/>"
        f"<text class='faint' x='{LEFT - 8}' y='{y + 4:.1f}' text-anchor='end'>{left}</text>"
        f"<text class='faint' x='{WIDTH - RIGHT + 8}' y='{y + 4:.1f}'>{right}</text>"
    )


def _line(numbers: Sequence[float], usd: Sequence[float], low: float, top: float, style: str) -> str:
    points = " ".join(f"{_x(number):.1f},{_y(each, low, top):.1f}" for number, each in zip(numbers, usd, strict=True))
    return f"<polyline points='{points}' fill='none' stroke='{COLOURS[0]}' stroke-width='2.5' {style}/>"


def _dot(basis: Basis, number: int, low: float, top: float) -> str:
    usd = month(basis, number).usd / number
    x, y = _x(number), _y(usd, low, top)
    label = f"<text x='{x:.1f}' y='{y - 12:.1f}' text-anchor='middle'>{_idr(basis, usd)}</text>"
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='4' fill='{COLOURS[0]}'/>{label}"


def _x(number: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * math.log(number / FEWEST) / math.log(MOST / FEWEST)


def _y(usd: float, low: float, top: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * math.log(top / usd) / math.log(top / low)


def _months(basis: Basis, months: Sequence[Bill]) -> str:
    """Each month as a bar of its services' shares, and the same as a table."""
    services = sorted({name for each in months for name in each.by_service()}, key=lambda name: _dearest(months, name))
    services = [name for name in services if any(each.by_service().get(name, 0) >= SMALLEST for each in months)]
    colours = {name: COLOURS[min(at, len(COLOURS) - 1)] for at, name in enumerate(services)}
    bars = "".join(_bar(basis, each, at, colours) for at, each in enumerate(months))
    heads = "".join(f"<th>{each.orders:,.0f}</th>" for each in months)
    rows = [
        f"<tr><td><i class='swatch' style='background:{colours[name]}'></i>{escape(name)}</td>"
        + "".join(f"<td>{each.by_service().get(name, 0):,.2f}</td>" for each in months)
        + "</tr>"
        for name in services
    ]
    rows.append("<tr><th>all, USD</th>" + "".join(f"<th>{each.usd:,.2f}</th>" for each in months) + "</tr>")
    rows.append(
        "<tr><th>all, IDR</th>" + "".join(f"<th>{basis.book.idr(each.usd):,}</th>" for each in months) + "</tr>"
    )
    table = f"<table><tr><th>paid orders a month</th>{heads}</tr>{''.join(rows)}</table>"
    height = 34 * len(months) + 4
    return f"{_svg(height, 'Shares of a month', bars)}<div class='wide'>{table}</div>"


def _bar(basis: Basis, bill: Bill, at: int, colours: dict[str, str]) -> str:
    width, y, x = WIDTH - LEFT - RIGHT - 60, at * 34 + 4, float(LEFT)
    drawn = [f"<text x='{LEFT - 8}' y='{y + 18}' text-anchor='end'>{bill.orders:,.0f}</text>"]
    services = bill.by_service()
    for name, colour in colours.items():
        usd = services.get(name, 0.0)
        part = width * usd / bill.usd
        title = f"<title>{escape(name)}: {usd:,.2f} USD</title>"
        drawn.append(f"<rect x='{x:.1f}' y='{y}' width='{part:.1f}' height='26' fill='{colour}'>{title}</rect>")
        x += part
    drawn.append(f"<text x='{LEFT + width + 8}' y='{y + 18}'>{_idr(basis, bill.usd)}</text>")
    return "".join(drawn)


def _idle(basis: Basis) -> str:
    quiet = month(basis, 0)
    lines = sorted((line for line in quiet.lines if line[1] >= SMALLEST), key=lambda line: -line[1])
    rows = "".join(
        f"<tr><td>{escape(basis.book.prices[item.price].service)}: {escape(item.what)}"
        f"<br><span class='note'>{escape(item.advice)}</span></td>"
        f"<td>{usd:,.2f}</td><td>{basis.book.idr(usd):,}</td></tr>"
        for item, usd in lines
    )
    table = f"<table><tr><th></th><th>USD</th><th>IDR</th></tr>{rows}</table>"
    return f"{table}<p class='note'>Nothing at all for {NOTHING}.</p>"


def _dearest(months: Sequence[Bill], service: str) -> float:
    return -max(each.by_service().get(service, 0) / (each.usd or 1) for each in months)


def _idr(basis: Basis, usd: float) -> str:
    return f"Rp {basis.book.idr(usd):,}".replace(",", ".")
