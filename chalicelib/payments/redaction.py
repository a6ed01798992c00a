"""What tells who paid, taken away when a customer is erased; how much was paid, when and by what stays."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from chalicelib.core import aws, db
from chalicelib.core.config import settings
from chalicelib.core.errors import Upstream, WriteRefused
from chalicelib.core.log import logger
from chalicelib.payments.models.attempts import AttemptRow
from chalicelib.payments.models.books import read_books
from chalicelib.payments.models.claims import MutationRow
from chalicelib.payments.models.messages import MessageRow
from chalicelib.payments.rules import Books

MESSAGE: Final = "HOOK#"
MUTATION: Final = "MUTATION#"


def redact(order_ids: Iterable[str]) -> None:
    """Take away what partners and staff wrote about these orders' payments, and the pictures that prove transfers.

    Repeated, it does nothing more. Raises Upstream if a picture could not be deleted.
    """
    for order_id in order_ids:
        books = read_books(order_id)
        if books is not None:
            _redact(order_id, books)
            logger.info("payments redacted", order_id=order_id)


def _redact(order_id: str, books: Books) -> None:
    _delete_proofs(order_id)
    sources = {fact.source for fact in books.facts}
    for each in sources | set(MessageRow.of_order(order_id)):
        if each.startswith(MESSAGE):
            _once(partial(MessageRow.forget_body, message_id=each))
        elif each.startswith(MUTATION):
            _once(partial(MutationRow.forget_note, source=each))
    for attempt in books.attempts:
        _once(partial(AttemptRow.forget_person, attempt=attempt))


def _once(write: Callable[[db.Transaction], None]) -> None:
    """What has gone by itself need not be taken away."""
    with suppress(WriteRefused), db.transaction() as tx:
        write(tx)


def _delete_proofs(order_id: str) -> None:
    """Every version of them: the bucket keeps what is overwritten or deleted."""
    s3, bucket = aws.client("s3"), settings.bucket("proofs")
    pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=f"{order_id}/")
    for page in pages:
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        if found:
            _delete(s3, bucket, [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found])


def _delete(s3: Any, bucket: str, objects: list[dict[str, str]]) -> None:
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    if answer.get("Errors"):
        raise Upstream("Not every proof was deleted.", failed=len(answer["Errors"]))
