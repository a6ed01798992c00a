"""What the warehouse refuses."""

from chalicelib.core.errors import Conflict, NotFound


class OutOfStock(Conflict):
    """Less of ``sku`` is available than was asked for; ``available`` is what is left."""

    code = "out_of_stock"


class TooManyLines(Conflict):
    """One order takes stock from at most ``most`` pairs of SKU and location; split it."""

    code = "too_many_lines"


class UnknownLocation(NotFound):
    """There is no such location."""

    code = "unknown_location"


class LocationExists(Conflict):
    """A location with this id exists; change that one, or choose another id."""

    code = "location_exists"


class TooManyLocations(Conflict):
    """There are at most ``most`` locations."""

    code = "too_many_locations"


class StaleStock(Conflict):
    """The stock is not what you expected it to be; the current numbers are given. Look again, then adjust."""

    code = "stale_stock"


class NotEnoughStock(Conflict):
    """This would leave less than nothing: ``available`` is all that is not promised or set aside."""

    code = "not_enough_stock"


class TooMuchStock(Conflict):
    """One location holds at most ``most`` units of a SKU."""

    code = "too_much_stock"
