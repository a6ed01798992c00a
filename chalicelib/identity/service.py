"""The door of identity."""

from chalicelib.identity.access import customer, customer_or_guest, oneself, staff
from chalicelib.identity.keys import make as make_key
from chalicelib.identity.models.keys import ApiKey, KeyKind
from chalicelib.identity.roles import NOT_FOR_KEYS, SCOPES, Role

__all__ = [
    "NOT_FOR_KEYS",
    "SCOPES",
    "ApiKey",
    "KeyKind",
    "Role",
    "customer",
    "customer_or_guest",
    "make_key",
    "oneself",
    "staff",
]
