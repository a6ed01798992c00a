"""What customers do themselves: open an account, log in, keep what we know of them right."""

from chalicelib.core.access import Caller, Visit
from chalicelib.core.api import Api, Created
from chalicelib.core.errors import TooMany, WriteRefused
from chalicelib.core.vault import KeysUnavailable
from chalicelib.customers import addresses, consents, desk, registration
from chalicelib.customers.errors import (
    AddressBookFull,
    AddressNotFound,
    CustomerNotFound,
    RegistrationClosed,
    StaleAddress,
    StaleCustomer,
    UnsubscribeRefused,
)
from chalicelib.customers.records import AddressList, AddressView, ChangeAddress, Consents, SaveAddress
from chalicelib.customers.schemas import (
    AskForCustomerReset,
    ChangeCustomerPassword,
    ChangeEmail,
    ConfirmCustomerTotp,
    Correction,
    CustomerLogIn,
    CustomerLogin,
    CustomerSecondFactor,
    CustomerSessions,
    LetterOnItsWay,
    LinkToken,
    Me,
    ProveAddress,
    ProvePassword,
    RecoveryCodeList,
    Register,
    ResetCustomerPassword,
    SetConsents,
    TotpSecret,
)
from chalicelib.identity import service as identity
from chalicelib.identity.errors import (
    CodeRefused,
    LinkEnded,
    LoginRefused,
    NoSecondFactor,
    SessionNotFound,
    TicketEnded,
)
from chalicelib.identity.service import Kind, customer, customer_anew, storefront

api = Api(__name__)
me = Api(__name__)
"""What customers who have logged in do."""


@api.post(
    "/customers",
    access=storefront,
    body=Register,
    answers={202: LetterOnItsWay},
    refusals=(RegistrationClosed, TooMany, KeysUnavailable),
)
def register(asked: Register, visit: Visit) -> LetterOnItsWay:
    """Open an account: a letter goes to the address, and the link in it opens it.

    The answer is the same for an address that has an account already; the letter says so there.
    """
    registration.ask(
        asked.person(),
        asked.password,
        asked.choices(),
        language=asked.language,
        proof=consents.proof_of(visit.source),
        source=visit.source,
    )
    return LetterOnItsWay()


@api.post(
    "/customers/verify",
    access=storefront,
    body=ProveAddress,
    answers={204: None},
    refusals=(LinkEnded, LoginRefused, KeysUnavailable),
)
def verify(asked: ProveAddress) -> None:
    """Open the account whose link this is, with the password it was asked for with.

    What was ordered as a guest with the same address is the customer's from then on. The link works once, for a day.
    """
    registration.confirm(asked.token, asked.password)


@api.post(
    "/login",
    access=storefront,
    body=CustomerLogIn,
    answers={200: CustomerLogin},
    refusals=(LoginRefused, TooMany, KeysUnavailable),
)
def log_in(asked: CustomerLogIn, visit: Visit) -> CustomerLogin:
    """Log in, or get the ticket with which the second factor is shown.

    What was put into a cart before goes into the customer's own by `POST /store/me/cart`, which also says which cart
    that is.
    """
    return CustomerLogin.of(identity.log_in(Kind.CUSTOMER, asked.email, asked.password, visit))


@api.post(
    "/login/second-factor",
    access=storefront,
    body=CustomerSecondFactor,
    answers={200: CustomerLogin},
    refusals=(CodeRefused, TicketEnded, TooMany, KeysUnavailable),
)
def finish_login(asked: CustomerSecondFactor, visit: Visit) -> CustomerLogin:
    """Log in with the second factor."""
    return CustomerLogin.of(identity.finish_login(Kind.CUSTOMER, asked.ticket, asked.proof, visit))


@api.post("/logout", access=customer, answers={204: None}, refusals=(SessionNotFound,))
def log_out(caller: Caller) -> None:
    """End this log-in."""
    identity.log_out(str(caller.account), str(caller.session))


@api.post(
    "/password-resets",
    access=storefront,
    body=AskForCustomerReset,
    answers={202: LetterOnItsWay},
    refusals=(TooMany, KeysUnavailable),
)
def ask_for_reset(asked: AskForCustomerReset, visit: Visit) -> LetterOnItsWay:
    """Have a link sent that sets a new password. The answer is the same for an address nobody has."""
    identity.ask_for_reset(Kind.CUSTOMER, asked.email, visit)
    return LetterOnItsWay()


@api.post(
    "/password-resets/confirm",
    access=storefront,
    body=ResetCustomerPassword,
    answers={204: None},
    refusals=(LinkEnded, KeysUnavailable),
)
def reset_password(asked: ResetCustomerPassword) -> None:
    """Set a new password by the link of a letter. Every log-in ends; a second factor is asked for as before."""
    identity.reset_password(Kind.CUSTOMER, asked.token, asked.password)


@api.post(
    "/email-changes/confirm",
    access=storefront,
    body=LinkToken,
    answers={204: None},
    refusals=(LinkEnded, KeysUnavailable),
)
def confirm_email(asked: LinkToken) -> None:
    """Make the address that the link was sent to the customer's, for logging in too."""
    registration.confirm_new_email(asked.token)


@api.post(
    "/unsubscribe",
    access=storefront,
    body=LinkToken,
    answers={204: None},
    refusals=(UnsubscribeRefused,),
)
def unsubscribe(asked: LinkToken, visit: Visit) -> None:
    """Take back the consent that the link of a letter is for; nobody has to log in to be left alone."""
    consents.unsubscribe(asked.token, proof=consents.proof_of(visit.source))


@me.get("/", access=customer, answers={200: Me}, refusals=(CustomerNotFound, KeysUnavailable))
def get_me(caller: Caller) -> Me:
    """Who the customer is."""
    return Me.of(*desk.known(str(caller.account)))


@me.patch(
    "/",
    access=customer,
    body=Correction,
    answers={200: Me},
    refusals=(CustomerNotFound, StaleCustomer, KeysUnavailable),
)
def change_me(asked: Correction, caller: Caller) -> Me:
    """Correct name, phone or language; what is left out stays."""
    return Me.of(*desk.rectify(str(caller.account), asked.version, asked.corrected, asked.spoken))


@me.post(
    "/email",
    access=customer_anew,
    body=ChangeEmail,
    answers={202: LetterOnItsWay},
    refusals=(CustomerNotFound, TooMany, KeysUnavailable),
)
def change_email(asked: ChangeEmail, caller: Caller) -> LetterOnItsWay:
    """Have a link sent to another address, which is the customer's once it is followed."""
    registration.ask_new_email(str(caller.account), asked.email.strip())
    return LetterOnItsWay()


@me.put(
    "/password",
    access=customer,
    body=ChangeCustomerPassword,
    answers={204: None},
    refusals=(LoginRefused, TooMany, KeysUnavailable),
)
def change_password(asked: ChangeCustomerPassword, caller: Caller) -> None:
    """Set another password. Every other log-in ends."""
    identity.change_password(str(caller.account), str(caller.session), current=asked.current, password=asked.password)


@me.get("/addresses", access=customer, answers={200: AddressList}, refusals=(CustomerNotFound, KeysUnavailable))
def list_addresses(caller: Caller) -> AddressList:
    """The customer's addresses, in the order in which they were put."""
    return AddressList.of(addresses.get(str(caller.account)))


@me.post(
    "/addresses",
    access=customer,
    body=SaveAddress,
    answers={201: AddressView},
    refusals=(CustomerNotFound, AddressBookFull, KeysUnavailable),
)
def add_address(asked: SaveAddress, caller: Caller) -> Created:
    """Put an address into the book. The first is the default."""
    book, address = addresses.add(str(caller.account), asked.place(), is_default=asked.is_default)
    return Created(AddressView.of(address, book), location=f"/store/me/addresses/{address.id}")


@me.get(
    "/addresses/{address_id}",
    access=customer,
    answers={200: AddressView},
    refusals=(CustomerNotFound, AddressNotFound, KeysUnavailable),
)
def get_address(address_id: str, caller: Caller) -> AddressView:
    """One address."""
    book = addresses.get(str(caller.account))
    return AddressView.of(addresses.find(book, address_id), book)


@me.put(
    "/addresses/{address_id}",
    access=customer,
    body=ChangeAddress,
    answers={200: AddressView},
    refusals=(CustomerNotFound, AddressNotFound, StaleAddress, KeysUnavailable),
)
def change_address(address_id: str, asked: ChangeAddress, caller: Caller) -> AddressView:
    """Write another address in place of this one. The default stays the default until another is made it."""
    book, address = addresses.change(
        str(caller.account), address_id, asked.place(), is_default=asked.is_default, version=asked.version
    )
    return AddressView.of(address, book)


@me.delete(
    "/addresses/{address_id}",
    access=customer,
    answers={204: None},
    refusals=(CustomerNotFound, AddressNotFound, KeysUnavailable),
)
def remove_address(address_id: str, caller: Caller) -> None:
    """Take an address out. Was it the default, the first of the others is."""
    addresses.remove(str(caller.account), address_id)


@me.get("/consents", access=customer, answers={200: Consents})
def get_consents(caller: Caller) -> Consents:
    """What the customer allows, and everything they ever said about it."""
    return _consents(str(caller.account))


@me.put("/consents", access=customer, body=SetConsents, answers={200: Consents}, refusals=(WriteRefused,))
def set_consents(asked: SetConsents, caller: Caller, visit: Visit) -> Consents:
    """Allow something or take it back, at once. Saying the same again writes nothing."""
    for choice in asked.choices():
        consents.record(str(caller.account), choice, source="account", proof=consents.proof_of(visit.source))
    return _consents(str(caller.account))


@me.get("/sessions", access=customer, answers={200: CustomerSessions}, refusals=(KeysUnavailable,))
def list_sessions(caller: Caller) -> CustomerSessions:
    """Where the customer is logged in."""
    return CustomerSessions.of(identity.sessions_of(str(caller.account)), str(caller.session))


@me.delete("/sessions", access=customer, answers={204: None})
def end_sessions(caller: Caller) -> None:
    """End every log-in but this one."""
    identity.end_sessions(str(caller.account), but=str(caller.session))


@me.delete("/sessions/{session_id}", access=customer, answers={204: None}, refusals=(SessionNotFound,))
def end_session(session_id: str, caller: Caller) -> None:
    """End one log-in."""
    identity.end_session(str(caller.account), session_id)


@me.post(
    "/totp",
    access=customer_anew,
    answers={200: TotpSecret},
    refusals=(NoSecondFactor, KeysUnavailable),
)
def start_totp(caller: Caller) -> TotpSecret:
    """Get the secret for an authenticator app. It counts once a code of it was confirmed."""
    setup = identity.start_totp(str(caller.account))
    return TotpSecret(setup.secret, setup.uri)


@me.post(
    "/totp/confirm",
    access=customer_anew,
    body=ConfirmCustomerTotp,
    answers={200: RecoveryCodeList},
    refusals=(NoSecondFactor, CodeRefused, KeysUnavailable),
)
def confirm_totp(asked: ConfirmCustomerTotp, caller: Caller) -> RecoveryCodeList:
    """Ask for a code at every log-in from now on; the answer has ten recovery codes, shown this once."""
    return RecoveryCodeList(identity.confirm_totp(str(caller.account), asked.code))


@me.delete(
    "/totp",
    access=customer_anew,
    body=ProvePassword,
    answers={204: None},
    refusals=(LoginRefused, NoSecondFactor, TooMany, KeysUnavailable),
)
def drop_totp(asked: ProvePassword, caller: Caller) -> None:
    """Do without a second factor again. The password has to be as long then as one that stands alone."""
    registration.drop_totp(str(caller.account), asked.password)


def _consents(customer_id: str) -> Consents:
    return Consents.of(consents.current(customer_id), consents.ledger(customer_id))
