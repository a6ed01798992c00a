"""Consents: a ledger that only grows, and beside it what counts now, one item a purpose, by which a send decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from pynamodb.attributes import BooleanAttribute, UnicodeAttribute

from chalicelib.core import clock, db
from chalicelib.core.config import settings

LEDGER: Final = "CONSENT#"
STANDING: Final = "CONSENTNOW#"


class Purpose(StrEnum):
    """What a customer may allow: letters and messages that advertise, counting what they do, showing what may suit."""

    MARKETING_EMAIL = "marketing_email"
    MARKETING_WHATSAPP = "marketing_whatsapp"
    ANALYTICS = "analytics"
    PERSONALISATION = "personalisation"


@dataclass(frozen=True, slots=True)
class Consent:
    """One entry of the ledger: what was said, to which wording, when and where, and what proves it."""

    id: str
    purpose: Purpose
    is_given: bool
    text_version: str
    at: datetime
    source: str
    """Where it was said: registration, account, staff or unsubscribe."""
    proof: str
    """The request's id and the blind index of the address it came from."""


class ConsentRow(db.Row):
    """pk = customer id; sk = "CONSENT#" and the entry's id, or "CONSENTNOW#" and the purpose for what counts now."""

    class Meta:
        table_name = settings.table("customers")

    consent_id = UnicodeAttribute()
    purpose = UnicodeAttribute()
    is_given = BooleanAttribute()
    text_version = UnicodeAttribute()
    at = UnicodeAttribute()
    source = UnicodeAttribute()
    proof = UnicodeAttribute()

    @classmethod
    def lookup(cls, customer_id: str, purpose: Purpose) -> "db.Lookup[Consent | None]":
        """Reads what counts now for a purpose."""
        key = (cls, customer_id, f"{STANDING}{purpose}")
        return db.Lookup((key,), lambda rows: rows[0].consent() if rows[0] else None)

    @classmethod
    def lookup_all(cls, customer_id: str) -> "db.Lookup[dict[Purpose, Consent]]":
        """Reads what counts now for all purposes; those never asked about are left out."""

        def build(rows: list[ConsentRow | None]) -> dict[Purpose, Consent]:
            found = [row.consent() for row in rows if row]
            return {consent.purpose: consent for consent in found}

        return db.Lookup(tuple((cls, customer_id, f"{STANDING}{purpose}") for purpose in Purpose), build)

    @classmethod
    def add(cls, tx: db.Transaction, customer_id: str, consent: Consent, before: Consent | None) -> None:
        """Write an entry and let it count, if what counted is still ``before``; else refused with WriteRefused."""
        tx.put(cls._of(customer_id, f"{LEDGER}{consent.id}", consent))
        standing = cls._of(customer_id, f"{STANDING}{consent.purpose}", consent)
        tx.put(standing, condition=cls.consent_id == before.id if before else None)

    @classmethod
    def ledger(cls, customer_id: str) -> "Sequence[Consent]":
        """All entries, oldest first."""
        return [row.consent() for row in db.rows(cls, customer_id, cls.sk.startswith(LEDGER))]

    @classmethod
    def _of(cls, customer_id: str, sk: str, consent: Consent) -> "ConsentRow":
        return cls(
            pk=customer_id,
            sk=sk,
            consent_id=consent.id,
            purpose=consent.purpose,
            is_given=consent.is_given,
            text_version=consent.text_version,
            at=clock.stamp(consent.at),
            source=consent.source,
            proof=consent.proof,
        )

    def consent(self) -> Consent:
        """The row as a value."""
        return Consent(
            id=self.consent_id,
            purpose=Purpose(self.purpose),
            is_given=bool(self.is_given),
            text_version=self.text_version,
            at=clock.instant(self.at),
            source=self.source,
            proof=self.proof,
        )
