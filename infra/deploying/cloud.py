"""AWS as a deployment sees it: clients that wait and repeat, and the few questions that several steps ask."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session, get_session

CONFIG: Final = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 8})


@dataclass
class Cloud:
    """The services of one region, with the credentials of who runs this."""

    region: str
    _session: Session = field(default_factory=get_session)
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        """The client of ``service``."""
        if service not in self._clients:
            self._clients[service] = self._session.create_client(service, region_name=self.region, config=CONFIG)
        return self._clients[service]

    def pages(self, service: str, operation: str, key: str, **about: Any) -> Iterator[dict[str, Any]]:
        """Everything that ``operation`` lists under ``key``."""
        for page in self.client(service).get_paginator(operation).paginate(**about):
            yield from page.get(key, [])


def missing(read: Callable[[], Any], *codes: str) -> Any | None:
    """What ``read`` gives, or None where AWS says, by one of ``codes``, that there is no such thing."""
    try:
        return read()
    except ClientError as error:
        if code_of(error) in codes:
            return None
        raise


def code_of(error: ClientError) -> str:
    """AWS' word for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))
