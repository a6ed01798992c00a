"""What the use cases ask of AWS: calls, request units, messages, letters, bytes. Exact, so one run is enough.

The rules of billing stand in ``tests.kit.units``; what is recorded here is priced by ``infra.cost``. With ``--write``
the record that ``infra.cost`` reads is made anew: commit it with what made it change.
"""

import argparse
import json
import os
import subprocess
import sys
from typing import Any

from infra.cost.usage import RECORD
from infra.local.env import ROOT
from tests.benchmarks.recording import Run, Sink
from tests.benchmarks.tables import table
from tests.kit import cloud

COMMAND = "python -m tests.benchmarks.usage --write"
CHUNKED = ("sns", "sqs", "kms", "ssm", "s3")
SHOWN = ("runs", "calls", "read", "write", "index", "stored", "sns", "kms", "mails", "partner")


def measure() -> dict[str, Any]:
    """Per scenario and step, from a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.usage"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"the use cases could not be run:\n{done.stderr.strip()[-4000:]}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def show(figures: dict[str, Any]) -> str:
    """The figures as a table for each scenario."""
    return "\n".join(_shown(scenario, steps) for scenario, steps in figures.items())


def _shown(scenario: str, steps: dict[str, Any]) -> str:
    rows = [(name, *(f"{each[what]:g}" if each[what] else "" for what in SHOWN)) for name, each in steps.items()]
    total = [sum(each[what] for each in steps.values()) for what in SHOWN]
    rows.append(("all", *(f"{number:g}" for number in total)))
    heads = ("step", "runs", "calls", "RRU", "WRU", "in indexes", "bytes kept", "SNS", "KMS", "letters", "partner")
    return table(scenario, heads, rows)


def _measured() -> dict[str, Any]:
    from tests.benchmarks import scenarios

    mock = cloud.start()
    try:
        recorded = scenarios.recorded()
    finally:
        mock.stop()
    return {
        scenario: {name: _sums(runs) for name, runs in sorted(steps.items())}
        for scenario, steps in sorted(recorded.items())
    }


def _sums(runs: list[Run]) -> dict[str, Any]:
    logs = [run.log for run in runs]
    partner = sum(len(log.of("mark")) for log in logs)
    mails = sum(run.mails for run in runs)
    return {
        "runs": len(runs),
        "calls": sum(len(log.calls) for log in logs) + mails,
        "round_trips": sum(log.round_trips for log in logs),
        "read": sum(log.read for log in logs),
        "write": sum(log.write for log in logs),
        "index": sum(call.index for log in logs for call in log.calls),
        "stored": sum(log.stored for log in logs),
        "tables": sorted({table for log in logs for call in log.of("dynamodb") for table in call.tables}),
        **{service: sum(log.chunks(service) for log in logs) for service in CHUNKED},
        "partner": partner,
        "mails": mails,
        "mail_bytes": sum(run.mail_bytes for run in runs),
        "logged": sum(run.logged for run in runs),
        "answered": sum(run.answered for run in runs),
    }


def main() -> None:
    """The figures as JSON, or into the record."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.usage", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {RECORD.relative_to(ROOT)}")
    asked = parser.parse_args()
    cloud.set_environment()
    os.environ.update(POWERTOOLS_LOG_LEVEL="INFO", LARIS_METRICS="1")
    out = sys.stdout
    sys.stdout = Sink()
    try:
        figures = _measured()
    finally:
        sys.stdout = out
    text = json.dumps({"made_by": COMMAND, "scenarios": figures}, indent=1, ensure_ascii=False) + "\n"
    if asked.write:
        RECORD.write_text(text, encoding="utf-8")
    else:
        print(json.dumps(figures))


if __name__ == "__main__":
    main()
