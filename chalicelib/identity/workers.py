"""The workers of identity: the audit trail is chained by a few at a time, since all add to one end."""

from chalice.app import Blueprint, Rate

from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.worker import each_message, scheduled
from chalicelib.events.audit import AuditRecorded
from chalicelib.identity import trail

workers = Blueprint(__name__)


@workers.on_sqs_message(
    queue=settings.queue("identity"), batch_size=10, name="identity-on-audit", maximum_concurrency=2
)
@each_message
def on_audit(entry: AuditRecorded) -> None:
    """What was recorded is put at the end of its day's chain; said twice, it stands there once."""
    trail.append(entry)


@workers.schedule(Rate(1, unit=Rate.DAYS), name="identity-keep-heads")
@scheduled
def keep_heads() -> Counts:
    """Put the heads of closed days where nobody can change them."""
    return trail.keep_heads()
