"""Grants as the statements of a policy: each resource named as seldom as can be, since a role's policies may be
10,240 characters long, and what is said says the same rights.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from infra.policies.words import Grant


def statements(grants: Iterable[Grant]) -> list[dict[str, Any]]:
    """As IAM has them: what hangs on conditions as it was said, the rest by what may be done."""
    given = list(grants)
    return [*_free(each for each in given if not each.conditions), *_bound(each for each in given if each.conditions)]


def _bound(grants: Iterable[Grant]) -> Iterator[dict[str, Any]]:
    for each in grants:
        yield {**_statement(each.word, each.actions, each.resources), "Condition": dict(each.conditions)}


def _free(grants: Iterable[Grant]) -> Iterator[dict[str, Any]]:
    actions_on: dict[str, set[str]] = defaultdict(set)
    for each in grants:
        for resource in each.resources:
            actions_on[resource].update(each.actions)
    resources_for: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for resource, allowed in actions_on.items():
        resources_for[tuple(sorted(allowed))].append(resource)
    numbers: Counter[str] = Counter()
    for actions in sorted(resources_for):
        service = actions[0].partition(":")[0].capitalize()
        numbers[service] += 1
        yield _statement(f"{service}{numbers[service]}", actions, sorted(resources_for[actions]))


def _statement(name: str, actions: Iterable[str], resources: Iterable[str]) -> dict[str, Any]:
    return {"Sid": name, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
