"""Log-ins and staff on the wire."""

from typing import Annotated, Any, Literal

import msgspec

from chalicelib.core import clock
from chalicelib.core.personal import PERSONAL, SECRET
from chalicelib.identity.passwords import LONGEST
from chalicelib.identity.people import Member
from chalicelib.identity.proofs import PasskeyProof, RecoveryProof, TotpProof
from chalicelib.identity.service import AccountState, LoggedIn, Session, Ticket, TotpSetup, Whereabouts

EMAIL = msgspec.Meta(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
PASSWORD = msgspec.Meta(min_length=1, max_length=2 * LONGEST)
"""What is too long for a password is told so by name; this only keeps out what is no password at all."""
TOKEN = msgspec.Meta(min_length=1, max_length=200)
CODE = msgspec.Meta(pattern="^[0-9]{6}$")
NAME = msgspec.Meta(min_length=1, max_length=100, pattern=r"\S")
ROLE = msgspec.Meta(min_length=1, max_length=64)


class LogIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who one says to be."""

    email: Annotated[str, EMAIL, PERSONAL]
    password: Annotated[str, PASSWORD, SECRET]


class SecondFactor(msgspec.Struct, frozen=True):
    """The password was right: finish with this ticket and one of the `methods`, before `expires_at`."""

    ticket: Annotated[str, SECRET]
    expires_at: str
    methods: list[str]

    @classmethod
    def of(cls, ticket: Ticket) -> "SecondFactor":
        """On the wire."""
        return cls(ticket.token, clock.stamp(ticket.expires_at), list(ticket.methods))


class FinishLogIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ticket of a log-in, and a code of the app, a recovery code, or a passkey's answer."""

    ticket: Annotated[str, TOKEN, SECRET]
    proof: TotpProof | RecoveryProof | PasskeyProof


class ChallengePasskey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ticket of the log-in that a passkey is to finish."""

    ticket: Annotated[str, TOKEN, SECRET]


class PasskeyChallenge(msgspec.Struct, frozen=True):
    """`public_key` is for `navigator.credentials.get`, by `PublicKeyCredential.parseRequestOptionsFromJSON`."""

    public_key: dict[str, Any]


class SessionBegun(msgspec.Struct, frozen=True):
    """Show `token` as `Authorization: Bearer`; keep `device` and show it at the next log-in as `X-Laris-Device`."""

    token: Annotated[str, SECRET]
    device: Annotated[str, SECRET]
    account_id: str
    session_id: str
    expires_at: str

    @classmethod
    def of(cls, logged_in: LoggedIn) -> "SessionBegun":
        """On the wire."""
        return cls(
            token=logged_in.token,
            device=logged_in.device,
            account_id=logged_in.account,
            session_id=logged_in.session,
            expires_at=clock.stamp(logged_in.expires_at),
        )


class AskForReset(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose password."""

    email: Annotated[str, EMAIL, PERSONAL]


class ResetAsked(msgspec.Struct, frozen=True):
    """If somebody here has this e-mail, a link is on its way."""


class ResetPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The link's token, and the new password."""

    token: Annotated[str, TOKEN, SECRET]
    password: Annotated[str, PASSWORD, SECRET]


class AcceptInvitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The link's token, and the password to log in with."""

    token: Annotated[str, TOKEN, SECRET]
    password: Annotated[str, PASSWORD, SECRET]


class TotpSetupView(msgspec.Struct, frozen=True):
    """What an authenticator app needs: `uri` is what the QR code holds, `secret` what is typed where none is read."""

    secret: Annotated[str, SECRET]
    uri: Annotated[str, SECRET]

    @classmethod
    def of(cls, setup: TotpSetup) -> "TotpSetupView":
        """On the wire."""
        return cls(setup.secret, setup.uri)


class ConfirmInvitation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The link's token, and a code of the app that was set up."""

    token: Annotated[str, TOKEN, SECRET]
    code: Annotated[str, CODE, SECRET]


class ConfirmTotp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A code of the app that was set up."""

    code: Annotated[str, CODE, SECRET]


class RecoveryCodes(msgspec.Struct, frozen=True):
    """Ten codes, each good once in place of the app's, shown this once: print them."""

    codes: Annotated[list[str], SECRET]


class StepUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A passkey's answer, or the password and a code."""

    proof: TotpProof | RecoveryProof | PasskeyProof
    password: Annotated[str, PASSWORD, SECRET] | None = None


class ChangePassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password as it is, and as it shall be."""

    current: Annotated[str, PASSWORD, SECRET]
    password: Annotated[str, PASSWORD, SECRET]


class SessionView(msgspec.Struct, frozen=True):
    """A log-in that lasts; `current` for the one that asks. `agent` is what the browser calls itself."""

    id: str
    current: bool
    address: Annotated[str, PERSONAL]
    agent: Annotated[str, PERSONAL]
    made_at: str
    used_at: str
    ends_at: str

    @classmethod
    def of(cls, session: Session, where: Whereabouts, current: str | None) -> "SessionView":
        """On the wire."""
        return cls(
            id=session.id,
            current=session.id == current,
            address=where.address,
            agent=where.agent,
            made_at=clock.stamp(session.made_at),
            used_at=clock.stamp(session.used_at),
            ends_at=clock.stamp(session.ends_at),
        )


class SessionList(msgspec.Struct, frozen=True):
    """Where somebody is logged in, the log-in used last first."""

    items: list[SessionView]


class StaffMember(msgspec.Struct, frozen=True):
    """Somebody who works here, or has been invited to."""

    id: str
    name: Annotated[str, PERSONAL]
    email: Annotated[str, PERSONAL]
    role: str
    state: AccountState
    invited_at: str

    @classmethod
    def of(cls, member: Member) -> "StaffMember":
        """On the wire."""
        return cls(
            id=member.id,
            name=member.name,
            email=member.email,
            role=member.role,
            state=member.state,
            invited_at=clock.stamp(member.invited_at),
        )


class Myself(msgspec.Struct, frozen=True):
    """Who asks, and what they may do. `recovery_codes_left` says when it is time for new ones."""

    id: str
    name: Annotated[str, PERSONAL]
    email: Annotated[str, PERSONAL]
    role: str
    scopes: list[str]
    recovery_codes_left: int


class ListStaff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many at once."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class StaffList(msgspec.Struct, frozen=True):
    """Staff, in the order in which they were invited."""

    items: list[StaffMember]
    next_cursor: str | None


class InviteStaff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is to join, and as what."""

    email: Annotated[str, EMAIL, PERSONAL]
    name: Annotated[str, NAME, PERSONAL]
    role: Annotated[str, ROLE]


class ChangeStaff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be different."""

    name: Annotated[str, NAME, PERSONAL] | None = None
    role: Annotated[str, ROLE] | None = None
    state: Literal["active", "disabled"] | None = None
