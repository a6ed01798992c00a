"""Personal data, each person's under a key of their own, so that destroying the key erases it, backups included.

Envelope encryption: KMS makes a data key for a *subject* (``cus_…``, ``stf_…``) and wraps it, bound to that subject by
its encryption context; the wrapped key stands in the table ``keys``, which no backup copies. Values are sealed with
AES-256-GCM and the subject and place as additional data, so a sealed text cannot be moved to another person, item or
field. Unwrapped keys are kept for five minutes in memory; whether a key still exists is read from the table each time.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import UnicodeAttribute

from chalicelib.core import aws, clock, crypto, db
from chalicelib.core.config import settings
from chalicelib.core.errors import Unavailable

KEPT_FOR: Final = timedelta(minutes=5)
MOST_KEPT: Final = 1000
VERSION: Final = "1."

_kept: OrderedDict[str, tuple[datetime, bytes]] = OrderedDict()
"""Unwrapped keys by their wrapped form, the one used longest ago first."""


class KeysUnavailable(Unavailable):
    """The service that keeps the keys of personal data does not answer; nothing personal can be read or written."""

    code = "keys_unavailable"


class SealedAttribute(UnicodeAttribute):
    """A text sealed under its subject's key: the mark by which the inventory of personal data knows it."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A subject's key, ready for use. It never leaves this process."""

    subject: str
    _key: bytes = field(repr=False)

    def seal(self, place: str, value: Any) -> str:
        """``value`` (anything JSON can say) sealed for ``place``: the item and field where it will stand."""
        return VERSION + crypto.text_of(crypto.encrypt(self._key, self._binding(place), msgspec.json.encode(value)))

    def open(self, place: str, sealed: str, shape: Any = Any) -> Any:
        """What was sealed for ``place``, as ``shape``. Raises Unreadable if it was changed or stood elsewhere."""
        plain = crypto.decrypt(self._key, self._binding(place), crypto.bytes_of(sealed.removeprefix(VERSION)))
        return msgspec.json.decode(plain, type=shape)

    def _binding(self, place: str) -> bytes:
        return f"{VERSION}{self.subject}|{place}".encode()


class KeyRow(db.Row):
    """pk = subject, sk = "KEY". One without ``wrapped`` was destroyed, and is never made again."""

    class Meta:
        table_name = settings.table("keys")

    wrapped = UnicodeAttribute(null=True)
    made_at = UnicodeAttribute()
    destroyed_at = UnicodeAttribute(null=True)


def make(tx: db.Transaction, subject: str) -> DataKey:
    """A new key for a new ``subject``, written in ``tx``. Refused with WriteRefused if it has, or ever had, one.

    Raises KeysUnavailable.
    """
    answer = _kms(
        "generate_data_key", KeyId=settings.master_key, KeySpec="AES_256", EncryptionContext=_context(subject)
    )
    wrapped = crypto.text_of(answer["CiphertextBlob"])
    tx.put(KeyRow(pk=subject, sk="KEY", wrapped=wrapped, made_at=clock.stamp(clock.now())))
    _keep(wrapped, answer["Plaintext"])
    return DataKey(subject, answer["Plaintext"])


def lookup(subject: str) -> db.Lookup[DataKey | None]:
    """Reads a subject's key; None if it has none, or none any more. Raises KeysUnavailable."""
    return db.Lookup(((KeyRow, subject, "KEY"),), lambda rows: _ready(rows[0]))


def lookup_all(subjects: list[str]) -> db.Lookup[dict[str, DataKey]]:
    """Reads the keys of many subjects; those without one are left out. Raises KeysUnavailable."""
    keys = tuple((KeyRow, subject, "KEY") for subject in dict.fromkeys(subjects))

    def build(rows: list[KeyRow | None]) -> dict[str, DataKey]:
        ready = (_ready(row) for row in rows)
        return {key.subject: key for key in ready if key is not None}

    return db.Lookup(keys, build)


def key(subject: str) -> DataKey | None:
    """A subject's key; None if it has none, or none any more. Raises KeysUnavailable."""
    return db.look(lookup(subject))[0]


def destroy(tx: db.Transaction, subject: str) -> None:
    """Destroy the key in ``tx``: what was sealed under it is unreadable from then on, wherever it stands."""
    row = KeyRow(pk=subject, sk="KEY", made_at="", destroyed_at=clock.stamp(clock.now()))
    actions = [KeyRow.wrapped.remove(), KeyRow.destroyed_at.set(row.destroyed_at)]
    tx.update(row, actions, condition=KeyRow.pk.exists())


def check() -> None:
    """Have a key made and thrown away. Raises KeysUnavailable."""
    _kms("generate_data_key", KeyId=settings.master_key, KeySpec="AES_256", EncryptionContext=_context("-"))


def forget() -> None:
    """Drop all unwrapped keys."""
    _kept.clear()


def _ready(row: KeyRow | None) -> DataKey | None:
    if row is None or row.wrapped is None:
        return None
    return DataKey(row.pk, _unwrapped(row.wrapped, row.pk))


def _unwrapped(wrapped: str, subject: str) -> bytes:
    kept_at, plain = _kept.get(wrapped, (None, b""))
    if kept_at is None or clock.now() - kept_at > KEPT_FOR:
        answer = _kms("decrypt", CiphertextBlob=crypto.bytes_of(wrapped), EncryptionContext=_context(subject))
        plain = answer["Plaintext"]
        _keep(wrapped, plain)
    return plain


def _keep(wrapped: str, plain: bytes) -> None:
    _kept[wrapped] = (clock.now(), plain)
    while len(_kept) > MOST_KEPT:
        _kept.popitem(last=False)


def _context(subject: str) -> dict[str, str]:
    return {"stage": settings.stage, "table": KeyRow.Meta.table_name, "subject": subject}


def _kms(operation: str, **arguments: Any) -> dict[str, Any]:
    try:
        return dict(getattr(aws.client("kms"), operation)(**arguments))
    except (ClientError, BotoCoreError) as error:
        raise KeysUnavailable() from error
