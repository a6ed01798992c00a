"""What shipping refuses."""

from chalicelib.core.errors import Conflict, Invalid


class UnknownShippingOption(Invalid):
    """No such shipping option for this basket and address; ask for quotes and take the id of one of those."""

    code = "unknown_shipping_option"


class NotDeliverable(Conflict):
    """We do not deliver to this address."""

    code = "not_deliverable"
