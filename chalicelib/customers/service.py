"""The door of customers."""

from chalicelib.customers import consents
from chalicelib.customers.addresses import export as export_addresses
from chalicelib.customers.consents import export as export_consents
from chalicelib.customers.people import (
    Buyer,
    after,
    anonymise,
    buyer,
    correct,
    export,
    get,
    id_of,
    lookup,
    lookup_buyer,
    lookup_key,
    person,
    read,
    register,
    verify,
)
from chalicelib.customers.registration import SWITCH
from chalicelib.customers.rules import (
    EMAIL,
    LINE,
    NAME,
    PHONE,
    Customer,
    Language,
    Person,
    ProfileState,
    check_postal_code,
    phone_number,
)

__all__ = [
    "EMAIL",
    "LINE",
    "NAME",
    "PHONE",
    "SWITCH",
    "Buyer",
    "Customer",
    "Language",
    "Person",
    "ProfileState",
    "after",
    "anonymise",
    "buyer",
    "check_postal_code",
    "consents",
    "correct",
    "export",
    "export_addresses",
    "export_consents",
    "get",
    "id_of",
    "lookup",
    "lookup_buyer",
    "lookup_key",
    "person",
    "phone_number",
    "read",
    "register",
    "verify",
]
