"""The relay: carries the event log's stream to the topic."""

import sys
from typing import Any, Final

from chalice.app import Blueprint

from chalicelib.core import outbox
from chalicelib.core.config import settings
from chalicelib.core.worker import each_batch

UNFILLED: Final = (
    "Here Chalice would deploy functions that know no stage: run `make deploy STAGE=…` instead, which fills in a "
    "folder of its own, or `make run` for the system on this machine."
)

if settings.by_hand and not settings.events_stream_arn:
    sys.exit(UNFILLED)

workers = Blueprint(__name__)


# From the oldest record on: what was written while nobody read, between two deployments, is carried on too.
@workers.on_dynamodb_record(
    stream_arn=settings.events_stream_arn, batch_size=100, starting_position="TRIM_HORIZON", name="events-relay"
)
@each_batch
def relay(images: list[dict[str, Any]]) -> int:
    """Send new facts on to everybody who listens."""
    return outbox.relay(images)
