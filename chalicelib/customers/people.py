"""People: profiles found, made, verified, corrected and erased; and whose an order is."""

from dataclasses import dataclass, replace
from typing import Any, Final

from chalicelib.core import clock, crypto, db, ids, outbox, vault
from chalicelib.core.errors import WriteRefused
from chalicelib.core.log import logger
from chalicelib.core.vault import DataKey
from chalicelib.customers.errors import BuyerChanged, CustomerNotFound
from chalicelib.customers.models.profiles import EmailRow, ProfileRow, SealedRow, place
from chalicelib.customers.rules import FIRST_LANGUAGE, Customer, Language, Person, ProfileState, with_claim
from chalicelib.events.customers import CustomerErased, CustomerRegistered, CustomerVerified
from chalicelib.identity import service as identity

TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class Buyer:
    """Whose an order will be: a profile that is there (``id``), or one to be made, under the index of its address."""

    id: str | None
    index: str


def lookup(customer_id: str) -> db.Lookup[Customer]:
    """Reads one profile, an erased one too. Raises CustomerNotFound."""
    row = ProfileRow.lookup(customer_id)

    def build(rows: list[Any]) -> Customer:
        customer = row.build(rows)
        if customer is None:
            raise CustomerNotFound()
        return customer

    return db.Lookup(row.keys, build)


def get(customer_id: str) -> Customer:
    """One profile, an erased one too. Raises CustomerNotFound."""
    return db.look(lookup(customer_id))[0]


def read(customer_id: str) -> tuple[Customer, DataKey]:
    """A profile and its key, in one round trip. Raises CustomerNotFound for an erased one too, KeysUnavailable."""
    customer, key = db.look(lookup(customer_id), vault.lookup(customer_id))
    if key is None or customer.is_erased:
        raise CustomerNotFound()
    return customer, key


def person(customer: Customer, key: DataKey) -> Person:
    """Who the customer is. Raises CustomerNotFound for an erased one."""
    if customer.sealed is None:
        raise CustomerNotFound()
    opened: Person = key.open(place(customer.id), customer.sealed, Person)
    return opened


def id_of(email: str) -> str | None:
    """Whose orders under an address are: a guest's, or a customer's who proved it; None for an address unheard of."""
    (found,) = db.look(EmailRow.lookup(_indexes(email)))
    return found.customer_id if found else None


def lookup_buyer(email: str, account: str | None) -> db.Lookup[Buyer]:
    """Reads whose an order made with ``email`` will be: who is logged in as ``account``, or who is known by it."""
    indexes = _indexes(email)
    if account is not None:
        return db.Lookup((), lambda _: Buyer(account, indexes[0]))
    row = EmailRow.lookup(indexes)

    def build(rows: list[Any]) -> Buyer:
        found = row.build(rows)
        return Buyer(found.customer_id if found else None, indexes[0])

    return db.Lookup(row.keys, build)


def lookup_key(buyer: Buyer) -> db.Lookup[DataKey | None]:
    """Reads the key of a buyer who is there; reads nothing for one to be made. Raises KeysUnavailable."""
    return vault.lookup(buyer.id) if buyer.id else db.Lookup((), lambda _: None)


def buyer(tx: db.Transaction, found: Buyer, key: DataKey | None, about: Person) -> DataKey:
    """The key under which the order is sealed; its ``subject`` is the customer's id.

    A buyer who is there is kept from being erased meanwhile; for a new one a guest's profile and key are written in
    ``tx``. Refused with BuyerChanged: look the buyer up again. Raises KeysUnavailable.
    """
    if found.id is None:
        return _new(tx, about, ProfileState.GUEST, FIRST_LANGUAGE, found.index)[1]
    if key is None:
        raise BuyerChanged()
    ProfileRow.guard(tx, found.id)
    return key


def register(tx: db.Transaction, about: Person, language: Language = FIRST_LANGUAGE) -> tuple[Customer, DataKey]:
    """A new profile for somebody who opens an account, and its key, written in ``tx``.

    Orders made with the address are not theirs before they have proven it (``verify``). Raises KeysUnavailable.
    """
    customer, key = _new(tx, about, ProfileState.UNVERIFIED, language, None)
    outbox.publish(tx, CustomerRegistered(customer.id))
    return customer, key


def verify(tx: db.Transaction, customer_id: str, email: str | None = None) -> Customer:
    """The customer has proven an address, their own or the new one ``email``: write in ``tx`` that it is theirs.

    What a guest ordered with it is theirs too from then on; another address they held before is free. Refused with
    WriteRefused if somebody else has proven it, or anything changed meanwhile. Raises CustomerNotFound.
    """
    before, key = read(customer_id)
    was = person(before, key)
    now = replace(was, email=email or was.email)
    indexes = _indexes(now.email)
    (held,) = db.look(EmailRow.lookup(indexes))
    claimed = _take_address(tx, before, held, indexes[0])
    after = replace(
        before,
        state=ProfileState.ACTIVE,
        sealed=key.seal(place(before.id), now),
        email_index=held.index if held else indexes[0],
        phone_index=phone_index(now),
        claims=with_claim(before.claims, claimed) if claimed else before.claims,
    )
    ProfileRow.change(tx, before, after)
    outbox.publish(tx, CustomerVerified(before.id, (claimed,) if claimed else ()))
    return replace(after, version=before.version + 1)


def correct(
    tx: db.Transaction, before: Customer, key: DataKey, about: Person, language: Language | None = None
) -> Customer:
    """Write in ``tx`` who the customer is and how they are spoken to; another address has to be verified first.

    Refused with WriteRefused if the profile changed meanwhile.
    """
    sealed = key.seal(place(before.id), about)
    after = replace(before, sealed=sealed, phone_index=phone_index(about), language=language or before.language)
    ProfileRow.change(tx, before, after)
    return replace(after, version=before.version + 1)


def anonymise(customer_id: str) -> None:
    """Take away who the customer is and whose their address is; repeated, it does nothing more.

    What stands sealed elsewhere stays readable until the key is destroyed. Raises CustomerNotFound.
    """
    for _ in range(TRIES):
        before = get(customer_id)
        if before.is_erased:
            return
        try:
            with db.transaction() as tx:
                _erase(tx, before)
        except WriteRefused:
            continue
        logger.info("customer anonymised", customer_id=customer_id)
        return
    raise WriteRefused()


def after(customer_id: str | None, limit: int) -> list[Customer]:
    """All profiles, oldest first, erased ones too: those after ``customer_id`` where given."""
    return ProfileRow.after(customer_id or "cus_", limit)


def export(customer_id: str) -> dict[str, Any]:
    """The profile as its owner may have it. Raises CustomerNotFound, KeysUnavailable."""
    customer, key = read(customer_id)
    about = person(customer, key)
    return {
        "id": customer.id,
        "state": customer.state,
        "name": about.name,
        "email": about.email,
        "phone": about.phone,
        "language": customer.language,
        "created_at": clock.stamp(customer.created_at),
        "claims": list(customer.claims),
    }


def phone_index(about: Person) -> str | None:
    """The blind index under which somebody is found by their phone."""
    return crypto.blind("phone", about.phone) if about.phone else None


def _indexes(email: str) -> list[str]:
    return crypto.blinds("email", identity.normal_email(email))


def _new(
    tx: db.Transaction, about: Person, state: ProfileState, language: Language, index: str | None
) -> tuple[Customer, DataKey]:
    now = clock.now()
    id_ = ids.new("cus", now)
    key = vault.make(tx, id_)
    customer = Customer(
        id=id_,
        state=state,
        sealed=key.seal(place(id_), about),
        email_index=index,
        phone_index=phone_index(about),
        language=language,
        created_at=now,
        version=1,
    )
    ProfileRow.add(tx, customer)
    if index is not None:
        EmailRow.take(tx, index, id_)
    return customer, key


def _take_address(tx: db.Transaction, customer: Customer, held: EmailRow | None, index: str) -> str | None:
    """Make the address the customer's, and free the one they held; the guest it is taken from, if any."""
    if customer.email_index and (held is None or customer.email_index != held.index):
        EmailRow.free(tx, customer.email_index, customer.id)
    if held is None:
        EmailRow.take(tx, index, customer.id)
        return None
    if held.customer_id == customer.id:
        return None
    holder = get(held.customer_id)
    if holder.state is not ProfileState.GUEST:
        raise WriteRefused("This address is somebody else's.")
    EmailRow.pass_on(tx, held.index, holder.id, customer.id)
    ProfileRow.change(tx, holder, replace(holder, email_index=None))
    return holder.id


def _erase(tx: db.Transaction, before: Customer) -> None:
    if before.email_index:
        EmailRow.free(tx, before.email_index, before.id)
    gone = replace(before, state=ProfileState.ERASED, sealed=None, email_index=None, phone_index=None)
    ProfileRow.change(tx, before, gone)
    SealedRow.forget(tx, before.id)
    outbox.publish(tx, CustomerErased(before.id))
