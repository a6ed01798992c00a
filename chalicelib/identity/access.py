"""Rules of admission for doors: staff and keys by scope, customers by their session."""

from typing import Final

from chalicelib.core.access import ANYBODY, Access, Caller, Visit
from chalicelib.core.errors import Unauthenticated
from chalicelib.identity import keys, sessions
from chalicelib.identity.errors import KeyRefused, ScopeMissing, SessionEnded, StepUpNeeded
from chalicelib.identity.models.keys import KeyKind
from chalicelib.identity.roles import BUILT_IN

BY_SESSION: Final = (Unauthenticated, SessionEnded)


def staff(scope: str, *, step_up: bool = False) -> Access:
    """Staff whose role has ``scope``, and integrations whose key has it.

    With ``step_up``, a person who has proven themselves within the last ten minutes: no key will do.
    """

    def admit(visit: Visit) -> Caller:
        caller = _person(visit, step_up=step_up) if _shows_session(visit) else _integration(visit, step_up=step_up)
        if scope not in caller.scopes:
            raise ScopeMissing(scope=scope)
        return caller

    refusals = (*BY_SESSION, KeyRefused, ScopeMissing, *((StepUpNeeded,) if step_up else ()))
    return Access(scope, "staff", admit, refusals, scope=scope, privileged=True)


def _admit_self(visit: Visit) -> Caller:
    return _person(visit, step_up=False)


oneself: Final = Access("any member of staff, for themselves", "staff", _admit_self, BY_SESSION, privileged=True)
"""Whoever of the staff has logged in, whatever their role."""


def _admit_customer(visit: Visit) -> Caller:
    session, account = sessions.of(visit.bearer, sessions.CUSTOMER)
    return Caller(f"customer:{account.id}", account.id, account=account.id, session=session.id)


customer: Final = Access("customer", "customer", _admit_customer, BY_SESSION)
"""A customer who has logged in."""


def _admit_customer_or_guest(visit: Visit) -> Caller:
    return _admit_customer(visit) if visit.shows_token else Caller("guest", ANYBODY)


customer_or_guest: Final = Access("customer or guest", None, _admit_customer_or_guest, BY_SESSION)
"""Anybody; a customer who shows their session is known by it, and a session that has ended is refused."""


def _shows_session(visit: Visit) -> bool:
    return visit.bearer.startswith(sessions.STAFF.prefix)


def _person(visit: Visit, *, step_up: bool) -> Caller:
    session, account = sessions.of(visit.bearer, sessions.STAFF)
    if step_up and not sessions.is_stepped_up(session):
        raise StepUpNeeded()
    role = BUILT_IN.get(account.role or "")
    return Caller(
        actor=f"staff:{account.id}",
        principal=account.id,
        account=account.id,
        session=session.id,
        scopes=role.scopes if role else frozenset(),
    )


def _integration(visit: Visit, *, step_up: bool) -> Caller:
    key = keys.of(visit.bearer)
    if step_up:
        raise StepUpNeeded()
    scopes = key.scopes if key.kind is KeyKind.INTEGRATION else frozenset()
    return Caller(f"key:{key.id}", f"key:{key.id}", scopes=scopes)
