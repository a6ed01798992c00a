"""The alarm on what is spent: a budget of the account, which writes to who hears of alarms.

It is no resource of the template: CloudFormation knows no budgets in Jakarta and other regions that have to be opted
into, and what AWS keeps of a bill it keeps in one place for all regions. A budget that only tells costs nothing.
"""

from typing import Any, Final

from infra.deploying.cloud import missing
from infra.deploying.deployment import Deployment

TOLD_AT: Final = (("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100))
"""Percent of the budget that are spent, or will be by the end of the month if it goes on like this."""

Standing = tuple[float, frozenset[tuple[str, float, str]]]
"""The limit in USD, and who is told at what."""


def plan(deployment: Deployment) -> list[str]:
    """What differs from what the stage asks for."""
    wanted, standing = _wanted(deployment), _standing(deployment)
    if wanted == standing:
        return []
    if wanted is None:
        return ["stop telling what the account spends"]
    watch = deployment.stage.watch
    return [f"tell {watch.email} when the account spends more than {watch.monthly_budget_usd} USD a month"]


def apply(deployment: Deployment) -> None:
    """Make the budget anew where it differs: it holds nothing but the rule."""
    wanted, standing = _wanted(deployment), _standing(deployment)
    if wanted == standing:
        return
    budgets, account = deployment.client("budgets"), deployment.account
    if standing is not None:
        budgets.delete_budget(AccountId=account, BudgetName=_name(deployment))
    if wanted is not None:
        limit, told = wanted
        budgets.create_budget(
            AccountId=account,
            Budget={
                "BudgetName": _name(deployment),
                "BudgetType": "COST",
                "TimeUnit": "MONTHLY",
                "BudgetLimit": {"Amount": f"{limit:.0f}", "Unit": "USD"},
            },
            NotificationsWithSubscribers=[
                {
                    "Notification": _notification(kind, percent),
                    "Subscribers": [{"SubscriptionType": "EMAIL", "Address": address}],
                }
                for kind, percent, address in sorted(told)
            ],
        )


def _name(deployment: Deployment) -> str:
    return f"laris-{deployment.name}-spend"


def _wanted(deployment: Deployment) -> Standing | None:
    watch = deployment.stage.watch
    if not watch.monthly_budget_usd or not watch.email:
        return None
    told = frozenset((kind, float(percent), watch.email) for kind, percent in TOLD_AT)
    return float(watch.monthly_budget_usd), told


def _standing(deployment: Deployment) -> Standing | None:
    budgets, about = deployment.client("budgets"), {"AccountId": deployment.account, "BudgetName": _name(deployment)}
    found = missing(lambda: budgets.describe_budget(**about), "NotFoundException")
    if found is None:
        return None
    listed = budgets.describe_notifications_for_budget(**about)["Notifications"]
    told = frozenset(
        (each["NotificationType"], float(each["Threshold"]), address)
        for each in listed
        for address in _addresses(budgets, about, each)
    )
    return float(found["Budget"]["BudgetLimit"]["Amount"]), told


def _addresses(budgets: Any, about: dict[str, str], notification: dict[str, Any]) -> list[str]:
    asked = _notification(notification["NotificationType"], notification["Threshold"])
    listed = budgets.describe_subscribers_for_notification(**about, Notification=asked)["Subscribers"]
    return [subscriber["Address"] for subscriber in listed]


def _notification(kind: str, percent: float) -> dict[str, Any]:
    return {
        "NotificationType": kind,
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": percent,
        "ThresholdType": "PERCENTAGE",
    }
