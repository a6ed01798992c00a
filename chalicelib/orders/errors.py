"""What the order desk refuses."""

from chalicelib.core.errors import Conflict, Forbidden, NotFound


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
    """Several times in a row the number drawn for the order was taken: a rare accident. Repeat with the same key."""

    code = "order_number_taken"


class NotPayable(Conflict):
    """This order takes no payment now: it has ended, or is paid already."""

    code = "not_payable"


class RefundRequestNotFound(NotFound):
    """Nobody asked for such a refund."""

    code = "refund_request_not_found"


class RefundRequestDecided(Conflict):
    """This refund was approved or declined already; ``state`` says which."""

    code = "refund_request_decided"


class SecondPersonNeeded(Forbidden):
    """You asked for this refund yourself: somebody else has to decide."""

    code = "second_person_needed"


class RefundLimitTooLow(Forbidden):
    """With this one, staff would have given back more of the order than your role's ``limit`` allows."""

    code = "refund_limit_too_low"
