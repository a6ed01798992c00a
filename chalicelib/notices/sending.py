"""Sending: a notice is opened, written as a letter and handed to a partner, once.

Two locks stand around the partner. Powertools' idempotency keeps two workers from handing over the same letter at the
same time, and remembers the partner's answer should ours not be noted any more. The notice's own state says how a try
ended: an answer that was lost leaves it SENDING, and such a letter is handed over once more and never again, so that
nobody gets more than one duplicate.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, Final

from chalicelib.core import db, flags, vault
from chalicelib.core.errors import InProgress, TooMany
from chalicelib.core.flags import Switch
from chalicelib.core.log import logger
from chalicelib.core.texts import LocalText
from chalicelib.notices import letters, rules
from chalicelib.notices.channels import channel as carrier
from chalicelib.notices.channels.port import ChannelName, Letter
from chalicelib.notices.errors import LetterRefused, NoticeMoved, NoticeNotFound, SenderRefused
from chalicelib.notices.models.blocks import StopRow, SuppressionRow
from chalicelib.notices.models.notices import NoticeRow
from chalicelib.notices.models.sendings import SendingRow
from chalicelib.notices.rules import TRANSACTIONAL, Noted, Recipient
from chalicelib.notices.states import UNSENT, State

SWITCH: Final = Switch(
    name="letters",
    meaning=LocalText(
        "E-mail dan WhatsApp dikirim ke pelanggan. Surat untuk staf selalu dikirim.",
        "E-mails and WhatsApp messages go to customers. Letters to staff always go.",
    ),
    when_off=LocalText(
        "Surat tidak dikirim, tetapi dicatat, dan dapat dikirim ulang satu per satu.",
        "Letters are not sent but noted, and can be sent again one by one.",
    ),
)
MOST_UNSURE: Final = 1
"""Handed over again after so many lost answers."""

NO_ANSWER: Final = "no_answer"
"""Why a letter failed that may have arrived, even twice: it goes no other way either."""

REMEMBERED_FOR: Final = 14 * 24 * 3600
"""Seconds: as long as a message can lie in a dead-letter queue."""

RUNS_AT_MOST: Final = 35_000
"""Milliseconds after which a worker that was handing over is taken for dead: longer than it may run."""


def deliver(notice_id: str, round_: int) -> None:
    """Send a notice that waits in this round; said twice, it is sent once.

    Raises NoticeNotFound; TooMany, Upstream or UpstreamTimeout if the partner did not take it, or it is not known;
    InProgress if another worker is at it. Then it is to be said again.
    """
    rows = NoticeRow.look([notice_id])
    if not rows:
        raise NoticeNotFound()
    noted = rows[0].noted()
    if noted.state not in UNSENT or noted.round != round_:
        return
    data_key = vault.key(noted.subject)
    opened = rows[0].opened(data_key) if data_key else None
    if opened is None:
        _settle(noted, State.CANCELLED, "erased")
    elif _is_unwanted(noted):
        _settle(noted, State.CANCELLED, "consent_withdrawn")
    elif not (rules.is_for_staff(noted) or flags.is_on(SWITCH, noted.subject)):
        _settle(noted, State.SUPPRESSED, "switched_off")
    else:
        _send(noted, *opened)


def _is_unwanted(noted: Noted) -> bool:
    """True for marketing that was asked for before the person wanted no more of it."""
    if noted.purpose == TRANSACTIONAL:
        return False
    (stopped_at,) = db.look(StopRow.lookup(noted.subject, noted.purpose))
    return stopped_at is not None and noted.requested_at <= stopped_at


def _send(noted: Noted, to: Recipient, facts: Mapping[str, str]) -> None:
    """By the first way that can be gone; one that refuses it for good leaves the ways after it."""
    why = "no_address"
    for position, name in enumerate(noted.channels):
        address, why = _address(name, to)
        if address is not None:
            return _try(noted, position, letters.write(noted, to, facts, address))
    return _settle(noted, State.SUPPRESSED, why)


def _try(noted: Noted, position: int, letter: Letter) -> None:
    name, rest = noted.channels[position], noted.channels[position + 1 :]
    try:
        _hand_over(noted, name, letter)
    except LetterRefused as refusal:
        why = str(refusal.facts["reason"])
        if not rest or why == NO_ANSWER:
            return _settle(noted, State.FAILED, why)
        logger.info("letter goes another way", notice_id=noted.id, channel=name, reason=why)
        with db.transaction() as tx:
            NoticeRow.settle(tx, noted, State.QUEUED, channels=rest)
        return deliver(noted.id, noted.round)


def _address(name: ChannelName, to: Recipient) -> tuple[str | None, str]:
    """Where it goes by this way; None and why, if it cannot."""
    if not carrier(name).is_ready:
        return None, "no_sender"
    if name is ChannelName.WHATSAPP:
        return rules.phone_digits(to.phone or ""), "bad_address"
    address = rules.header_address(to.email or "")
    if address is None:
        return None, "bad_address"
    (known,) = db.look(SuppressionRow.lookup(address))
    return (None, f"blocked_{known.why}") if known and known.why else (address, "")


def _hand_over(noted: Noted, name: ChannelName, letter: Letter) -> None:
    """Give it to the partner and note what came of it. Raises LetterRefused, and what lets it come again."""

    def hand_over() -> str:
        if noted.state is State.SENDING and noted.unsure >= MOST_UNSURE:
            raise LetterRefused(reason=NO_ANSWER)
        with db.transaction() as tx:
            NoticeRow.begin(tx, noted, name)
        return carrier(name).send(letter)

    try:
        message_id = _once(f"{noted.id}|{noted.round}|{name}", hand_over)
    except (TooMany, SenderRefused):
        _settle(noted, State.QUEUED, "partner_busy")
        raise
    except NoticeMoved:
        raise InProgress() from None
    _settle(noted, State.SENT, message_id=message_id)


def _settle(noted: Noted, state: State, reason: str | None = None, *, message_id: str | None = None) -> None:
    """Note how it ended; what was noted meanwhile by somebody else stands."""
    with suppress(NoticeMoved):
        with db.transaction() as tx:
            NoticeRow.settle(tx, noted, state, reason=reason, message_id=message_id)
        logger.info("notice settled", notice_id=noted.id, template=noted.template, state=state, reason=reason)


def _once(key: str, work: Callable[[], str]) -> str:
    """What ``work`` gave for ``key``, now or before. Raises InProgress if somebody else is at it."""
    from aws_lambda_powertools.utilities.idempotency import idempotent_function
    from aws_lambda_powertools.utilities.idempotency.exceptions import IdempotencyAlreadyInProgressError

    layer, config = _memory()

    def work_once(*, key: str) -> str:  # noqa: ARG001 - the key is read by the decorator
        return work()

    once = idempotent_function(
        work_once, data_keyword_argument="key", persistence_store=layer, config=config, key_prefix="sending"
    )
    try:
        return str(once(key=key))
    except IdempotencyAlreadyInProgressError:
        raise InProgress() from None


@cache
def _memory() -> tuple[Any, Any]:
    """Where Powertools remembers, under a client of its own, since it marks the client that it is given."""
    from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig

    from chalicelib.core import aws

    layer = DynamoDBPersistenceLayer(
        table_name=SendingRow.Meta.table_name,
        key_attr="pk",
        sort_key_attr="sk",
        static_pk_value="SENDING",
        expiry_attr="expires",
        in_progress_expiry_attr="in_progress_until",
        boto3_client=aws.client("dynamodb"),
    )
    config = IdempotencyConfig(expires_after_seconds=REMEMBERED_FOR, hash_function="sha256")
    config.register_lambda_context(_Patience())  # type: ignore[arg-type]
    return layer, config


class _Patience:
    """What Powertools wants to know of the function that runs."""

    @staticmethod
    def get_remaining_time_in_millis() -> int:
        return RUNS_AT_MOST
