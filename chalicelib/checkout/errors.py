"""What checkout refuses by itself."""

from chalicelib.core.errors import Conflict


class CheckoutClosed(Conflict):
    """The shop takes no orders from this buyer at the moment; ``message`` says so in both languages. Keep the cart."""

    code = "checkout_closed"
    retry_after = 300
