"""Manual bank transfers: the buyer may prove one, staff verify or reject it by the bank's statement."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from chalicelib.core import audit, aws, clock, db, ids
from chalicelib.core.config import settings
from chalicelib.core.idempotency import Claim
from chalicelib.core.log import logger
from chalicelib.core.money import Money
from chalicelib.payments import ledger, rules
from chalicelib.payments.attempts import free_code
from chalicelib.payments.errors import NotManual, PaymentClosed, PaymentNotFound
from chalicelib.payments.gateways.port import Kind, PaymentEvent
from chalicelib.payments.judgement import Judgement
from chalicelib.payments.models.attempts import AttemptRow
from chalicelib.payments.models.claims import MutationRow
from chalicelib.payments.rules import TRANSFER, Attempt, Books, Fact

LARGEST_PROOF: Final = 5 * 1024 * 1024
UPLOAD_WITHIN: Final = timedelta(minutes=10)
ENDINGS: Final = {"image/jpeg": "jpg", "image/png": "png", "application/pdf": "pdf"}


@dataclass(frozen=True, slots=True)
class BankLine:
    """A line of the bank's statement: what arrived, and the bank's own reference of it."""

    arrived: Money
    mutation: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """Where a browser may put one file: a form to be posted, good until ``expires_at``."""

    url: str
    fields: dict[str, str]
    expires_at: datetime


def get(payment_id: str) -> tuple[Attempt, tuple[Fact, ...]]:
    """A payment of any gateway, and what is known of it. Raises PaymentNotFound."""
    place = AttemptRow.place_of(payment_id)
    if place is None:
        raise PaymentNotFound()
    books = ledger.read(place[0])
    attempt = next((each for each in books.attempts if each.payment_id == payment_id), None)
    if attempt is None:
        raise PaymentNotFound()
    return attempt, tuple(fact for fact in books.facts if fact.reference == attempt.reference)


def verify(payment_id: str, line: BankLine, claim: Claim, *, accept_difference: bool) -> None:
    """Record the money of a transfer by the line of the statement that shows it.

    The unique code's rupiah are a surplus, not a part of the payment. A line settles one payment only. Money that came
    after the order had ended is recorded too. Raises PaymentNotFound, NotManual, PaymentClosed, MutationUsed, and
    WrongTransferAmount if another amount arrived and the difference is not accepted.
    """
    attempt = _undecided(payment_id, claim)
    if claim.recorded:
        free_code(attempt)  # it may be there that the first try stopped
        return
    amount, surplus = rules.settled(attempt, line.arrived, accept_difference=accept_difference)

    def settle(tx: db.Transaction, judgement: Judgement) -> None:
        _check_undecided(_current(attempt, judgement.books), judgement.books.facts, claim)
        MutationRow.use(tx, line.mutation, payment_id, line.arrived, line.note)
        decided = {"state": "verified", "amount": amount, "surplus": surplus, "mutation": line.mutation}
        audit.change(f"payment:{payment_id}", before={"state": attempt.state}, after=decided)
        claim.record(tx, payment_id)

    ledger.append(
        attempt.order_id,
        TRANSFER,
        [_event(attempt, Kind.CAPTURED, amount)],
        source=f"MUTATION#{quote(line.mutation, safe='')}",
        surplus=surplus,
        also=settle,
    )
    free_code(attempt)
    logger.info("transfer verified", payment_id=payment_id, surplus=surplus)


def reject(payment_id: str, reason: str, claim: Claim) -> None:
    """End a transfer whose money did not come. Raises PaymentNotFound, NotManual, PaymentClosed."""
    attempt = _undecided(payment_id, claim)
    if claim.recorded:
        return

    def settle(tx: db.Transaction, judgement: Judgement) -> None:
        _check_undecided(_current(attempt, judgement.books), judgement.books.facts, claim)
        AttemptRow.set_failed(tx, _open(attempt, judgement.books), "rejected", note=reason)
        audit.change(f"payment:{payment_id}", before={"state": attempt.state}, after={"state": "rejected"})
        claim.record(tx, payment_id)

    ledger.append(
        attempt.order_id,
        TRANSFER,
        [_event(attempt, Kind.INFO, attempt.amount, "rejected")],
        source="rejected",
        also=settle,
    )
    free_code(attempt)
    logger.info("transfer rejected", payment_id=payment_id)


def ask_for_proof(order_id: str, payment_id: str, media: str) -> Upload:
    """Where the buyer may put a picture of a transfer that is awaited, once, within ten minutes.

    Raises PaymentNotFound, NotManual, PaymentClosed.
    """
    books = ledger.read(order_id)
    attempt = next((each for each in books.attempts if each.payment_id == payment_id), None)
    if attempt is None:
        raise PaymentNotFound()
    _check_manual(attempt)
    key = f"{order_id}/{payment_id}/{ids.new('prf')}.{ENDINGS[media]}"
    with db.transaction() as tx:
        AttemptRow.set_proof(tx, _open(attempt, books), key)
    form = aws.client("s3").generate_presigned_post(
        Bucket=settings.bucket("proofs"),
        Key=key,
        Fields={"Content-Type": media},
        Conditions=[{"Content-Type": media}, ["content-length-range", 1, LARGEST_PROOF]],
        ExpiresIn=int(UPLOAD_WITHIN.total_seconds()),
    )
    return Upload(form["url"], form["fields"], clock.now() + UPLOAD_WITHIN)


def proof_url(attempt: Attempt) -> str | None:
    """Where the proof can be seen for ten minutes; None where none was ever sent."""
    if attempt.proof is None:
        return None
    at = {"Bucket": settings.bucket("proofs"), "Key": attempt.proof}
    seconds = int(UPLOAD_WITHIN.total_seconds())
    return str(aws.client("s3").generate_presigned_url("get_object", Params=at, ExpiresIn=seconds))


def _undecided(payment_id: str, claim: Claim) -> Attempt:
    """The transfer, unless it was decided by another request than the one that goes on here."""
    attempt, facts = get(payment_id)
    _check_manual(attempt)
    if not claim.recorded:
        _check_undecided(attempt, facts, claim)
    return attempt


def _check_manual(attempt: Attempt) -> None:
    if attempt.gateway != TRANSFER:
        raise NotManual(gateway=attempt.gateway)


def _check_undecided(attempt: Attempt, facts: Iterable[Fact], claim: Claim) -> None:
    """Raises PaymentClosed; to who asks the same thing twice at once, what the claim says of the other request."""
    if rules.is_decided(attempt, facts):
        db.look(claim.lookup())
        raise PaymentClosed()


def _open(attempt: Attempt, books: Books) -> Attempt:
    current = _current(attempt, books)
    if not current.is_open:
        raise PaymentClosed()
    return current


def _current(attempt: Attempt, books: Books) -> Attempt:
    return books.attempt(attempt.reference, attempt.gateway) or attempt


def _event(attempt: Attempt, kind: Kind, amount: Money, key: str = "") -> PaymentEvent:
    return PaymentEvent(attempt.reference, attempt.reference, kind, amount, clock.now(), key)
