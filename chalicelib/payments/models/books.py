"""Everything of an order's money stands under the order's id, so that one query reads it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast
from urllib.parse import quote

import msgspec
from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.core import clock, db
from chalicelib.core.config import settings
from chalicelib.core.money import Money
from chalicelib.payments.errors import PaymentNotFound
from chalicelib.payments.gateways.port import Kind, NextStep, RetryStep, Started
from chalicelib.payments.judgement import Flag
from chalicelib.payments.rules import Attempt, Books, Fact, Figures, Ledger, Refund
from chalicelib.payments.states import OPEN_ATTEMPTS, AttemptState, RefundState


class ByPayment(GlobalSecondaryIndex["AttemptRow"]):
    """An attempt by its payment id."""

    class Meta:
        index_name = "by_payment"
        projection = KeysOnlyProjection()

    payment_id = UnicodeAttribute(hash_key=True)


class Entry(db.Row):
    """Any item of an order's money (pk = order id), read as what its sk says it is."""

    class Meta:
        table_name = settings.table("payments")

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Any:
        """The item as an instance of its own class."""
        kind = ENTRIES.get(data["sk"]["S"].partition("#")[0], cls)
        return super(Entry, kind).from_raw_data(data)


class LedgerRow(Entry):
    """sk = "LEDGER". ``version`` counts the changes of the money, ``attempts`` the tries."""

    currency = UnicodeAttribute()
    due = NumberAttribute()
    granted = NumberAttribute()
    lowered = NumberAttribute()
    captured = NumberAttribute()
    refunded = NumberAttribute()
    charged_back = NumberAttribute()
    authorized = NumberAttribute()
    is_reversed = BooleanAttribute()
    attempts = NumberAttribute()
    version = NumberAttribute()

    @classmethod
    def lookup(cls, order_id: str) -> "db.Lookup[Ledger]":
        """Reads one ledger. Raises PaymentNotFound."""

        def build(rows: list[LedgerRow | None]) -> Ledger:
            if rows[0] is None:
                raise PaymentNotFound()
            return rows[0].ledger()

        return db.Lookup(((cls, order_id, "LEDGER"),), build)

    @classmethod
    def add(cls, tx: db.Transaction, order_id: str, due: Money) -> None:
        """Write the ledger of a new order with one attempt."""
        row = cls(
            pk=order_id,
            sk="LEDGER",
            currency=due.currency,
            due=due.amount,
            granted=0,
            lowered=0,
            captured=0,
            refunded=0,
            charged_back=0,
            authorized=0,
            is_reversed=False,
            attempts=1,
            version=1,
        )
        tx.put(row)

    @classmethod
    def set_figures(cls, tx: db.Transaction, ledger: Ledger, figures: Figures) -> None:
        """Write a new fold, if the money is as in ``ledger``; refused with WriteRefused."""
        actions = [
            cls.captured.set(figures.captured),
            cls.refunded.set(figures.refunded),
            cls.charged_back.set(figures.charged_back),
            cls.authorized.set(figures.authorized),
            cls.is_reversed.set(figures.is_reversed),
            cls.version.set(ledger.version + 1),
        ]
        tx.update(cls(ledger.order_id, "LEDGER"), actions, condition=cls.version == ledger.version)

    @classmethod
    def grant(cls, tx: db.Transaction, order_id: str, version: int, amount: int, *, lowers_payable: bool) -> None:
        """Promise ``amount`` back, if the money is as at ``version``; refused with WriteRefused."""
        actions: list[Action] = [cls.granted.add(amount), cls.version.set(version + 1)]
        if lowers_payable:
            actions.append(cls.lowered.add(amount))
        tx.update(cls(order_id, "LEDGER"), actions, condition=cls.version == version)

    @classmethod
    def count_attempt(cls, tx: db.Transaction, ledger: Ledger) -> None:
        """One attempt more, if neither money nor attempts have moved since; refused with WriteRefused."""
        as_read = (cls.version == ledger.version) & (cls.attempts == ledger.attempts)
        tx.update(cls(ledger.order_id, "LEDGER"), [cls.attempts.set(ledger.attempts + 1)], condition=as_read)

    @classmethod
    def guard(cls, tx: db.Transaction, order_id: str, version: int) -> None:
        """Go on only if the money is as at ``version``; refused with WriteRefused."""
        tx.check(cls(order_id, "LEDGER"), condition=cls.version == version)

    def ledger(self) -> Ledger:
        """The row as a value."""
        return Ledger(
            order_id=self.pk,
            due=Money(int(self.due), self.currency),
            granted=int(self.granted),
            lowered=int(self.lowered),
            figures=Figures(
                captured=int(self.captured),
                refunded=int(self.refunded),
                charged_back=int(self.charged_back),
                authorized=int(self.authorized),
                is_reversed=self.is_reversed,
            ),
            attempts=int(self.attempts),
            version=int(self.version),
        )


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
    def set_failed(cls, tx: db.Transaction, attempt: Attempt, reason: str) -> None:
        """An open attempt → FAILED; the buyer is to try again. Refused with WriteRefused."""
        actions = [
            cls.state.set(AttemptState.FAILED),
            cls.next_step.set(msgspec.to_builtins(RetryStep(reason=reason))),
            cls.token.remove(),
        ]
        tx.update(cls._at(attempt), actions, condition=cls._is_open())

    @classmethod
    def set_state(cls, tx: db.Transaction, attempt: Attempt, state: AttemptState) -> None:
        """Move an attempt that is still as read; refused with WriteRefused."""
        tx.update(cls._at(attempt), [cls.state.set(state)], condition=cls.state == attempt.state)

    @classmethod
    def set_proof(cls, tx: db.Transaction, attempt: Attempt, proof: str) -> None:
        """Say where the buyer may have put a picture, while the attempt is open; refused with WriteRefused."""
        tx.update(cls._at(attempt), [cls.proof.set(proof)], condition=cls._is_open())

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
            next_step=cast("NextStep", msgspec.convert(self.next_step, NextStep)) if self.next_step else None,
            expires_at=clock.instant(self.expires_at),
            token=self.token,
            proof=self.proof,
        )


class FactRow(Entry):
    """sk = "FACT#", gateway, transaction, kind and key: one fact, never changed."""

    gateway = UnicodeAttribute()
    reference = UnicodeAttribute()
    transaction_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    key = UnicodeAttribute()
    amount = NumberAttribute()
    surplus = NumberAttribute()
    currency = UnicodeAttribute()
    occurred_at = UnicodeAttribute()
    received_at = UnicodeAttribute()
    raw_ref = UnicodeAttribute()

    @classmethod
    def add(cls, tx: db.Transaction, order_id: str, fact: Fact) -> None:
        """Write a fact that is not there yet; refused with WriteRefused."""
        tx.put(cls(pk=order_id, sk=f"FACT#{_joined(fact.id)}", **_plain(fact)))

    def fact(self) -> Fact:
        """The row as a value."""
        return Fact(
            gateway=self.gateway,
            reference=self.reference,
            transaction_id=self.transaction_id,
            kind=Kind(self.kind),
            key=self.key,
            amount=Money(int(self.amount), self.currency),
            occurred_at=clock.instant(self.occurred_at),
            received_at=clock.instant(self.received_at),
            source=self.raw_ref,
            surplus=int(self.surplus),
        )


class FlagRow(FactRow):
    """sk = "FLAG#" and what does not fit: raised once, with the fact that raised it."""

    oddity = UnicodeAttribute()

    @classmethod
    def raise_(cls, tx: db.Transaction, order_id: str, flag: Flag) -> None:
        """Write a flag that is not there yet; refused with WriteRefused."""
        tx.put(cls(pk=order_id, sk=f"FLAG#{flag.id}", oddity=flag.oddity, **_plain(flag.fact)))


class RefundRow(Entry):
    """sk = "REFUND#" and the refund's id."""

    state = UnicodeAttribute()
    amount = NumberAttribute()
    currency = UnicodeAttribute()
    reason = UnicodeAttribute()
    lowers_payable = BooleanAttribute()
    created_at = UnicodeAttribute()

    @classmethod
    def add(cls, tx: db.Transaction, order_id: str, refund: Refund) -> None:
        """Write a new refund."""
        row = cls(
            pk=order_id,
            sk=f"REFUND#{refund.id}",
            state=refund.state,
            amount=refund.amount.amount,
            currency=refund.amount.currency,
            reason=refund.reason,
            lowers_payable=refund.lowers_payable,
            created_at=clock.stamp(clock.now()),
        )
        tx.put(row)

    @classmethod
    def set_state(cls, tx: db.Transaction, order_id: str, refund: Refund, state: RefundState) -> None:
        """Move a refund that is still as read; refused with WriteRefused."""
        row = cls(order_id, f"REFUND#{refund.id}")
        tx.update(row, [cls.state.set(state)], condition=cls.state == refund.state)

    def refund(self) -> Refund:
        """The row as a value."""
        return Refund(
            id=self.sk.partition("#")[2],
            state=RefundState(self.state),
            amount=Money(int(self.amount), self.currency),
            reason=self.reason,
            lowers_payable=self.lowers_payable,
        )


ENTRIES: Final[Mapping[str, type[Entry]]] = {
    "LEDGER": LedgerRow,
    "ATTEMPT": AttemptRow,
    "FACT": FactRow,
    "FLAG": FlagRow,
    "REFUND": RefundRow,
}


def read_books(order_id: str) -> Books | None:
    """All that is kept of an order's payments, by one consistent query; None for an order that has none."""
    entries: Sequence[Entry] = db.rows(Entry, order_id)
    ledger = next((entry for entry in entries if isinstance(entry, LedgerRow)), None)
    if ledger is None:
        return None
    return Books(
        ledger=ledger.ledger(),
        attempts=tuple(entry.attempt() for entry in entries if isinstance(entry, AttemptRow)),
        facts=tuple(entry.fact() for entry in entries if type(entry) is FactRow),
        refunds=tuple(entry.refund() for entry in entries if isinstance(entry, RefundRow)),
        flags=frozenset(entry.sk.partition("#")[2] for entry in entries if isinstance(entry, FlagRow)),
    )


def _attempt_key(number: int) -> str:
    return f"ATTEMPT#{number:03d}"


def _joined(parts: Sequence[str]) -> str:
    return "#".join(quote(part, safe="") for part in parts)


def _plain(fact: Fact) -> dict[str, Any]:
    return {
        "gateway": fact.gateway,
        "reference": fact.reference,
        "transaction_id": fact.transaction_id,
        "kind": fact.kind,
        "key": fact.key,
        "amount": fact.amount.amount,
        "surplus": fact.surplus,
        "currency": fact.amount.currency,
        "occurred_at": clock.stamp(fact.occurred_at),
        "received_at": clock.stamp(fact.received_at),
        "raw_ref": fact.source,
    }
