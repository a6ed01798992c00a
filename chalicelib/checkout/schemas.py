"""Checkout on the wire."""

from typing import Annotated

import msgspec

from chalicelib.core.money import Money
from chalicelib.core.personal import PERSONAL, SECRET
from chalicelib.customers.service import EMAIL, LINE, NAME, PHONE, check_postal_code, phone_number
from chalicelib.orders.service import Address, Contact, OrderView, PaymentView
from chalicelib.payments.service import PaymentChoice
from chalicelib.shipping.service import Option


class ContactIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who orders. The phone may be written as Indonesians write it: 0812… becomes +62812…."""

    name: Annotated[str, NAME, PERSONAL]
    email: Annotated[str, EMAIL, PERSONAL]
    phone: Annotated[str, PHONE, PERSONAL]

    def contact(self) -> Contact:
        """For the order. Raises Invalid for a number that cannot be one."""
        return Contact(self.name.strip(), self.email.strip(), phone_number(self.phone, "/contact/phone"))


class AddressIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where it goes."""

    line1: Annotated[str, LINE, PERSONAL]
    district: Annotated[str, NAME, PERSONAL]
    city: Annotated[str, NAME, PERSONAL]
    province: Annotated[str, NAME, PERSONAL]
    postal_code: Annotated[str, msgspec.Meta(min_length=3, max_length=12), PERSONAL]
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] = "ID"

    def address(self) -> Address:
        """For the order. Raises Invalid for an Indonesian address without a five-digit postal code."""
        check_postal_code(self.country, self.postal_code, "/address/postal_code")
        return Address(
            line1=self.line1.strip(),
            district=self.district.strip(),
            city=self.city.strip(),
            province=self.province.strip(),
            postal_code=self.postal_code,
            country=self.country,
        )


class PaymentIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the buyer pays; ``token`` only for cards."""

    gateway: Annotated[str, msgspec.Meta(max_length=40)]
    method: Annotated[str, msgspec.Meta(max_length=40)]
    token: Annotated[str, msgspec.Meta(max_length=200), SECRET] | None = None

    def choice(self) -> PaymentChoice:
        """For the till."""
        return PaymentChoice(self.gateway, self.method, self.token)


CartId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class AskForQuotes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What shall go where."""

    cart_id: CartId
    address: AddressIn


class PlaceOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything needed to order a basket. Prices, tax and shipping are ours to say, so none is taken."""

    cart_id: CartId
    contact: ContactIn
    address: AddressIn
    shipping_option: Annotated[str, msgspec.Meta(max_length=40)]
    payment: PaymentIn


class ShippingOption(msgspec.Struct, frozen=True):
    """A courier's service for this basket and address; ``days`` such as "1-2"."""

    id: str
    courier: str
    service: str
    price: Money
    days: str

    @classmethod
    def of(cls, option: Option) -> "ShippingOption":
        """On the wire."""
        return cls(option.id, option.courier, option.service, option.price, option.days)


class ShippingOptions(msgspec.Struct, frozen=True):
    """What can be chosen, cheapest first."""

    options: list[ShippingOption]


class PlacedOrder(msgspec.Struct, frozen=True):
    """The order, the key to it, and what the buyer does next to pay."""

    order: OrderView
    access_token: Annotated[str, SECRET]
    payment: PaymentView
