"""README → Deploy, by somebody who types what stands there: every command of it, in its order, against an emulated AWS.

What `make` would run is taken from `make` itself. It is run in this process, so that the API's address, which moto
cannot serve, may lead to the app in the build folder; and so the stage is called as this process's, not "prod".
"""

import re
import shlex
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from infra.deploying import command, stages
from infra.local.env import ROOT
from tests.deployed.motoserver import serving
from tests.deployed.test_chalice_deploy import Doorway
from tests.kit.cloud import STAGE

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse")

README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title):
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def block():
    """The commands to be typed, in order."""
    (commands,) = re.findall(r"```\n(.*?)```", section("Deploy"), re.DOTALL)
    return commands.strip().splitlines()


def mentioned():
    """The commands of `make` that the text names besides."""
    prose = re.sub(r"```.*?```", "", section("Deploy"), flags=re.DOTALL)
    return re.findall(r"`(make [a-z]+ [^`]+)`", prose)


def filled_in(settings):
    """As the newcomer fills it in: uncommitted code may be deployed; no budget, for moto forgets who is told of it."""
    for given, wanted in {"protected = true": "protected = false", "_budget_usd = 50": "_budget_usd = 0"}.items():
        assert given in settings
        settings = settings.replace(given, wanted)
    return settings


class Newcomer:
    """Somebody with a checkout, credentials and the README."""

    def __init__(self, folder: Path):
        self.stages = folder / "stages"
        self.stages.mkdir()
        self.project = folder / "project"
        self.door = Doorway(self.project)
        self.said: list[str] = []

    def types(self, line):
        """What the line does; what the command gives back."""
        words = shlex.split(line.replace("prod", STAGE))
        if words[0] == "cp":
            source, goal = ROOT / words[1], self.stages / Path(words[2]).name
            assert Path(words[2]).parent == Path("infra/stages")
            goal.write_text(filled_in(source.read_text()))
            return 0
        assert words[0] == "make", line
        return self._makes(words[1:])

    def _makes(self, words):
        python = Path(sys.executable)
        asked = ["make", "--dry-run", "--silent", f"BIN={python.parent}", *words]
        printed = subprocess.run(asked, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        _exec, program, _m, module, *arguments = shlex.split(printed.splitlines()[-1])
        assert (program, module) == (str(python.parent / "python"), "infra.deploy")
        return command.main(arguments, say=self.said.append, fetch=self.door.fetch, folder=self.project)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    with serving():
        made = Newcomer(tmp_path_factory.mktemp("newcomer"))
        with closing(made.door):
            yield made


def test_every_command_of_the_section_works_in_its_order(newcomer, monkeypatch, capfd):
    monkeypatch.setattr(command, "_confirm", lambda: True)
    monkeypatch.setattr(stages, "FOLDER", newcomer.stages)
    monkeypatch.setattr("builtins.input", lambda _asked: STAGE)
    kept, taken_down = {}, [line for line in mentioned() if "destroy" in line]

    for line in [*block(), *(line for line in mentioned() if line not in taken_down), *taken_down]:
        assert newcomer.types(line) == 0, (line, newcomer.said, capfd.readouterr())
        kept[line] = capfd.readouterr().out

    (link,) = [out for line, out in kept.items() if line.startswith("make owner")]
    assert "/invitation#" in link
    assert [line for line in kept if line.startswith("make destroy")] == taken_down != []


def test_the_section_names_no_target_that_is_not_there():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = {line.split()[1] for line in [*block(), *mentioned()] if line.startswith("make")}
    named |= set(re.findall(r"`make ([a-z]+)", section("Deploy")))

    assert named <= targets
    assert {"deploy", "owner", "destroy", "package", "cost"} <= named
