"""One botocore client per service, made on first use, with the timeouts and retries of the house."""

import threading
from typing import Any, Final

from botocore.config import Config
from botocore.session import Session, get_session

from chalicelib.core.config import settings

CONFIG: Final = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})

_clients: dict[str, Any] = {}
_making = threading.Lock()
_session: Session | None = None


def client(service: str) -> Any:
    """The shared client of ``service`` (clients are thread safe, making them is not)."""
    global _session
    with _making:
        if service not in _clients:
            _session = _session or get_session()
            _clients[service] = _session.create_client(service, region_name=settings.region, config=CONFIG)
        return _clients[service]
