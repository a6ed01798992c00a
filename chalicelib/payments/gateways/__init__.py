"""The payment partners, by name. A partner nobody calls costs nothing: each is imported on first use."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from chalicelib.payments.errors import UnknownGateway
from chalicelib.payments.gateways.port import Gateway

_made: Final[dict[str, Gateway]] = {}


def gateway(name: str) -> Gateway:
    """The adapter of the partner called ``name``. Raises UnknownGateway."""
    if name not in _made:
        _made[name] = _make(name)
    return _made[name]


@contextmanager
def use(name: str, adapter: Gateway) -> Iterator[None]:
    """Let ``adapter`` be the partner called ``name`` for a while: tests and drills."""
    before = _made.get(name)
    _made[name] = adapter
    try:
        yield
    finally:
        del _made[name]
        if before is not None:
            _made[name] = before


def _make(name: str) -> Gateway:
    match name:
        case "midtrans":
            from chalicelib.payments.gateways.midtrans import Midtrans

            return Midtrans()
        case "transfer":
            from chalicelib.payments.gateways.transfer import Transfer

            return Transfer()
    raise UnknownGateway(gateway=name)
