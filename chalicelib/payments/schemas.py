"""Payments on the wire."""

from typing import Annotated, Literal

import msgspec

from chalicelib.core import clock
from chalicelib.core.money import Money
from chalicelib.core.personal import PERSONAL, SECRET
from chalicelib.payments.gateways.port import NextStep
from chalicelib.payments.rules import Attempt, Fact, Message
from chalicelib.payments.transfers import LARGEST_PROOF, BankLine, Upload


class Taken(msgspec.Struct, frozen=True):
    """Nothing: the message is kept, the work follows."""


class Delivery(msgspec.Struct, frozen=True):
    """A partner's message that waits to be acted upon."""

    gateway: str
    message: str


class VerifyTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The line of the bank's statement that shows the money: `amount` is what arrived, `mutation` the bank's reference.

    Another amount than was asked for is refused unless `accept_difference`; then it counts as what it is.
    """

    amount: Money
    mutation: Annotated[str, msgspec.Meta(min_length=1, max_length=100, pattern=r"\S")]
    note: Annotated[str, msgspec.Meta(max_length=500), PERSONAL] | None = None
    accept_difference: bool = False

    def line(self) -> BankLine:
        """For the till."""
        return BankLine(self.amount, " ".join(self.mutation.upper().split()), self.note)


class RejectTransfer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why; the buyer is told."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200), PERSONAL]


class AskForProof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What kind of file the proof is."""

    content_type: Literal["image/jpeg", "image/png", "application/pdf"]


class ProofUpload(msgspec.Struct, frozen=True):
    """Where to put the file: POST `fields` and then `file` to `url` as multipart/form-data before `expires_at`."""

    url: str
    fields: Annotated[dict[str, str], SECRET]
    largest_bytes: int
    expires_at: str

    @classmethod
    def of(cls, upload: Upload) -> "ProofUpload":
        """On the wire."""
        return cls(upload.url, upload.fields, LARGEST_PROOF, clock.stamp(upload.expires_at))


class FactView(msgspec.Struct, frozen=True):
    """Something that happened to the payment; `surplus` arrived with it but was not owed."""

    kind: str
    amount: Money
    surplus: Money
    transaction_id: str
    key: str
    occurred_at: str
    received_at: str
    source: str

    @classmethod
    def of(cls, fact: Fact) -> "FactView":
        """On the wire."""
        return cls(
            kind=fact.kind,
            amount=fact.amount,
            surplus=Money(fact.surplus, fact.amount.currency),
            transaction_id=fact.transaction_id,
            key=fact.key,
            occurred_at=clock.stamp(fact.occurred_at),
            received_at=clock.stamp(fact.received_at),
            source=fact.source,
        )


class PaymentDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A try to pay, as staff see it; `expected` is what has to arrive, a transfer's unique code included."""

    id: str
    order_id: str
    reference: str
    gateway: str
    method: str
    state: str
    amount: Money
    expected: Money
    unique_code: int | None
    next_step: NextStep | None
    expires_at: str
    proof_url: Annotated[str, SECRET] | None
    facts: list[FactView]

    @classmethod
    def of(cls, attempt: Attempt, facts: tuple[Fact, ...], proof_url: str | None) -> "PaymentDetail":
        """On the wire."""
        return cls(
            id=attempt.payment_id,
            order_id=attempt.order_id,
            reference=attempt.reference,
            gateway=attempt.gateway,
            method=attempt.method,
            state=attempt.state,
            amount=attempt.amount,
            expected=attempt.expected,
            unique_code=attempt.code,
            next_step=attempt.next_step,
            expires_at=clock.stamp(attempt.expires_at),
            proof_url=proof_url,
            facts=[FactView.of(fact) for fact in facts],
        )


class ListMessages(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which messages."""

    state: Literal["parked", "quarantined"] = "quarantined"
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class MessageView(msgspec.Struct, frozen=True):
    """A partner's message that was put aside, and why."""

    id: str
    gateway: str
    references: list[str]
    state: str
    reason: str
    received_at: str

    @classmethod
    def of(cls, message: Message) -> "MessageView":
        """On the wire."""
        return cls(
            id=message.id,
            gateway=message.gateway,
            references=[reference for reference, _ in message.notices],
            state=message.state,
            reason=message.reason,
            received_at=clock.stamp(message.received_at),
        )


class MessageList(msgspec.Struct, frozen=True):
    """Messages, the oldest first."""

    items: list[MessageView]
    next_cursor: str | None
