"""One structured line per decision, and counters. Tokens, secrets, bodies and personal data never come here."""

import json
import sys
from contextvars import ContextVar
from typing import Any, Final

from aws_lambda_powertools.logging import Logger

from chalicelib.core import clock
from chalicelib.core.config import settings

actor: Final[ContextVar[str]] = ContextVar("actor", default="system")
"""Who acts at the moment: ``guest``, ``staff``, ``partner:midtrans`` or ``system``; written on events."""

request_id: Final[ContextVar[str]] = ContextVar("request_id", default="-")


class _Logger:
    """Powertools' logger with facts as keywords: ``logger.info("order confirmed", order_id=…)``."""

    def __init__(self) -> None:
        self._logger = Logger(service=f"laris-{settings.stage}", utc=True)

    def info(self, message: str, **facts: Any) -> None:
        self._logger.info(message, extra=self._extra(facts), stacklevel=3)

    def warning(self, message: str, **facts: Any) -> None:
        self._logger.warning(message, extra=self._extra(facts), stacklevel=3)

    def error(self, message: str, **facts: Any) -> None:
        self._logger.error(message, extra=self._extra(facts), stacklevel=3)

    def exception(self, message: str, **facts: Any) -> None:
        self._logger.exception(message, extra=self._extra(facts), stacklevel=3)

    @staticmethod
    def _extra(facts: dict[str, Any]) -> dict[str, Any]:
        return {"request_id": request_id.get(), **facts}


logger: Final = _Logger()


def count(use_case: str, outcome: str) -> None:
    """Count one outcome (succeeded, refused, failed …) of a use case, as a CloudWatch embedded metric."""
    if not settings.metrics:
        return
    metric = {
        "_aws": {
            "Timestamp": int(clock.now().timestamp() * 1000),
            "CloudWatchMetrics": [
                {
                    "Namespace": "Laris",
                    "Dimensions": [["stage", "use_case"]],
                    "Metrics": [{"Name": outcome, "Unit": "Count"}],
                }
            ],
        },
        "stage": settings.stage,
        "use_case": use_case,
        outcome: 1,
    }
    sys.stdout.write(json.dumps(metric, separators=(",", ":")) + "\n")
