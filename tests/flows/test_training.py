"""Every exercise of the training is done as the trainees do it, against the demo shop of `make run`.

The exercises are read out of ``infra/golive/training.id.md``: what people are told to send, and to see, is what is sent
and expected here.
"""

import json
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import urllib3

from infra.local.demo import staff
from infra.local.demo.staff import Credentials
from infra.local.demo.telling import Line
from tests.kit.running import Running, running

PAGE = Path(__file__).parents[2] / "infra" / "golive" / "training.id.md"
BLOCK = re.compile(r"^```latihan (\w+) (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ROLES = {"warehouse": "gudang", "support": "layanan", "finance": "keuangan"}
ANYBODY = "pembeli"
BANK = "simulator"
PATIENCE = 30.0


@dataclass(frozen=True)
class Exercise:
    """One request, what must be seen, and what is noted down for later."""

    name: str
    role: str
    method: str
    path: str
    key: str
    body: str
    status: int
    waits: bool
    expected: str
    notes: dict[str, str]


def read(name: str, role: str, block: str) -> Exercise:
    asked, _, seen = block.partition("=> ")
    first, _, body = asked.partition("\n")
    method, _, path = first.partition(" ")
    key = name
    if body.startswith("kunci "):
        line, _, body = body.partition("\n")
        key = line.removeprefix("kunci ")
    status, _, rest = seen.partition("\n")
    notes = dict(re.findall(r"^simpan (\w+) = (\S+)$", rest, re.MULTILINE))
    expected = re.sub(r"^simpan .*$", "", rest, flags=re.MULTILINE)
    return Exercise(
        name, role, method, path, key, body.strip(), int(status[:3]), "sampai cocok" in status, expected.strip(), notes
    )


EXERCISES = [read(*match) for match in BLOCK.findall(PAGE.read_text(encoding="utf-8"))]


@dataclass
class Class:
    """Everybody who is trained, at the running shop; what they have noted down."""

    shop: Running
    notes: dict[str, str] = field(default_factory=lambda: {"hari": datetime.now(UTC).date().isoformat()})
    tokens: dict[str, str] = field(default_factory=dict)
    turn: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    def __post_init__(self) -> None:
        values = self.shop.values
        self.api, self.bank, self.outbox = (
            Line(values[name]) for name in ("BASE_URL", "MIDTRANS_SIM_URL", "OUTBOX_URL")
        )
        owner = Credentials(values["OWNER_EMAIL"], values["OWNER_PASSWORD"], values["OWNER_TOTP_SECRET"])
        self.tokens["pemilik"] = staff.log_in(self.api, owner)

    def does(self, exercise: Exercise) -> None:
        """Send it, until what must be seen is seen, and note down what is to be."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self._send(exercise)
            told = json.loads(answer.data) if answer.data.startswith((b"{", b"[")) else None
            wanted = json.loads(self._filled(exercise.expected)) if exercise.expected else None
            is_seen = answer.status == exercise.status and (wanted is None or holds(told, wanted))
            if is_seen or not exercise.waits or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        assert is_seen, f"{exercise.name}: {answer.status} {answer.data.decode()[:2000]}"
        for note, where in exercise.notes.items():
            self.notes[note] = str(found_at(told, where))
        if exercise.path == "/admin/staff" and exercise.method == "POST":
            self._joins(json.loads(exercise.body))

    def _send(self, exercise: Exercise) -> urllib3.BaseHTTPResponse:
        url = self.shop.values["MIDTRANS_SIM_URL" if exercise.role == BANK else "BASE_URL"]
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"{self.turn}-{exercise.key}"}
        if exercise.role not in {ANYBODY, BANK}:
            headers["Authorization"] = f"Bearer {self.tokens[exercise.role]}"
        body = self._filled(exercise.body).encode()
        return urllib3.request(exercise.method, url + self._filled(exercise.path), body=body, headers=headers)

    def _filled(self, text: str) -> str:
        return re.sub(r"\{\{(\w+)\}\}", lambda match: self.notes[match[1]], text)

    def _joins(self, invited: dict[str, str]) -> None:
        """The trainee opens the letter, chooses a password, sets up the app, and logs in."""
        deadline = time.monotonic() + PATIENCE
        links: list[str] = []
        while not links and time.monotonic() < deadline:
            mails = self.outbox.ask("GET", f"/messages?to={invited['email']}").body["messages"]
            links = [link for mail in mails for link in mail["links"] if "/invitation#" in link]
            time.sleep(0.1)
        credentials, _ = staff.join(self.api, links[0])
        own = Credentials(invited["email"], credentials.password, credentials.totp_secret)
        self.tokens[ROLES[invited["role"]]] = staff.log_in(self.api, own)


def holds(told: Any, wanted: Any) -> bool:
    """Whether all that is wanted is told; of a list each wanted part, wherever it stands."""
    if isinstance(wanted, dict):
        return isinstance(told, dict) and all(name in told and holds(told[name], wanted[name]) for name in wanted)
    if isinstance(wanted, list) and wanted:
        return isinstance(told, list) and all(any(holds(each, part) for each in told) for part in wanted)
    return bool(told == wanted)


def found_at(told: Any, where: str) -> Any:
    for step in where.split("."):
        told = told[step]
    return told


@pytest.fixture(scope="module")
def trainees() -> Iterator[Class]:
    with running() as shop:
        yield Class(shop)


def test_there_are_exercises_for_everybody_and_each_has_a_name_of_its_own():
    names = [exercise.name for exercise in EXERCISES]

    assert len(names) == len(set(names)) == PAGE.read_text(encoding="utf-8").count("```latihan")
    assert {exercise.role for exercise in EXERCISES} == {"pemilik", ANYBODY, BANK, *ROLES.values()}


@pytest.mark.parametrize(
    ("told", "wanted", "is_seen"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"items": [1, 2]}, {"items": [2]}, True),
        ({"items": [1]}, {"items": []}, False),
        ({"items": []}, {"items": []}, True),
    ],
)
def test_an_answer_is_seen_where_all_that_is_wanted_is_told(told, wanted, is_seen):
    assert holds(told, wanted) is is_seen


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_an_exercise_goes_as_the_training_says(trainees, exercise):
    trainees.does(exercise)
