"""The settings of a stage: read whole, or refused with what to change."""

import re

import pytest

from infra.deploying import stages
from infra.deploying.packaged import data_template
from infra.deploying.stages import WrongSettings, parameters, read

SOUND = """
account = "123456789012"
[shop]
name = "Toko Laris"
[web]
store_url = "https://toko.example"
[watch]
email = "siaga@toko.example"
"""


@pytest.fixture
def folder(tmp_path):
    def written(text, name="prod"):
        (tmp_path / f"{name}.toml").write_text(text)
        return tmp_path

    return written


def refusal(folder, name="prod"):
    with pytest.raises(WrongSettings) as refused:
        read(name, folder)
    return str(refused.value)


def test_the_example_is_a_sound_stage_and_shows_every_setting():
    stage = read("example")

    shown = set(re.findall(r"^(\w+) =", (stages.FOLDER / "example.toml").read_text(), re.MULTILINE))

    parts = (stages.Stage, stages.Shop, stages.Web, stages.Mail, stages.WhatsApp, stages.Midtrans, stages.Watch)
    fields = {field for part in (*parts, stages.Account) for field in part.__struct_fields__}
    assert stage.name == "example"
    assert fields - shown == {"name"} - shown | {"shop", "web", "mail", "whatsapp", "midtrans", "transfer", "watch"}


def test_a_stage_needs_little_and_takes_the_rest_from_its_defaults(folder):
    stage = read("prod", folder(SOUND))

    assert (stage.name, stage.region, stage.protected, stage.stack) == ("prod", "ap-southeast-3", True, "laris-prod")
    assert stage.environment()["LARIS_MIDTRANS_API_URL"] == "https://api.sandbox.midtrans.com"
    assert "LARIS_CONSOLE_URL" not in stage.environment()


def test_everything_the_functions_are_told_is_something_they_read():
    from chalicelib.core import config
    from tests.architecture.source import ROOT

    known = set(re.findall(r'"(LARIS_[A-Z_]+)"', (ROOT / "chalicelib" / "core" / "config.py").read_text()))

    assert config.Settings.read(read("example").environment()).shop_name == "Toko Laris"
    assert set(read("example").environment()) <= known


def test_everything_the_stack_is_told_is_a_parameter_of_it():
    assert set(parameters(read("example"))) == set(data_template()["Parameters"])


def test_real_money_is_asked_for_by_one_word(folder):
    stage = read("prod", folder(SOUND + "[midtrans]\nproduction = true\n"))

    assert stage.environment()["LARIS_MIDTRANS_API_URL"] == "https://api.midtrans.com"
    assert stage.environment()["LARIS_MIDTRANS_SNAP_URL"] == "https://app.midtrans.com/snap/v1"


@pytest.mark.parametrize("name", ["Prod", "a-b", "1st", "", "x" * 17])
def test_a_stage_that_no_name_could_be_made_of_is_refused(name):
    assert "is no name of a stage" in refusal(stages.FOLDER, name)


def test_a_stage_without_settings_is_told_what_to_copy(tmp_path):
    assert refusal(tmp_path) == "infra/stages/prod.toml is missing: copy example.toml there and fill it in."


def test_a_setting_that_does_not_exist_is_named(folder):
    text = SOUND.replace("store_url", 'shop_url = "https://x.example"\nstore_url')

    assert (
        refusal(folder(text)) == "infra/stages/prod.toml: web.shop_url is not a setting; example.toml lists them all."
    )


@pytest.mark.parametrize("secret", ["midtrans_server_key", "password", "whatsapp_token"])
def test_a_secret_is_sent_where_secrets_belong_and_not_repeated(folder, secret):
    said = refusal(folder(SOUND + f'[midtrans]\n{secret} = "very-secret"\n'))

    assert f"midtrans.{secret} looks like a secret, which does not belong here." in said
    assert "aws ssm put-parameter --type SecureString --name /laris/prod/NAME" in said
    assert "very-secret" not in said


def test_a_setting_of_the_wrong_kind_is_named(folder):
    said = refusal(folder(SOUND + "[whatsapp]\nnumber = 7\n"))

    assert said == "infra/stages/prod.toml: Expected `str`, got `int` - at `whatsapp.number`"


def test_all_that_is_wrong_is_said_at_once(folder):
    said = refusal(folder('[shop]\nname = "T"\nzone = "Mars/X"\n[web]\nstore_url = "http://t.example"\nburst = 1\n'))

    assert "web.store_url must begin with https://." in said
    assert "shop.zone Mars/X is not a time zone." in said
    assert "account is needed" in said
    assert "watch.email is needed" in said
    assert "web.burst must not be less than web.rate." in said


def test_an_origin_has_no_path(folder):
    text = SOUND.replace("[watch]", 'allowed_origins = ["https://toko.example/shop"]\n[watch]')

    assert "is an origin only without a path" in refusal(folder(text))


def test_a_stage_to_play_with_needs_neither_account_nor_watchman(folder):
    stage = read(
        "dev", folder('protected = false\n[shop]\nname = "T"\n[web]\nstore_url = "https://t.example"\n', "dev")
    )

    assert (stage.account, stage.protected) == ("", False)
