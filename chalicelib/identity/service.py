"""The door of identity."""

from chalicelib.identity.access import (
    customer,
    customer_anew,
    customer_or_guest,
    oneself,
    oneself_anew,
    staff,
    storefront,
)
from chalicelib.identity.credentials import (
    ask_for_reset,
    change_email,
    change_password,
    export,
    forget_account,
    prove_hashed,
    prove_password,
    replace_password,
    reset_password,
    set_password,
)
from chalicelib.identity.errors import CodeRefused, EmailTaken, LinkEnded, LoginRefused, TicketEnded
from chalicelib.identity.guesses import take_letter, take_visit
from chalicelib.identity.keys import make as make_key
from chalicelib.identity.links import drop_links, make_link, peek_link, use_link
from chalicelib.identity.logins import (
    LoggedIn,
    Ticket,
    account_of,
    finish_login,
    log_in,
    normal_email,
    open_login,
)
from chalicelib.identity.models.accounts import Account, AccountState, Kind
from chalicelib.identity.models.keys import ApiKey, KeyKind
from chalicelib.identity.models.sessions import Session, Whereabouts
from chalicelib.identity.passwords import check_password, hash_password
from chalicelib.identity.people import first_owner
from chalicelib.identity.proofs import PasskeyProof, Proof, RecoveryProof, TotpProof
from chalicelib.identity.rolebook import check_can_give, refund_limit
from chalicelib.identity.roles import NOT_FOR_KEYS, SCOPES, Role, is_within
from chalicelib.identity.sessions import end_session, end_sessions, log_out, sessions_of
from chalicelib.identity.totp import TotpSetup, confirm_totp, drop_totp, start_totp

__all__ = [
    "NOT_FOR_KEYS",
    "SCOPES",
    "Account",
    "AccountState",
    "ApiKey",
    "CodeRefused",
    "EmailTaken",
    "KeyKind",
    "Kind",
    "LinkEnded",
    "LoggedIn",
    "LoginRefused",
    "PasskeyProof",
    "Proof",
    "RecoveryProof",
    "Role",
    "Session",
    "Ticket",
    "TicketEnded",
    "TotpProof",
    "TotpSetup",
    "Whereabouts",
    "account_of",
    "ask_for_reset",
    "change_email",
    "change_password",
    "check_can_give",
    "check_password",
    "confirm_totp",
    "customer",
    "customer_anew",
    "customer_or_guest",
    "drop_links",
    "drop_totp",
    "end_session",
    "end_sessions",
    "export",
    "finish_login",
    "first_owner",
    "forget_account",
    "hash_password",
    "is_within",
    "log_in",
    "log_out",
    "make_key",
    "make_link",
    "normal_email",
    "oneself",
    "oneself_anew",
    "open_login",
    "peek_link",
    "prove_hashed",
    "prove_password",
    "refund_limit",
    "replace_password",
    "reset_password",
    "sessions_of",
    "set_password",
    "staff",
    "start_totp",
    "storefront",
    "take_letter",
    "take_visit",
    "use_link",
]
