"""The door of notices: asking for a letter, what was sent to whom, sending again, lifting a block."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from chalicelib.core import audit, clock, db, outbox, personal, vault
from chalicelib.core.idempotency import Claim
from chalicelib.core.log import logger
from chalicelib.core.vault import DataKey
from chalicelib.events.notices import NoticeRequested
from chalicelib.notices import rules
from chalicelib.notices.channels.port import ChannelName
from chalicelib.notices.errors import LetterIncomplete, NoticeMoved, NoticeNotFound, NotResendable
from chalicelib.notices.letters import preview, subject_of
from chalicelib.notices.models.blocks import StopRow, SuppressionRow, Why
from chalicelib.notices.models.notices import NoticeRow
from chalicelib.notices.rules import TEMPLATES, TRANSACTIONAL, Language, Noted, Notice, Recipient, Template, when
from chalicelib.notices.sending import SWITCH, deliver
from chalicelib.notices.states import RESENDABLE, UNSENT, State

__all__ = [
    "SWITCH",
    "TEMPLATES",
    "TRANSACTIONAL",
    "ChannelName",
    "Language",
    "Noted",
    "Notice",
    "Recipient",
    "State",
    "Template",
    "Why",
    "deliver",
    "preview",
    "subject_of",
    "when",
]

AT_ONCE: Final = 50
"""Notices that are changed in one transaction."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A notice as staff see it: ``to`` is masked, and None where it has been erased or goes nowhere."""

    noted: Noted
    to: str | None


def send(tx: db.Transaction, notice: Notice, data_key: DataKey) -> str:
    """Have a letter sent once ``tx`` has happened; the notice's id.

    ``data_key`` is that of ``notice.to.subject``: who it goes to and what it says are sealed under it. The same
    ``notice.key`` is the same letter: asked for again, nothing more is sent, and it is no error. Raises
    LetterIncomplete if a fact is missing; the facts of each template stand in ``TEMPLATES``.
    """
    template = TEMPLATES.get(notice.template)
    if template is None or data_key.subject != notice.to.subject:
        raise LetterIncomplete()
    if lacking := rules.missing(template, notice):
        raise LetterIncomplete(f"The letter {notice.template} lacks {', '.join(lacking)}.")
    notice_id = NoticeRow.ask(tx, notice, rules.ways(template, notice.to), data_key)
    outbox.publish(tx, NoticeRequested(notice_id, 1))
    return notice_id


def resend(notice_id: str, claim: Claim) -> Shown:
    """Have a notice sent once more, by all its ways. Raises NoticeNotFound, NotResendable."""
    if db.look(claim.lookup())[0] is not None:
        return get(notice_id)
    shown = get(notice_id)
    noted = shown.noted
    if noted.state not in RESENDABLE or shown.to is None:
        raise NotResendable()
    ways = _ways(noted)
    audit.change(f"notice:{notice_id}", before={"state": noted.state}, after={"state": State.QUEUED})
    with db.transaction() as tx:
        claim.record(tx, notice_id)
        NoticeRow.again(tx, noted, ways)
        outbox.publish(tx, NoticeRequested(notice_id, noted.round + 1))
    logger.info("notice resent", notice_id=notice_id, round=noted.round + 1)
    return get(notice_id)


def get(notice_id: str) -> Shown:
    """One notice. Raises NoticeNotFound."""
    rows = NoticeRow.look([notice_id])
    if not rows:
        raise NoticeNotFound()
    return _shown(rows)[0]


def page(*, subject: str | None, state: State | None, limit: int, cursor: str | None) -> db.Page[Shown]:
    """Notices, newest first: of a person and of a state, where given. With both, a page may hold fewer."""
    found = NoticeRow.page(subject=subject, states=[state] if state else list(State), limit=limit, cursor=cursor)
    return db.Page(_shown(found.items), found.next_cursor)


def lift_block(email: str) -> Why | None:
    """Send to an address again; what had blocked it, None if nothing had."""
    (known,) = db.look(SuppressionRow.lookup(email))
    if known is None:
        return None
    audit.change("address", before={"blocked": known.why}, after={"blocked": None})
    with db.transaction() as tx:
        SuppressionRow.lift(tx, known)
    logger.info("block lifted", why=known.why)
    return known.why


def lookup_asked(key: str) -> db.Lookup[bool]:
    """Reads whether the letter of ``key`` has been asked for, whatever became of it."""
    return db.Lookup(((NoticeRow, rules.id_of(key), "NOTICE"),), lambda rows: rows[0] is not None)


def stop(subject: str, purpose: str) -> None:
    """Send a person nothing of this purpose that was asked for until now: what is queued is cancelled."""
    with db.transaction() as tx:
        forbid(tx, subject, purpose)
    for row in NoticeRow.look(NoticeRow.ids_of(subject)):
        if row.purpose == purpose and row.state == State.QUEUED:
            with suppress(NoticeMoved), db.transaction() as tx:
                NoticeRow.settle(tx, row.noted(), State.CANCELLED, reason="consent_withdrawn")


def forbid(tx: db.Transaction, subject: str, purpose: str) -> None:
    """As ``stop``, in ``tx``: what is queued is cancelled when its turn comes."""
    StopRow.set_(tx, subject, purpose)


def notices_of(subject: str) -> list[Noted]:
    """All that was sent to a person, or is to be, oldest first."""
    return [row.noted() for row in NoticeRow.look(NoticeRow.ids_of(subject))]


def export(subject: str) -> list[dict[str, Any]]:
    """A person's notices: which letter, to whom, by which way, when, and what became of it; without its links, since
    some of them let whoever has them in.
    """
    data_key = vault.key(subject)
    rows = NoticeRow.look(NoticeRow.ids_of(subject))
    return [_exported(row, row.opened(data_key) if data_key else None) for row in rows]


def has_unsent(subject: str) -> bool:
    """True while a letter to this person waits or is on its way to the partner."""
    return any(noted.state in UNSENT for noted in notices_of(subject))


def forget(subject: str) -> None:
    """Erase who a person's letters went to and what they said; what was queued is never sent."""
    _each_in_transactions(NoticeRow.ids_of(subject), NoticeRow.erase)


def erase_old(before: datetime) -> int:
    """Erase who letters from ``before`` went to and what they said; how many, at most some thousand at once."""
    found = NoticeRow.unerased(before)
    _each_in_transactions(found, NoticeRow.erase)
    return len(found)


def _exported(row: NoticeRow, opened: tuple[Recipient, Mapping[str, str]] | None) -> dict[str, Any]:
    noted = row.noted()
    return {
        "id": noted.id,
        "template": noted.template,
        "purpose": noted.purpose,
        "channel": noted.channel,
        "at": clock.stamp(noted.requested_at),
        "state": noted.state,
        "recipient": asdict(opened[0]) if opened else None,
        "facts": {name: fact for name, fact in opened[1].items() if "link" not in name} if opened else None,
    }


def _each_in_transactions(ids: Sequence[str], change: Callable[[db.Transaction, str], None]) -> None:
    for start in range(0, len(ids), AT_ONCE):
        with db.transaction() as tx:
            for each in ids[start : start + AT_ONCE]:
                change(tx, each)


def _shown(rows: Sequence[NoticeRow]) -> list[Shown]:
    (keys,) = db.look(vault.lookup_all([row.subject for row in rows]))
    return [Shown(row.noted(), _masked(row, keys.get(row.subject))) for row in rows]


def _masked(row: NoticeRow, data_key: DataKey | None) -> str | None:
    opened = row.opened(data_key) if data_key else None
    reached = (opened[0].email or opened[0].phone) if opened else None
    return personal.mask(reached) if reached else None


def _ways(noted: Noted) -> tuple[ChannelName, ...]:
    """The ways it may go by its template and recipient, those it has gone before included."""
    data_key = vault.key(noted.subject)
    opened = NoticeRow.look([noted.id])[0].opened(data_key) if data_key else None
    if opened is None:
        raise NotResendable()
    return rules.ways(TEMPLATES[noted.template], opened[0])
