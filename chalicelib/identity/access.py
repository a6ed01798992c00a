"""Rules of admission for doors: staff and keys by scope, customers by their session."""

from typing import Final

from chalicelib.core.access import ANYBODY, Access, Caller, Visit
from chalicelib.core.config import settings
from chalicelib.core.errors import Unauthenticated
from chalicelib.identity import keys, rolebook, sessions
from chalicelib.identity.errors import KeyRefused, LoginTooOld, ScopeMissing, SessionEnded, StepUpNeeded
from chalicelib.identity.models.keys import KeyKind

BY_SESSION: Final = (Unauthenticated, SessionEnded)
STOREFRONT_KEY: Final = "x-laris-key"


def staff(scope: str, *, step_up: bool = False) -> Access:
    """Staff whose role has ``scope``, and integrations whose key has it.

    With ``step_up``, a person who has proven themselves within the last ten minutes: no key will do.
    """

    def admit(visit: Visit) -> Caller:
        caller = _person(visit, step_up=step_up) if _shows_session(visit) else _integration(visit, step_up=step_up)
        if scope not in caller.scopes:
            refusal = ScopeMissing(scope=scope)
            raise refusal if caller.is_public else refusal.of(caller.actor)
        return caller

    refusals = (*BY_SESSION, KeyRefused, ScopeMissing, *((StepUpNeeded,) if step_up else ()))
    return Access(scope, "staff", admit, refusals, scope=scope, privileged=True)


def _admit_self(visit: Visit) -> Caller:
    return _person(visit, step_up=False)


oneself: Final = Access("any member of staff, for themselves", "staff", _admit_self, BY_SESSION, privileged=True)
"""Whoever of the staff has logged in, whatever their role."""


def _admit_self_anew(visit: Visit) -> Caller:
    return _person(visit, step_up=True)


oneself_anew: Final = Access(
    "any member of staff, for themselves, proven anew",
    "staff",
    _admit_self_anew,
    (*BY_SESSION, StepUpNeeded),
    privileged=True,
)
"""Whoever of the staff has proven themselves within the last ten minutes, whatever their role."""


def _admit_storefront(visit: Visit) -> Caller:
    token = visit.headers.get(STOREFRONT_KEY)
    if token is None and settings.storefront_key_required:
        raise KeyRefused("This shop wants its storefronts to show their key: send it as X-Laris-Key.")
    if token is None:
        return Caller("guest", ANYBODY)
    key = keys.storefront(token.strip(), visit.source)
    return Caller("guest", f"key:{key.id}", is_public=True)


storefront: Final = Access("storefront", None, _admit_storefront, (KeyRefused,), optional="storefront_key")
"""Anybody; a storefront that shows its publishable key is known by it, and a shop may insist on that."""


def _admit_customer(visit: Visit) -> Caller:
    session, account = sessions.of(visit.bearer, sessions.CUSTOMER)
    return Caller(f"customer:{account.id}", account.id, account=account.id, session=session.id)


customer: Final = Access("customer", "customer", _admit_customer, BY_SESSION)
"""A customer who has logged in."""


def _admit_customer_anew(visit: Visit) -> Caller:
    session, account = sessions.of(visit.bearer, sessions.CUSTOMER)
    if not sessions.is_stepped_up(session):
        raise LoginTooOld()
    return Caller(f"customer:{account.id}", account.id, account=account.id, session=session.id)


customer_anew: Final = Access(
    "customer, logged in a short while ago", "customer", _admit_customer_anew, (*BY_SESSION, LoginTooOld)
)
"""A customer who has logged in within the last ten minutes."""


def _admit_customer_or_guest(visit: Visit) -> Caller:
    guest = _admit_storefront(visit)
    return _admit_customer(visit) if visit.shows_token else guest


customer_or_guest: Final = Access(
    "customer or guest", None, _admit_customer_or_guest, (*BY_SESSION, KeyRefused), optional="storefront_key"
)
"""Anybody by way of a storefront; a customer who shows their session is known by it, and one that ended is refused."""


def _shows_session(visit: Visit) -> bool:
    return visit.bearer.startswith(sessions.STAFF.prefix)


def _person(visit: Visit, *, step_up: bool) -> Caller:
    session, account = sessions.of(visit.bearer, sessions.STAFF)
    if step_up and not sessions.is_stepped_up(session):
        raise StepUpNeeded().of(f"staff:{account.id}")
    return Caller(
        actor=f"staff:{account.id}",
        principal=account.id,
        account=account.id,
        session=session.id,
        scopes=rolebook.named(account.role).scopes,
    )


def _integration(visit: Visit, *, step_up: bool) -> Caller:
    key = keys.of(visit.bearer, visit.source)
    is_public = key.kind is KeyKind.PUBLISHABLE
    if step_up:
        raise StepUpNeeded() if is_public else StepUpNeeded().of(f"key:{key.id}")
    scopes = frozenset() if is_public else key.scopes
    return Caller(f"key:{key.id}", f"key:{key.id}", scopes=scopes, is_public=is_public)
