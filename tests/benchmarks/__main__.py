"""Prints what Laris costs: import time, CPU, calls and request units, money."""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from tests.benchmarks import cost, cpu, imports, usage


def main() -> None:
    """Measure everything, one thing after the other, and print it."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--orders", type=int, default=40, help="orders to take the median of")
    parser.add_argument("--runs", type=int, default=7, help="imports to take the least of")
    asked = parser.parse_args()
    figures: dict[str, Any] = {}

    def section(name: str, measured: Any, show: Callable[[Any], str]) -> None:
        figures[name] = measured
        if not asked.json:
            print(show(measured), flush=True)

    section("imports", imports.measure(asked.runs), imports.show)
    section("cpu", cpu.measure(asked.orders), cpu.show)
    section("usage", usage.measure(), usage.show)
    section("cost", cost.measure(figures["usage"]), cost.show_measured)
    if asked.json:
        json.dump(figures, sys.stdout, indent=2)
        print()


if __name__ == "__main__":
    main()
