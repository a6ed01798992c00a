"""What is kept of customers, on the wire: their addresses and consents, and how staff see them."""

from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec

from chalicelib.core import clock
from chalicelib.core.personal import PERSONAL, mask
from chalicelib.customers.addresses import Book, Place, SavedAddress
from chalicelib.customers.consents import Consent, Purpose
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

NameText = Annotated[str, NAME, PERSONAL]
PhoneText = Annotated[str, PHONE, PERSONAL]


class SaveAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who gets parcels, and where; ``is_default`` makes it the one that is suggested."""

    name: NameText
    phone: PhoneText
    line1: Annotated[str, LINE, PERSONAL]
    district: NameText
    city: NameText
    province: NameText
    postal_code: Annotated[str, msgspec.Meta(min_length=3, max_length=12), PERSONAL]
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] = "ID"
    label: Annotated[str, msgspec.Meta(max_length=40), PERSONAL] = ""
    is_default: bool = False

    def place(self) -> Place:
        """For the book. Raises Invalid for an Indonesian address without a five-digit postal code, or no number."""
        check_postal_code(self.country, self.postal_code, "/postal_code")
        return Place(
            label=self.label.strip(),
            name=self.name.strip(),
            phone=phone_number(self.phone, "/phone"),
            line1=self.line1.strip(),
            district=self.district.strip(),
            city=self.city.strip(),
            province=self.province.strip(),
            postal_code=self.postal_code,
            country=self.country,
        )


class ChangeAddress(SaveAddress, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The address as it shall be, and the version that was read."""

    version: Annotated[int, msgspec.Meta(ge=1)]


class AddressView(msgspec.Struct, frozen=True):
    """An address of a customer's book."""

    id: str
    label: Annotated[str, PERSONAL]
    name: Annotated[str, PERSONAL]
    phone: Annotated[str, PERSONAL]
    line1: Annotated[str, PERSONAL]
    district: Annotated[str, PERSONAL]
    city: Annotated[str, PERSONAL]
    province: Annotated[str, PERSONAL]
    postal_code: Annotated[str, PERSONAL]
    country: str
    is_default: bool
    version: int

    @classmethod
    def of(cls, address: SavedAddress, book: Book) -> "AddressView":
        """On the wire."""
        place = msgspec.to_builtins(address.place)
        return cls(id=address.id, **place, is_default=address.id == book.default, version=address.version)


class AddressList(msgspec.Struct, frozen=True):
    """All addresses of a customer: at most twenty."""

    items: list[AddressView]

    @classmethod
    def of(cls, book: Book) -> "AddressList":
        """On the wire."""
        return cls([AddressView.of(address, book) for address in book.addresses])


class ConsentEntry(msgspec.Struct, frozen=True):
    """What was said to a purpose, when, where and to which wording."""

    purpose: Purpose
    given: bool
    text_version: str
    at: str
    source: str

    @classmethod
    def of(cls, consent: Consent) -> "ConsentEntry":
        """On the wire."""
        return cls(consent.purpose, consent.is_given, consent.text_version, clock.stamp(consent.at), consent.source)


class Consents(msgspec.Struct, frozen=True):
    """What counts now, and everything that was said, oldest first. What was never asked about is not allowed."""

    current: list[ConsentEntry]
    history: list[ConsentEntry]

    @classmethod
    def of(cls, current: Mapping[Purpose, Consent], history: Iterable[Consent]) -> "Consents":
        """On the wire."""
        return cls([ConsentEntry.of(each) for each in current.values()], [ConsentEntry.of(each) for each in history])


class FindCustomers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which customers: who has this e-mail, this phone or this id, or all."""

    email: Annotated[str, EMAIL, PERSONAL] | None = None
    phone: PhoneText | None = None
    id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50
    cursor: Annotated[str, msgspec.Meta(max_length=500)] | None = None


class CustomerSummary(msgspec.Struct, frozen=True):
    """A customer in a list: enough of name and e-mail to tell two apart, too little to know them."""

    id: str
    state: ProfileState
    name: str | None
    email: str | None
    created_at: str

    @classmethod
    def of(cls, customer: Customer, person: Person | None) -> "CustomerSummary":
        """On the wire."""
        name, email = (mask(person.name), mask(person.email)) if person else (None, None)
        return cls(customer.id, customer.state, name, email, clock.stamp(customer.created_at))


class CustomerList(msgspec.Struct, frozen=True):
    """Customers, newest first."""

    items: list[CustomerSummary]
    next_cursor: str | None


class StaffCustomer(msgspec.Struct, frozen=True):
    """A customer as staff see them; `claims` are the guests that turned out to be the same person."""

    id: str
    state: ProfileState
    name: Annotated[str, PERSONAL]
    email: Annotated[str, PERSONAL]
    phone: Annotated[str, PERSONAL] | None
    language: Language
    created_at: str
    version: int
    claims: list[str]
    addresses: list[AddressView]
    consents: list[ConsentEntry]

    @classmethod
    def of(cls, customer: Customer, person: Person, book: Book, consents: Iterable[Consent]) -> "StaffCustomer":
        """On the wire."""
        return cls(
            id=customer.id,
            state=customer.state,
            name=person.name,
            email=person.email,
            phone=person.phone,
            language=customer.language,
            created_at=clock.stamp(customer.created_at),
            version=customer.version,
            claims=list(customer.claims),
            addresses=AddressList.of(book).items,
            consents=[ConsentEntry.of(each) for each in consents],
        )
