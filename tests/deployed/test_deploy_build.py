"""The folder that Chalice is given: our code, filled in for one stage; the checkout stays as it is."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from infra import policies
from infra.deploying.build import AT_ONCE, ROOT, Target, build, digest
from infra.deploying.functions import Kind, functions
from tests.kit.cloud import ACCOUNT, REGION

TARGET = Target(
    stage="prod",
    region=REGION,
    account=ACCOUNT,
    stream_arn=f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/laris-prod-events/stream/1",
    version="v1",
    environment={"LARIS_SHOP_NAME": "Toko Laris"},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build(tmp_path_factory.mktemp("build"), TARGET)


def settings(folder):
    return json.loads((folder / ".chalice" / "config.json").read_text())


def test_the_folder_holds_what_is_packaged_and_nothing_else(folder):
    assert {path.name for path in folder.iterdir()} == {".chalice", "app.py", "chalicelib", "requirements.txt"}
    assert (folder / "app.py").read_bytes() == (ROOT / "app.py").read_bytes()
    assert list(folder.rglob("__pycache__")) == []


def test_every_function_has_its_own_policy_filled_in_for_the_stage(folder):
    for function in functions():
        own = settings(folder)["stages"]["prod"]["lambda_functions"][function.config_name]
        standing = json.loads((folder / ".chalice" / own["iam_policy_file"]).read_text())

        assert standing == policies.policy(function.name, stage="prod", region=REGION, account=ACCOUNT)
        assert "${" not in json.dumps(standing)


def test_every_function_is_told_where_it_is_and_what_the_operator_set(folder):
    assert settings(folder)["stages"]["prod"]["environment_variables"] == {
        "LARIS_STAGE": "prod",
        "LARIS_ACCOUNT": ACCOUNT,
        "LARIS_EVENTS_STREAM_ARN": TARGET.stream_arn,
        "LARIS_VERSION": "v1",
        "LARIS_SHOP_NAME": "Toko Laris",
    }


def test_partial_answers_are_never_part_of_what_is_built(tmp_path):
    with pytest.raises(ValueError, match="LARIS_PARTIAL_BATCHES"):
        build(tmp_path, replace(TARGET, environment={"LARIS_PARTIAL_BATCHES": "1"}))

    assert not (tmp_path / ".chalice").exists()


def test_schedules_are_kept_from_overtaking_themselves_where_the_account_has_room(folder, tmp_path):
    roomy = settings(folder)["stages"]["prod"]["lambda_functions"]
    tight = settings(build(tmp_path, replace(TARGET, reserves_concurrency=False)))["stages"]["prod"]["lambda_functions"]

    schedules = {function.config_name for function in functions() if function.kind is Kind.SCHEDULE}
    assert AT_ONCE == {Kind.SCHEDULE: 1}
    assert {name for name, about in roomy.items() if about.get("reserved_concurrency") == 1} == schedules
    assert not [name for name, about in tight.items() if "reserved_concurrency" in about]


def test_the_same_is_built_the_same_and_a_difference_shows(folder, tmp_path):
    same = digest(build(tmp_path / "same", TARGET))
    other = digest(build(tmp_path / "other", replace(TARGET, version="v2")))

    assert same == digest(folder) != other


def test_building_again_keeps_chalices_record_and_drops_what_is_no_more(tmp_path):
    folder = build(tmp_path, TARGET)
    (folder / "chalicelib" / "gone.py").write_text("")
    (folder / ".chalice" / "policies" / "gone.json").write_text("{}")
    (folder / ".chalice" / "deployed").mkdir()
    (folder / ".chalice" / "deployed" / "prod.json").write_text("{}")

    build(tmp_path, TARGET)

    assert not (folder / "chalicelib" / "gone.py").exists()
    assert not (folder / ".chalice" / "policies" / "gone.json").exists()
    assert (folder / ".chalice" / "deployed" / "prod.json").exists()


@pytest.mark.parametrize("command", [["deploy"], ["deploy", "--stage", "prod"], ["package", "out/refused"]])
def test_chalice_by_itself_refuses_in_the_checkout_before_it_touches_anything(command, monkeypatch):
    monkeypatch.setenv("LARIS_EVENTS_STREAM_ARN", TARGET.stream_arn)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")

    run = [sys.executable, "-c", "import sys; from chalice.cli import main; sys.exit(main())", *command]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "run `make deploy STAGE=…` instead" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (ROOT / "out" / "refused").exists()
    assert not (ROOT / ".chalice" / "deployed").exists()
