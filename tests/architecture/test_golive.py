"""The go-live guide is true: what it names is there, every step has its test, every switch its line."""

import ast
import json
import re
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, dotted, sources

GUIDE = ROOT / "infra" / "golive"
PAGES = {
    "README.md", "roll-out.md", "checklist.md", "rollback.md", "migration.md", "training.id.md", "uat.md",
    "maintenance.md", "evaluation.md",
}  # fmt: skip
STEP = re.compile(r"^### (U\d\d) · (.+) · (.+)\n(.+)\n(.+)$", re.MULTILINE)
TICK = re.compile(r"^- \[ \] \*\*([A-Z]\d\d)\*\* (.+)$", re.MULTILINE)
LOCAL_LINK = re.compile(r"\]\(([^)#:]+?)(?:#[^)]*)?\)")
DOOR = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/[^\s`?]*)[^`]*`")


def text(page: str) -> str:
    return (GUIDE / page).read_text(encoding="utf-8")


def every_page() -> list[Path]:
    return sorted(GUIDE.glob("*.md"))


def blocks(page: str) -> list[str]:
    """What a page says to type, line by line, continued lines joined."""
    fenced = re.findall(r"^```(?:sh)?\n(.*?)^```", text(page), re.MULTILINE | re.DOTALL)
    return [line for each in fenced for line in each.replace("\\\n", " ").splitlines() if line.strip()]


def inline(page: str) -> list[str]:
    return re.findall(r"`((?:make|\.venv/bin/python|git|aws) [^`]+)`", text(page))


def named_tests(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_the_guide_has_its_pages_and_the_index_leads_to_each():
    assert {page.name for page in every_page()} == PAGES
    assert {link for link in LOCAL_LINK.findall(text("README.md")) if "/" not in link} == PAGES - {"README.md"}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_what_a_page_links_to_is_there(page):
    broken = [link for link in LOCAL_LINK.findall(text(page)) if not (GUIDE / link).exists()]

    assert broken == []


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_commands_of_a_page_exist(page):
    commands = [*blocks(page), *inline(page)]
    targets = [match[1] for command in commands if (match := re.match(r"make ([a-z]+)", command))]
    modules = [match[1] for command in commands if (match := re.search(r"python -m ([\w.]+)", command))]
    named = [path for command in commands for path in re.findall(r"\b((?:tests|infra)/[\w./-]+)", command)]

    assert set(targets) <= make_targets()
    assert [name for name in modules if name != "pytest" and not is_module(name)] == []
    assert [path for path in named if not (ROOT / path).exists()] == []


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__main__.py").exists()


@pytest.mark.parametrize("page", sorted(PAGES))
def test_the_doors_of_a_page_exist(page):
    described = json.loads((ROOT / "chalicelib" / "console" / "openapi.json").read_text(encoding="utf-8"))["paths"]
    shapes = {(method.upper(), shape(path)) for path, methods in described.items() for method in methods}
    named = {(method, shape(path)) for method, path in DOOR.findall(text(page))}

    assert named - shapes == set()


def shape(path: str) -> str:
    """A path whose parameters, or what stands for them, are alike."""
    return re.sub(r"\{[^}]*\}", "{}", path.rstrip("/"))


def test_every_step_of_the_acceptance_script_has_its_test_and_every_test_its_step():
    steps = [match[0] for match in STEP.findall(text("uat.md"))]
    numbered = {name[5:8].upper() for name in named_tests("tests/flows/test_uat.py")}

    assert len(steps) == len(re.findall(r"^### ", text("uat.md"), re.MULTILINE)) == len(set(steps))
    assert steps == [f"U{number:02}" for number in range(1, len(steps) + 1)]
    assert set(steps) == numbered
    assert len(named_tests("tests/flows/test_uat.py")) == len(steps)


@pytest.mark.parametrize("step", STEP.findall(text("uat.md")), ids=lambda step: step[0])
def test_a_step_says_given_when_and_then_in_both_languages_and_its_test_is_called_like_it(step):
    number, _, english, indonesian, said = step

    name = re.sub(r"[^a-z]+", "_", english.lower().replace("'", "")).strip("_")
    assert f"test_{number.lower()}_{name}" in named_tests("tests/flows/test_uat.py")
    assert [word for word in ("**Diketahui**", "**Bila**", "**Maka**") if word not in indonesian] == []
    assert [word for word in ("*Given*", "*When*", "*Then*") if word not in said] == []


def test_every_line_of_the_checklist_is_ticked_by_a_command_a_test_a_door_or_a_step():
    ticks = TICK.findall(text("checklist.md"))
    unproven = [number for number, line in ticks if not proof_of(line)]

    assert len(ticks) >= 25
    assert len({number for number, _ in ticks}) == len(ticks) == text("checklist.md").count("- [ ]")
    assert unproven == []


def proof_of(line: str) -> bool:
    """A command that exists, a test that exists, a door, or a signed step of the acceptance script."""
    tests = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", line)
    told = all((ROOT / path).exists() and (not name or name in named_tests(path)) for path, name in tests)
    return told and bool(
        tests or re.search(r"`(make|\.venv/bin/python|aws) ", line) or DOOR.search(line) or "uat.md" in line
    )


def test_every_switch_in_the_code_is_on_the_desk_and_in_the_guide():
    from chalicelib.console.switches import SWITCHES

    made = [
        next(str(ast.literal_eval(keyword.value)) for keyword in node.keywords if keyword.arg == "name")
        for source in sources("chalicelib")
        for node in source.nodes()
        if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "Switch"
    ]

    assert sorted(made) == sorted(switch.name for switch in SWITCHES)
    assert [name for name in made if f"`{name}`" not in text("roll-out.md")] == []


def test_every_switch_says_what_it_is_for_in_both_languages():
    from chalicelib.console.switches import SWITCHES

    for switch in SWITCHES:
        assert re.fullmatch(r"[a-z]+(\.[a-z]+)?", switch.name)
        assert all([switch.meaning.id, switch.meaning.en, switch.when_off.id, switch.when_off.en]), switch.name
        assert 0 <= switch.default <= 100
