"""The privacy desk's workers: exports, erasures and breaches follow what was asked; retention follows the calendar."""

from chalice.app import Blueprint, Rate

from chalicelib.core.config import settings
from chalicelib.core.counts import Counts
from chalicelib.core.worker import each_message, scheduled
from chalicelib.events.privacy import BreachNoticeOrdered, BreachRecorded, ErasureRequested, ExportRequested
from chalicelib.privacy import breaches, erasure, exports, retention

workers = Blueprint(__name__)

PrivacyNews = ExportRequested | ErasureRequested | BreachRecorded | BreachNoticeOrdered


@workers.on_sqs_message(queue=settings.queue("privacy"), batch_size=1, name="privacy-on-request")
@each_message
def on_request(news: PrivacyNews) -> None:
    """What was asked for is done, or goes on where it stopped; said twice, it is done once."""
    match news:
        case ExportRequested():
            exports.gather(news.customer_id, news.export_id)
        case ErasureRequested():
            erasure.carry_out(news.customer_id)
        case BreachRecorded():
            breaches.find_subjects(news.breach_id)
        case BreachNoticeOrdered():
            breaches.tell(news.breach_id)


@workers.schedule(Rate(1, unit=Rate.HOURS), name="privacy-carry-out")
@scheduled
def carry_out() -> Counts:
    """Go on with erasures that waited, and with breaches whose subjects are not all found or told."""
    return erasure.carry_out_open() + breaches.carry_out_unfinished()


@workers.schedule(Rate(1, unit=Rate.DAYS), name="privacy-apply-retention")
@scheduled
def apply_retention() -> Counts:
    """Let go of everything that has been kept long enough."""
    return retention.carry_out()
