"""What identity refuses."""

from chalicelib.core.errors import Conflict, Forbidden, NotFound, Unauthenticated


class LoginRefused(Unauthenticated):
    """The e-mail or the password is wrong, or this account may not log in: which of them is not told."""

    code = "login_refused"


class CodeRefused(Unauthenticated):
    """The second factor is wrong, too old, or was used before."""

    code = "code_refused"


class TicketEnded(Unauthenticated):
    """This log-in was begun more than five minutes ago, tried too often, or is finished. Begin again."""

    code = "ticket_ended"


class LinkEnded(Unauthenticated):
    """This link is too old, was used before, or never was one. Ask for a new one."""

    code = "link_ended"


class EmailTaken(Conflict):
    """Somebody already has an account with this e-mail."""

    code = "email_taken"


class NoSecondFactor(Conflict):
    """There is nothing to confirm: begin with setting the second factor up."""

    code = "no_second_factor"


class SecondFactorNeeded(Conflict):
    """Staff cannot do without a second factor."""

    code = "second_factor_needed"


class StaffNotFound(NotFound):
    """No member of staff has this id."""

    code = "staff_not_found"


class SessionNotFound(NotFound):
    """There is no such log-in, or it has ended."""

    code = "session_not_found"


class LastOwner(Conflict):
    """This is the last active owner; make somebody else an owner first."""

    code = "last_owner"


class OwnerExists(Conflict):
    """The shop has an active owner, who can invite everybody else."""

    code = "owner_exists"


class SessionEnded(Unauthenticated):
    """This log-in has ended: it was too old, too long unused, or revoked. Log in again."""

    code = "session_ended"


class KeyRefused(Unauthenticated):
    """This API key is unknown, has expired, was revoked, or may not be used from this network address."""

    code = "key_refused"


class KeyNotFound(NotFound):
    """There is no such API key."""

    code = "key_not_found"


class KeyRevoked(Conflict):
    """This API key was revoked already."""

    code = "key_revoked"


class RoleNotFound(NotFound):
    """There is no such role."""

    code = "role_not_found"


class RoleBuiltIn(Conflict):
    """This role comes with the house and can be neither changed nor deleted; make one of another name."""

    code = "role_built_in"


class RoleInUse(Conflict):
    """Somebody has this role; give them another one first."""

    code = "role_in_use"


class BeyondOwnScopes(Forbidden):
    """Nobody can give what they do not have: ``scopes`` are those that you lack yourself."""

    code = "beyond_own_scopes"


class BeyondOwnLimit(Forbidden):
    """Nobody can let others refund more than they may themselves; ``limit`` is yours."""

    code = "beyond_own_limit"


class PasskeyNotFound(NotFound):
    """There is no such passkey among yours."""

    code = "passkey_not_found"


class TooManyPasskeys(Conflict):
    """Nobody needs more passkeys than these; take one away first."""

    code = "too_many_passkeys"


class PasskeyTaken(Conflict):
    """This passkey is among yours already."""

    code = "passkey_taken"


class PasskeyRefused(Unauthenticated):
    """The passkey's answer does not prove anything: wrong, for another site or request, too late, or used before."""

    code = "passkey_refused"


class ScopeMissing(Forbidden):
    """The caller's role or key does not have the scope that this needs; ``scope`` names it."""

    code = "scope_missing"


class LoginTooOld(Forbidden):
    """This is weighty: log in again and repeat within ten minutes."""

    code = "login_too_old"


class StepUpNeeded(Forbidden):
    """This is weighty: prove yourself once more (``POST /admin/me/step-up``) and repeat within ten minutes."""

    code = "step_up_needed"
