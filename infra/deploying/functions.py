"""The functions of the app as they stand on Lambda: the API, and a function for each worker."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

APP: Final = "laris"
API: Final = "api"
"""How our tables call the function that serves the API; Chalice calls it ``api_handler``."""


class Kind(StrEnum):
    """What starts a function."""

    API = "api"
    QUEUE = "queue"
    STREAM = "stream"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True)
class Function:
    """One function, named as in our tables."""

    name: str
    kind: Kind
    handler: str

    @property
    def config_name(self) -> str:
        """Its name in ``.chalice/config.json`` and in Chalice's own records."""
        return "api_handler" if self.kind is Kind.API else self.name

    def deployed_name(self, stage: str) -> str:
        """Its name on Lambda."""
        return f"{APP}-{stage}" if self.kind is Kind.API else f"{APP}-{stage}-{self.name}"

    def role_name(self, stage: str) -> str:
        """The name of its role, as Chalice makes it."""
        return f"{APP}-{stage}-{self.config_name}"


@cache
def functions() -> tuple[Function, ...]:
    """Every function that is packaged, the API first."""
    from chalice.app import DynamoDBEventConfig, ScheduledEventConfig, SQSEventConfig

    from app import app

    kinds = {SQSEventConfig: Kind.QUEUE, DynamoDBEventConfig: Kind.STREAM, ScheduledEventConfig: Kind.SCHEDULE}
    workers = [Function(source.name, kinds[type(source)], source.handler_string) for source in app.event_sources]
    return Function(API, Kind.API, "app.app"), *sorted(workers, key=lambda worker: worker.name)
