"""Canaries: people with unmistakable particulars, and everything that is at rest, as raw bytes to look for them in."""

import base64
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.kit.cloud import ACCOUNT, REGION

KEYS = "laris-test-keys"


STEMS = ["Zanzibari", "okapi-besar", "narwhal-canary", "8557700", "Axolotl Ungu"]
"""What all of them share: where none of these is, none of them is."""


@dataclass(frozen=True, slots=True)
class Canary:
    """Somebody who can be nobody else."""

    number: int

    @property
    def name(self) -> str:
        return f"Quokka{self.number:02d} Zanzibari"

    @property
    def email(self) -> str:
        return f"okapi-besar-{self.number:02d}@narwhal-canary.example"

    @property
    def phone(self) -> str:
        return f"08557700{self.number:02d}93"

    @property
    def street(self) -> str:
        return f"Jl. Axolotl Ungu No. {7100 + self.number}"

    @property
    def contact(self) -> dict[str, str]:
        return {"name": self.name, "email": self.email, "phone": self.phone}

    def traces(self) -> list[str]:
        """Every text by which they would be known."""
        return [self.name, self.email, self.email.partition("@")[0], self.phone, f"62{self.phone[1:]}", self.street]


def seen_in(dump: bytes, canaries: list[Canary]) -> list[str]:
    """The traces of these people in ``dump``: as they are, in any case, without spaces, in base64."""
    plain = dump.lower()
    compact = b"".join(plain.split())
    if not any(_is_in(dump, plain, compact, stem) for stem in STEMS):
        return []
    return [trace for canary in canaries for trace in canary.traces() if _is_in(dump, plain, compact, trace)]


def _is_in(dump: bytes, plain: bytes, compact: bytes, trace: str) -> bool:
    text = trace.lower().encode()
    if text in plain or b"".join(text.split()) in compact:
        return True
    return any(each in dump for each in _in_base64(trace.encode()))


def _in_base64(text: bytes) -> Iterator[bytes]:
    """How ``text`` looks within base64, wherever in it it begins; the ends depend on the neighbours and are cut."""
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            coded = encode(b"\0" * shift + text).rstrip(b"=")
            yield coded[4 if shift else 0 : -2]


def tables() -> dict[str, list[dict[str, Any]]]:
    """Every item of every table, as it is stored."""
    from moto.dynamodb.models import dynamodb_backends

    stored = dynamodb_backends[ACCOUNT][REGION].tables
    return {name: [item.to_json()["Attributes"] for item in table.all_items()] for name, table in stored.items()}


def backup() -> str:
    """All tables but that of the keys, an item a line."""
    return "\n".join(
        json.dumps([name, item], default=lambda raw: {"bytes": base64.b64encode(raw).decode()})
        for name, items in tables().items()
        if name != KEYS
        for item in items
    )


def restore(lines: str) -> None:
    """Put a backup back, in place of what is there; the keys stay as they are now."""
    from moto.dynamodb.models import dynamodb_backends

    stored = dynamodb_backends[ACCOUNT][REGION].tables
    for name, table in stored.items():
        if name != KEYS:
            table.items.clear()
    for line in lines.splitlines():
        name, item = json.loads(line)
        stored[name].put_item({field: _value(value) for field, value in item.items()})


def _value(value: dict[str, Any]) -> dict[str, Any]:
    raw = value.get("B")
    return {"B": raw["bytes"]} if isinstance(raw, dict) else value


def queues() -> dict[str, list[bytes]]:
    """The bodies of all messages in all queues, dead letters included."""
    from moto.sqs.models import sqs_backends

    found = sqs_backends[ACCOUNT][REGION].queues.values()
    return {queue.name: [message.body.encode() for message in queue._messages] for queue in found}


def objects() -> dict[str, bytes]:
    """All objects of all buckets, every version."""
    from moto.s3.models import s3_backends

    return {
        f"{bucket.name}/{key.name}": key.value
        for bucket in s3_backends[ACCOUNT]["aws"].buckets.values()
        for name in bucket.keys
        for key in bucket.keys.getlist(name)
        if hasattr(key, "value")
    }


def everything() -> bytes:
    """All that is at rest, keys included."""
    items = json.dumps(tables(), default=lambda raw: base64.b64encode(raw).decode() + raw.decode("latin-1"))
    messages = b"\n".join(body for bodies in queues().values() for body in bodies)
    files = b"\n".join(name.encode() + content for name, content in objects().items())
    return b"\n".join([items.encode(), messages, files])


@contextmanager
def listening() -> Iterator[io.StringIO]:
    """Every line that is logged at INFO or above, by us or by a library."""
    written = io.StringIO()
    ours, root = logging.getLogger("laris-test"), logging.getLogger()
    logging.disable(logging.NOTSET)
    handler = logging.StreamHandler(written)
    handler.setFormatter(ours.handlers[0].formatter)
    before = ours.level, root.level
    for each in (ours, root):
        each.addHandler(handler)
        each.setLevel(logging.INFO)
        each.disabled = False  # a library that sets up logging switches off the loggers it does not know
    try:
        yield written
    finally:
        ours.setLevel(before[0])
        root.setLevel(before[1])
        for each in (ours, root):
            each.removeHandler(handler)
