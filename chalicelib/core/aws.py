"""One botocore client per service, made on first use, with the timeouts and retries of the house."""

import threading
from typing import Any, Final

from botocore.config import Config
from botocore.session import Session, get_session

from chalicelib.core.config import settings

CONFIG: Final = Config(connect_timeout=1, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 3})
ONCE: Final = Config(connect_timeout=1, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 1})

_clients: dict[str, Any] = {}
_making = threading.Lock()
_session: Session | None = None


def client(service: str, *, repeats: bool = True) -> Any:
    """The shared client of ``service`` (clients are thread safe, making them is not).

    ``repeats`` is False where an operation must not be tried again unasked, since it may have been done.
    """
    global _session
    name = service if repeats else f"{service}, once"
    with _making:
        if name not in _clients:
            _session = _session or get_session()
            config = CONFIG if repeats else ONCE
            _clients[name] = _session.create_client(service, region_name=settings.region, config=config)
        return _clients[name]
