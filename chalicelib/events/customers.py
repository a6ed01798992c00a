"""What the customers' desk says. Ids only: who they are stays under their keys."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class CustomerRegistered:
    """Somebody opened an account; the address is not proven yet."""

    TYPE: ClassVar[str] = "customer.registered"
    KEY: ClassVar[str] = "customer_id"

    customer_id: str


@dataclass(frozen=True, slots=True)
class CustomerVerified:
    """The customer proved an address; ``claimed`` are the guests whose orders are now theirs too."""

    TYPE: ClassVar[str] = "customer.verified"
    KEY: ClassVar[str] = "customer_id"

    customer_id: str
    claimed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CustomerErased:
    """Nothing personal of the customer is left here."""

    TYPE: ClassVar[str] = "customer.erased"
    KEY: ClassVar[str] = "customer_id"

    customer_id: str


@dataclass(frozen=True, slots=True)
class ConsentGiven:
    """The customer allows ``purpose``, as worded in ``text_version``."""

    TYPE: ClassVar[str] = "consent.given"
    KEY: ClassVar[str] = "customer_id"

    customer_id: str
    consent_id: str
    purpose: str
    text_version: str


@dataclass(frozen=True, slots=True)
class ConsentWithdrawn:
    """The customer no longer allows ``purpose``: what is queued for it must not go out."""

    TYPE: ClassVar[str] = "consent.withdrawn"
    KEY: ClassVar[str] = "customer_id"

    customer_id: str
    consent_id: str
    purpose: str
    text_version: str
