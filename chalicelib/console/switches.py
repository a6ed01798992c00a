"""What staff do with switches, and what storefronts learn of them. Each is declared in the department that asks it."""

from typing import Final

from chalicelib.checkout import service as checkout
from chalicelib.console.errors import SwitchNotFound
from chalicelib.console.switchviews import (
    AskForServices,
    ServiceList,
    ServiceView,
    SwitchList,
    SwitchView,
    TurnSwitch,
)
from chalicelib.core import flags
from chalicelib.core.access import Caller
from chalicelib.core.api import Api
from chalicelib.core.errors import WriteRefused
from chalicelib.core.flags import StaleSwitch, Switch
from chalicelib.customers import service as customers
from chalicelib.identity.service import customer_or_guest, staff
from chalicelib.notices import service as notices
from chalicelib.payments import service as payments

SWITCHES: Final[tuple[Switch, ...]] = (
    checkout.SWITCH,
    *payments.SWITCHES.values(),
    customers.SWITCH,
    notices.SWITCH,
)
"""Every switch there is."""

api = Api(__name__)
services = Api(__name__)
"""What storefronts ask."""


@api.get("/", access=staff("switches:read"), answers={200: SwitchList})
def list_switches() -> SwitchList:
    """Every switch: what it lets happen, how it stands, and who turned it last and why."""
    return SwitchList([SwitchView.of(switch, state) for switch, state in flags.states(SWITCHES)])


@api.put(
    "/{switch}",
    access=staff("switches:write", step_up=True),
    body=TurnSwitch,
    answers={200: SwitchView},
    refusals=(SwitchNotFound, StaleSwitch, WriteRefused),
)
def turn_switch(switch: str, asked: TurnSwitch, caller: Caller) -> SwitchView:
    """Open or close a part of the shop, to all, to some or to a circle; it counts everywhere within half a minute.

    `share` is of a hundred callers: 0 closes, 100 opens, anything between lets in that share, always the same ones.
    Customers in `circle` are let in whatever the share. What has begun goes on: payments, expiry, refunds, letters
    that were sent.
    """
    turned = next((each for each in SWITCHES if each.name == switch), None)
    if turned is None:
        raise SwitchNotFound()
    circle = tuple(dict.fromkeys(asked.circle))
    state = flags.turn(turned, asked.share, circle, reason=asked.reason, by=caller.actor, version=asked.version)
    return SwitchView.of(turned, state)


@services.get("/", access=customer_or_guest, query=AskForServices, answers={200: ServiceList})
def list_services(query: AskForServices, caller: Caller) -> ServiceList:
    """What the shop does for this buyer at the moment; where it does not, what to tell them.

    Show only the ways to pay that are open. Name the cart of a guest: a shop may open to some before it opens to all.
    """
    return ServiceList(
        [
            ServiceView.of(switch, is_open=flags.is_on(switch, caller.account, query.cart_id))
            for switch in SWITCHES
            if switch.refusal is not None
        ]
    )
