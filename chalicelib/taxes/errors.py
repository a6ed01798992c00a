"""What the tax table refuses."""

from chalicelib.core.errors import Invalid


class UnknownTaxClass(Invalid):
    """There is no such tax class, or no rate for it on that day."""

    code = "unknown_tax_class"
