"""`make cost ORDERS=10000`: the monthly bill at AWS, in USD and IDR."""

import argparse
import json
import os
from pathlib import Path

from infra.cost import prices, resources, usage
from infra.cost.basis import PARTS, Basis


def main() -> None:
    """Print the bill, or write the page."""
    asked = _arguments()
    os.environ.setdefault("LARIS_STAGE", "prod")  # before the app is imported, which names its queues after the stage
    basis = _basis(asked)
    from infra.cost import bill, page, show

    if asked.json:
        print(json.dumps(show.as_json(basis, asked.orders), indent=1, ensure_ascii=False))
    elif asked.page:
        asked.page.parent.mkdir(parents=True, exist_ok=True)
        asked.page.write_text(page.html(basis, asked.orders), encoding="utf-8")
        print(f"Wrote {asked.page}")
    else:
        print(show.overview(basis, asked.orders))
        print(show.idle(basis))
        print(show.details(bill.month(basis, asked.orders)))
        print(show.choices(basis, asked.orders))
        print(show.grounds(basis))


def _basis(asked: argparse.Namespace) -> Basis:
    return Basis(
        stage=resources.stage(),
        scenarios=usage.record(),
        traffic={name: getattr(asked, name.replace("-", "_")) for name in prices.traffic()},
        book=prices.book(asked.region),
        free_tier=asked.free_tier,
        without=frozenset(asked.without),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.cost", description=__doc__)
    parser.add_argument("--orders", type=_count, default=10_000, help="paid orders a month, besides the usual columns")
    parser.add_argument("--region", choices=prices.regions(), default=prices.HOME, help="whose prices")
    parser.add_argument("--free-tier", action="store_true", help="take off what AWS gives every month")
    parser.add_argument("--without", nargs="+", choices=PARTS, default=[], help="parts that are switched off")
    parser.add_argument("--json", action="store_true", help="print it for programs")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write a page with plots instead")
    group = parser.add_argument_group("how often things happen for each paid order")
    for name, about in prices.assumptions()["traffic"].items():
        why = about["why"].replace("%", "%%")
        group.add_argument(f"--{name}", type=_share, default=about["value"], help=f"{why}; {about['value']:g}")
    return parser.parse_args()


def _count(text: str) -> int:
    number = int(text.replace(",", "").replace("_", ""))
    if number < 0:
        raise argparse.ArgumentTypeError("orders are counted from 0")
    return number


def _share(text: str) -> float:
    number = float(text)
    if number < 0:
        raise argparse.ArgumentTypeError("nothing happens less often than never")
    return number


if __name__ == "__main__":
    main()
