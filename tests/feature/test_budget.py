"""The alarm on what is spent: made, changed and taken back as the stage's file says, and left alone otherwise."""

from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from infra.deploying import budget


class Budgets:
    """AWS Budgets, as far as it is asked: moto knows no subscribers."""

    def __init__(self):
        self.kept = {}
        self.writes = 0

    def create_budget(self, AccountId, Budget, NotificationsWithSubscribers):  # noqa: N803
        assert Budget["BudgetName"] not in self.kept
        self.kept[Budget["BudgetName"]] = (Budget, NotificationsWithSubscribers)
        self.writes += 1

    def delete_budget(self, AccountId, BudgetName):  # noqa: N803
        del self.kept[BudgetName]
        self.writes += 1

    def describe_budget(self, AccountId, BudgetName):  # noqa: N803
        if BudgetName not in self.kept:
            raise ClientError({"Error": {"Code": "NotFoundException"}}, "DescribeBudget")
        limit = self.kept[BudgetName][0]["BudgetLimit"]
        return {"Budget": {"BudgetLimit": {**limit, "Amount": f"{limit['Amount']}.0"}}}

    def describe_notifications_for_budget(self, AccountId, BudgetName):  # noqa: N803
        return {"Notifications": [each["Notification"] for each in self.kept[BudgetName][1]]}

    def describe_subscribers_for_notification(self, AccountId, BudgetName, Notification):  # noqa: N803
        (found,) = [each for each in self.kept[BudgetName][1] if each["Notification"] == Notification]
        return {"Subscribers": found["Subscribers"]}


@pytest.fixture
def aws():
    return Budgets()


def stage(aws, *, usd=50, email="jaga@toko.example"):
    from infra.deploying.stages import Watch

    watch = Watch(monthly_budget_usd=usd, email=email)
    return SimpleNamespace(
        name="test", account="123456789012", stage=SimpleNamespace(watch=watch), client={"budgets": aws}.__getitem__
    )


def test_who_hears_of_alarms_is_told_before_the_budget_is_spent(aws):
    assert budget.plan(stage(aws)) == ["tell jaga@toko.example when the account spends more than 50 USD a month"]

    budget.apply(stage(aws))

    about, notifications = aws.kept["laris-test-spend"]
    assert about["BudgetLimit"] == {"Amount": "50", "Unit": "USD"}
    assert {
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"]) for each in notifications
    } == {
        ("ACTUAL", 80),
        ("ACTUAL", 100),
        ("FORECASTED", 100),
    }
    assert all(
        each["Subscribers"] == [{"SubscriptionType": "EMAIL", "Address": "jaga@toko.example"}] for each in notifications
    )


def test_a_budget_that_is_as_it_should_be_is_left_alone(aws):
    budget.apply(stage(aws))

    assert budget.plan(stage(aws)) == []
    budget.apply(stage(aws))
    assert aws.writes == 1


@pytest.mark.parametrize("changed", [{"usd": 80}, {"email": "lain@toko.example"}])
def test_another_limit_or_another_address_makes_it_anew(aws, changed):
    budget.apply(stage(aws))

    assert len(budget.plan(stage(aws, **changed))) == 1
    budget.apply(stage(aws, **changed))

    assert budget.plan(stage(aws, **changed)) == []
    assert len(aws.kept) == 1


@pytest.mark.parametrize("without", [{"usd": 0}, {"email": ""}])
def test_without_a_limit_or_an_address_there_is_none(aws, without):
    assert budget.plan(stage(aws, **without)) == []
    budget.apply(stage(aws))

    assert budget.plan(stage(aws, **without)) == ["stop telling what the account spends"]
    budget.apply(stage(aws, **without))

    assert aws.kept == {}
