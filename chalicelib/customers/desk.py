"""What staff and customers look up and put right: profiles found by e-mail or phone, listed, corrected."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from chalicelib.core import audit, crypto, db, vault
from chalicelib.core.errors import WriteRefused
from chalicelib.core.personal import PERSONAL
from chalicelib.customers import people
from chalicelib.customers.errors import StaleCustomer
from chalicelib.customers.models.profiles import ProfileRow
from chalicelib.customers.rules import Customer, Language, Person
from chalicelib.identity import service as identity
from chalicelib.identity.service import Kind


@dataclass(frozen=True, slots=True)
class Particulars:
    """What of a profile can be put right, as the audit trail is told it."""

    name: Annotated[str, PERSONAL]
    phone: Annotated[str | None, PERSONAL]
    language: Language


Found = tuple[Customer, Person | None]
"""A profile and who it is; None for one that was erased."""


def known(customer_id: str) -> tuple[Customer, Person]:
    """A profile and who it is. Raises CustomerNotFound for an erased one too, KeysUnavailable."""
    customer, key = people.read(customer_id)
    return customer, people.person(customer, key)


def rectify(
    customer_id: str, version: int, correct: Callable[[Person], Person], language: Language | None
) -> tuple[Customer, Person]:
    """The profile as ``correct`` makes it, if it is still at ``version``. Raises CustomerNotFound, StaleCustomer."""
    before, key = people.read(customer_id)
    if before.version != version:
        raise StaleCustomer(version=before.version)
    was = people.person(before, key)
    now = correct(was)
    audit.changed(f"customer:{customer_id}", _shown(was, before.language), _shown(now, language or before.language))
    try:
        with db.transaction() as tx:
            after = people.correct(tx, before, key, now, language)
    except WriteRefused:
        raise StaleCustomer(version=people.get(customer_id).version) from None
    return after, now


def page(*, limit: int, cursor: str | None) -> db.Page[Found]:
    """All profiles, newest first. Raises KeysUnavailable."""
    found = ProfileRow.page(limit=limit, cursor=cursor)
    return db.Page(_opened(found.items), found.next_cursor)


def with_email(email: str) -> list[Found]:
    """Who orders or logs in with an e-mail. Raises KeysUnavailable."""
    ids = (people.id_of(email), identity.account_of(Kind.CUSTOMER, email))
    return _opened([people.get(id_) for id_ in dict.fromkeys(ids) if id_])


def with_phone(phone: str, limit: int) -> list[Found]:
    """Who has a phone, given in E.164; one whose profile changed a moment ago may be missing."""
    return _opened(ProfileRow.with_phone(crypto.blinds("phone", phone), limit))


def with_id(customer_id: str) -> list[Found]:
    """The customer with this id, if there is one."""
    (customer,) = db.look(ProfileRow.lookup(customer_id))
    return _opened([customer] if customer else [])


def _opened(customers: list[Customer]) -> list[Found]:
    (keys,) = db.look(vault.lookup_all([customer.id for customer in customers]))
    return [
        (customer, people.person(customer, keys[customer.id]) if customer.sealed and customer.id in keys else None)
        for customer in customers
    ]


def _shown(about: Person, language: Language) -> Particulars:
    return Particulars(about.name, about.phone, language)
