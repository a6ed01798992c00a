"""What a month and an order cost at AWS's prices, for the use cases as they are measured now."""

from typing import Any

from infra.cost import prices, resources, show, usage
from infra.cost.basis import Basis


def measure(figures: dict[str, Any]) -> dict[str, Any]:
    """The bills of the usual volumes for what was measured just now, by ``tests.benchmarks.usage``."""
    return show.as_json(_basis(figures), show.VOLUMES[2])


def show_measured(figures: dict[str, Any]) -> str:
    """The sums as a table."""
    rows = [
        [f"{each['orders']:,.0f}", f"{each['usd']:,.2f}", f"{each['idr']:,}", _per_order(each)]
        for each in figures["months"]
    ]
    title = f"A month at AWS, prices of {figures['region']} of {figures['prices_read_on']} (`make cost` explains it)"
    return show.table(title, ["paid orders", "USD", "IDR", "IDR an order"], rows)


def _basis(figures: dict[str, Any]) -> Basis:
    return Basis(resources.stage(), usage.parse(figures), prices.traffic(), prices.book())


def _per_order(month: dict[str, Any]) -> str:
    return f"{month['idr'] / month['orders']:,.0f}" if month["orders"] else ""
