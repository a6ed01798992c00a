"""Where staff log in, look after their own account, and after who else works here."""

from chalicelib.core.access import Caller, Visit, public
from chalicelib.core.api import Api, Created
from chalicelib.core.vault import KeysUnavailable
from chalicelib.identity import credentials, logins, passkeys, people, sessions, totp
from chalicelib.identity.access import oneself, oneself_anew, staff
from chalicelib.identity.errors import (
    BeyondOwnLimit,
    BeyondOwnScopes,
    CodeRefused,
    EmailTaken,
    LastOwner,
    LinkEnded,
    LoginRefused,
    NoSecondFactor,
    PasskeyRefused,
    RoleNotFound,
    SessionNotFound,
    StaffNotFound,
    TicketEnded,
)
from chalicelib.identity.schemas import (
    AcceptInvitation,
    AskForReset,
    ChallengePasskey,
    ChangePassword,
    ChangeStaff,
    ConfirmInvitation,
    ConfirmTotp,
    FinishLogIn,
    InviteStaff,
    ListStaff,
    LogIn,
    Myself,
    PasskeyChallenge,
    RecoveryCodes,
    ResetAsked,
    ResetPassword,
    SecondFactor,
    SessionBegun,
    SessionList,
    SessionView,
    StaffList,
    StaffMember,
    StepUp,
    TotpSetupView,
)
from chalicelib.identity.service import AccountState, Kind, Ticket

api = Api(__name__)


@api.post(
    "/login",
    access=public,
    body=LogIn,
    answers={200: SecondFactor},
    refusals=(LoginRefused,),
    recorded=True,
)
def log_in(asked: LogIn, visit: Visit) -> SecondFactor:
    """Begin to log in: the password.

    Unknown e-mails, wrong passwords and accounts that are switched off get the same answer. After too many guesses
    even the right password is not looked at for a while; show `X-Laris-Device`, which an earlier log-in gave, to be
    spared other people's guesses.
    """
    ticket = logins.log_in(Kind.STAFF, asked.email, asked.password, visit)
    if not isinstance(ticket, Ticket):
        raise LoginRefused()
    return SecondFactor.of(ticket)


@api.post(
    "/login/second-factor",
    access=public,
    body=FinishLogIn,
    answers={200: SessionBegun},
    refusals=(TicketEnded, CodeRefused, PasskeyRefused, KeysUnavailable),
    recorded=True,
)
def finish_log_in(asked: FinishLogIn, visit: Visit) -> SessionBegun:
    """Finish logging in: a code of the app, a recovery code, or a passkey.

    The session ends after half an hour without use, and after twelve hours in any case.
    """
    return SessionBegun.of(logins.finish_login(Kind.STAFF, asked.ticket, asked.proof, visit))


@api.post(
    "/login/passkey-options",
    access=public,
    body=ChallengePasskey,
    answers={200: PasskeyChallenge},
    refusals=(TicketEnded,),
    recorded=True,
)
def challenge_at_log_in(asked: ChallengePasskey) -> PasskeyChallenge:
    """Get what a passkey is to answer, to finish a log-in. Good for this ticket, once, within five minutes."""
    account, ticket = logins.holder_of_ticket(Kind.STAFF, asked.ticket)
    return PasskeyChallenge(passkeys.options(account, ticket))


@api.post("/logout", access=oneself, answers={204: None}, refusals=(SessionNotFound,))
def log_out(caller: Caller) -> None:
    """End the session that asks."""
    sessions.log_out(caller.principal, caller.session or "")


@api.post("/password-resets", access=public, body=AskForReset, answers={202: ResetAsked}, recorded=True)
def ask_for_reset(asked: AskForReset, visit: Visit) -> ResetAsked:
    """Have a link sent to set a new password. The answer is the same whether or not somebody has this e-mail."""
    credentials.ask_for_reset(Kind.STAFF, asked.email, visit)
    return ResetAsked()


@api.post(
    "/password-resets/confirm",
    access=public,
    body=ResetPassword,
    answers={204: None},
    refusals=(LinkEnded, KeysUnavailable),
    recorded=True,
)
def reset_password(asked: ResetPassword) -> None:
    """Set a new password by the link; all sessions end. The second factor is still needed to log in."""
    credentials.reset_password(Kind.STAFF, asked.token, asked.password)


@api.post(
    "/invitations/accept",
    access=public,
    body=AcceptInvitation,
    answers={200: TotpSetupView},
    refusals=(LinkEnded, KeysUnavailable),
    recorded=True,
)
def accept_invitation(asked: AcceptInvitation) -> TotpSetupView:
    """Choose a password, and get what an authenticator app needs. Until it is confirmed, this can be repeated."""
    return TotpSetupView.of(people.accept(asked.token, asked.password))


@api.post(
    "/invitations/confirm",
    access=public,
    body=ConfirmInvitation,
    answers={200: RecoveryCodes},
    refusals=(LinkEnded, NoSecondFactor, CodeRefused, KeysUnavailable),
    recorded=True,
)
def confirm_invitation(asked: ConfirmInvitation) -> RecoveryCodes:
    """Join, by a code of the app that was set up. The link is used up; log in from now on."""
    return RecoveryCodes(people.confirm(asked.token, asked.code))


@api.get("/me", access=oneself, answers={200: Myself}, refusals=(StaffNotFound, KeysUnavailable))
def get_me(caller: Caller) -> Myself:
    """Who asks, and what they may do."""
    member = people.get(caller.principal)
    return Myself(
        id=member.id,
        name=member.name,
        email=member.email,
        role=member.role,
        scopes=sorted(caller.scopes),
        recovery_codes_left=totp.recovery_codes_left(member.id),
    )


@api.put(
    "/me/password",
    access=oneself,
    body=ChangePassword,
    answers={204: None},
    refusals=(LoginRefused, LinkEnded, KeysUnavailable),
)
def change_password(asked: ChangePassword, caller: Caller) -> None:
    """Replace the password, by the one that counts now; all other sessions end."""
    credentials.change_password(caller.principal, caller.session or "", current=asked.current, password=asked.password)


@api.get("/me/sessions", access=oneself, answers={200: SessionList}, refusals=(KeysUnavailable,))
def list_sessions(caller: Caller) -> SessionList:
    """Where one is logged in."""
    found = sessions.sessions_of(caller.principal)
    return SessionList([SessionView.of(session, where, caller.session) for session, where in found])


@api.delete("/me/sessions", access=oneself, answers={204: None})
def end_other_sessions(caller: Caller) -> None:
    """End all other sessions, at once."""
    sessions.end_sessions(caller.principal, but=caller.session)


@api.delete("/me/sessions/{session_id}", access=oneself, answers={204: None}, refusals=(SessionNotFound,))
def end_session(session_id: str, caller: Caller) -> None:
    """End one session, at once."""
    sessions.end_session(caller.principal, session_id)


@api.post(
    "/me/step-up",
    access=oneself,
    body=StepUp,
    answers={204: None},
    refusals=(LoginRefused, CodeRefused, PasskeyRefused, KeysUnavailable),
)
def step_up(asked: StepUp, caller: Caller) -> None:
    """Prove once more that it is you; for ten minutes weighty things are open to this session."""
    logins.step_up(caller.principal, caller.session or "", asked.proof, asked.password)


@api.post("/me/step-up/passkey-options", access=oneself, answers={200: PasskeyChallenge})
def challenge_at_step_up(caller: Caller) -> PasskeyChallenge:
    """Get what a passkey is to answer, to prove once more that it is you. Good for this session, once."""
    return PasskeyChallenge(passkeys.options(caller.principal, caller.session or ""))


@api.post("/me/totp", access=oneself_anew, answers={200: TotpSetupView}, refusals=(NoSecondFactor, KeysUnavailable))
def renew_totp(caller: Caller) -> TotpSetupView:
    """Begin to set up another authenticator app; the present one counts until the new one is confirmed."""
    return TotpSetupView.of(totp.start_totp(caller.principal))


@api.post(
    "/me/totp/confirm",
    access=oneself_anew,
    body=ConfirmTotp,
    answers={200: RecoveryCodes},
    refusals=(NoSecondFactor, CodeRefused, KeysUnavailable),
)
def confirm_totp(asked: ConfirmTotp, caller: Caller) -> RecoveryCodes:
    """Make the new app count, by a code of it; the old one and its recovery codes are worthless from then on."""
    return RecoveryCodes(totp.confirm_totp(caller.principal, asked.code))


@api.post("/me/recovery-codes", access=oneself_anew, answers={200: RecoveryCodes})
def renew_recovery_codes(caller: Caller) -> RecoveryCodes:
    """Get ten new recovery codes; those that are left are worthless from then on."""
    return RecoveryCodes(totp.renew_recovery_codes(caller.principal))


@api.get("/staff", access=staff("staff:read"), query=ListStaff, answers={200: StaffList}, refusals=(KeysUnavailable,))
def list_staff(query: ListStaff) -> StaffList:
    """Everybody who works here, or has been invited to."""
    page = people.page(limit=query.limit, cursor=query.cursor)
    return StaffList([StaffMember.of(member) for member in page.items], page.next_cursor)


@api.post(
    "/staff",
    access=staff("staff:write", step_up=True),
    body=InviteStaff,
    answers={201: StaffMember},
    refusals=(EmailTaken, RoleNotFound, BeyondOwnScopes, BeyondOwnLimit, KeysUnavailable),
)
def invite_staff(asked: InviteStaff, caller: Caller) -> Created:
    """Send somebody a link to join, good for seven days. Who has not accepted yet gets a new one."""
    member = people.invite(asked.email, asked.name, asked.role, caller)
    return Created(StaffMember.of(member), location=f"/admin/staff/{member.id}")


@api.get(
    "/staff/{staff_id}",
    access=staff("staff:read"),
    answers={200: StaffMember},
    refusals=(StaffNotFound, KeysUnavailable),
)
def get_staff(staff_id: str) -> StaffMember:
    """Somebody who works here."""
    return StaffMember.of(people.get(staff_id))


@api.patch(
    "/staff/{staff_id}",
    access=staff("staff:write", step_up=True),
    body=ChangeStaff,
    answers={200: StaffMember},
    refusals=(StaffNotFound, LastOwner, RoleNotFound, BeyondOwnScopes, BeyondOwnLimit, KeysUnavailable),
)
def change_staff(staff_id: str, asked: ChangeStaff, caller: Caller) -> StaffMember:
    """Give somebody another name, role or state. Switched off, all their sessions end at once.

    A role is given only by who may do all that it allows. The last active owner stays one.
    """
    state = AccountState(asked.state) if asked.state else None
    return StaffMember.of(people.change(staff_id, caller, name=asked.name, role=asked.role, state=state))


@api.post(
    "/staff/{staff_id}/invitations",
    access=staff("staff:write", step_up=True),
    answers={202: StaffMember},
    refusals=(StaffNotFound, LastOwner, RoleNotFound, BeyondOwnScopes, BeyondOwnLimit, KeysUnavailable),
)
def enrol_anew(staff_id: str, caller: Caller) -> StaffMember:
    """Let somebody who lost their second factor join anew, by a link to their mailbox.

    Their sessions end at once, and password, app, recovery codes and passkeys are worthless.
    """
    return StaffMember.of(people.enrol_anew(staff_id, caller))
