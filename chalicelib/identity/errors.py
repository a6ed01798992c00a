"""What identity refuses."""

from chalicelib.core.errors import Forbidden, Unauthenticated


class SessionEnded(Unauthenticated):
    """This log-in has ended: it was too old, too long unused, or revoked. Log in again."""

    code = "session_ended"


class KeyRefused(Unauthenticated):
    """This API key is unknown, has expired or was revoked."""

    code = "key_refused"


class ScopeMissing(Forbidden):
    """The caller's role or key does not have the scope that this needs; ``scope`` names it."""

    code = "scope_missing"


class StepUpNeeded(Forbidden):
    """This is weighty: prove yourself once more (``POST /admin/me/step-up``) and repeat within ten minutes."""

    code = "step_up_needed"
