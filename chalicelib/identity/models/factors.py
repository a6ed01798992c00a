"""Second factors, and what goes with a log-in under way: tickets, recovery codes, known devices."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.core import clock, db
from chalicelib.core.errors import LarisError
from chalicelib.core.vault import DataKey, SealedAttribute
from chalicelib.identity.models.accounts import TABLE

CURRENT = "TOTP"
PENDING = "TOTP-NEW"
NEVER = 0


class TotpRow(db.Row):
    """pk = account id, sk = "TOTP", or "TOTP-NEW" until a code proves that the app has it.

    ``last_step`` is the step of the last code that was taken: no code counts twice (RFC 6238 section 5.2).
    """

    class Meta:
        table_name = TABLE

    secret = SealedAttribute()
    last_step = NumberAttribute()
    expires = NumberAttribute(null=True)

    @classmethod
    def lookup(cls, account: str) -> "db.Lookup[TotpRow | None]":
        """Reads the one that counts."""
        return db.Lookup(((cls, account, CURRENT),), lambda rows: rows[0])

    @classmethod
    def lookup_pending(cls, account: str) -> "db.Lookup[TotpRow | None]":
        """Reads the one that is not proven yet."""
        return db.Lookup(((cls, account, PENDING),), lambda rows: rows[0])

    @classmethod
    def begin(cls, tx: db.Transaction, key: DataKey, secret: str, *, until: datetime) -> None:
        """Write one that waits to be proven, in place of any other."""
        row = cls(pk=key.subject, sk=PENDING, last_step=NEVER, expires=int(until.timestamp()))
        row.secret = key.seal(row.place, secret)
        tx.put(row, condition=_whatever(cls))

    def establish(self, tx: db.Transaction, key: DataKey, step: int) -> None:
        """Make this one, which ``step``'s code has proven, the one that counts; refused if it was replaced."""
        tx.delete(TotpRow(self.pk, PENDING), condition=TotpRow.secret == self.secret)
        row = TotpRow(pk=self.pk, sk=CURRENT, last_step=step)
        row.secret = key.seal(row.place, self.opened(key))
        tx.put(row, condition=_whatever(TotpRow))

    def use(self, tx: db.Transaction, step: int, refusal: LarisError) -> None:
        """Take ``step``'s code; refused if it, or a later one, was taken before."""
        taken = (TotpRow.last_step < step) & (TotpRow.secret == self.secret)
        tx.update(TotpRow(self.pk, self.sk), [TotpRow.last_step.set(step)], condition=taken, refusal=refusal)

    @classmethod
    def drop(cls, tx: db.Transaction, account: str) -> None:
        """Take it away, with any that is not proven yet."""
        for place in (CURRENT, PENDING):
            tx.delete(cls(account, place), condition=_whatever(cls))

    def opened(self, key: DataKey) -> str:
        """The secret."""
        return str(key.open(self.place, self.secret, str))

    @property
    def place(self) -> str:
        """Where the sealed secret stands."""
        return f"{TABLE}|{self.pk}|{self.sk}|secret"


class RecoveryRow(db.Row):
    """pk = account id, sk = "RECOVERY#" and the digest of a recovery code. Used once: by being taken away."""

    class Meta:
        table_name = TABLE

    made_at = UnicodeAttribute()

    @classmethod
    def use(cls, tx: db.Transaction, account: str, digest: str, refusal: LarisError) -> None:
        """Take it away; refused if it is gone."""
        tx.delete(cls(account, f"RECOVERY#{digest}"), condition=cls.pk.exists(), refusal=refusal)

    @classmethod
    def replace(cls, tx: db.Transaction, account: str, digests: Sequence[str]) -> None:
        """Write new ones in place of all that are left."""
        cls.drop(tx, account)
        for digest in digests:
            tx.put(cls(pk=account, sk=f"RECOVERY#{digest}", made_at=clock.stamp(clock.now())))

    @classmethod
    def drop(cls, tx: db.Transaction, account: str) -> None:
        """Take all away."""
        for row in cls.of(account):
            tx.delete(cls(account, row.sk), condition=_whatever(cls))

    @classmethod
    def of(cls, account: str) -> "Sequence[RecoveryRow]":
        """Those that are left."""
        return db.rows(cls, account, cls.sk.startswith("RECOVERY#"))


class DeviceRow(db.Row):
    """pk = account id, sk = "DEVICE#" and the digest of its token: a device where the account has logged in before."""

    class Meta:
        table_name = TABLE

    made_at = UnicodeAttribute()
    expires = NumberAttribute()

    @classmethod
    def lookup(cls, account: str, digest: str) -> "db.Lookup[bool]":
        """Reads whether the account knows it."""
        now = int(clock.now().timestamp())
        keys = ((cls, account, f"DEVICE#{digest}"),)
        return db.Lookup(keys, lambda rows: rows[0] is not None and int(rows[0].expires) > now)

    @classmethod
    def remember(cls, tx: db.Transaction, account: str, digest: str, *, until: datetime) -> None:
        """Know it until then."""
        row = cls(
            pk=account,
            sk=f"DEVICE#{digest}",
            made_at=clock.stamp(clock.now()),
            expires=int(until.timestamp()),
        )
        tx.put(row, condition=_whatever(cls))


class TicketRow(db.Row):
    """pk = account id, sk = "TICKET#" and the digest of its secret: a password was right, the second factor is awaited.

    ``changed_at`` is that of the password. Used once: by being taken away together with the session's beginning.
    """

    class Meta:
        table_name = TABLE

    ends_at = UnicodeAttribute()
    changed_at = UnicodeAttribute()
    expires = NumberAttribute()

    @classmethod
    def lookup(cls, account: str, digest: str) -> "db.Lookup[TicketRow | None]":
        """Reads one, None if it has ended."""
        now = clock.stamp(clock.now())
        keys = ((cls, account, f"TICKET#{digest}"),)
        return db.Lookup(keys, lambda rows: rows[0] if rows[0] and rows[0].ends_at > now else None)

    @classmethod
    def add(cls, tx: db.Transaction, account: str, digest: str, *, until: datetime, changed_at: str) -> None:
        """Write a new one."""
        row = cls(
            pk=account,
            sk=f"TICKET#{digest}",
            ends_at=clock.stamp(until),
            changed_at=changed_at,
            expires=int((until + timedelta(hours=1)).timestamp()),
        )
        tx.put(row)

    def use(self, tx: db.Transaction, refusal: LarisError) -> None:
        """Take it away; refused if it is gone."""
        tx.delete(TicketRow(self.pk, self.sk), condition=TicketRow.pk.exists(), refusal=refusal)


def _whatever(model: type[db.Row]) -> Condition:
    """Whether it is there or not."""
    either: Condition = model.pk.exists() | model.pk.does_not_exist()
    return either
