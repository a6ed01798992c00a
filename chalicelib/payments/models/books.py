"""Everything of an order's money stands under the order's id, so that one query reads it."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Action

from chalicelib.core import clock, db
from chalicelib.core.money import Money
from chalicelib.payments.errors import PaymentNotFound
from chalicelib.payments.gateways.port import Kind
from chalicelib.payments.judgement import Flag
from chalicelib.payments.models.attempts import AttemptRow
from chalicelib.payments.models.entries import ENTRIES, Entry
from chalicelib.payments.rules import Books, Fact, Figures, Ledger, Refund
from chalicelib.payments.states import RefundState


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


ENTRIES.update({"LEDGER": LedgerRow, "ATTEMPT": AttemptRow, "FACT": FactRow, "FLAG": FlagRow, "REFUND": RefundRow})


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
