"""The command: who may deploy what, what other commands need, and taking a stage down."""

import os
import shlex
import subprocess

import pytest

from infra.deploying import command, credentials, destroying, record, steps
from infra.deploying.deployment import Refused
from infra.deploying.functions import functions
from tests.kit.cloud import ACCOUNT
from tests.kit.deploying import Bench, settings

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse")

TOML = """
account = "{account}"
protected = {protected}
[shop]
name = "Toko 'Uji'"
[web]
store_url = "https://toko.example"
[watch]
email = "siaga@toko.example"
"""


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path, settings())


@pytest.fixture
def checkout(bench, tmp_path):
    """A deployment from a checkout in which something is not committed, or nothing."""

    def made(changed):
        subprocess.run(["git", "init", "-q", tmp_path / "checkout"], check=True)
        if changed:
            (tmp_path / "checkout" / "app.py").write_text("")
        return bench.deployment(checkout=tmp_path / "checkout")

    return made


@pytest.fixture
def folder(tmp_path, bench):
    """Settings in a file, and the environment as it was afterwards: the command becomes the stage."""
    before = dict(os.environ)

    def written(account=ACCOUNT, protected="false"):
        path = tmp_path / f"{bench.stage.name}.toml"
        path.write_text(TOML.format(account=account, protected=protected))
        return ["--settings", str(tmp_path)]

    yield written
    os.environ.clear()
    os.environ.update(before)


def deploy(bench):
    steps.deploy(bench.deployment(), confirm=lambda: True)


def refusal(do, *arguments, **options):
    with pytest.raises(Refused) as refused:
        do(*arguments, **options)
    return str(refused.value)


def stored(bench):
    """The tables, buckets and secrets of the stage."""
    prefix = f"laris-{bench.stage.name}-"
    tables = bench.client("dynamodb").list_tables()["TableNames"]
    buckets = [bucket["Name"] for bucket in bench.client("s3").list_buckets()["Buckets"]]
    parameters = bench.client("ssm").get_parameters_by_path(Path=f"/laris/{bench.stage.name}")["Parameters"]
    named = [name for name in [*tables, *buckets] if name.startswith(prefix)]
    return sorted([*named, *(parameter["Name"] for parameter in parameters)])


def running(bench):
    """What of the stage runs, or starts something, or may do something."""
    deployment = bench.deployment()
    deployment.account = bench.stage.account
    prefix = f"laris-{bench.stage.name}-"
    roles = [role["RoleName"] for role in bench.client("iam").list_roles(MaxItems=1000)["Roles"]]
    made = {function.role_name(bench.stage.name) for function in functions()}
    mappings = [
        mapping["UUID"]
        for arn, listed in record.mappings(deployment).items()
        for mapping in listed
        if f":{prefix}" in arn
    ]
    return [*record.found(deployment)["resources"], *record.rules(deployment), *mappings, *(made & set(roles))]


def test_credentials_of_another_account_are_refused(bench):
    deployment = bench.deployment()
    deployment.stage = settings(account="999999999999")

    said = refusal(credentials.check, deployment)

    assert said.startswith(f"The credentials are of account {ACCOUNT}, but ")
    assert said.endswith("belongs to 999999999999.")


@pytest.mark.parametrize(("protected", "changed"), [(True, False), (False, True)])
def test_committed_code_and_code_for_a_stage_to_play_with_are_let_through(bench, checkout, protected, changed):
    deployment = checkout(changed)
    deployment.stage = settings(protected=protected)

    credentials.check(deployment)

    assert deployment.account == ACCOUNT


def test_a_protected_stage_gets_committed_code_only(checkout):
    deployment = checkout(changed=True)
    deployment.stage = settings(protected=True)

    said = refusal(credentials.check, deployment)

    assert said.endswith("gets committed code only; 1 files differ, such as app.py.")


def test_the_command_plans_and_says_that_nothing_was_changed(bench, folder, capsys):
    status = command.main([bench.stage.name, "--plan", *folder()], say=bench.said.append)

    assert status == 0
    assert capsys.readouterr().out == "Nothing was changed: this was the plan.\n"
    assert "bucket: to be changed" in bench.said
    assert stored(bench) == []


def test_the_command_asks_before_it_changes_anything(bench, folder, capsys):
    status = command.main([bench.stage.name, *folder()], say=bench.said.append)

    assert status == 1
    assert capsys.readouterr().err == "Nobody is here to be asked: say --yes.\nNothing was changed.\n"
    assert stored(bench) == []


def test_the_command_names_what_is_wrong_with_a_stage(tmp_path, capsys):
    status = command.main(["uji", "--settings", str(tmp_path)])

    assert status == 1
    assert capsys.readouterr().err == "infra/stages/uji.toml is missing: copy example.toml there and fill it in.\n"


def test_other_commands_are_told_what_they_need_to_work_on_a_stage(bench, folder, capsys):
    deploy(bench)

    status = command.main(["env", bench.stage.name, *folder()])

    lines = capsys.readouterr().out.splitlines()
    told = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    assert status == 0
    assert (told["LARIS_STAGE"], told["LARIS_ACCOUNT"]) == (bench.stage.name, ACCOUNT)
    assert told["LARIS_SHOP_NAME"] == "Toko 'Uji'"
    assert told["LARIS_CONSOLE_URL"] == record.api_url(bench.deployment())


def test_a_command_can_be_run_on_a_stage(bench, folder, tmp_path):
    check = f"import os; open({str(tmp_path / 'seen')!r}, 'w').write(os.environ['LARIS_STAGE'])"

    status = command.main(["run", *folder(), bench.stage.name, "--", "python3", "-c", check])

    assert status == 0
    assert (tmp_path / "seen").read_text() == bench.stage.name


def test_a_stage_that_is_taken_down_keeps_what_is_stored(bench):
    deploy(bench)
    before = stored(bench)

    destroying.destroy(bench.deployment(), data=False, ask=lambda _question: bench.stage.name)

    assert running(bench) == []
    assert stored(bench) == before
    assert f"  - keep table laris-{bench.stage.name}-orders" in bench.said


def test_a_stage_that_was_taken_down_can_be_deployed_again(bench):
    deploy(bench)
    secret = bench.client("ssm").get_parameter(Name=f"/laris/{bench.stage.name}/index-key", WithDecryption=True)
    destroying.destroy(bench.deployment(), data=False, ask=lambda _question: bench.stage.name)

    deploy(bench)

    again = bench.client("ssm").get_parameter(Name=f"/laris/{bench.stage.name}/index-key", WithDecryption=True)
    assert again["Parameter"]["Value"] == secret["Parameter"]["Value"]
    assert steps.plan(bench.deployment()) == []


def test_nothing_goes_unless_the_name_of_the_stage_is_typed(bench):
    deploy(bench)
    before = running(bench), stored(bench)

    said = refusal(destroying.destroy, bench.deployment(), data=True, ask=lambda _question: "yes")

    assert said == "That is not the stage's name; nothing was touched."
    assert (running(bench), stored(bench)) == before


def test_the_data_of_a_protected_stage_is_not_deleted_even_if_its_name_is_typed(bench):
    deploy(bench)
    before = running(bench), stored(bench)
    deployment = bench.deployment()
    deployment.stage = settings(name=bench.stage.name, protected=True)

    said = refusal(destroying.destroy, deployment, data=True, ask=lambda _question: bench.stage.name)

    assert said == f"{bench.stage.name} is protected: its data is not deleted from here. Nothing was touched."
    assert (running(bench), stored(bench)) == before


def test_a_stage_to_play_with_goes_whole(bench):
    deploy(bench)

    destroying.destroy(bench.deployment(), data=True, ask=lambda _question: bench.stage.name)

    assert running(bench) == []
    assert stored(bench) == []
    assert bench.deployment().outputs() == {}
