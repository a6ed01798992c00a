"""IAM's judgement of one ask by one policy, as far as our policies go; anything else in a policy is an error.

Nothing is allowed that no statement allows (https://docs.aws.amazon.com/IAM/latest/UserGuide/
reference_policies_evaluation-logic.html). Every condition of a statement must hold; one on a key that the ask does not
carry does not, where AWS would let "for all values" pass.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from infra.policies.asked import Ask

KNOWN: Final = frozenset({"Sid", "Effect", "Action", "Resource", "Condition"})
ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Right:
    """One action on one resource (a pattern), where the conditions hold."""

    action: str
    resource: str
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def allows(self, ask: Ask) -> bool:
        """Whether ``ask`` is within it."""
        if self.action != ask.action or not _is_like(self.resource, ask.resource):
            return False
        facts = dict(ask.facts)
        return all(
            key in facts and OPERATORS[operator](values, facts[key]) for operator, key, values in self.conditions
        )


def rights(policy: Mapping[str, Any]) -> list[Right]:
    """What a policy grants, one by one. Raises ValueError for what is not judged here."""
    return [right for statement in policy["Statement"] for right in _rights(statement)]


def _rights(statement: Mapping[str, Any]) -> Iterator[Right]:
    if statement["Effect"] != "Allow" or not statement.keys() <= KNOWN:
        raise ValueError(f"not judged here: {statement}")
    conditions = tuple(_conditions(statement.get("Condition", {})))
    for action in statement["Action"]:
        if not ACTION.fullmatch(action):
            raise ValueError(f"an action is written out: {action}")
        for resource in statement["Resource"]:
            yield Right(action, resource, conditions)


def _conditions(about: Mapping[str, Mapping[str, list[str]]]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    for operator, keys in about.items():
        if operator not in OPERATORS:
            raise ValueError(f"not judged here: {operator}")
        for key, values in keys.items():
            yield operator, key, tuple(values)


def _equals(values: tuple[str, ...], fact: tuple[str, ...]) -> bool:
    return len(fact) == 1 and fact[0] in values


def _like(values: tuple[str, ...], fact: tuple[str, ...]) -> bool:
    return len(fact) == 1 and _all_like(values, fact)


def _any_equals(values: tuple[str, ...], fact: tuple[str, ...]) -> bool:
    return any(each in values for each in fact)


def _all_like(values: tuple[str, ...], fact: tuple[str, ...]) -> bool:
    return all(any(_is_like(value, each) for value in values) for each in fact)


OPERATORS: Final[dict[str, Callable[[tuple[str, ...], tuple[str, ...]], bool]]] = {
    "StringEquals": _equals,
    "StringLike": _like,
    "ForAnyValue:StringEquals": _any_equals,
    "ForAllValues:StringLike": _all_like,
}


def _is_like(pattern: str, text: str) -> bool:
    return pattern == text or (_has_wildcard(pattern) and _expression(pattern).fullmatch(text) is not None)


def _has_wildcard(pattern: str) -> bool:
    return "*" in pattern or "?" in pattern


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    """``*`` is any text, across slashes and colons too, ``?`` any one character, and nothing else is special."""
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(each) or re.escape(each) for each in pattern), re.DOTALL)
