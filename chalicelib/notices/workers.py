"""The workers of notices. One letter at a time, since the partner may take his."""

from chalice.app import Blueprint

from chalicelib.core.config import settings
from chalicelib.core.worker import each_message
from chalicelib.events.customers import ConsentWithdrawn
from chalicelib.events.notices import NoticeRequested
from chalicelib.notices import feedback, service
from chalicelib.notices.schemas import Feedback

workers = Blueprint(__name__)

MOST_AT_ONCE = 5
"""Copies of the worker: SES lets a fresh account send fourteen letters a second."""

Asked = NoticeRequested | ConsentWithdrawn


@workers.on_sqs_message(
    queue=settings.queue("notices"), batch_size=1, maximum_concurrency=MOST_AT_ONCE, name="notices-send-letters"
)
@each_message
def send_letters(asked: Asked) -> None:
    """A letter that is asked for is sent, once; consent that is withdrawn stops those that wait for it."""
    if isinstance(asked, ConsentWithdrawn):
        service.stop(asked.customer_id, asked.purpose)
    else:
        service.deliver(asked.notice_id, asked.round)


@workers.on_sqs_message(queue=settings.queue("notices-feedback"), batch_size=10, name="notices-on-feedback")
@each_message
def on_feedback(said: Feedback) -> None:
    """What the partners say became of letters is noted; bad addresses get no more."""
    for report in said.reports():
        feedback.note(report)
