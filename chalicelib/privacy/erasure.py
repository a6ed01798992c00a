"""Forgetting a customer: step by step, each recorded when it is done, so that a crash between any two goes on there.

UU PDP No. 27/2022 art. 8 and 43, GDPR art. 17. What tax law wants kept stays (invoice number, lines, totals, tax; GDPR
art. 17 (3) b) without a name, and so do consents, which prove what was said. The key goes last: what was sealed under
it is unreadable from then on, wherever it stands, backups included.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from chalicelib.carts import service as carts
from chalicelib.core import audit, clock, crypto, db, ids, log, outbox, vault
from chalicelib.core.counts import Counts
from chalicelib.core.errors import LarisError
from chalicelib.core.log import logger
from chalicelib.customers import service as customers
from chalicelib.customers.errors import CustomerNotFound
from chalicelib.customers.service import ProfileState
from chalicelib.events.privacy import ErasureCompleted, ErasureRequested
from chalicelib.identity import service as identity
from chalicelib.notices import service as notices
from chalicelib.notices.service import Notice, Recipient
from chalicelib.orders import service as orders
from chalicelib.orders.service import Order
from chalicelib.payments import service as payments
from chalicelib.privacy import exports, rules
from chalicelib.privacy.errors import ErasureNotFound, ErasureUnderWay, UnderLegalHold
from chalicelib.privacy.models.customers import CertificateRow, ErasureRow, HoldRow, ProgressRow
from chalicelib.privacy.rules import Erasure
from chalicelib.privacy.states import STEPS, ErasureState, Step

AT_ONCE: Final = 100
ORDERS_JOB: Final = "orders"


def ask(customer_id: str) -> Erasure:
    """Note the wish to forget a customer; asked again, it is the same wish. Raises CustomerNotFound."""
    known = find(customer_id)
    if known is not None:
        return known
    if vault.key(customers.get(customer_id).id) is None:
        raise CustomerNotFound()
    erasure = Erasure(customer_id, ErasureState.WAITING, clock.now(), None, (), (), (), None, 1)
    audit.change(f"erasure:{customer_id}", after={"state": erasure.state})
    try:
        with db.transaction() as tx:
            ErasureRow.add(tx, erasure, log.actor.get())
            outbox.publish(tx, ErasureRequested(customer_id))
    except ErasureUnderWay:
        return get(customer_id)
    logger.info("erasure asked for", customer_id=customer_id)
    return erasure


def find(customer_id: str) -> Erasure | None:
    """How far the erasure of a customer has come; None where nobody asked for one."""
    return db.look(ErasureRow.lookup(customer_id))[0]


def get(customer_id: str) -> Erasure:
    """How far the erasure of a customer has come. Raises ErasureNotFound."""
    erasure = find(customer_id)
    if erasure is None:
        raise ErasureNotFound()
    return erasure


def hold(customer_id: str, reason: str) -> None:
    """Keep everything of a customer, whatever they or the calendar ask, until it is lifted; so of what they ordered as
    a guest and have claimed. Raises CustomerNotFound.
    """
    ids_ = customers.get(customer_id).ids
    audit.change(f"hold:{customer_id}", after={"stands": True})
    with db.transaction() as tx:
        for each in ids_:
            HoldRow.set(tx, each, reason, log.actor.get())
    logger.info("legal hold set", customer_id=customer_id)


def lift_hold(customer_id: str) -> None:
    """Let erasure and retention have their way again; what retention passed over meanwhile is looked at again.

    Raises CustomerNotFound.
    """
    ids_ = customers.get(customer_id).ids
    audit.change(f"hold:{customer_id}", before={"stands": is_held(customer_id)})
    with db.transaction() as tx:
        for each in ids_:
            HoldRow.lift(tx, each)
    ProgressRow.note(ORDERS_JOB, None)
    logger.info("legal hold lifted", customer_id=customer_id)


def is_held(customer_id: str) -> bool:
    """True while a legal hold stands."""
    return db.look(HoldRow.lookup(customer_id))[0]


def carry_out_open() -> Counts:
    """Go on with every erasure that is not done; one that fails does not keep the others."""
    counts = Counts()
    for customer_id in ErasureRow.open(AT_ONCE):
        try:
            is_done = carry_out(customer_id)
        except LarisError as error:
            logger.warning("erasure stopped", customer_id=customer_id, code=error.code)
            is_done = False
        except Exception:  # noqa: BLE001 - one customer's fault must not keep the others
            logger.exception("erasure stopped", customer_id=customer_id)
            is_done = False
        counts += Counts(seen=1, done=int(is_done), left=int(not is_done))
    return counts


def carry_out(customer_id: str) -> bool:
    """Do what can be done now to forget a customer; True once all is. Run twice, it changes nothing more.

    Raises ErasureNotFound, WriteRefused (another run is at it), UnderLegalHold (a hold came in between).
    """
    erasure = get(customer_id)
    if erasure.state is ErasureState.DONE:
        return True
    if any(map(is_held, customers.get(customer_id).ids)):
        return False
    if erasure.state is ErasureState.WAITING and not _begin(erasure):
        return False
    erasure = get(customer_id)
    for step in STEPS[len(erasure.done) :]:
        if step is Step.NOTICES and not _is_letter_out(erasure, clock.now()):
            return False
        _do(erasure, step)
        erasure = get(customer_id)
    logger.info("customer erased", customer_id=customer_id, certificate_id=erasure.certificate_id)
    return True


def _begin(erasure: Erasure) -> bool:
    """Begin, unless an order is under way; then it is noted which."""
    subjects = customers.get(erasure.customer_id).ids
    waits_for = rules.under_way(_orders_of(subjects), clock.now())
    if waits_for and list(erasure.waits_for) == waits_for:
        return False
    with db.transaction() as tx:
        _check_holds(tx, subjects)
        if waits_for:
            ErasureRow.wait(tx, erasure, waits_for)
        else:
            ErasureRow.begin(tx, erasure, subjects)
    return not waits_for


def _do(erasure: Erasure, step: Step) -> None:
    """One step, and the note that it is done; a crash between the two repeats it without harm.

    Whom the customer has claimed since it began is forgotten along: after the profile nobody can be claimed any more.
    """
    subjects = customers.get(erasure.customer_id).ids
    if any(map(is_held, subjects)):
        raise UnderLegalHold()
    if step in EFFECTS:
        EFFECTS[step](subjects)
    with db.transaction() as tx:
        _check_holds(tx, subjects)
        if step is Step.KEY:
            _finish(tx, erasure)
            return
        ErasureRow.note(tx, erasure, step, subjects)
        if step is Step.LETTER:
            _write_letter(tx, erasure)


def _check_holds(tx: db.Transaction, subjects: Sequence[str]) -> None:
    for subject in subjects:
        HoldRow.check(tx, subject)


def _write_letter(tx: db.Transaction, erasure: Erasure) -> None:
    """Say goodbye to who is known; an address that was never proven may be a stranger's."""
    if customers.get(erasure.customer_id).state in {ProfileState.UNVERIFIED, ProfileState.ERASED}:
        return
    customer, key = customers.read(erasure.customer_id)
    about = customers.person(customer, key)
    to = Recipient(customer.id, about.name, about.email, None)
    notices.send(tx, Notice("customer_erased", to, {}, customer.language, _letter_key(erasure)), key)


def _is_letter_out(erasure: Erasure, now: datetime) -> bool:
    """True once the last letter has gone out or never will: after a day it is not waited for any more."""
    waits = notices.has_unsent(erasure.customer_id)
    return not waits or now - (erasure.begun_at or now) > rules.LETTER_WAITS


def _letter_key(erasure: Erasure) -> str:
    return f"erased:{erasure.customer_id}"


def _finish(tx: db.Transaction, erasure: Erasure) -> None:
    certificate_id = ids.new("crf")
    for subject in erasure.subjects:
        vault.destroy(tx, subject)
    ErasureRow.end(tx, erasure, certificate_id)
    orders_kept = sum(1 for _ in _orders_of(erasure.subjects))
    CertificateRow.add(tx, certificate_id, erasure, crypto.digest(erasure.customer_id), orders_kept)
    outbox.publish(tx, ErasureCompleted(certificate_id))


def _orders_of(subjects: Sequence[str]) -> Iterator[Order]:
    cursor = None
    while True:
        page = orders.of_customer(subjects, limit=AT_ONCE, cursor=cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _close_logins(subjects: Sequence[str]) -> None:
    for subject in subjects:
        identity.forget_account(subject)


def _forget_profiles(subjects: Sequence[str]) -> None:
    for subject in subjects:
        customers.anonymise(subject)


def _forget_carts(subjects: Sequence[str]) -> None:
    for subject in subjects:
        carts.forget(subject)


def _redact_payments(subjects: Sequence[str]) -> None:
    payments.redact(order.id for order in _orders_of(subjects))


def _anonymise_orders(subjects: Sequence[str]) -> None:
    for order in _orders_of(subjects):
        orders.anonymise(order.id)


def _remove_exports(subjects: Sequence[str]) -> None:
    for subject in subjects:
        exports.forget(subject)


def _forget_notices(subjects: Sequence[str]) -> None:
    for subject in subjects:
        notices.forget(subject)


EFFECTS: Final[Mapping[Step, Callable[[Sequence[str]], None]]] = {
    Step.LOGIN: _close_logins,
    Step.PROFILE: _forget_profiles,
    Step.CARTS: _forget_carts,
    Step.PAYMENTS: _redact_payments,
    Step.ORDERS: _anonymise_orders,
    Step.EXPORTS: _remove_exports,
    Step.NOTICES: _forget_notices,
}
