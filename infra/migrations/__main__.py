"""``python -m infra.migrations STAGE [--plan] [--rate UNITS]``: change what is stored as the steps here say."""

import argparse
import sys

from infra.migrations import Refused, run
from infra.migrations.runner import RATE, Progress


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.migrations", description=__doc__)
    parser.add_argument("stage", help="such as prod")
    parser.add_argument("--plan", action="store_true", help="count what is to be done, and change nothing")
    parser.add_argument("--rate", type=float, default=RATE, metavar="UNITS", help="request units a second")
    asked = parser.parse_args(arguments)
    if asked.rate <= 0:
        parser.error("a rate is more than 0")
    verb = "to be changed" if asked.plan else "changed"

    def tell(told: Progress) -> None:
        print(line(told, verb))

    try:
        ends = run(asked.stage, plan=asked.plan, progress=tell, rate=asked.rate)
    except Refused as refusal:
        print(f"stopped: {refusal}", file=sys.stderr)
        return 1
    if not ends:
        print("nothing is to be done")
    return 0


def line(told: Progress, verb: str) -> str:
    """One line of progress."""
    left = "" if told.seconds_left is None else f", about {told.seconds_left // 60} min {told.seconds_left % 60} s left"
    what = "done" if told.is_done else f"{told.per_second:.0f} a second{left}"
    seen = f"{told.seen} of about {told.total} seen"
    return f"{told.number} {told.title}, round {told.round}: {seen}, {told.changed} {verb}, {what}"


if __name__ == "__main__":
    sys.exit(main())
