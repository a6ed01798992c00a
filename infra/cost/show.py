"""The bill as tables for a terminal, and as data."""

from collections.abc import Sequence
from typing import Any, Final

from infra.cost.basis import PARTS, Basis, Item
from infra.cost.bill import Bill, marginal_usd, month
from infra.cost.prices import HOME, assumptions

VOLUMES: Final = (0, 1_000, 10_000, 100_000, 1_000_000)
SMALLEST: Final = 0.005
"""USD below which a line is not named one by one."""
NOTHING: Final = (
    "functions, queues, topics, tables and buckets that stand idle, the API, the stream to its trigger, parameters, the"
    " clock of schedules, budgets that only notify"
)


MEASURED: Final = (
    "Calls, request units, messages, letters and bytes are measured (infra/cost/usage.json), what stands there is read"
    " from the template and the app. Of a shop's traffic it is supposed, and can be said otherwise:"
)


def volumes(orders: float) -> list[float]:
    """The volumes that are always shown, and the one that was asked for."""
    return sorted({*map(float, VOLUMES), float(orders)})


def overview(basis: Basis, orders: float) -> str:
    """Services by volume, in USD, with sums in both currencies."""
    months = [month(basis, each) for each in volumes(orders)]
    services = sorted({name for each in months for name in each.by_service()}, key=lambda name: _weight(months, name))
    rows = [[service, *(_usd(each.by_service().get(service, 0)) for each in months)] for service in services]
    rows += [
        ["all, USD", *(_usd(each.usd) for each in months)],
        ["all, IDR", *(f"{basis.book.idr(each.usd):,}" for each in months)],
        ["an order, USD", *(_per_order(each) for each in months)],
        ["an order, IDR", *(_per_order(each, in_idr=True) for each in months)],
    ]
    heads = ["paid orders a month", *(f"{each.orders:,.0f}" for each in months)]
    return table(f"A month at AWS, prices of {basis.book.region} of {basis.book.read_on}, USD", heads, rows, sums=4)


def idle(basis: Basis) -> str:
    """What is due without an order, dearest first, and what can be done about it."""
    quiet = month(basis, 0)
    lines = sorted((line for line in quiet.lines if line[1] >= SMALLEST), key=lambda line: -line[1])
    small = quiet.usd - sum(usd for _, usd in lines)
    return "\n".join(
        [
            "",
            f"Without a single order: {quiet.usd:.2f} USD ({basis.book.idr(quiet.usd):,} IDR) a month, of which",
            *(f"  {usd:7.2f}  {basis.book.prices[item.price].service}: {_advised(item)}" for item, usd in lines),
            f"  {small:7.2f}  all else, each less than a cent",
            f"Nothing at all for {NOTHING}.",
        ]
    )


def details(bill: Bill) -> str:
    """Every line of one bill."""
    rows = [
        [
            bill.book.prices[item.price].service,
            f"{item.what} ({bill.book.prices[item.price].unit})",
            _quantity(item.quantity),
            _usd(usd),
            f"{bill.book.idr(usd):,}",
        ]
        for item, usd in bill.lines
        if usd >= SMALLEST / 10
    ]
    rows.append(["all", "", "", _usd(bill.usd), f"{bill.book.idr(bill.usd):,}"])
    title = f"Every line of a month with {bill.orders:,.0f} paid orders"
    return table(title, ["service", "what", "quantity", "USD", "IDR"], rows, sums=1, texts=2)


def choices(basis: Basis, orders: float) -> str:
    """What the parts that can be left out would save, idle and at the asked volume."""
    rows = []
    for part in PARTS:
        lean = basis.less(part)
        rows.append([part, *(_usd(month(basis, each).usd - month(lean, each).usd) for each in (0, orders))])
    return table("Saved by leaving out (--without)", ["part", "idle", f"{orders:,.0f} orders"], rows)


def grounds(basis: Basis) -> str:
    """What all of it rests on."""
    book = basis.book
    supposed = assumptions()["traffic"]
    own = sum(price.is_elsewhere for price in book.prices.values())
    place = "" if book.region == HOME else f" {own} of {len(book.prices)} prices are {book.region}'s own."
    tier = "what is free each month taken off" if basis.free_tier else "no free tier (--free-tier takes it off)"
    return "\n".join(
        [
            "",
            f"Prices read {book.read_on}: first tier, {tier}, no taxes.{place} {book.why}",
            f"IDR {book.idr_per_usd:,} a dollar: {book.exchange_source}.",
            MEASURED,
            *(f"  --{name} {basis.traffic[name]:g}: {about['why']}" for name, about in supposed.items()),
            "What is supposed of AWS stands with its reasons in infra/cost/assumptions.json.",
        ]
    )


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *, sums: int = 0, texts: int = 1) -> str:
    """A table under its title: the first ``texts`` columns to the left, the last ``sums`` rows under a rule."""
    widths = [max(len(line[column]) for line in [heads, *rows]) for column in range(len(heads))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))

    def line(cells: Sequence[str]) -> str:
        left = [cell.ljust(width) for cell, width in zip(cells[:texts], widths, strict=False)]
        right = [cell.rjust(width) for cell, width in zip(cells[texts:], widths[texts:], strict=True)]
        return "  ".join([*left, *right]).rstrip()

    body = [line(row) for row in rows]
    cut = len(body) - sums
    return "\n".join(["", title, rule, line(heads), rule, *body[:cut], *([rule, *body[cut:]] if sums else [])])


def as_json(basis: Basis, orders: float) -> dict[str, Any]:
    """The same for programs."""
    return {
        "region": basis.book.region,
        "prices_read_on": basis.book.read_on,
        "idr_per_usd": basis.book.idr_per_usd,
        "traffic": dict(basis.traffic),
        "free_tier": basis.free_tier,
        "without": sorted(basis.without),
        "next_order_usd": round(marginal_usd(basis), 6),
        "months": [_as_json(month(basis, each)) for each in volumes(orders)],
    }


def _as_json(bill: Bill) -> dict[str, Any]:
    return {
        "orders": bill.orders,
        "usd": round(bill.usd, 4),
        "idr": bill.book.idr(bill.usd),
        "services": {name: round(usd, 4) for name, usd in bill.by_service().items()},
        "lines": [
            {
                "service": bill.book.prices[item.price].service,
                "what": item.what,
                "price": item.price,
                "quantity": round(item.quantity, 6),
                "usd": round(usd, 6),
                "is_idle": item.is_idle,
            }
            for item, usd in bill.lines
        ],
    }


def _weight(months: list[Bill], service: str) -> float:
    """Sorts the dearest service first, at whichever volume it is."""
    return -max(each.by_service().get(service, 0) / (each.usd or 1) for each in months)


def _advised(item: Item) -> str:
    return f"{item.what} ({item.advice})" if item.advice else item.what


def _per_order(bill: Bill, *, in_idr: bool = False) -> str:
    if bill.usd_per_order is None:
        return ""
    return f"{bill.book.idr(bill.usd_per_order):,}" if in_idr else f"{bill.usd_per_order:.4f}"


def _usd(usd: float) -> str:
    return f"{usd:,.2f}" if usd >= SMALLEST or not usd else f"{usd:.4f}"


def _quantity(quantity: float) -> str:
    return f"{quantity:,.0f}" if quantity >= 100 else f"{quantity:.3g}"
