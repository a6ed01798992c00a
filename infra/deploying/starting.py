"""How functions are started, in the words of Lambda: the same for both ways to deploy."""

from typing import Any, Final

PARTIAL_ANSWERS: Final = "ReportBatchItemFailures"

STREAM_READING: Final[dict[str, Any]] = {
    "BisectBatchOnFunctionError": True,
    "MaximumRecordAgeInSeconds": 6 * 3600,
    "MaximumRetryAttempts": -1,
}
"""A record that cannot be sent on holds up what follows it: it is narrowed down to and tried for six hours, well within
the day that a stream remembers, then its place in the stream is put where somebody looks."""

CALLING: Final[dict[str, Any]] = {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 600}
"""A schedule comes again by itself: it is tried once more, not for hours."""
