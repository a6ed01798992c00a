"""Which passwords are taken: NIST SP 800-63B-4 and OWASP ASVS 5.0 chapter 6.2."""

import re

import pytest

from chalicelib.core.config import settings
from chalicelib.core.errors import Invalid
from chalicelib.identity import passwords
from chalicelib.identity.passwords import check_password, hash_password, is_outdated, is_right

SITI = ("siti.rahayu@kebaya-ayu.example", "Siti Rahayu")

ODD = (  # unlike each other, so that no rule against repetition has a say
    "q7vw zkx9 mfp2 hj4d yb8n tc6g lr3s 5uae oi1k zvq0 wpxm 93fj dhb7 "
    "kty4 ncg8 2slr e6ua iov5 kqz1 mxw0 p9jf 3bdh 7ytk 4gcn 8rls 2aue "
    "6vio 5zqk 1wmx 0fpj 9hdb 3kyt 7cng 4lsr 8eau 2ovi 6qkz 5mxw 1pjf "
    "0dhb 9tky 3gcn 7rls 4uea 8iov 2kzq 6xwm 5jfp 1bhd 0ykt 9ncg 3lsr"
)


def taken(password, *, context=SITI, has_second_factor=True):
    """What is wrong with it, None where it is taken."""
    try:
        check_password(password, context=context, has_second_factor=has_second_factor)
    except Invalid as refusal:
        (error,) = refusal.facts["errors"]
        assert error["pointer"] == "/password"
        return error["detail"]
    return None


@pytest.mark.parametrize(
    "password",
    [
        "kuda lumping menari",
        " mulai dengan spasi",
        "berakhir spasi juga ",
        "🐢🌋🥥🛶🎏🪁🧵🪔",
        "пароль из слов на кириллице",
        "蜡染布料与山茶花的香味很好闻呀今天",
        "semuahurufkecilsaja ya",
        ODD[:64],
        ODD[:256],
    ],
)
def test_length_is_what_counts_and_every_character_does(password):
    assert taken(password) is None


def test_where_there_is_a_second_factor_eight_characters_do_and_fifteen_where_there_is_none():
    assert taken("xq7zrv#k") is None
    assert taken("xq7zrv#") == "It has fewer than 8 characters."
    assert taken("xq7zrv#kp2wm9b", has_second_factor=False) == "It has fewer than 15 characters."
    assert taken("xq7zrv#kp2wm9bd", has_second_factor=False) is None


def test_characters_are_counted_in_their_normal_form_and_not_as_bytes():
    assert taken("🐢🌋🥥🛶🎏🪁🧵") == "It has fewer than 8 characters."
    assert taken("e\u0301" * 7) == "It has fewer than 8 characters."


def test_256_characters_are_taken_and_257_are_not():
    assert len(ODD) > 256
    assert taken(ODD[:256]) is None
    assert taken(ODD[:257]) == "It has more than 256 characters."


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "PASSWORD",
        "Password123!",
        "!!password!!",
        "passwordpassword",
        "pass-word",
        "1234567890",
        "qwertyuiop",
        "internationally",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44",
    ],
)
def test_what_is_on_guessers_lists_is_refused(password):
    assert taken(password) == "It is on the lists of passwords and words that are tried first."


@pytest.mark.parametrize("password", ["aaaaaaaaaaaaaaaa", "abcabcabcabcabcabc", "abcdefghijklmnop", "1qaz1qaz1qaz"])
def test_repetitions_and_sequences_are_refused(password):
    assert taken(password) is not None


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("laris-admin-2026", "laris"),
        ("xq7 LARIS zrv", "laris"),
        ("l.a.r.i.s.2026.zq", "laris"),
        (f"xq7-{settings.stage}-zrvk", settings.stage),
        ("rahayu8841xq", "rahayu"),
        ("siti8841-xqzv", "siti"),
        ("kebaya!8841xq", "kebaya"),
        ("xx sitirahayu xx", "sitirahayu"),
    ],
)
def test_what_a_guesser_knows_of_the_shop_and_its_owner_is_refused_by_name(password, word):
    assert taken(password) == f"It contains “{word}”, which is the first thing that is tried here."


def test_the_shops_name_is_refused_whatever_else_is_said_around_it():
    first = re.split(r"\W+", settings.shop_name.casefold())[0]

    assert f"“{first}" in taken(f"{first}-admin-2026-xq7zrv")


def test_short_words_about_somebody_forbid_nothing():
    assert taken("animal farm 88 xq", context=("ani@x.co", "Ani Wu")) is None


def test_a_password_is_stored_as_argon2id_of_19_mib_two_passes_and_one_lane():
    hashed = hash_password("kuda lumping menari")

    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert is_right("kuda lumping menari", hashed)
    assert not is_right("kuda lumping menar", hashed)
    assert hash_password("kuda lumping menari") != hashed


def test_nothing_of_a_long_password_is_cut_off():
    hashed = hash_password(ODD[:256])

    assert is_right(ODD[:256], hashed)
    assert not is_right(ODD[:255] + "x", hashed)


def test_one_password_typed_in_two_ways_is_one_password():
    assert is_right("café di pojok pasar", hash_password("cafe\u0301 di pojok pasar"))


def test_a_hash_of_other_parameters_is_outdated():
    from argon2 import PasswordHasher

    weaker = PasswordHasher(time_cost=1, memory_cost=8 * 1024, parallelism=1).hash("kuda lumping menari")

    assert is_right("kuda lumping menari", weaker)
    assert is_outdated(weaker)
    assert not is_outdated(hash_password("kuda lumping menari"))


def test_nobodys_hash_takes_as_much_work_as_anybodys_and_opens_nothing():
    assert not is_outdated(passwords.NOBODYS)
    assert not is_right("kuda lumping menari", None)
