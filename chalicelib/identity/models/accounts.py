"""Accounts: staff and customers' log-ins under the account's id, and who has which e-mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from chalicelib.core import clock, crypto, db
from chalicelib.core.config import settings
from chalicelib.core.errors import LarisError
from chalicelib.core.vault import DataKey, SealedAttribute
from chalicelib.identity.errors import EmailTaken
from chalicelib.identity.roles import OWNER

TABLE = settings.table("identity")


class Kind(StrEnum):
    """Whose log-in it is: the same e-mail may be known once as each."""

    STAFF = "staff"
    CUSTOMER = "customer"


class AccountState(StrEnum):
    """INVITED: has not accepted yet. ACTIVE: may log in. DISABLED: may not."""

    INVITED = "invited"
    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Account:
    """Who somebody is to us. ``role`` is None for customers."""

    id: str
    state: AccountState
    role: str | None
    version: int
    sessions_from: datetime | None = None
    """Sessions that began before have ended, all but the one called ``kept``."""
    kept: str | None = None

    @property
    def is_active_owner(self) -> bool:
        """True for somebody who counts as an owner."""
        return self.role == OWNER and self.state is AccountState.ACTIVE

    def has_ended(self, session: str, made_at: datetime) -> bool:
        """True for a session that was ended together with others."""
        return self.sessions_from is not None and made_at <= self.sessions_from and session != self.kept


class ByRole(GlobalSecondaryIndex["AccountRow"]):
    """The staff who have a role."""

    class Meta:
        index_name = "by_role"
        projection = KeysOnlyProjection()

    role = UnicodeAttribute(hash_key=True)
    pk = UnicodeAttribute(range_key=True)


class AccountRow(db.Row):
    """pk = account id, sk = "ACCOUNT"."""

    class Meta:
        table_name = TABLE

    state = UnicodeAttribute()
    role = UnicodeAttribute(null=True)
    version = NumberAttribute()
    sessions_from = UnicodeAttribute(null=True)
    kept = UnicodeAttribute(null=True)
    by_role = ByRole()

    @classmethod
    def lookup(cls, account: str) -> "db.Lookup[Account | None]":
        """Reads one account."""
        return db.Lookup(((cls, account, "ACCOUNT"),), lambda rows: rows[0].account() if rows[0] else None)

    @classmethod
    def lookup_all(cls, accounts: Sequence[str]) -> "db.Lookup[list[Account]]":
        """Reads many accounts; those that are gone are left out."""
        keys = tuple((cls, account, "ACCOUNT") for account in accounts)
        return db.Lookup(keys, lambda rows: [row.account() for row in rows if row])

    @classmethod
    def has_anybody(cls, role: str) -> bool:
        """True if somebody has this role, invited or disabled too; a moment old."""
        return bool(db.rows(cls, role, index=cls.by_role, limit=1))

    @classmethod
    def add(cls, tx: db.Transaction, account: str, state: AccountState, role: str | None) -> None:
        """Write a new account."""
        tx.put(cls(pk=account, sk="ACCOUNT", state=state, role=role, version=1))

    @classmethod
    def change(
        cls,
        tx: db.Transaction,
        account: Account,
        *,
        state: AccountState | None = None,
        role: str | None = None,
        end_sessions: bool = False,
        kept: str | None = None,
    ) -> None:
        """Change what is given; refused with WriteRefused if it was changed since ``account`` was read."""
        actions = [cls.version.set(account.version + 1)]
        if state:
            actions.append(cls.state.set(state))
        if role:
            actions.append(cls.role.set(role))
        if end_sessions:
            actions.append(cls.sessions_from.set(clock.stamp(clock.now())))
            actions.append(cls.kept.set(kept) if kept else cls.kept.remove())
        tx.update(cls(account.id, "ACCOUNT"), actions, condition=cls.version == account.version)

    @classmethod
    def check_active(cls, tx: db.Transaction, account: str, refusal: LarisError) -> None:
        """Go on only if the account may log in."""
        tx.check(cls(account, "ACCOUNT"), condition=cls.state == AccountState.ACTIVE, refusal=refusal)

    def account(self) -> Account:
        """The row as a value."""
        return Account(
            self.pk,
            AccountState(self.state),
            self.role,
            int(self.version),
            clock.instant(self.sessions_from) if self.sessions_from else None,
            self.kept,
        )


class LoginRow(db.Row):
    """pk = account id, sk = "LOGIN": how somebody logs in. The e-mail is sealed under the account's key.

    ``changed_at`` tells one password from the next: a log-in that was proven by the former one comes too late.
    """

    class Meta:
        table_name = TABLE

    kind = UnicodeAttribute()
    email = SealedAttribute()
    email_index = UnicodeAttribute()
    password = UnicodeAttribute(null=True)
    changed_at = UnicodeAttribute()

    @classmethod
    def lookup(cls, account: str) -> "db.Lookup[LoginRow | None]":
        """Reads one."""
        return db.Lookup(((cls, account, "LOGIN"),), lambda rows: rows[0])

    @classmethod
    def add(cls, tx: db.Transaction, key: DataKey, kind: Kind, email: str, password: str | None) -> None:
        """Write a new log-in, which takes the e-mail; refused with EmailTaken."""
        row = cls(
            pk=key.subject,
            sk="LOGIN",
            kind=kind,
            email_index=EmailRow.take(tx, kind, email, key.subject),
            password=password,
            changed_at=clock.stamp(clock.now()),
        )
        row.email = key.seal(row.place, email)
        tx.put(row)

    @classmethod
    def set_password(cls, tx: db.Transaction, account: str, password: str) -> None:
        """Replace the password by one hashed as ``password``; refused with WriteRefused if there is no such log-in."""
        actions = [cls.password.set(password), cls.changed_at.set(clock.stamp(clock.now()))]
        tx.update(cls(account, "LOGIN"), actions, condition=cls.pk.exists())

    def change_email(self, tx: db.Transaction, key: DataKey, email: str) -> None:
        """Log in with another e-mail from then on, and free the former one; refused with EmailTaken, WriteRefused."""
        kind = Kind(self.kind)
        index = EmailRow.take(tx, kind, email, self.pk)
        EmailRow.free(tx, kind, self.email_index, self.pk)
        actions = [
            LoginRow.email.set(key.seal(self.place, email)),
            LoginRow.email_index.set(index),
            LoginRow.changed_at.set(clock.stamp(clock.now())),
        ]
        tx.update(LoginRow(self.pk, self.sk), actions, condition=LoginRow.changed_at == self.changed_at)

    @classmethod
    def drop_password(cls, tx: db.Transaction, account: str) -> None:
        """Take the password away; refused with WriteRefused if there is no such log-in."""
        actions = [cls.password.remove(), cls.changed_at.set(clock.stamp(clock.now()))]
        tx.update(cls(account, "LOGIN"), actions, condition=cls.pk.exists())

    def stay(self, tx: db.Transaction, refusal: LarisError, *, rehashed: str | None = None) -> None:
        """Go on only if the password is still the one that was read; ``rehashed`` is the same, hashed as we do now."""
        unchanged = LoginRow.changed_at == self.changed_at
        if rehashed is None:
            tx.check(self, condition=unchanged, refusal=refusal)
        else:
            tx.update(self, [LoginRow.password.set(rehashed)], condition=unchanged, refusal=refusal)

    def opened(self, key: DataKey) -> str:
        """The e-mail."""
        return str(key.open(self.place, self.email, str))

    @property
    def place(self) -> str:
        """Where the sealed e-mail stands."""
        return f"{TABLE}|{self.pk}|LOGIN|email"


class EmailRow(db.Row):
    """pk = "EMAIL#", kind and the e-mail's blind index, sk = "EMAIL": whose it is. One account each."""

    class Meta:
        table_name = TABLE

    owner = UnicodeAttribute()

    @classmethod
    def lookup(cls, kind: Kind, email: str) -> "db.Lookup[str | None]":
        """Reads whose an e-mail is; it may stand under an index of an earlier key."""
        keys = tuple((cls, _taken(kind, index), "EMAIL") for index in crypto.blinds("email", email))
        return db.Lookup(keys, lambda rows: next((row.owner for row in rows if row), None))

    @classmethod
    def take(cls, tx: db.Transaction, kind: Kind, email: str, account: str) -> str:
        """Make it the account's, and say under which index; refused with EmailTaken."""
        index, *earlier = crypto.blinds("email", email)
        tx.put(cls(pk=_taken(kind, index), sk="EMAIL", owner=account), refusal=EmailTaken())
        for each in earlier:
            tx.check(cls(_taken(kind, each), "EMAIL"), condition=cls.pk.does_not_exist(), refusal=EmailTaken())
        return index

    @classmethod
    def free(cls, tx: db.Transaction, kind: Kind, index: str, account: str) -> None:
        """Let the e-mail be nobody's; refused with WriteRefused if it is not the account's."""
        tx.delete(cls(_taken(kind, index), "EMAIL"), condition=cls.owner == account)


class AnyRow(db.Row):
    """Whatever stands under an account's id."""

    class Meta:
        table_name = TABLE


def forget(account: str, per_transaction: int = 90) -> None:
    """Delete everything that stands under an account's id, and its hold on the e-mail. Repeating is harmless."""
    login = db.get(LoginRow, account, "LOGIN")
    rows: list[db.Row] = sorted(db.rows(AnyRow, account), key=lambda row: row.sk)
    if login is not None:
        rows.insert(0, AnyRow(_taken(Kind(login.kind), login.email_index), "EMAIL"))
    for start in range(0, len(rows), per_transaction):
        with db.transaction() as tx:
            for row in rows[start : start + per_transaction]:
                tx.delete(AnyRow(row.pk, row.sk), condition=AnyRow.pk.exists() | AnyRow.pk.does_not_exist())


def _taken(kind: Kind, index: str) -> str:
    return f"EMAIL#{kind}#{index}"
