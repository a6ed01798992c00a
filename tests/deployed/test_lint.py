"""Others' rules for the template: cfn-lint has nothing to say, and checkov nothing that is not answered for."""

import json
import os
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local import cloud
from infra.local.env import ROOT
from tests.deployed.conftest import tool

REGIONS = ("ap-southeast-3", "ap-southeast-1")
BASELINE = ROOT / "infra" / "checkov-baseline.yaml"
FORMS = ("as it is written", "as it is sent")
EXPANDED_BY_CFN_LINT = """
import json, sys
from cfnlint.decode import decode
from cfnlint.template import Template
loaded, problems = decode(sys.argv[1])
template = Template(sys.argv[1], loaded, [sys.argv[2]])
problems += template.transform() if hasattr(template, "transform") else []
json.dump({"problems": [str(each) for each in problems], "template": template.template}, sys.stdout)
"""


@pytest.fixture(scope="module")
def lint() -> Path:
    """Where the tools are."""
    return tool("lint", "cfn-lint") / "bin"


@pytest.fixture(scope="module")
def sent(tmp_path_factory) -> Path:
    """The template as everybody is sent it."""
    path = tmp_path_factory.mktemp("template") / "template.json"
    path.write_text(json.dumps(cloud.template(), indent=1))
    return path


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    offline = {**os.environ, "CKV_IGNORE_HIDDEN_DIRECTORIES": "true", "LOG_LEVEL": "ERROR"}
    return subprocess.run(
        [str(each) for each in command], capture_output=True, text=True, check=False, timeout=300, env=offline
    )


@pytest.mark.parametrize("form", FORMS)
def test_cfn_lint_finds_nothing(lint, sent, form):
    path = cloud.TEMPLATE if form == FORMS[0] else sent

    found = run(lint / "cfn-lint", "--non-zero-exit-code", "informational", "-r", *REGIONS, "-t", path)

    assert (found.returncode, found.stdout) == (0, "")


def test_cfn_lint_is_told_to_overlook_nothing():
    written = cloud.TEMPLATE.read_text()

    assert "cfn-lint" not in written
    assert "cfnlint" not in written
    assert list(ROOT.glob(".cfnlintrc*")) == []


def test_cfn_lint_notices_what_is_wrong(lint, sent, tmp_path):
    wrong = json.loads(sent.read_text())
    wrong["Resources"]["OrdersQueue"]["Properties"]["VisibilityTimeOut"] = 360
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))

    found = run(lint / "cfn-lint", "-t", tmp_path / "wrong.json")

    assert "VisibilityTimeOut" in found.stdout


def test_what_is_repeated_is_written_out_as_cfn_lint_writes_it_out(lint):
    found = run(lint / "python", "-c", EXPANDED_BY_CFN_LINT, cloud.TEMPLATE, REGIONS[0])
    theirs = json.loads(found.stdout)

    assert theirs["problems"] == []
    for part in ("Resources", "Outputs", "Parameters"):
        assert theirs["template"][part] == cloud.template()[part]


def test_checkov_finds_only_what_is_answered_for(lint, sent):
    found = checkov(lint, sent)
    answered = baseline()

    unanswered = {
        (check, resource)
        for check, resource in found
        if not any(fnmatch(resource, pattern) for pattern in answered.get(check, {}).get("of", []))
    }
    needless = {
        (check, pattern)
        for check, about in answered.items()
        for pattern in about["of"]
        if not any(check == each and fnmatch(resource, pattern) for each, resource in found)
    }
    assert unanswered == set()
    assert needless == set()


def test_checkov_notices_what_is_wrong(lint, sent, tmp_path):
    wrong = json.loads(sent.read_text())
    del wrong["Resources"]["BackupsBucket"]["Properties"]["PublicAccessBlockConfiguration"]
    (tmp_path / "wrong.json").write_text(json.dumps(wrong))

    assert ("CKV_AWS_53", "BackupsBucket") in checkov(lint, tmp_path / "wrong.json")


def test_every_answer_gives_its_reason_in_one_sentence():
    for check, about in baseline().items():
        assert about.keys() == {"check", "of", "why"}, check
        assert about["why"].endswith("."), check
        assert about["why"].count(". ") == 0, check


def baseline() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(BASELINE.read_text())
    return loaded


def checkov(lint: Path, template: Path) -> set[tuple[str, str]]:
    """What fails: the check, and the resource's name in the template."""
    told = run(
        lint / "checkov",
        "-f",
        template,
        "--framework",
        "cloudformation",
        "--output",
        "json",
        "--quiet",
        "--skip-download",
    )
    report = json.loads(told.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] > 100
    return {(each["check_id"], each["resource"].rpartition(".")[2]) for each in report["results"]["failed_checks"]}
