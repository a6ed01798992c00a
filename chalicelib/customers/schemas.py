"""Customers on the wire."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.core import clock
from chalicelib.core.errors import Invalid
from chalicelib.core.personal import PERSONAL, SECRET
from chalicelib.customers.consents import Choice, Purpose
from chalicelib.customers.rules import EMAIL, NAME, PHONE, Customer, Language, Person, phone_number
from chalicelib.identity.service import LoggedIn, RecoveryProof, Session, Ticket, TotpProof, Whereabouts

PASSWORD: Final = msgspec.Meta(min_length=1, max_length=1024)
TOKEN: Final = msgspec.Meta(min_length=1, max_length=300)
WORDING: Final = msgspec.Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9._-]+$")

NameText = Annotated[str, NAME, PERSONAL]
EmailText = Annotated[str, EMAIL, PERSONAL]
PhoneText = Annotated[str, PHONE, PERSONAL]
Password = Annotated[str, PASSWORD, SECRET]
Token = Annotated[str, TOKEN, SECRET]


class ConsentChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Yes or no to a purpose, and which wording was shown."""

    purpose: Purpose
    given: bool
    text_version: Annotated[str, WORDING]

    def choice(self) -> Choice:
        """For the ledger."""
        return Choice(self.purpose, self.given, self.text_version)


Choices = Annotated[list[ConsentChoice], msgspec.Meta(max_length=len(Purpose))]


class Register(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants an account. The phone may be written as Indonesians write it: 0812… becomes +62812…."""

    name: NameText
    email: EmailText
    password: Password
    phone: PhoneText | None = None
    language: Language = "id"
    consents: Choices = []

    def person(self) -> Person:
        """Who they are. Raises Invalid for a number that cannot be one."""
        phone = phone_number(self.phone, "/phone") if self.phone else None
        return Person(self.name.strip(), self.email.strip(), phone)

    def choices(self) -> list[Choice]:
        """What they consent to. Raises Invalid if a purpose is named twice."""
        return distinct(self.consents)


class LetterOnItsWay(msgspec.Struct, frozen=True):
    """The same for every address, whether we know it or not: what comes next is in the letter sent there."""

    next: Literal["read_your_mail"] = "read_your_mail"


class ProveAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the link in the letter carries, and the password that was chosen."""

    token: Token
    password: Password


class LinkToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the link in a letter carries."""

    token: Token


class AskForCustomerReset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose password is forgotten."""

    email: EmailText


class ResetCustomerPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the link in the letter carries, and the password from now on."""

    token: Token
    password: Password


class CustomerLogIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who comes."""

    email: EmailText
    password: Password


class CustomerSecondFactor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ticket that the log-in gave, and a code of the authenticator app or a recovery code."""

    ticket: Token
    proof: TotpProof | RecoveryProof


class CustomerLogin(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in: done (`token`), or waiting for the second factor (`ticket`, good for five minutes).

    Keep `device` where the customer logged in, and send it as X-Laris-Device with later log-ins: strangers who guess
    cannot lock that device out.
    """

    customer_id: str | None = None
    token: Annotated[str, SECRET] | None = None
    device: Annotated[str, SECRET] | None = None
    ticket: Annotated[str, SECRET] | None = None
    expires_at: str
    """When the log-in ends at the latest, or the ticket."""

    @classmethod
    def of(cls, outcome: LoggedIn | Ticket) -> "CustomerLogin":
        """On the wire."""
        until = clock.stamp(outcome.expires_at)
        if isinstance(outcome, Ticket):
            return cls(ticket=outcome.token, expires_at=until)
        return cls(customer_id=outcome.account, token=outcome.token, device=outcome.device, expires_at=until)


class Me(msgspec.Struct, frozen=True):
    """A customer as they see themselves."""

    id: str
    name: Annotated[str, PERSONAL]
    email: Annotated[str, PERSONAL]
    phone: Annotated[str, PERSONAL] | None
    language: Language
    created_at: str
    version: int

    @classmethod
    def of(cls, customer: Customer, person: Person) -> "Me":
        """On the wire."""
        return cls(
            id=customer.id,
            name=person.name,
            email=person.email,
            phone=person.phone,
            language=customer.language,
            created_at=clock.stamp(customer.created_at),
            version=customer.version,
        )


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What was wrong; what is left out stays. Another e-mail has to be proven first, so it is not changed here."""

    version: Annotated[int, msgspec.Meta(ge=1)]
    name: NameText | UnsetType = UNSET
    phone: PhoneText | UnsetType | None = UNSET
    language: Language | UnsetType = UNSET

    def corrected(self, person: Person) -> Person:
        """Who they are from now on. Raises Invalid for a number that cannot be one."""
        name = person.name if isinstance(self.name, UnsetType) else self.name.strip()
        if isinstance(self.phone, UnsetType):
            return Person(name, person.email, person.phone)
        return Person(name, person.email, phone_number(self.phone, "/phone") if self.phone else None)

    @property
    def spoken(self) -> Language | None:
        """The language from now on, None where it stays."""
        return None if isinstance(self.language, UnsetType) else self.language


class ChangeEmail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The address from now on, once the link sent there has been followed."""

    email: EmailText


class ChangeCustomerPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password until now, and the one from now on."""

    current: Password
    password: Password


class ProvePassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password, to be sure who asks."""

    password: Password


class CustomerSession(msgspec.Struct, frozen=True):
    """A log-in that lasts: from where, since when, and when it was last used."""

    id: str
    is_this: bool
    made_at: str
    used_at: str
    ends_at: str
    address: Annotated[str, PERSONAL]
    agent: Annotated[str, PERSONAL]


class CustomerSessions(msgspec.Struct, frozen=True):
    """Where a customer is logged in."""

    items: list[CustomerSession]

    @classmethod
    def of(cls, sessions: list[tuple[Session, Whereabouts]], this: str) -> "CustomerSessions":
        """On the wire."""
        return cls([_session(session, where, this) for session, where in sessions])


class TotpSecret(msgspec.Struct, frozen=True):
    """What an authenticator app needs; `uri` is what the QR code holds."""

    secret: Annotated[str, SECRET]
    uri: Annotated[str, SECRET]


class ConfirmCustomerTotp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The six digits that the authenticator app shows."""

    code: Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$"), SECRET]


class RecoveryCodeList(msgspec.Struct, frozen=True):
    """Codes that stand in for the app, each good once."""

    codes: Annotated[list[str], SECRET]


class SetConsents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the customer says now; purposes left out stay as they are."""

    consents: Annotated[list[ConsentChoice], msgspec.Meta(min_length=1, max_length=len(Purpose))]

    def choices(self) -> list[Choice]:
        """For the ledger. Raises Invalid if a purpose is named twice."""
        return distinct(self.consents)


def distinct(consents: list[ConsentChoice]) -> list[Choice]:
    """The choices for the ledger. Raises Invalid if a purpose is named twice."""
    if len({each.purpose for each in consents}) < len(consents):
        raise Invalid.field("/consents", "a purpose is named twice")
    return [each.choice() for each in consents]


def _session(session: Session, where: Whereabouts, this: str) -> CustomerSession:
    return CustomerSession(
        id=session.id,
        is_this=session.id == this,
        made_at=clock.stamp(session.made_at),
        used_at=clock.stamp(session.used_at),
        ends_at=clock.stamp(session.ends_at),
        address=where.address,
        agent=where.agent,
    )
