"""Roles as data: which scopes each has, and its limits. Custom roles stand in the table; these are always there."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from chalicelib.identity.errors import BeyondOwnLimit, BeyondOwnScopes

SCOPES: Final[dict[str, str]] = {
    "catalog:read": "See products and categories, drafts included.",
    "catalog:write": "Change products, variants and categories.",
    "stock:read": "See stock, movements and locations.",
    "stock:write": "Receive, adjust and count stock.",
    "orders:read": "See orders with who ordered and where they go.",
    "orders:write": "Hold, release and cancel orders.",
    "payments:read": "See payments, proofs and webhooks.",
    "payments:write": "Verify and reject transfers, replay webhooks.",
    "refunds:write": "Grant refunds, up to the role's limit.",
    "refunds:approve": "Approve refunds above another's limit.",
    "customers:read": "See customers.",
    "customers:write": "Change customers' particulars.",
    "privacy:read": "See erasures, exports, retention and breaches.",
    "privacy:write": "Export and erase customers, keep the breach register.",
    "notices:read": "See templates and what was sent.",
    "notices:write": "Send again, and lift a block on an address.",
    "staff:read": "See staff and roles.",
    "staff:write": "Invite staff, change their roles, make roles.",
    "keys:read": "See API keys.",
    "keys:write": "Make and revoke API keys.",
    "audit:read": "See and verify the audit trail.",
    "reports:read": "See reports.",
    "status:read": "See how the system is doing.",
    "switches:read": "See which parts of the shop are open.",
    "switches:write": "Open and close parts of the shop.",
}
NOT_FOR_KEYS: Final = frozenset({"staff:write", "keys:write", "privacy:write", "refunds:approve", "switches:write"})
"""What a person must do."""


@dataclass(frozen=True, slots=True)
class Role:
    """What those who have it may do. ``refund_limit`` in the shop's currency: more needs a second person."""

    name: str
    scopes: frozenset[str]
    refund_limit: int | None = 0
    """None for no limit."""


def _role(name: str, *scopes: str, refund_limit: int | None = 0) -> Role:
    return Role(name, frozenset(scopes), refund_limit)


OWNER: Final = "owner"

BUILT_IN: Final[dict[str, Role]] = {
    role.name: role
    for role in (
        _role(OWNER, *SCOPES, refund_limit=None),
        _role("manager", *(SCOPES.keys() - {"staff:write", "keys:write"}), refund_limit=5_000_000),
        _role("catalogue", "catalog:read", "catalog:write", "stock:read"),
        _role("warehouse", "catalog:read", "stock:read", "stock:write", "orders:read"),
        _role(
            "support",
            "catalog:read", "stock:read", "orders:read", "orders:write", "payments:read", "customers:read",
            "customers:write", "notices:read", "refunds:write", "switches:read",
            refund_limit=500_000,
        ),
        _role(
            "finance",
            "orders:read", "payments:read", "payments:write", "refunds:write", "refunds:approve", "reports:read",
            "customers:read",
            refund_limit=10_000_000,
        ),
        _role("analyst", "catalog:read", "stock:read", "reports:read"),
    )
}  # fmt: skip


def check_granted(scopes: Set[str], own: Set[str]) -> None:
    """Nobody gives what they do not have. Raises BeyondOwnScopes."""
    if lacking := scopes - own:
        raise BeyondOwnScopes(scopes=sorted(lacking))


def is_within(amount: int, limit: int | None) -> bool:
    """True if a refund ``limit`` (None for no limit) allows ``amount``."""
    return limit is None or amount <= limit


def check_limit_granted(limit: int | None, own: int | None) -> None:
    """Nobody lets others refund more than they may themselves. Raises BeyondOwnLimit."""
    if own is not None and (limit is None or limit > own):
        raise BeyondOwnLimit(limit=own)
