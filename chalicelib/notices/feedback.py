"""What became of letters, as the partners tell: twice, late and in any order, and none of it does harm."""

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Final

import msgspec

from chalicelib.core import aws, db, log, outbox
from chalicelib.core.config import settings
from chalicelib.core.errors import WriteRefused
from chalicelib.core.log import logger
from chalicelib.events.notices import NoticeRequested
from chalicelib.notices.channels.port import ChannelName
from chalicelib.notices.errors import NoticeMoved, NotResendable
from chalicelib.notices.models.blocks import SuppressionRow, Why
from chalicelib.notices.models.notices import NoticeRow
from chalicelib.notices.rules import Noted, Report
from chalicelib.notices.states import State

QUEUE: Final = "notices-feedback"
LARGEST_SEND: Final = 10
BLOCKS: Final = {State.BOUNCED: Why.BOUNCE, State.COMPLAINED: Why.COMPLAINT}


def receive_whatsapp(raw: bytes, headers: Mapping[str, str]) -> None:
    """Verify what WhatsApp posted and queue what it says. Raises BadFeedbackSignature, Malformed; WriteRefused if the
    queue did not take all of it, so that WhatsApp posts again."""
    from chalicelib.notices.channels import whatsapp

    said = ({"whatsapp": status, **log.follows()} for status in whatsapp.read_webhook(raw, headers))
    bodies = [msgspec.json.encode(each).decode() for each in said]
    for start in range(0, len(bodies), LARGEST_SEND):
        entries = [
            {"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies[start : start + LARGEST_SEND])
        ]
        if aws.client("sqs").send_message_batch(QueueUrl=_queue_url(), Entries=entries).get("Failed"):
            raise WriteRefused("The queue did not take every message.")


def check_challenge(mode: str, token: str) -> None:
    """Whether it is WhatsApp that asks if this address is ours. Raises BadFeedbackSignature."""
    from chalicelib.notices.channels import whatsapp

    whatsapp.check_challenge(mode, token)


def note(report: Report) -> None:
    """Note what became of a letter, and of the address it went to; said twice, it is noted once.

    Raises WriteRefused if it comes before the letter is known to be sent: it is to be said again.
    """
    if report.address is not None:
        _note_address(report, report.address)
    if report.notice_id is None or report.state is None:
        return
    (noted,) = db.look(NoticeRow.lookup(report.notice_id))
    if noted is None:
        logger.warning("report about an unknown notice", notice_id=report.notice_id)
        return
    if noted.message_id is None and noted.state is State.SENDING:
        raise WriteRefused()
    if noted.message_id != report.message_id:
        return
    if report.state is State.FAILED and noted.channel is ChannelName.WHATSAPP and ChannelName.EMAIL in noted.channels:
        _go_by_mail(noted)
    else:
        _settle(noted, report.state, report.reason)


def _note_address(report: Report, address: str) -> None:
    (known,) = db.look(SuppressionRow.lookup(address))
    is_blocked = known is not None and known.why is not None
    with suppress(WriteRefused), db.transaction() as tx:
        if report.state is State.DELIVERED:
            if known is not None and not is_blocked:
                SuppressionRow.lift(tx, known)
        elif report.is_soft:
            if not is_blocked and _is_new(report):
                SuppressionRow.count_soft(tx, address, known)
        elif report.state is not None and not is_blocked:
            SuppressionRow.block(tx, address, BLOCKS[report.state])
            logger.info("address blocked", notice_id=report.notice_id, why=BLOCKS[report.state])


def _is_new(report: Report) -> bool:
    """False for a soft bounce that was counted before."""
    (noted,) = db.look(NoticeRow.lookup(report.notice_id or ""))
    return noted is not None and noted.state is not State.BOUNCED and noted.message_id == report.message_id


def _settle(noted: Noted, state: State, reason: str | None) -> None:
    with suppress(NoticeMoved):
        with db.transaction() as tx:
            NoticeRow.settle(tx, noted, state, reason=reason)
        logger.info("notice settled", notice_id=noted.id, template=noted.template, state=state, reason=reason)


def _go_by_mail(noted: Noted) -> None:
    """WhatsApp took it and could not deliver it: one more round, by e-mail."""
    with suppress(NotResendable):
        with db.transaction() as tx:
            NoticeRow.again(tx, noted, [ChannelName.EMAIL])
            outbox.publish(tx, NoticeRequested(noted.id, noted.round + 1))
        logger.info("letter goes another way", notice_id=noted.id, channel=ChannelName.EMAIL)


@cache
def _queue_url() -> str:
    return str(aws.client("sqs").get_queue_url(QueueName=settings.queue(QUEUE))["QueueUrl"])
