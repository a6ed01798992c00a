"""A customer's copy of all that is kept of them, gathered as one JSON document that machines can read.

UU PDP No. 27/2022 art. 7 and 13, GDPR art. 15 and 20. The file stands for seven days in a private bucket, sealed under
the customer's own key and locked once more with the house's, and leaves only by the door of its owner.
"""

from datetime import datetime
from typing import Any, Final

import msgspec

from chalicelib.carts import service as carts
from chalicelib.core import audit, aws, clock, crypto, db, ids, log, outbox, vault
from chalicelib.core.config import settings
from chalicelib.core.errors import WriteRefused
from chalicelib.core.log import logger
from chalicelib.core.vault import DataKey
from chalicelib.customers import service as customers
from chalicelib.customers.service import Customer
from chalicelib.events.privacy import ExportRequested
from chalicelib.identity import service as identity
from chalicelib.notices import service as notices
from chalicelib.notices.service import Notice, Recipient, when
from chalicelib.orders import service as orders
from chalicelib.orders.service import PaymentView
from chalicelib.privacy import inventory, rules
from chalicelib.privacy.errors import ErasureUnderWay, ExportNotFound, ExportNotReady
from chalicelib.privacy.models.customers import ErasureRow, ExportRow
from chalicelib.privacy.rules import Export
from chalicelib.privacy.states import ErasureState, ExportState

FORMAT: Final = "laris-customer-export/1"
PURPOSE: Final = "exports"
MEDIA: Final = "application/octet-stream"


def ask(customer_id: str) -> Export:
    """Note the wish for a copy; it is gathered shortly. Raises CustomerNotFound, ErasureUnderWay."""
    now = clock.now()
    customer, erasure = db.look(customers.lookup(customer_id), ErasureRow.lookup(customer_id))
    if customer.is_erased or (erasure and erasure.state is not ErasureState.WAITING):
        raise ErasureUnderWay()
    export = Export(
        id=ids.new("exp", now),
        customer_id=customer_id,
        state=ExportState.ASKED,
        language=customer.language,
        asked_at=now,
        ready_at=None,
        expires_at=now + rules.EXPORTS_LAST,
    )
    audit.change(f"export:{export.id}", after={"customer_id": customer_id})
    with db.transaction() as tx:
        ExportRow.add(tx, export, log.actor.get())
        outbox.publish(tx, ExportRequested(export.id, customer_id))
    logger.info("export asked for", export_id=export.id)
    return export


def get(customer_id: str, export_id: str) -> Export:
    """An export of this customer. Raises ExportNotFound, for another's too and after its seven days."""
    (export,) = db.look(ExportRow.lookup(customer_id, export_id))
    if export is None or export.expires_at <= clock.now():
        raise ExportNotFound()
    return export


def fetch(customer_id: str, export_id: str) -> dict[str, Any]:
    """The document. Raises ExportNotFound, ExportNotReady, KeysUnavailable."""
    export = get(customer_id, export_id)
    if export.state is not ExportState.READY:
        raise ExportNotReady()
    key = vault.key(customer_id)
    if key is None:
        raise ExportNotFound()
    locked = aws.client("s3").get_object(Bucket=settings.bucket("exports"), Key=export.object_key)["Body"].read()
    sealed = crypto.unlock(PURPOSE, export.object_key, locked).decode()
    document: dict[str, Any] = key.open(_place(export), sealed)
    return document


def gather(customer_id: str, export_id: str) -> None:
    """Put the document together and tell its owner that it is ready; done once, however often it is said.

    Raises ExportNotFound, CustomerNotFound (erased meanwhile), KeysUnavailable.
    """
    export = get(customer_id, export_id)
    if export.state is ExportState.READY:
        return
    customer, key = customers.read(customer_id)
    _keep(export, key, document(customer, clock.now()))
    try:
        with db.transaction() as tx:
            ExportRow.set_ready(tx, export, clock.now())
            _tell(tx, customer, key, export)
    except WriteRefused:
        if get(customer_id, export_id).state is not ExportState.READY:
            raise
    logger.info("export ready", export_id=export_id)


def forget(customer_id: str) -> None:
    """Remove all exports of a customer; repeated, it does nothing more."""
    for export in ExportRow.of(customer_id):
        aws.client("s3").delete_object(Bucket=settings.bucket("exports"), Key=export.object_key)
        with db.transaction() as tx:
            ExportRow.remove(tx, export)


def document(customer: Customer, now: datetime) -> dict[str, Any]:
    """All that is kept of a customer, and of the guest they were, with the inventory of what stands where."""
    subjects = list(customer.ids)
    return {
        "format": FORMAT,
        "made_at": clock.stamp(now),
        "customer_id": customer.id,
        "manifest": [
            {"class": each.data, "field": each.field, "purpose": each.purpose, "basis": each.basis, "where": each.where}
            for each in inventory.of_customers()
        ],
        "profile": customers.export(customer.id),
        "guest_profiles": [customers.export(each) for each in customer.claims if not customers.get(each).is_erased],
        "addresses": customers.export_addresses(customer.id),
        "consents": customers.export_consents(customer.id),
        "orders": [_with_payments(each) for each in orders.export(subjects)],
        "carts": [each for subject in subjects for each in carts.export(subject)],
        "notices": [each for subject in subjects for each in notices.export(subject)],
        "log_in": identity.export(customer.id),
        "exports": [{"id": each.id, "asked_at": clock.stamp(each.asked_at)} for each in ExportRow.of(customer.id)],
    }


def _with_payments(order: dict[str, Any]) -> dict[str, Any]:
    tries = [PaymentView.of(attempt) for attempt in orders.attempts(str(order["id"]))]
    return {**order, "payments": msgspec.to_builtins(tries)}


def _keep(export: Export, key: DataKey, content: dict[str, Any]) -> None:
    sealed = key.seal(_place(export), msgspec.to_builtins(content))
    aws.client("s3").put_object(
        Bucket=settings.bucket("exports"),
        Key=export.object_key,
        Body=crypto.lock(PURPOSE, export.object_key, sealed.encode()),
        ContentType=MEDIA,
    )


def _tell(tx: db.Transaction, customer: Customer, key: DataKey, export: Export) -> None:
    about = customers.person(customer, key)
    facts = {
        "link": f"{settings.store_url}/account/exports/{export.id}",
        "expires": when(clock.now() + rules.EXPORTS_LAST, customer.language),
    }
    to = Recipient(customer.id, about.name, about.email, None)
    notices.send(tx, Notice("customer_export_ready", to, facts, customer.language, f"export:{export.id}"), key)


def _place(export: Export) -> str:
    return f"{settings.bucket('exports')}|{export.object_key}"
