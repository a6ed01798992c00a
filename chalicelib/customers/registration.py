"""Accounts opened, and e-mails changed, by who reads the mailbox: nobody else learns who is a customer.

A registration waits, sealed, until its link is followed with its password; only then is there a log-in. So nobody can
open an account in another's name and wait for them to prove it: who reads the mailbox does not know that password.
"""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from typing import Final

from chalicelib.core import clock, crypto, db, flags, vault
from chalicelib.core.config import settings
from chalicelib.core.flags import Switch
from chalicelib.core.limits import Spent
from chalicelib.core.log import logger
from chalicelib.core.texts import LocalText
from chalicelib.core.vault import DataKey
from chalicelib.customers import consents, people
from chalicelib.customers.consents import Choice, Purpose
from chalicelib.customers.errors import RegistrationClosed
from chalicelib.customers.models.registrations import NewEmailRow, RegistrationRow, Wanted
from chalicelib.customers.rules import Customer, Language, Person
from chalicelib.identity import service as identity
from chalicelib.identity.errors import EmailTaken, LinkEnded
from chalicelib.identity.service import Kind
from chalicelib.notices import service as notices
from chalicelib.notices.service import Notice, Recipient

SWITCH: Final = Switch(
    name="registration",
    meaning=LocalText(
        "Pembeli dapat membuat akun baru. Akun yang ada dan tautan yang sudah terkirim tetap berlaku.",
        "Buyers can open accounts. Accounts that exist, and links that were sent, go on working.",
    ),
    when_off=LocalText(
        "Pendaftaran akun baru sedang ditutup. Anda tetap dapat memesan tanpa akun.",
        "New accounts cannot be opened at the moment. You can order without one.",
    ),
    refusal=RegistrationClosed,
)
VERIFY: Final = "customer_verify"
NEW_EMAIL: Final = "customer_new_email"

VERIFY_LASTS: Final = timedelta(days=1)
ANSWERED_AFTER: Final = timedelta(milliseconds=600)
"""Asking for an account takes this long, whether there is one already or not."""


class Page(StrEnum):
    """Where in the storefront the links of letters lead."""

    VERIFY = "verify-email"
    NEW_EMAIL = "change-email"


LOGIN_PAGE: Final = "login"


def ask(
    about: Person, password: str, choices: Sequence[Choice], *, language: Language, proof: str, source: str
) -> None:
    """Send a letter: to a new address the link that opens the account, to a known one that it has one already.

    Whether it is known does not show: not in the answer, nor in how long it takes. Three letters an hour at most; more
    are silently not sent. Raises RegistrationClosed, Invalid for a weak password, TooMany for an address that asks too
    much.
    """
    flags.check(SWITCH, identity.normal_email(about.email))
    done_at = clock.now() + ANSWERED_AFTER
    identity.take_visit(source)
    identity.check_password(password, context=(about.email, about.name), has_second_factor=False)
    with suppress(Spent):
        identity.take_letter(Kind.CUSTOMER, identity.normal_email(about.email))
        _register(about, password, choices, language=language, proof=proof)
    clock.sleep(max(timedelta(), done_at - clock.now()).total_seconds())


def _register(about: Person, password: str, choices: Sequence[Choice], *, language: Language, proof: str) -> None:
    wanted = Wanted(
        password_hash=identity.hash_password(password),
        consents=tuple((choice.purpose.value, choice.is_given, choice.text_version) for choice in choices),
        proof=proof,
    )
    known = identity.account_of(Kind.CUSTOMER, about.email)
    if known is not None:
        _say_exists(known)
        return
    with db.transaction() as tx:
        customer, key = people.register(tx, about, language)
        RegistrationRow.add(tx, key, wanted)
        token = identity.make_link(tx, VERIFY, customer.id, VERIFY_LASTS)
        _send_link(tx, Page.VERIFY, customer, about, key, token)


def confirm(token: str, password: str) -> str:
    """Open the account whose link this is: what a guest ordered with the address is theirs from then on; its id.

    The link proves the mailbox, the ``password`` that it was they who registered: a stranger's registration, whose
    letter somebody follows without thinking, opens nothing for the stranger. Raises LoginRefused, TooMany, and
    LinkEnded, also where somebody else has proven the address meanwhile.
    """
    customer_id = identity.peek_link(VERIFY, token)
    row, key, standing = db.look(
        RegistrationRow.lookup(customer_id), vault.lookup(customer_id), consents.lookup(customer_id)
    )
    if row is None or key is None:
        raise LinkEnded()
    wanted = row.opened(key)
    identity.prove_hashed(customer_id, password, wanted.password_hash)
    choices = [Choice(Purpose(purpose), is_given, text) for purpose, is_given, text in wanted.consents]
    email = people.person(people.get(customer_id), key).email
    if identity.account_of(Kind.CUSTOMER, email) is not None:
        raise LinkEnded()
    try:
        with db.transaction() as tx:
            identity.use_link(tx, VERIFY, token)
            row.take(tx)
            identity.open_login(
                tx,
                customer_id,
                Kind.CUSTOMER,
                email=email,
                password_hash=wanted.password_hash,
                state=identity.AccountState.ACTIVE,
                key=key,
            )
            people.verify(tx, customer_id)
            consents.add(tx, customer_id, choices, standing, source="registration", proof=wanted.proof)
    except EmailTaken:
        raise LinkEnded() from None
    logger.info("customer verified", customer_id=customer_id)
    return customer_id


def drop_totp(customer_id: str, password: str) -> None:
    """Do without a second factor, by the password, which then has to be as long as one that stands alone.

    Raises LoginRefused, Invalid at /password, NoSecondFactor, TooMany.
    """
    identity.prove_password(customer_id, password)
    identity.check_password(password, context=(), has_second_factor=False)
    identity.drop_totp(customer_id)


def ask_new_email(customer_id: str, email: str) -> None:
    """Send a link to another address, which is the customer's once it is followed. The last one asked for counts.

    Whether somebody else has that address is not told: they get a letter, the customer gets none.
    Raises CustomerNotFound, KeysUnavailable, TooMany.
    """
    identity.take_letter(Kind.CUSTOMER, identity.normal_email(email))
    other = identity.account_of(Kind.CUSTOMER, email)
    if other is not None:
        _say_exists(other)
        return
    customer, key = people.read(customer_id)
    to = Person(people.person(customer, key).name, email)
    with db.transaction() as tx:
        identity.drop_links(tx, NEW_EMAIL, customer_id)
        token = identity.make_link(tx, NEW_EMAIL, customer_id, VERIFY_LASTS)
        NewEmailRow.put(tx, key, email, crypto.digest(token))
        _send_link(tx, Page.NEW_EMAIL, customer, to, key, token)


def confirm_new_email(token: str) -> None:
    """The customer has proven another address: it is theirs, for logging in too. Raises LinkEnded."""
    customer_id = identity.peek_link(NEW_EMAIL, token)
    row, key = db.look(NewEmailRow.lookup(customer_id), vault.lookup(customer_id))
    if row is None or key is None:
        raise LinkEnded()
    email, link = row.opened(key)
    if not crypto.matches(link, crypto.digest(token)) or identity.account_of(Kind.CUSTOMER, email) is not None:
        raise LinkEnded()
    try:
        with db.transaction() as tx:
            identity.use_link(tx, NEW_EMAIL, token)
            row.take(tx)
            identity.change_email(tx, customer_id, email, key, used=NEW_EMAIL)
            people.verify(tx, customer_id, email)
    except EmailTaken:
        raise LinkEnded() from None
    logger.info("customer's address changed", customer_id=customer_id)


def _say_exists(account: str) -> None:
    """A letter to somebody who has an account: that they have. Not more than one an hour."""
    customer, key = people.read(account)
    about = people.person(customer, key)
    hour = clock.stamp(clock.now())[:13]
    notice = Notice(
        template="customer_exists",
        to=Recipient(customer.id, about.name, about.email),
        facts={"link": f"{settings.store_url}/{LOGIN_PAGE}"},
        language=customer.language,
        key=f"customer_exists {customer.id} {hour}",
    )
    with db.transaction() as tx:
        notices.send(tx, notice, key)


def _send_link(tx: db.Transaction, page: Page, customer: Customer, to: Person, key: DataKey, token: str) -> None:
    """The letter with a link: the storefront's page that it leads to hands the token to the door for it.

    The token stands behind the #, which no browser sends to a server or names to another site.
    """
    notice = Notice(
        template="customer_verify",
        to=Recipient(customer.id, to.name, to.email),
        facts={
            "link": f"{settings.store_url}/{page}#{token}",
            "expires": notices.when(clock.now() + VERIFY_LASTS, customer.language),
        },
        language=customer.language,
        key=f"customer_verify {crypto.digest(token)}",
    )
    notices.send(tx, notice, key)
