"""The door of shipping."""

from chalicelib.core.config import settings
from chalicelib.shipping import rules
from chalicelib.shipping.errors import NotDeliverable, UnknownShippingOption
from chalicelib.shipping.rules import Option

__all__ = ["Option"]


def quotes(country: str, province: str, grams: int) -> list[Option]:
    """What it costs to send ``grams`` there, cheapest first. Raises NotDeliverable."""
    if country != rules.HOME_COUNTRY:
        raise NotDeliverable(country=country)
    return rules.options(province, grams, settings.currency)


def option(id_: str, country: str, province: str, grams: int) -> Option:
    """The option called ``id_``, priced anew. Raises UnknownShippingOption, NotDeliverable."""
    offers = quotes(country, province, grams)
    for offer in offers:
        if offer.id == id_:
            return offer
    raise UnknownShippingOption(
        options=[offer.id for offer in offers],
        errors=[{"pointer": "/shipping_option", "detail": "not an option for this basket and address"}],
    )
