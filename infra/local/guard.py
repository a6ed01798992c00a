"""Holds our code to its policies, as IAM would: what runs as a function may do no more than the function's role.

The gateway and the pumps say which function runs; while one does, every call that any client of this process makes is
judged before it is sent, and refused with AccessDenied. What is called by nobody's name, such as a test's own look into
a table, is not ours to judge. A presigned address is judged when it is signed, under the name of who signs it.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Final, cast

from infra import policies
from infra.local import apart
from infra.policies import judge
from infra.policies.asked import Ask, Place, asked
from infra.policies.judge import Right

CODES: Final = {"s3": ("AccessDenied", 403), "sqs": ("AccessDenied", 403), "sns": ("AuthorizationError", 403)}
"""How services say no, where it is not as most do."""
DENIED: Final = ("AccessDeniedException", 400)

Use = tuple[str, str, str]
"""A function, an action, and the resource as the function's policy names it."""

used: Final[set[Use]] = set()
"""What was asked for and allowed in this process."""

refused: Final[list[str]] = []
"""What was not: our code may well swallow a refusal, and go on without what it needs."""

_running: Final[ContextVar[str | None]] = ContextVar("running", default=None)


@contextmanager
def running(function: str | None) -> Iterator[None]:
    """What is called inside is called by ``function``."""
    before = _running.set(function)
    try:
        yield
    finally:
        _running.reset(before)


def nobody() -> AbstractContextManager[None]:
    """What is called inside, while a function runs, is not called by it: somebody else does it meanwhile."""
    return running(None)


class Guard:
    """The judge of one stage."""

    def __init__(self, *, stage: str, region: str, account: str) -> None:
        self._names = {"stage": stage, "region": region, "account": account}
        self._place = Place(region, account)
        self._free: dict[tuple[str, str, str], Use] = {}
        self._rights = cache(self._rights_of)

    def __call__(self, params: Any, model: Any, **_: Any) -> None:
        """Judge a call that is about to be built. Raises botocore's ClientError, AccessDenied."""
        function = _running.get()
        if function is None:
            return
        for ask in asked(self._place, model.service_model.service_name, model.name, params):
            if not self._allows(function, ask):
                raise _denied(function, ask, model)

    def _allows(self, function: str, ask: Ask) -> bool:
        """Verdicts are kept, but where they hang on more than what is done to what."""
        key = function, ask.action, ask.resource
        use = self._free.get(key) or self._granted(key, ask)
        if use:
            used.add(use)
        return use is not None

    def _granted(self, key: tuple[str, str, str], ask: Ask) -> Use | None:
        function = key[0]
        for right, name in self._rights(function):
            if right.allows(ask):
                use = function, right.action, name
                if not right.conditions:
                    self._free[key] = use
                return use
        return None

    def _rights_of(self, function: str) -> list[tuple[Right, str]]:
        """The rights with their resources as the table's policy names them, its names open."""
        filled = judge.rights(policies.policy(function, **self._names))
        named = judge.rights(policies.document(function))
        return [(right, open_.resource) for right, open_ in zip(filled, named, strict=True)]


@cache
def install(*, stage: str, region: str, account: str) -> None:
    """Judge the calls of all clients that are made from now on in this process, each function with its own memories."""
    from botocore import handlers

    guard = Guard(stage=stage, region=region, account=account)
    handlers.BUILTIN_HANDLERS.append(("before-parameter-build", guard))
    apart.keep_apart(_running.get)


def _denied(function: str, ask: Ask, model: Any) -> Exception:
    from botocore.exceptions import ClientError

    about = "".join(f", {name} {' '.join(values)}" for name, values in ask.facts)
    message = f"{function} may not {ask.action} on {ask.resource}{about}: see infra/policies/functions.py"
    refused.append(message)
    code, status = CODES.get(model.service_model.service_name, DENIED)
    error = {"Code": code, "Message": message}
    return cast("Exception", ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, model.name))
