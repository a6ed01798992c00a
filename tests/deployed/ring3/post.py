"""SES's door for letters, played here: ministack's takes them but forgets their tags and reports nothing.

Functions come here by ``AWS_ENDPOINT_URL_SESV2``. Each letter is kept whole, and what becomes of it is published to
the topic that the stack made for such news.
"""

import json
import threading
import uuid
from collections.abc import Callable
from typing import Any

from infra.local.mailbox import Mailbox
from infra.local.simulators.server import Answer, Request, Server


class PostOffice:
    """Takes letters on a free port; ``report`` publishes SES's word on each."""

    def __init__(self, report: Callable[[dict[str, Any]], object]) -> None:
        self.mailbox = Mailbox(report)
        self._server = Server(0, self._respond)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Open."""
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close."""
        self._server.close()

    def _respond(self, request: Request) -> Answer:
        if (request.method, *request.parts) != ("POST", "v2", "email", "outbound-emails"):
            return Answer.json(404, {"message": f"only letters are taken here, not {request.method} {request.path}"})
        id_ = f"{uuid.uuid4()}@email.amazonses.com"
        self.mailbox.keep(id_, json.loads(request.raw))
        return Answer.json(200, {"MessageId": id_})
