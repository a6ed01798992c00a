"""Midtrans' notifications: its signature, and everything that is not one."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.core.errors import Malformed
from chalicelib.payments.errors import BadSignature
from chalicelib.payments.gateways.midtrans import Midtrans
from chalicelib.payments.gateways.port import Notice
from tests.kit import cloud
from tests.kit.midtrans import REFERENCE, SERVER_KEY, TRANSACTION, notification


@pytest.fixture(autouse=True, scope="module")
def emulated_cloud():
    """For the properties too, which cannot use what is made anew for each test: keys are looked up in it."""
    cloud.start()


def test_the_published_signature_is_accepted(midtrans, secret):
    secret("midtrans-server-key", "askvnoibnosifnboseofinbofinfgbiufglnbfg")
    published = (
        "edc076b21793ebe3e17926350f5b8ae67d902fe657b3d0aa31b932d5c127e237"
        "5d308a2bc94f3265ac2d80a1f181a79b997ac178a236fcff35af263fc4d4c231"
    )

    raw = notification(order_id="1111", status_code="200", gross_amount="100000.00", signature_key=published)

    assert midtrans.read_webhook(raw, {}) == [Notice("1111", TRANSACTION)]


def test_a_notification_says_whom_it_is_about_and_no_more(midtrans):
    raw = notification(new_field={"of": ["tomorrow", 1.5]}, transaction_status="unheard of")

    assert midtrans.read_webhook(raw, {"user-agent": "Veritrans"}) == [Notice(REFERENCE, TRANSACTION)]


@pytest.mark.parametrize(
    "forged",
    [
        {"signature_key": ""},
        {"signature_key": "0" * 128},
        {"signature_key": "\u00e9" * 128},
        {"signature_key": "\ud800"},
        {"gross_amount": "44000", "signature_key": json.loads(notification())["signature_key"]},
        {"order_id": "ord_of_another-1", "signature_key": json.loads(notification())["signature_key"]},
        {"status_code": "201", "signature_key": json.loads(notification())["signature_key"]},
        {"signature_key": json.loads(notification())["signature_key"].upper()},
        {"signature_key": json.loads(notification(key=""))["signature_key"]},
        {"signature_key": json.loads(notification(key="another key"))["signature_key"]},
    ],
)
def test_a_forged_notification_is_refused(midtrans, forged):
    with pytest.raises(BadSignature):
        midtrans.read_webhook(notification(**forged), {})


def test_a_notification_without_a_signature_is_refused(midtrans):
    unsigned = json.loads(notification())
    del unsigned["signature_key"]

    with pytest.raises(BadSignature):
        midtrans.read_webhook(json.dumps(unsigned).encode(), {})


def test_an_empty_secret_means_off_and_not_that_anyone_may_sign(midtrans, secret):
    secret("midtrans-server-key", "")

    with pytest.raises(BadSignature):
        midtrans.read_webhook(notification(key=""), {})


def test_a_signature_key_of_its_own_takes_the_place_of_the_server_key(midtrans, secret):
    secret("midtrans-signature-key", "a signature key")

    assert midtrans.read_webhook(notification(key="a signature key"), {}) == [Notice(REFERENCE, TRANSACTION)]
    with pytest.raises(BadSignature):
        midtrans.read_webhook(notification(key=SERVER_KEY), {})


def test_while_keys_change_the_old_and_the_new_are_both_good(midtrans, secret):
    secret("midtrans-signature-key-next", "the next key")

    for key in (SERVER_KEY, "the next key"):
        assert midtrans.read_webhook(notification(key=key), {}) == [Notice(REFERENCE, TRANSACTION)]
    with pytest.raises(BadSignature):
        midtrans.read_webhook(notification(key="the last key"), {})


def test_no_flipped_bit_in_what_is_signed_or_in_the_signature_is_accepted(midtrans):
    raw = notification()
    signed = json.loads(raw)
    accepted = [
        (name, bit)
        for name in ("order_id", "status_code", "gross_amount", "signature_key")
        for bit in range(len(signed[name]) * 8)
        if is_accepted(midtrans, flip(raw, raw.index(f'"{signed[name]}"'.encode()) * 8 + 8 + bit))
    ]

    assert accepted == []


def test_random_flipped_bits_never_make_a_notice_about_another_payment(midtrans):
    raw, chance = notification(), random.Random(20261124)

    for _ in range(3000):
        flipped = flip(raw, *chance.sample(range(len(raw) * 8), chance.randint(1, 4)))
        if is_accepted(midtrans, flipped):
            assert signed_part(flipped) == signed_part(raw)


def signed_part(raw: bytes) -> list[str]:
    body = json.loads(raw)
    return [body[name] for name in ("order_id", "status_code", "gross_amount", "signature_key")]


def flip(raw: bytes, *bits: int) -> bytes:
    flipped = bytearray(raw)
    for bit in bits:
        flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


def is_accepted(midtrans: Midtrans, raw: bytes) -> bool:
    try:
        return bool(midtrans.read_webhook(raw, {}))
    except (BadSignature, Malformed):
        return False


GOOD = notification().decode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"null",
        b"true",
        b"1",
        b'"text"',
        b"[]",
        b"{}",
        b"{",
        b"order_id=1&status_code=200",
        b"\x00",
        b"\xff\xfe\x00",
        GOOD.encode("utf-16"),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.encode() + b"{}",
        GOOD.encode()[:-1],
        GOOD.replace('"44000.00"', "NaN").encode(),
        GOOD.replace('"44000.00"', "Infinity").encode(),
        GOOD.replace('"44000.00"', "-Infinity").encode(),
        (GOOD[:-1] + ', "extra": NaN}').encode(),
        (GOOD[:-1] + ', "order_id": "ord_of_another-1"}').encode(),
        (GOOD[:-1] + ', "extra": {"a": 1, "a": 2}}').encode(),
        (GOOD[:-1] + ', "extra": ' + "[" * 10_000 + "]" * 10_000 + "}").encode(),
        (GOOD[:-1] + ', "extra": ' + '{"a":' * 10_000 + "1" + "}" * 10_000 + "}").encode(),
        ("[" * 100_000).encode(),
        (GOOD[:-1] + ', "extra": ' + "9" * 5000 + "}").encode(),
        (GOOD[:-1] + ', "\\ud800": 1}').encode(),
        (GOOD[:-1] + ', "extra": "' + "x" * 256 * 1024 + '"}').encode(),
        notification(order_id=1111),
        notification(order_id=None),
        notification(order_id=["1111"]),
        notification(order_id={"1": "1"}),
        notification(order_id=""),
        notification(order_id="x" * 51),
        notification(order_id="ord 1"),
        notification(order_id="ord_1\n"),
        notification(order_id="\ud800", signature_key="x"),
        notification(order_id="\u0661"),
        notification(status_code=200),
        notification(status_code="20"),
        notification(gross_amount=44000),
        notification(gross_amount=44000.0),
        notification(gross_amount="44000.00; drop"),
        notification(transaction_id=None),
        notification(transaction_id="../../etc"),
        notification(signature_key=None),
        notification(signature_key=5),
        notification(signature_key=True),
    ],
)
def test_what_cannot_be_read_is_malformed_and_never_a_crash(midtrans, raw):
    with pytest.raises(Malformed):
        midtrans.read_webhook(raw, {})


@given(st.binary(max_size=400))
def test_random_bytes_are_never_a_notice_nor_a_crash(raw):
    with pytest.raises(Malformed):
        Midtrans("http://127.0.0.1:1").read_webhook(raw, {})


FIELDS = ["order_id", "transaction_id", "status_code", "gross_amount", "signature_key", "x"]
SCALARS = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "1", "200", "44000.00", "\ud800"])


@given(st.dictionaries(st.sampled_from(FIELDS), SCALARS | st.lists(SCALARS, max_size=3)))
def test_random_json_is_never_a_notice_nor_a_crash(said):
    with pytest.raises((Malformed, BadSignature)):
        Midtrans("http://127.0.0.1:1").read_webhook(json.dumps(said).encode(), {})
