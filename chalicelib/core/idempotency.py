"""Idempotency-Key in Stripe's manner (https://docs.stripe.com/api/idempotent_requests), one step further: the record
is written in the same transaction as the effect.

A key is first seen: the use case runs, and its transaction writes the record (``Claim.record``). When the answer is
ready it is kept with the record (``Claim.finish``) and replayed byte for byte. A crash between the two leaves a record
with the id of what was made: a repeat, once the first try can no longer be running, resumes from that. What is refused
before it had an effect leaves no record, so the key can be used again. Records live seven days.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from chalicelib.core import clock, crypto, db
from chalicelib.core.config import settings
from chalicelib.core.errors import InProgress, Invalid, LarisError, Malformed, TooMany, Unavailable
from chalicelib.core.log import logger

KEPT_FOR: Final = timedelta(days=7)
RUNS_AT_MOST: Final = timedelta(seconds=35)
"""Longer than any request may take: a gateway of the API gives up after 29 seconds."""
LONGEST_KEY: Final = 255
PURPOSE: Final = "answers"
"""Answers are kept locked: an order's access token is among what they say."""


class KeyMissing(Malformed):
    """This address moves money or stock: send an Idempotency-Key header, made by the client and kept until answered."""

    code = "idempotency_key_missing"


class KeyReused(Invalid):
    """This Idempotency-Key was used before with another request; use a new key for a new request."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it went out."""

    status: int
    body: str
    location: str | None = None


class Replayed(LarisError):
    """Not a failure: the request was answered before, and ``answer`` is that answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


class ClaimRow(db.Row):
    """One use of a key: what was asked (as a digest), what was made, and what was answered."""

    class Meta:
        table_name = settings.table("idempotency")

    fingerprint = UnicodeAttribute()
    resource = UnicodeAttribute()
    started_at = UnicodeAttribute()
    status = NumberAttribute(null=True)
    body = UnicodeAttribute(null=True)
    location = UnicodeAttribute(null=True)
    expires = NumberAttribute()


@dataclass(slots=True)
class Claim:
    """One caller's use of one key for one request."""

    id: str
    fingerprint: str
    recorded: bool = field(default=False, init=False)

    @classmethod
    def of(cls, key: str | None, *, principal: str, route: str, request: bytes) -> "Claim":
        """The claim of ``key``, scoped to who asks and what for. Raises KeyMissing, Invalid (too long)."""
        if not key:
            raise KeyMissing()
        if len(key) > LONGEST_KEY or not key.isprintable():
            raise Invalid("An Idempotency-Key has at most 255 printable characters.")
        scope = hashlib.sha256("\n".join((principal, route, key)).encode()).hexdigest()
        return cls(scope, hashlib.sha256(request).hexdigest())

    def lookup(self) -> "db.Lookup[str | None]":
        """Reads the record. Builds None for a new key, the id of what was made if the first try died before it
        answered; raises Replayed, KeyReused or InProgress.
        """
        return db.Lookup(((ClaimRow, self.id, "CLAIM"),), lambda rows: self._standing(rows[0]))

    def record(self, tx: db.Transaction, resource: str) -> None:
        """Write in ``tx`` that this request made ``resource``; refused if the key was used meanwhile."""
        now = clock.now()
        row = ClaimRow(
            pk=self.id,
            sk="CLAIM",
            fingerprint=self.fingerprint,
            resource=resource,
            started_at=clock.stamp(now),
            expires=int((now + KEPT_FOR).timestamp()),
        )
        tx.put(row, refusal=self._verdict)
        self.recorded = True

    def finish(self, answer: Answer) -> None:
        """Keep the answer for replays; the first one kept stands.

        What is done is done: an answer that cannot be kept now is given all the same, and a repeat makes it anew.
        """
        try:
            self._finish(answer)
        except (TooMany, Unavailable) as trouble:
            logger.warning("answer not kept", code=trouble.code)

    def _finish(self, answer: Answer) -> None:
        row = ClaimRow(pk=self.id, sk="CLAIM")
        locked = crypto.lock_text(PURPOSE, self.id, answer.body)
        actions = [ClaimRow.status.set(answer.status), ClaimRow.body.set(locked)]
        if answer.location:
            actions.append(ClaimRow.location.set(answer.location))
        with db.transaction() as tx:
            open_ = ClaimRow.pk.exists() & ClaimRow.status.does_not_exist()
            tx.update(row, actions, condition=open_, refusal=self._verdict)

    def _standing(self, row: ClaimRow | None) -> str | None:
        if row is None:
            return None
        verdict = self._verdict(row)
        if isinstance(verdict, InProgress) and clock.now() - clock.instant(row.started_at) > RUNS_AT_MOST:
            self.recorded = True
            return row.resource
        raise verdict

    def _verdict(self, row: ClaimRow | None) -> LarisError:
        if row is None:
            return InProgress()
        if row.fingerprint != self.fingerprint:
            return KeyReused()
        if not row.status:
            return InProgress()
        body = crypto.unlock_text(PURPOSE, self.id, row.body)
        return Replayed(Answer(int(row.status), body, row.location))
