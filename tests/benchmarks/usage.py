"""What the use cases ask of AWS: round trips, request units, messages, bytes kept. Exact, so one run is enough.

The rules of billing stand in ``tests.kit.units``.
"""

import json
import os
import subprocess
import sys
from typing import Any

from infra.local.env import ROOT
from tests.benchmarks.tables import table
from tests.kit import calls, cloud


def measure() -> dict[str, Any]:
    """Per step of a paid order, from a fresh process."""
    command = [sys.executable, "-m", "tests.benchmarks.usage"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def show(figures: dict[str, Any]) -> str:
    """The figures as a table."""
    rows: list[tuple[object, ...]] = [
        (
            name,
            each["runs"],
            each["round_trips"],
            f"{each['read']:g}",
            each["write"],
            each["index"],
            each["stored"],
            each["sns"] or "",
            each["sqs"] or "",
            each["partner"] or "",
        )
        for name, each in figures.items()
    ]
    total = [sum(each[what] for each in figures.values()) for what in TOTALLED]
    rows.append(("whole paid order", *(f"{number:g}" for number in total)))
    heads = ("step", "runs", "trips", "RRU", "WRU", "in indexes", "bytes kept", "SNS", "SQS", "partner")
    return table("DynamoDB round trips and request units, and other calls, per step of a paid order", heads, rows)


TOTALLED = ("runs", "round_trips", "read", "write", "index", "stored", "sns", "sqs", "partner")


def _measured() -> dict[str, Any]:
    from tests.benchmarks import trip

    mock = cloud.start()
    logs = trip.recorded_order()
    mock.stop()
    return {name: {"runs": len(each), **_sums(each)} for name, each in logs.items()}


def _sums(logs: list[calls.Log]) -> dict[str, float]:
    return {
        "round_trips": sum(log.round_trips for log in logs),
        "read": sum(log.read for log in logs),
        "write": sum(log.write for log in logs),
        "index": sum(call.index for log in logs for call in log.calls),
        "stored": sum(log.stored for log in logs),
        "sns": sum(log.chunks("sns") for log in logs),
        "sqs": sum(log.chunks("sqs") for log in logs),
        "partner": sum(len(log.of("mark")) for log in logs),
    }


def main() -> None:
    """The figures as JSON."""
    cloud.set_environment()
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
    print(json.dumps(_measured()))


if __name__ == "__main__":
    main()
