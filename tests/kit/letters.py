"""Letters for tests: those that moto's SES took, and a carrier in memory that can fail as partners do."""

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tests.kit import cloud


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail that SES took."""

    to: str
    subject: str
    html: str

    @property
    def links(self) -> list[str]:
        """Where its buttons lead."""
        return re.findall(r'href="([^"]+)"', self.html)


def sent(to: str | None = None) -> list[Mail]:
    """The e-mails sent so far, oldest first; those to one address where given."""
    from moto.ses.models import ses_backends

    taken = ses_backends[cloud.ACCOUNT][cloud.REGION].sent_messages
    mails = [Mail(each.destinations["ToAddresses"][0], each.subject, each.body) for each in taken]
    return [mail for mail in mails if to in (None, mail.to)]


@dataclass
class Carrier:
    """A channel. ``name`` begins the ids it gives; ``failures`` are raised in turn, after the letter was taken where
    ``loses`` says so."""

    name: str = "msg"
    is_ready: bool = True
    loses: bool = False
    failures: deque[Exception] = field(default_factory=deque)
    taken: list[Any] = field(default_factory=list)

    def fails(self, *failures: Exception, loses: bool = False) -> None:
        """The next letters fail like this."""
        self.failures, self.loses = deque(failures), loses

    def send(self, letter: Any) -> str:
        """Take a letter."""
        failure = self.failures.popleft() if self.failures else None
        if failure is None or self.loses:
            self.taken.append(letter)
        if failure is not None:
            raise failure
        return f"{self.name}-{len(self.taken)}"
