"""Consents recorded, withdrawn and asked for: no marketing goes out that ``has`` does not allow.

UU PDP articles 20 to 22 and 40, GDPR article 7: what was said must be provable, and taken back as easily as given.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from chalicelib.core import clock, crypto, db, ids, log, outbox
from chalicelib.core.errors import WriteRefused
from chalicelib.customers.errors import UnsubscribeRefused
from chalicelib.customers.models.consents import Consent, ConsentRow, Purpose
from chalicelib.events.customers import ConsentGiven, ConsentWithdrawn
from chalicelib.notices import service as notices

__all__ = [
    "Choice",
    "Consent",
    "Purpose",
    "add",
    "current",
    "export",
    "has",
    "ledger",
    "lookup",
    "proof_of",
    "record",
    "withdraw",
]

TRIES: Final = 5
UNSUBSCRIBE: Final = "unsubscribe"


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody says to a purpose, having read the wording ``text_version``."""

    purpose: Purpose
    is_given: bool
    text_version: str


def has(customer_id: str, purpose: Purpose) -> bool:
    """True if the customer allows it now: read consistently, so that a withdrawal counts at once."""
    (standing,) = db.look(ConsentRow.lookup(customer_id, purpose))
    return standing is not None and standing.is_given


def current(customer_id: str) -> dict[Purpose, Consent]:
    """What counts now, by purpose; those never asked about are left out."""
    return db.look(lookup(customer_id))[0]


def ledger(customer_id: str) -> Sequence[Consent]:
    """Everything that was ever said, oldest first."""
    return ConsentRow.ledger(customer_id)


def export(customer_id: str) -> list[dict[str, Any]]:
    """The whole ledger, as the customer may have it."""
    return [{**asdict(consent), "at": clock.stamp(consent.at)} for consent in ledger(customer_id)]


def record(customer_id: str, choice: Choice, *, source: str, proof: str) -> Consent:
    """Write what the customer says; saying the same to the same wording again writes nothing."""
    for attempt in range(TRIES):
        (before,) = db.look(ConsentRow.lookup(customer_id, choice.purpose))
        if before and (before.is_given, before.text_version) == (choice.is_given, choice.text_version):
            return before
        try:
            with db.transaction() as tx:
                return _add(tx, customer_id, choice, before, source=source, proof=proof)
        except WriteRefused:
            db.back_off(attempt)
    raise WriteRefused()


def withdraw(customer_id: str, purpose: Purpose, *, source: str, proof: str) -> None:
    """Take a consent back; nothing where none is given."""
    (before,) = db.look(ConsentRow.lookup(customer_id, purpose))
    if before is not None and before.is_given:
        record(
            customer_id, Choice(purpose, is_given=False, text_version=before.text_version), source=source, proof=proof
        )


def lookup(customer_id: str) -> db.Lookup[dict[Purpose, Consent]]:
    """Reads what counts now, by purpose; those never asked about are left out."""
    return ConsentRow.lookup_all(customer_id)


def add(
    tx: db.Transaction,
    customer_id: str,
    choices: Iterable[Choice],
    standing: Mapping[Purpose, Consent],
    *,
    source: str,
    proof: str,
) -> None:
    """Write in ``tx`` what somebody says, if what counted is still ``standing``; else refused with WriteRefused."""
    for choice in choices:
        _add(tx, customer_id, choice, standing.get(choice.purpose), source=source, proof=proof)


def token_for(customer_id: str, purpose: Purpose) -> str:
    """What the link to unsubscribe carries: it takes this one consent back, whoever has it, and does nothing else."""
    return f"{customer_id}.{purpose}.{crypto.sign(UNSUBSCRIBE, f'{customer_id}|{purpose}')}"


def unsubscribe(token: str, *, proof: str) -> None:
    """Take back the consent that the link is for; repeated, it does nothing more. Raises UnsubscribeRefused."""
    customer_id, _, rest = token.partition(".")
    purpose = next((purpose for purpose in Purpose if rest.startswith(f"{purpose}.")), None)
    if purpose is None or not crypto.matches(token, token_for(customer_id, purpose)):
        raise UnsubscribeRefused()
    withdraw(customer_id, purpose, source="unsubscribe", proof=proof)


def proof_of(source_address: str) -> str:
    """What proves an entry: this request, and the address it came from as a blind index."""
    return f"{log.request_id.get()} {crypto.blind('source', source_address)}"


def _add(
    tx: db.Transaction, customer_id: str, choice: Choice, before: Consent | None, *, source: str, proof: str
) -> Consent:
    now = clock.now()
    consent = Consent(
        id=ids.new("con", now, step=len(tx)),
        purpose=choice.purpose,
        is_given=choice.is_given,
        text_version=choice.text_version,
        at=now,
        source=source,
        proof=proof,
    )
    ConsentRow.add(tx, customer_id, consent, before)
    if not consent.is_given:  # what waits to be sent is stopped from this moment, not from when the event arrives
        notices.forbid(tx, customer_id, consent.purpose)
    said = ConsentGiven if consent.is_given else ConsentWithdrawn
    outbox.publish(tx, said(customer_id, consent.id, consent.purpose, consent.text_version))
    return consent
