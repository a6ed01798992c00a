"""The whole system of ring 3: the emulated AWS with the app in it, the partners around it, and a shop that is open."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from infra.deploying.functions import APP
from infra.local.demo import staff
from infra.local.demo.staff import Credentials
from infra.local.demo.telling import Line
from infra.local.env import ROOT
from infra.local.outbox import Outbox
from infra.local.simulators.midtrans import MidtransSimulator
from infra.local.simulators.whatsapp import WhatsAppSimulator
from tests.deployed.ring3 import emulator as emulators
from tests.deployed.ring3 import shelf, stack
from tests.deployed.ring3.emulator import Emulator
from tests.deployed.ring3.post import PostOffice
from tests.flows.race import until
from tests.kit.cloud import ACCOUNT, REGION, SECRETS, STAGE

API: Final = f"{APP}-{STAGE}"
QUIET: Final = 2.0
"""Seconds without a message anywhere, after which nothing is under way: the stream is read many times in that."""
PATIENCE: Final = 180.0
"""Seconds for what happens by itself, on a machine that has a lot else to do."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stage that runs, and what stands around it. ``values`` are those that `make run` would write to .local/env."""

    emulator: Emulator
    api: Line
    midtrans: MidtransSimulator
    outbox: Outbox
    owner: Credentials
    values: dict[str, str]
    skus: list[str]

    @property
    def url(self) -> str:
        """Where the API is."""
        return self.values["BASE_URL"]

    def staff(self, method: str, path: str, body: Any = None, *, key: str = "", expect: int = 200) -> dict[str, Any]:
        """What an integration with every scope asks, and is answered."""
        answer = self.api.ask(method, path, body, token=self.values["ADMIN_KEY"], key=key)
        assert answer.status == expect, f"{answer.request}: {answer.status} {answer.raw[:500]!r}"
        return dict(answer.body)

    def order(self, order_id: str) -> dict[str, Any]:
        """An order as staff see it."""
        return self.staff("GET", f"/admin/orders/{order_id}")

    def timeline(self, order_id: str) -> list[str]:
        """What happened to it, in order."""
        return [entry["type"] for entry in self.order(order_id)["timeline"]]

    def stock(self, sku: str) -> tuple[int, int, int]:
        """What is available, reserved and allocated of it."""
        level = self.staff("GET", f"/admin/stock/{sku}")
        return level["available"], level["reserved"], level["allocated"]

    def queues(self) -> dict[str, int]:
        """How many messages wait or are being worked on, by the names of queues that have any."""
        sqs = self.emulator.client("sqs")
        found = {url: _depth(sqs, url) for url in sqs.list_queues(QueueNamePrefix=f"{API}-")["QueueUrls"]}
        return {url.rpartition(f"/{API}-")[2]: depth for url, depth in found.items() if depth}

    def queue_url(self, name: str) -> str:
        """The address of a queue."""
        return str(self.emulator.client("sqs").get_queue_url(QueueName=f"{API}-{name}")["QueueUrl"])

    def settles(self, seconds: float = PATIENCE) -> None:
        """Wait until the bank has said all, and no message waits or is worked on but in dead-letter queues.

        Fails if that takes too long.
        """
        assert self.midtrans.drain(seconds), "the bank still has something to say"
        since, deadline = time.monotonic(), time.monotonic() + seconds
        while time.monotonic() - since < QUIET:
            busy = {name: depth for name, depth in self.queues().items() if not name.endswith("-dlq")}
            assert time.monotonic() < deadline, f"after {seconds:.0f} s there is still work: {busy}"
            since = time.monotonic() if busy else since
            time.sleep(0.25)

    def switch(self, function: str, **variables: str) -> None:
        """Set variables of a function's environment, while nothing is under way; its copies are replaced by new ones.

        Here these end at once, whatever they do, and whoever ends takes along those that just start.
        """
        functions = self.emulator.client("lambda")
        known = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        functions.update_function_configuration(FunctionName=function, Environment={"Variables": known | variables})

    def rows(self, department: str) -> list[dict[str, Any]]:
        """All that stands in a table, as plain values: for checks alone, nothing is driven by it."""
        pages = self.emulator.client("dynamodb").get_paginator("scan").paginate(TableName=f"{API}-{department}")
        return [{name: _plain(value) for name, value in row.items()} for page in pages for row in page["Items"]]

    def joins(self, email: str, name: str, role: str) -> str:
        """A new member of staff is invited by the owner, follows the letter's link and logs in; the session's token."""
        self._ask("/admin/staff", {"email": email, "name": name, "role": role}, token=self.log_in(), expect=201)
        assert eventually(lambda: bool(self.links(email))), f"no letter came to {email}"
        credentials, codes = staff.join(self.api, self.links(email)[0])
        ticket = staff.begin(self.api, replace(credentials, email=email))
        return str(staff.finish(self.api, ticket, {"kind": "recovery", "code": codes[0]}).body["token"])

    def links(self, email: str) -> list[str]:
        """The links of all letters to an address, the newest letter first."""
        return [link for mail in self.outbox.messages(email) for link in mail["links"]]

    def log_in(self) -> str:
        """A fresh session of the owner's."""
        return staff.log_in(self.api, self.owner)

    def _ask(self, path: str, body: Any, *, token: str, expect: int) -> None:
        answer = self.api.ask("POST", path, body, token=token)
        assert answer.status == expect, f"{answer.request}: {answer.status} {answer.raw[:500]!r}"


def eventually(is_so: Callable[[], bool]) -> bool:
    """Whether it came to that within ``PATIENCE``."""
    return until(is_so, PATIENCE)


@contextmanager
def running(venv: Path, folder: Path, say: Callable[[str], None]) -> Iterator[Deployed]:
    """Everything, from an empty emulator to a shop with goods on the shelf."""
    with ExitStack() as ends:
        news: list[Any] = []
        post = PostOffice(lambda event: [publish(event) for publish in news])
        whatsapp = WhatsAppSimulator(SECRETS["whatsapp-token"], SECRETS["whatsapp-app-secret"], delay=1.0)
        outbox = Outbox(post.mailbox, whatsapp)
        midtrans = MidtransSimulator(SECRETS["midtrans-server-key"])
        for partner in (post, outbox, midtrans):
            partner.start()
            ends.callback(partner.stop)
        emulator = ends.enter_context(emulators.started(venv, folder, {"AWS_ENDPOINT_URL_SESV2": post.url}))
        say(f"ministack is up at {emulator.url}; packaging the app")
        settings = _settings(midtrans.url, outbox.whatsapp_url)
        outputs = stack.deploy(emulator, folder, settings)
        news.append(_feedback(emulator))
        _put_secrets(emulator)
        url = f"{emulator.url}/restapis/{outputs['RestAPIId']}/api/_user_request_"
        midtrans.notify_url = f"{url}/webhooks/payments/midtrans"
        whatsapp.webhook_url = f"{url}/webhooks/notices/whatsapp"
        say("the stack is made, the owner joins and fills the shelf")
        yield _opened(emulator, url, midtrans, outbox)


def _opened(emulator: Emulator, url: str, midtrans: MidtransSimulator, outbox: Outbox) -> Deployed:
    """The shop with its owner and goods."""
    from chalicelib.identity import service as identity

    api = Line(url)
    owner, codes = staff.join(api, _invitation(emulator))
    admin_key = staff.make_key(api, owner, codes[0], sorted(identity.SCOPES.keys() - identity.NOT_FOR_KEYS))
    values = {
        "BASE_URL": url,
        "OWNER_EMAIL": owner.email,
        "OWNER_PASSWORD": owner.password,
        "OWNER_TOTP_SECRET": owner.totp_secret,
        "ADMIN_KEY": admin_key,
        "MIDTRANS_SIM_URL": midtrans.url,
        "OUTBOX_URL": outbox.url,
        "AWS_ENDPOINT_URL": emulator.url,
    }
    return Deployed(emulator, api, midtrans, outbox, owner, values, shelf.load(api, admin_key))


def _settings(midtrans_url: str, whatsapp_url: str) -> dict[str, str]:
    """What an operator sets for a stage."""
    return {
        "LARIS_MAIL_FROM": "Toko Laris <halo@toko.example>",
        "LARIS_WHATSAPP_API_URL": whatsapp_url,
        "LARIS_WHATSAPP_NUMBER": "106540352242922",
        "LARIS_MIDTRANS_API_URL": midtrans_url,
        "LARIS_MIDTRANS_SNAP_URL": f"{midtrans_url}/snap/v1",
        "LARIS_REQUESTS_PER_SECOND": "0",  # one machine plays all buyers
        "LARIS_METRICS": "0",
    }


def _put_secrets(emulator: Emulator) -> None:
    ssm = emulator.client("ssm")
    for name, value in {**SECRETS, "signing-key": secrets.token_hex(16), "index-key": secrets.token_hex(16)}.items():
        ssm.put_parameter(Name=f"/laris/{STAGE}/{name}", Value=value, Type="SecureString", Overwrite=True)


def _feedback(emulator: Emulator) -> Callable[[dict[str, Any]], object]:
    sns = emulator.client("sns")
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:{API}-mail-feedback"
    return lambda event: sns.publish(TopicArn=topic, Message=json.dumps(event))


def _invitation(emulator: Emulator) -> str:
    """The link that `make owner` prints."""
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": ACCOUNT,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": emulator.url,
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "LARIS_STAGE": STAGE,
        "LARIS_ACCOUNT": ACCOUNT,
    }
    command = [sys.executable, "-m", "infra.owner", staff.EMAIL, staff.NAME]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def _depth(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(answer[name]) for name in names)


def _plain(value: dict[str, Any]) -> Any:
    (kind, content), *_ = value.items()
    return int(content) if kind == "N" else content
