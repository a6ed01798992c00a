"""One operator at a time: a lock in the artifacts bucket, written only where nobody else has written meanwhile.

The lock is an object that is never deleted: it says who deploys and until when, or that nobody does. Whoever is cut off
holds it until it expires; then the next one takes it over.
"""

import getpass
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from chalicelib.core import clock
from infra.deploying.cloud import code_of, missing
from infra.deploying.deployment import Deployment, Refused, nothing

KEY: Final = "deploy.lock"
HELD_FOR: Final = timedelta(minutes=45)
"""Renewed between steps and while a stack changes."""
LOST: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


@dataclass
class Lock:
    """Ours, as long as each writing finds what the last one wrote."""

    bucket: str
    owner: str
    s3: Any
    etag: str = ""

    def renew(self) -> None:
        """Hold it for another while. Raises Refused if somebody took it over."""
        self._write({"owner": self.owner, "until": (clock.now() + HELD_FOR).isoformat()})

    def release(self) -> None:
        """Let the next one in at once."""
        self._write({"owner": self.owner, "until": None})

    def _write(self, content: dict[str, str | None]) -> None:
        condition = {"IfMatch": self.etag} if self.etag else {"IfNoneMatch": "*"}
        body = json.dumps(content).encode()
        try:
            self.etag = self.s3.put_object(Bucket=self.bucket, Key=KEY, Body=body, **condition)["ETag"]
        except ClientError as error:
            if code_of(error) in LOST:
                raise Refused("Somebody else began to deploy this stage meanwhile; nothing more was changed.") from None
            raise


@contextmanager
def held(deployment: Deployment) -> Iterator[Lock]:
    """The stage's lock. Raises Refused, naming who deploys, where it is taken."""
    lock = Lock(deployment.artifacts, owner(), deployment.client("s3"))
    _look(lock)
    lock.renew()
    deployment.keep = lock.renew
    try:
        yield lock
    finally:
        deployment.keep = nothing
        with suppress(Refused):  # somebody took it over, and has it now
            lock.release()


def owner() -> str:
    """Who runs this, as others will read it."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


def _look(lock: Lock) -> None:
    found = missing(lambda: lock.s3.get_object(Bucket=lock.bucket, Key=KEY), "NoSuchKey")
    if found is None:
        return
    lock.etag, held_by = found["ETag"], json.loads(found["Body"].read())
    if held_by["until"] and datetime.fromisoformat(held_by["until"]) > clock.now():
        raise Refused(f"{held_by['owner']} is deploying this stage; the lock ends by itself at {held_by['until']}.")
