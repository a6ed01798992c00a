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
from chalicelib.customers.rules import Customer, Language, Person, ProfileState

__all__ = [
    "Buyer",
    "Customer",
    "Language",
    "Person",
    "ProfileState",
    "after",
    "anonymise",
    "buyer",
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
    "read",
    "register",
    "verify",
]
