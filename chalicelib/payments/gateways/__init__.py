"""The payment partners, by name. A partner nobody calls costs nothing: each is imported on first use."""

from functools import cache

from chalicelib.payments.errors import UnknownGateway
from chalicelib.payments.gateways.port import Gateway


@cache
def gateway(name: str) -> Gateway:
    """The adapter of the partner called ``name``. Raises UnknownGateway."""
    match name:
        case "midtrans":
            from chalicelib.payments.gateways.midtrans import Midtrans

            return Midtrans()
        case "transfer":
            from chalicelib.payments.gateways.transfer import Transfer

            return Transfer()
    raise UnknownGateway(gateway=name)
