"""What the order desk refuses."""

from chalicelib.core.errors import Conflict, Invalid, NotFound


class OrderNotFound(NotFound):
    """There is no such order."""

    code = "order_not_found"


class IllegalMove(Conflict):
    """The order's state does not allow this; ``state`` is where it stands, ``legal`` are the events that may follow."""

    code = "illegal_move"


class StaleOrder(Conflict):
    """The order changed since you read it; ``version`` is the current one. Read it again and repeat."""

    code = "stale_order"


class NumberTaken(Conflict):
    """Two orders drew the same number; another is drawn."""

    code = "order_number_taken"


class NotPayable(Conflict):
    """This order takes no payment now: it has ended, or is paid already."""

    code = "not_payable"


class UnknownState(Invalid):
    """There is no such order state."""

    code = "unknown_order_state"
