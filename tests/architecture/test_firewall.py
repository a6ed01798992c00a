"""The firewall before the API: guesses are slowed where one logs in, and what partners report always gets through."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.kit.cloud import STAGE

ROOT = Path(__file__).parent.parent.parent
BASE = "/api"
"""The stage of the API, as the firewall sees paths."""
GUESSED = re.compile(r"login|password-resets|invitations/|step-up|/store/customers")


@cache
def rules() -> dict[str, Any]:
    from infra.local import cloud

    (acl,) = cloud.resources("AWS::WAFv2::WebACL", STAGE)
    return {rule["Name"]: rule for rule in acl.properties["Rules"]}


@cache
def doors() -> list[str]:
    """The paths that something can be posted to."""
    described = json.loads((ROOT / "chalicelib" / "console" / "openapi.json").read_text())["paths"]
    return [path for path, methods in described.items() if "post" in methods]


def rate(name: str) -> dict[str, Any]:
    about: dict[str, Any] = rules()[name]["Statement"]["RateBasedStatement"]
    return about


def slowed(path: str) -> bool:
    """Whether a post to ``path`` counts as a guess."""
    return bool(re.search(rate("guesses")["ScopeDownStatement"]["RegexMatchStatement"]["RegexString"], BASE + path))


def counted(path: str) -> bool:
    """Whether a post to ``path`` counts towards a flood."""
    spared = rate("floods")["ScopeDownStatement"]["NotStatement"]["Statement"]["RegexMatchStatement"]["RegexString"]
    return not re.search(spared, BASE + path)


@pytest.mark.parametrize("path", [path for path in doors() if GUESSED.search(path) and "{" not in path])
def test_where_secrets_are_guessed_few_tries_are_served(path):
    assert slowed(path)


@pytest.mark.parametrize("path", [path for path in doors() if not GUESSED.search(path)])
def test_where_none_are_guessed_many_requests_are_served(path):
    assert not slowed(path)


@pytest.mark.parametrize("path", doors())
def test_a_flood_is_sent_away_but_never_what_partners_report(path):
    assert counted(path) is not path.startswith("/webhooks/")


def test_a_path_that_only_contains_webhooks_is_not_spared():
    assert counted("/store/webhooks/x")
    assert counted("/store/products?next=/webhooks/")


def test_guessing_is_allowed_a_twentieth_of_what_a_crowd_is():
    assert rate("guesses")["Limit"] * 20 == rate("floods")["Limit"]
    assert rate("guesses")["EvaluationWindowSec"] == rate("floods")["EvaluationWindowSec"] == 300


@pytest.mark.parametrize("rule", ["guesses", "floods"])
def test_who_is_sent_away_is_told_when_to_come_back(rule):
    from infra.local import cloud

    (acl,) = cloud.resources("AWS::WAFv2::WebACL", STAGE)
    answer = rules()[rule]["Action"]["Block"]["CustomResponse"]
    body = json.loads(acl.properties["CustomResponseBodies"][answer["CustomResponseBodyKey"]]["Content"])

    assert (answer["ResponseCode"], body["status"], body["code"]) == (429, 429, "too_many_requests")
    assert answer["ResponseHeaders"] == [{"Name": "Retry-After", "Value": "300"}]


def test_what_is_long_or_holds_html_is_counted_but_served():
    common = rules()["common"]["Statement"]["ManagedRuleGroupStatement"]

    assert {each["Name"]: each["ActionToUse"] for each in common["RuleActionOverrides"]} == {
        "SizeRestrictions_BODY": {"Count": {}},
        "CrossSiteScripting_BODY": {"Count": {}},
        "NoUserAgent_HEADER": {"Count": {}},
    }


def test_the_rules_are_asked_in_this_order():
    """What is known to be bad goes first, so that it costs no more looks."""
    order = sorted(rules(), key=lambda name: rules()[name]["Priority"])

    assert order == ["known-bad-addresses", "guesses", "floods", "known-bad-inputs", "common"]
