"""Whether the account lets us set aside how much of a function runs at once; a new one runs ten functions in all."""

from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from infra.deploying.build import AT_ONCE
from infra.deploying.cloud import code_of, missing
from infra.deploying.deployment import Deployment
from infra.deploying.functions import functions

UNRESERVED: Final = 100
"""Of an account's concurrency AWS keeps this much for functions that reserve none."""


def may_be_reserved(deployment: Deployment) -> bool:
    """True if the account's limit leaves room for all that is to be reserved; where it does not, that is noted."""
    try:
        limits: dict[str, Any] = deployment.client("lambda").get_account_settings()["AccountLimit"]
    except ClientError as error:
        deployment.note(f"The account's concurrency limit could not be read ({code_of(error)}): nothing is reserved.")
        return False
    wanted = sum(AT_ONCE.get(function.kind, 0) for function in functions())
    if wanted <= int(limits["UnreservedConcurrentExecutions"]) + _ours(deployment) - UNRESERVED:
        return True
    deployment.note(
        f"The account runs {limits['ConcurrentExecutions']} functions at once, too few to set {wanted} of them aside: "
        "nothing is reserved. Ask AWS for more (Service Quotas: Lambda, Concurrent executions) and deploy again."
    )
    return False


def _ours(deployment: Deployment) -> int:
    """What is set aside for our functions already."""
    lambda_, total = deployment.client("lambda"), 0
    for function in functions():
        if function.kind in AT_ONCE:
            read = partial(lambda_.get_function_concurrency, FunctionName=function.deployed_name(deployment.name))
            found = missing(read, "ResourceNotFoundException")
            total += int((found or {}).get("ReservedConcurrentExecutions") or 0)
    return total
