"""Tries to pay, each an item of its order's money."""

from typing import Final, cast

import msgspec
from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.core import clock, crypto, db
from chalicelib.core.money import Money
from chalicelib.payments.gateways.port import NextStep, RetryStep, Started
from chalicelib.payments.models.entries import Entry
from chalicelib.payments.rules import Attempt
from chalicelib.payments.states import OPEN_ATTEMPTS, AttemptState

NOTES: Final = "payment-notes"
"""What staff write about a payment is kept locked: it may say who paid."""


class ByPayment(GlobalSecondaryIndex["AttemptRow"]):
    """An attempt by its payment id."""

    class Meta:
        index_name = "by_payment"
        projection = KeysOnlyProjection()

    payment_id = UnicodeAttribute(hash_key=True)


class AttemptRow(Entry):
    """sk = "ATTEMPT#" and the number in three digits."""

    payment_id = UnicodeAttribute()
    reference = UnicodeAttribute()
    gateway = UnicodeAttribute()
    method = UnicodeAttribute()
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    state = UnicodeAttribute()
    token = UnicodeAttribute(null=True)
    transaction_id = UnicodeAttribute(null=True)
    next_step: JSONAttribute = JSONAttribute(null=True)
    proof = UnicodeAttribute(null=True)
    note = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute()
    expires_at = UnicodeAttribute()

    by_payment = ByPayment()

    @classmethod
    def lookup(cls, order_id: str, number: int) -> "db.Lookup[Attempt | None]":
        """Reads one attempt."""
        return db.Lookup(((cls, order_id, _attempt_key(number)),), lambda rows: rows[0].attempt() if rows[0] else None)

    @classmethod
    def place_of(cls, payment_id: str) -> tuple[str, int] | None:
        """The order and number of a payment; None for one that is unknown, or made a moment ago."""
        found = db.rows(cls, payment_id, index=cls.by_payment, limit=1)
        return (found[0].pk, int(found[0].sk.partition("#")[2])) if found else None

    @classmethod
    def add(cls, tx: db.Transaction, attempt: Attempt) -> None:
        """Write a new attempt."""
        row = cls(
            pk=attempt.order_id,
            sk=_attempt_key(attempt.number),
            payment_id=attempt.payment_id,
            reference=attempt.reference,
            gateway=attempt.gateway,
            method=attempt.method,
            amount=attempt.amount.amount,
            currency=attempt.amount.currency,
            state=attempt.state,
            token=attempt.token,
            created_at=clock.stamp(clock.now()),
            expires_at=clock.stamp(attempt.expires_at),
        )
        tx.put(row)

    @classmethod
    def give_token(cls, tx: db.Transaction, attempt: Attempt, token: str) -> None:
        """Let the gateway be asked with ``token``, if none was given yet; refused with WriteRefused."""
        fresh = (cls.state == AttemptState.STARTING) & cls.token.does_not_exist()
        tx.update(cls._at(attempt), [cls.token.set(token)], condition=fresh)

    @classmethod
    def set_started(cls, tx: db.Transaction, attempt: Attempt, started: Started) -> None:
        """STARTING → AWAITING with what the gateway answered; refused with WriteRefused."""
        actions = [
            cls.state.set(AttemptState.AWAITING),
            cls.next_step.set(msgspec.to_builtins(started.next_step)),
            cls.transaction_id.set(started.transaction_id),
            cls.token.remove(),
        ]
        tx.update(cls._at(attempt), actions, condition=cls.state == AttemptState.STARTING)

    @classmethod
    def set_failed(cls, tx: db.Transaction, attempt: Attempt, reason: str, note: str | None = None) -> None:
        """An open attempt → FAILED; the buyer is to try again, and told the ``note`` where there is one.

        Refused with WriteRefused.
        """
        row = cls._at(attempt)
        actions = [
            cls.state.set(AttemptState.FAILED),
            cls.next_step.set(msgspec.to_builtins(RetryStep(reason=reason))),
            cls.token.remove(),
        ]
        if note:
            actions.append(cls.note.set(crypto.lock_text(NOTES, row.place, note)))
        tx.update(row, actions, condition=cls._is_open())

    @classmethod
    def set_state(cls, tx: db.Transaction, attempt: Attempt, state: AttemptState) -> None:
        """Move an attempt that is still as read; refused with WriteRefused."""
        tx.update(cls._at(attempt), [cls.state.set(state)], condition=cls.state == attempt.state)

    @classmethod
    def set_proof(cls, tx: db.Transaction, attempt: Attempt, proof: str) -> None:
        """Say where the buyer may have put a picture, while the attempt is open; refused with WriteRefused."""
        tx.update(cls._at(attempt), [cls.proof.set(proof)], condition=cls._is_open())

    @classmethod
    def forget_person(cls, tx: db.Transaction, attempt: Attempt) -> None:
        """Take away the note and where the proof was. Refused with WriteRefused."""
        tx.update(cls._at(attempt), [cls.note.remove(), cls.proof.remove()], condition=cls.pk.exists())

    @property
    def place(self) -> str:
        """Where its note stands."""
        return f"{self.pk}|{self.sk}|note"

    @classmethod
    def _at(cls, attempt: Attempt) -> "AttemptRow":
        return cls(attempt.order_id, _attempt_key(attempt.number))

    @classmethod
    def _is_open(cls) -> Condition:
        return cls.state.is_in(*sorted(OPEN_ATTEMPTS))

    def attempt(self) -> Attempt:
        """The row as a value."""
        return Attempt(
            payment_id=self.payment_id,
            order_id=self.pk,
            number=int(self.sk.partition("#")[2]),
            reference=self.reference,
            gateway=self.gateway,
            method=self.method,
            amount=Money(int(self.amount), self.currency),
            state=AttemptState(self.state),
            next_step=self._step(),
            expires_at=clock.instant(self.expires_at),
            token=self.token,
            proof=self.proof,
        )

    def _step(self) -> NextStep | None:
        if self.note:
            return RetryStep(reason=crypto.unlock_text(NOTES, self.place, self.note))
        return cast("NextStep", msgspec.convert(self.next_step, NextStep)) if self.next_step else None


def _attempt_key(number: int) -> str:
    return f"ATTEMPT#{number:03d}"
