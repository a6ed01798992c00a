"""What the customers' desk refuses."""

from chalicelib.core.errors import Conflict, NotFound, WriteRefused


class CustomerNotFound(NotFound):
    """There is no such customer, or none any more."""

    code = "customer_not_found"


class RegistrationClosed(Conflict):
    """The shop opens no new accounts at the moment; ``message`` says so in both languages. Guests may order."""

    code = "registration_closed"
    retry_after = 300


class BuyerChanged(WriteRefused):
    """Who the buyer is became another question meanwhile: somebody took the address, or was erased."""


class AddressNotFound(NotFound):
    """There is no such address in this customer's book."""

    code = "address_not_found"


class AddressBookFull(Conflict):
    """An address book holds at most ``most`` addresses; take one out first."""

    code = "address_book_full"


class StaleAddress(Conflict):
    """The address changed since you read it; ``version`` is the current one. Read it again and repeat."""

    code = "stale_address"


class StaleCustomer(Conflict):
    """The customer changed since you read it; ``version`` is the current one. Read it again and repeat."""

    code = "stale_customer"


class UnsubscribeRefused(NotFound):
    """This link to unsubscribe is not one of ours; copy it whole."""

    code = "unsubscribe_refused"
